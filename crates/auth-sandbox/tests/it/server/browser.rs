//! The page, in Debian's Chromium by Playwright: `tests/browser/page.mjs` has the checks.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Program;
use super::snippets::snippet;

/// The largest picture that the README shows, in bytes.
const LARGEST: u64 = 300_000;

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` installs it"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    said
}

#[test]
fn the_page_works_in_a_browser_and_is_accessible() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("page");
    fs::create_dir_all(&folder).unwrap();
    for file in [
        "package.json",
        "package-lock.json",
        "page.mjs",
        "playwright.config.mjs",
    ] {
        fs::copy(sources.join(file), folder.join(file)).unwrap();
    }
    fs::write(folder.join("readme.spec.mjs"), snippet("js")).unwrap();
    let npm = "ci --ignore-scripts --no-audit --no-fund --loglevel=error";
    run(Command::new("npm")
        .args(npm.split(' '))
        .current_dir(&folder));
    let program = Program::start(&[]);
    let url = program.url.replace("127.0.0.1", "localhost");
    let mut node = Command::new("node");
    let said = run(node.args(["page.mjs", &url, "."]).current_dir(&folder));
    assert_eq!(said.lines().count(), 9, "{said}");
    let mut readme = Command::new("npx");
    readme.args(["playwright", "test"]).current_dir(&folder);
    let said = run(readme.env("SANDBOX", format!("{url}/ns/readme")));
    assert!(said.contains("1 passed"), "{said}");
    let picture = fs::metadata(folder.join("1440-light.png")).unwrap();
    assert!(picture.len() < LARGEST, "{} bytes", picture.len());
}

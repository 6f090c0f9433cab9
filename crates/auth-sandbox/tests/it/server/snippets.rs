//! The snippets of the README, in each language whose interpreter is there; that for Playwright is with the
//! tests of the page.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::Program;

const README: &str = include_str!("../../../README.md");

/// The block of the README in a language.
pub(super) fn snippet(language: &str) -> &'static str {
    let block = README.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap()
}

fn is_there(program: &str, args: &[&str]) -> bool {
    let output = Command::new(program).args(args).output();
    output.is_ok_and(|output| output.status.success())
}

/// Whether a snippet has to be left out. In CI none is.
#[allow(
    clippy::disallowed_methods,
    reason = "only CI promises the interpreters"
)]
#[allow(clippy::print_stderr, reason = "what was not tested is named")]
fn is_left_out(language: &str, is_there: bool) -> bool {
    if !is_there {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI has no interpreter for {language}"
        );
        eprintln!("left out: the snippet in {language}, whose interpreter is not installed");
    }
    !is_there
}

struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, text: &str) -> (Self, PathBuf) {
        let folder = std::env::temp_dir().join(format!(
            "auth-sandbox-snippet-{}-{name}",
            std::process::id()
        ));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        (Self(folder), file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a snippet against a new program, with the address of one of its namespaces.
async fn run(command: &str, args: &[&str], file: &Path) {
    let program = Program::start(&[]);
    let output: Output = Command::new(command)
        .args(args)
        .arg(file)
        .current_dir(file.parent().unwrap())
        .env("SANDBOX", format!("{}/ns/snippet", program.url))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // It did what it is about.
    let path = "/ns/snippet/_sandbox/requests/counts?operation=eqworks.verify&status=200";
    assert_eq!(program.json(path).await["total"], 1, "{output:?}");
}

#[tokio::test]
async fn the_one_for_curl_runs() {
    let (_folder, file) = Folder::with("snippet.sh", snippet("sh"));
    run("sh", &["-eu"], &file).await;
}

#[tokio::test]
async fn the_one_in_python_runs() {
    if !is_left_out("Python", is_there("python3", &["--version"])) {
        let (_folder, file) = Folder::with("snippet.py", snippet("python"));
        run("python3", &[], &file).await;
    }
}

#[tokio::test]
async fn the_one_in_php_runs() {
    if !is_left_out("PHP", is_there("php", &["--version"])) {
        let (_folder, file) = Folder::with("snippet.php", snippet("php"));
        run(
            "php",
            &["-d", "zend.assertions=1", "-d", "assert.exception=1"],
            &file,
        )
        .await;
    }
}

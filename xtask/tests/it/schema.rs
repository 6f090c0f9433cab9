//! `cargo xtask schema`, as it is typed, against the sandbox: a schema that was written apart from
//! ours.

use std::process::{Command, Output};

use auth_sandbox::Sandbox;

fn schema(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("schema")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn our_operations_fit_what_the_sandbox_says_of_itself() {
    let sandbox = Sandbox::start().unwrap();
    let diff = schema(&["diff", "--against", sandbox.identityx().endpoint().as_str()]);
    assert!(diff.status.success(), "{}", text(&diff.stderr));
    assert!(text(&diff.stdout).contains("13 operations fit"), "{diff:?}");
}

#[test]
fn what_would_break_us_is_named_and_fails() {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("stored.json");
    let path = stored.to_str().unwrap();
    let endpoint = sandbox.identityx().endpoint();
    let fetched = schema(&["fetch", endpoint.as_str(), "--out", path]);
    assert!(fetched.status.success(), "{}", text(&fetched.stderr));
    assert!(schema(&["diff", "--against", path]).status.success());

    let theirs = std::fs::read_to_string(path).unwrap();
    for (ours, theirs_now, named) in [
        (
            "\"loginSource\"",
            "\"loginOrigin\"",
            "AppUserAuthentication.loginSource",
        ),
        ("\"Guest\"", "\"Visitor\"", "Guest"),
        ("\"authUrl\"", "\"authURL\"", "authUrl"),
    ] {
        assert!(theirs.contains(ours), "{ours}");
        std::fs::write(path, theirs.replace(ours, theirs_now)).unwrap();
        let diff = schema(&["diff", "--against", path]);
        assert_eq!(diff.status.code(), Some(1), "{ours}");
        let said = text(&diff.stdout);
        let line = said.lines().find(|line| line.contains(named));
        assert!(line.is_some_and(|it| it.starts_with("breaks: ")), "{said}");
    }
}

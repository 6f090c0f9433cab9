//! `cargo xtask codegen`, and `schema` against the sandbox, which has a schema of its own, and against
//! services that answer something else.

use std::fs;
use std::process::Command;

use auth_sandbox::Sandbox;
use httpmock::MockServer;

use super::repository::{Repository, failure, success};

fn schema(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("schema").args(words.split(' '));
    command
}

#[test]
fn our_operations_fit_what_the_sandbox_says_and_what_would_break_us_is_named() {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("stored.json");
    let path = stored.to_str().unwrap();
    let endpoint = sandbox.identityx().endpoint();
    success(&mut schema(&format!("fetch {endpoint} --out {path}")));
    for against in [endpoint.as_str(), path] {
        let said = success(&mut schema(&format!("diff --against {against}")));
        assert!(said.contains("13 operations fit"), "{said}");
    }
    let theirs = fs::read_to_string(path).unwrap();
    for (ours, theirs_now, named) in [
        ("\"loginSource\"", "\"loginOrigin\"", "AppUserAuthentication.loginSource"),
        ("\"Guest\"", "\"Visitor\"", "Guest"),
        ("\"authUrl\"", "\"authURL\"", "authUrl"),
    ] {
        assert!(theirs.contains(ours), "{ours}");
        fs::write(path, theirs.replace(ours, theirs_now)).unwrap();
        let said = failure(&mut schema(&format!("diff --against {path}")));
        let line = said.lines().find(|line| line.contains(named));
        assert!(line.is_some_and(|it| it.starts_with("breaks: ")), "{said}");
    }
}

#[test]
fn generated_code_is_up_to_date_or_named_with_the_command_that_updates_it() {
    let repository = Repository::copy();
    let check = || repository.xtask("codegen --check");
    success(&mut check());
    repository.replace("schemas/identityx.graphql", "loginSource: String", "loginSource: String!");
    let said = failure(&mut check());
    assert!(said.contains("run `cargo xtask codegen`"), "{said}");
    assert!(said.contains("crates/identityx-auth/src/generated/log_in_app_user.rs:"), "{said}");
    assert_eq!(said.matches(".rs:").count(), 1, "{said}");
    success(&mut repository.xtask("codegen"));
    success(&mut check());
}

#[test]
fn an_answer_that_is_no_schema_is_refused_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("stored.json");
    for (status, answer, words) in [
        (502, "<html>", "502"),
        (400, "{\"errors\": [{\"message\": \"it is off\"}]}", "is off"),
        (200, "{\"data\": null}", "`__schema`"),
    ] {
        let server = MockServer::start();
        server.mock(|_, then| drop(then.status(status).body(answer)));
        let url = server.url("/graphql");
        let said = failure(&mut schema(&format!("fetch {url} --out {}", stored.display())));
        assert!(said.contains(words) && said.contains(&url) && !stored.exists(), "{said}");
    }
}

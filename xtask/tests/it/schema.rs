//! `cargo xtask codegen`, and `schema` against the sandbox, whose schema was written apart, and against
//! services that answer something else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread;

use auth_sandbox::Sandbox;

fn schema(arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command.arg("schema").args(arguments).output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    (output, String::from_utf8(said).unwrap())
}

#[test]
fn our_operations_fit_what_the_sandbox_says_and_what_would_break_us_is_named() {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("stored.json");
    let path = stored.to_str().unwrap();
    let endpoint = sandbox.identityx().endpoint();
    let (fetched, said) = schema(&["fetch", endpoint.as_str(), "--out", path]);
    assert!(fetched.status.success(), "{said}");
    for against in [endpoint.as_str(), path] {
        let (diff, said) = schema(&["diff", "--against", against]);
        assert!(diff.status.success() && said.contains("13 operations fit"), "{said}");
    }
    let theirs = fs::read_to_string(path).unwrap();
    for (ours, theirs_now, named) in [
        ("\"loginSource\"", "\"loginOrigin\"", "AppUserAuthentication.loginSource"),
        ("\"Guest\"", "\"Visitor\"", "Guest"),
        ("\"authUrl\"", "\"authURL\"", "authUrl"),
    ] {
        assert!(theirs.contains(ours), "{ours}");
        fs::write(path, theirs.replace(ours, theirs_now)).unwrap();
        let (diff, said) = schema(&["diff", "--against", path]);
        assert_eq!(diff.status.code(), Some(1), "{ours}");
        let line = said.lines().find(|line| line.contains(named));
        assert!(line.is_some_and(|it| it.starts_with("breaks: ")), "{said}");
    }
}

#[test]
fn generated_code_is_up_to_date() {
    let mut check = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = check.args(["codegen", "--check"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_answer_that_is_no_schema_is_refused_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("stored.json");
    for (answer, words) in [
        ("502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>", "502"),
        (
            "400 -\r\ncontent-length: 38\r\n\r\n{\"errors\": [{\"message\": \"it is off\"}]}",
            "is off",
        ),
        ("200 OK\r\ncontent-length: 14\r\n\r\n{\"data\": null}", "`__schema`"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            // The body is JSON that ends with the query's brace.
            while !request.ends_with(b"\"}") {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            write!(stream, "HTTP/1.1 {answer}").unwrap();
        });
        let (_, said) = schema(&["fetch", &url, "--out", stored.to_str().unwrap()]);
        served.join().unwrap();
        assert!(said.contains(words) && said.contains(&url) && !stored.exists(), "{said}");
    }
}

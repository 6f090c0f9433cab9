//! Seed files, snapshots and the state file.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::Program;
use crate::caller::read;

/// A file that is removed when this is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("auth-sandbox-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Does a little of everything.
async fn live(program: &Program, space: &str) {
    let api = |path: &str| format!("{space}/_sandbox/{path}");
    program.iqm_log_in(space, "123456").await;
    program.iqm_log_in(space, "wrong").await;
    program.request_passcode(space, "sue@eqworks.example").await;
    let mail = program.json(&api("mails/latest")).await;
    let link = mail["link"]
        .as_str()
        .unwrap()
        .replace("localhost", "127.0.0.1");
    read(program.client.get(link)).await;
    program
        .request_passcode(space, "adam@eqworks.example")
        .await;
    let reset =
        json!({ "email": "ed@edgeiq.example", "url": "https://a.example/", "subject": "S" });
    let url = format!(
        "{}{space}/edgeiq/api/v1/platform/user/password_reset_request",
        program.url
    );
    let request = program
        .client
        .post(url)
        .json(&reset)
        .header("accept", "*/*");
    assert_eq!(
        read(request.header("x-bytes", &b"\xff\xfe"[..]))
            .await
            .status,
        200
    );
    for make in [
        json!({ "vendor": "edgeiq", "kind": "session", "owner": "ed@edgeiq.example", "value": "chosen" }),
        json!({ "vendor": "identityx", "kind": "app_session", "owner": "ann@identityx.example" }),
        json!({ "vendor": "identityx", "kind": "api_token", "owner": "ada@identityx.example" }),
        json!({ "vendor": "iqm", "kind": "authorization_code", "owner": "user1@iqm.com", "redirect_uri": "r" }),
    ] {
        program.done(&api("tokens"), make).await;
    }
    let which = json!({ "vendor": "eqworks" });
    program.done(&api("tokens/expire"), which).await;
    for fault in [
        json!({ "operation": "iqm.refresh", "times": 3, "steps": [{ "kind": "delay", "wait": "1s 5ms" }, { "kind": "cut" }] }),
        json!({ "always": true, "operation": "edgeiq.me", "steps": [{ "kind": "retry_after", "status": 503, "wait": "2s" }] }),
        json!({ "operation": "iqm.log_out", "steps": [{ "kind": "hold" }] }),
    ] {
        program.done(&api("faults"), fault).await;
    }
    program
        .done(
            &api("users/eqworks"),
            json!({ "email": "z@z.example", "access_ends": "2031-01-01T00:00:00.123456789Z" }),
        )
        .await;
    program
        .done(&api("clock/suspend"), json!({ "by": "1h" }))
        .await;
    program
        .done(&api("clock/jump_back"), json!({ "by": "5m" }))
        .await;
}

async fn text(program: &Program, path: &str) -> String {
    let reply = read(program.get(path)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.text
}

#[tokio::test]
async fn a_snapshot_that_is_restored_is_the_same_byte_for_byte() {
    let program = Program::start(&[]);
    live(&program, "").await;
    let first = text(&program, "/_sandbox/snapshot").await;
    let restore = |space: &'static str, body: String| {
        let program = &program;
        async move {
            let request =
                program.request(reqwest::Method::POST, &format!("{space}/_sandbox/restore"));
            read(request.body(body)).await
        }
    };
    // Into the same namespace, into another one, and into another program.
    assert_eq!(restore("", first.clone()).await.status, 200);
    assert_eq!(text(&program, "/_sandbox/snapshot").await, first);
    assert_eq!(restore("/ns/copy", first.clone()).await.status, 200);
    assert_eq!(text(&program, "/ns/copy/_sandbox/snapshot").await, first);
    // The copy has a life of its own.
    program.iqm_log_in("/ns/copy", "123456").await;
    assert_eq!(text(&program, "/_sandbox/snapshot").await, first);
    assert_ne!(text(&program, "/ns/copy/_sandbox/snapshot").await, first);

    let mut other: Value = serde_json::from_str(&first).unwrap();
    other["version"] = json!(2);
    for wrong in [
        other.to_string(),
        "{}".to_owned(),
        first[..first.len() / 2].to_owned(),
    ] {
        assert_eq!(restore("", wrong).await.status, 400);
    }
    assert_eq!(text(&program, "/_sandbox/snapshot").await, first);
}

#[cfg(unix)]
#[tokio::test]
async fn everything_survives_a_restart_and_an_interruption_ends_the_program_at_once() {
    let file = Temporary::new("state.json");
    let mut program = Program::start(&["--state", file.path()]);
    live(&program, "").await;
    live(&program, "/ns/a").await;
    let snapshots = [
        text(&program, "/_sandbox/snapshot").await,
        text(&program, "/ns/a/_sandbox/snapshot").await,
    ];
    // A held call and a client that waits do not hold it up.
    let (held, waiting) = (
        program.iqm_log_in_request("/ns/b", "123456"),
        program.get("/_sandbox/mails/latest?to=nobody@example.com&wait=60s"),
    );
    let fault = json!({ "steps": [{ "kind": "hold" }] });
    program.done("/ns/b/_sandbox/faults", fault).await;
    let (held, waiting) = (tokio::spawn(held.send()), tokio::spawn(waiting.send()));
    program.json("/ns/b/_sandbox/faults/1/gate?wait=20s").await;

    let pid = program.child.id().to_string();
    let began = std::time::Instant::now();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(program.child.wait().unwrap().success());
    assert!(began.elapsed() < std::time::Duration::from_secs(2));
    assert!(held.await.unwrap().is_err() && waiting.await.unwrap().is_err());
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file.0).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let program = Program::start(&["--state", file.path()]);
    assert_eq!(text(&program, "/_sandbox/snapshot").await, snapshots[0]);
    assert_eq!(
        text(&program, "/ns/a/_sandbox/snapshot").await,
        snapshots[1]
    );
    // What was issued is still accepted.
    program.delete("/_sandbox/faults").await;
    assert_eq!(program.edgeiq_me("chosen").await, 200);
    let tokens = program
        .json("/_sandbox/tokens?vendor=identityx&reveal=true")
        .await;
    for token in tokens["tokens"].as_array().unwrap() {
        let token = json!({ "token": token["value"] });
        let decoded = program.done("/_sandbox/tokens/decode", token).await;
        assert_eq!(decoded["accepted"], "identityx");
    }
}

#[tokio::test]
async fn a_rate_limit_that_is_used_up_stays_so_in_a_copy() {
    let file = Temporary::new("limit.toml");
    std::fs::write(&file.0, "[settings]\nrate_limit = 1\n").unwrap();
    let program = Program::start(&["--seed", file.path()]);
    assert_eq!(program.iqm_log_in("", "123456").await.status, 200);
    let snapshot = text(&program, "/_sandbox/snapshot").await;
    let restore = program.request(reqwest::Method::POST, "/ns/copy/_sandbox/restore");
    assert_eq!(read(restore.body(snapshot)).await.status, 200);
    for space in ["", "/ns/copy"] {
        assert_eq!(
            program.iqm_log_in(space, "123456").await.status,
            429,
            "{space}"
        );
    }
    assert_eq!(program.iqm_log_in("/ns/new", "123456").await.status, 200);
}

/// The file of the repository, in which every section is used.
fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/seed.example.toml")
}

#[tokio::test]
async fn the_example_of_a_seed_file_is_planted() {
    let program = Program::start(&["--seed", example().to_str().unwrap()]);
    let clock = program.json("/_sandbox/clock").await;
    assert_eq!(clock["wall"], "2030-01-01T00:00:00.000Z");
    assert_eq!(program.edgeiq_me("a-session-of-ann").await, 200);
    let users = program.json("/_sandbox/users").await;
    for list in ["iqm", "edgeiq", "eqworks", "identityx_app", "identityx_org"] {
        let users = users[list].as_array().unwrap();
        assert!(
            users.iter().any(|user| user["email"] == "ann@example.com"),
            "{list}"
        );
    }
    let faults = program.json("/_sandbox/faults").await;
    assert_eq!(faults["faults"].as_array().unwrap().len(), 2);
    let vendors = program.json("/_sandbox/vendors").await;
    assert_eq!(
        vendors["vendors"]["edgeiq"]["switches"]["whitelist"],
        json!(["noreply@example.com"])
    );
    // Each namespace begins with it.
    let users = program.json("/ns/a/_sandbox/users").await;
    assert_eq!(users["iqm"].as_array().unwrap().len(), 6);
}

#[test]
fn a_seed_file_with_a_mistake_is_refused_with_its_place() {
    for (name, content, says) in [
        (
            "a.toml",
            "[settings]\niqm_token_lifetme = \"5m\"\n",
            "iqm_token_lifetme",
        ),
        ("b.toml", "[clock\n", "line 1"),
        (
            "c.json",
            "{\"users\": {\"iqm\": [{\"email\": 1}]}}",
            "users.iqm: email",
        ),
        (
            "d.json",
            "{\"faults\": [{\"steps\": []}]}",
            "faults: a fault has",
        ),
        (
            "e.json",
            "{\"switches\": {\"nobody\": {}}}",
            "switches.nobody",
        ),
        (
            "f.json",
            "{\"tokens\": [{\"vendor\": \"iqm\", \"kind\": \"x\", \"owner\": \"user1@iqm.com\"}]}",
            "tokens: iqm has no",
        ),
        (
            "g.json",
            "{\"clock\": {\"frozen_at\": \"noon\"}}",
            "\"noon\" is no time",
        ),
    ] {
        let file = Temporary::new(name);
        std::fs::write(&file.0, content).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_auth-sandbox"))
            .args(["--port", "0", "--seed", file.path()])
            .output()
            .unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert!(
            !run.status.success() && said.contains(says),
            "{name}: {said}"
        );
    }
}

/// The names in a list like "`a`, `b`, `c`".
fn names(error: &str) -> Vec<String> {
    let mut names: Vec<String> = error
        .split('`')
        .skip(3)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_schema_of_seed_files_has_the_fields_that_are_read() {
    let schema = include_str!("../../../src/server/seed.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let program = Program::start(&[]);
    for (definition, wrong) in [
        ("", json!({ "x!": 1 })),
        ("settings", json!({ "settings": { "x!": 1 } })),
        ("clock", json!({ "clock": { "x!": 1 } })),
        ("token", json!({ "tokens": [{ "x!": 1 }] })),
        ("fault", json!({ "faults": [{ "x!": 1 }] })),
    ] {
        let reply = program.post("/_sandbox/reset", wrong).await;
        let mut read = names(reply.body["error"].as_str().unwrap());
        let known = if definition.is_empty() {
            &schema
        } else {
            &schema["$defs"][definition]
        };
        assert_eq!(known["additionalProperties"], false);
        let mut shown: Vec<String> = known["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        shown.sort();
        read.dedup();
        assert_eq!(read, shown, "{definition}");
    }
    let wrong = json!({ "faults": [{ "steps": [{ "kind": "x!" }] }] });
    let reply = program.post("/_sandbox/reset", wrong).await;
    let read = names(reply.body["error"].as_str().unwrap());
    let mut kinds: Vec<String> =
        serde_json::from_value(schema["$defs"]["step"]["properties"]["kind"]["enum"].clone())
            .unwrap();
    kinds.sort();
    assert_eq!(read, kinds);
    let lists: Vec<String> = program
        .json("/_sandbox/users")
        .await
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let shown: Vec<String> = schema["properties"]["users"]["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(shown, lists);
}

#[test]
fn an_open_interface_has_to_be_asked_for_in_so_many_words() {
    let run = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_auth-sandbox"));
        let run = program.args(args).output().unwrap();
        (run.status.success(), String::from_utf8(run.stderr).unwrap())
    };
    let (started, said) = run(&["--listen", "0.0.0.0", "--port", "0"]);
    assert!(!started && said.contains("--i-know-it-is-open"), "{said}");
    let open = Program::start(&["--listen", "0.0.0.0", "--i-know-it-is-open"]);
    assert!(open.greeting.contains("http://0.0.0.0:"));
    for args in [
        &["--port", "x"][..],
        &["--listen", "localhost"],
        &["--public-url", "localhost:4010"],
        &["--public-url", "http://a.example/?b"],
        &["--frozen-clock", "noon"],
        &["--seed", "/no/such/file.toml"],
        &["--bind", "x"],
        &["x"],
    ] {
        let (started, said) = run(args);
        assert!(
            !started && said.starts_with("auth-sandbox: "),
            "{args:?}: {said}"
        );
    }
    let taken = open.url.rsplit(':').next().unwrap();
    let (started, said) = run(&[
        "--listen",
        "0.0.0.0",
        "--i-know-it-is-open",
        "--port",
        taken,
    ]);
    assert!(!started && said.contains("cannot listen on"), "{said}");
}

#[tokio::test]
async fn the_greeting_can_be_pasted() {
    let program = Program::start(&["--public-url", "http://127.0.0.1:9/"]);
    // The calls of curl, for the port that was free.
    let lines = program.greeting.split("\ncurl\n").nth(1).unwrap();
    let lines = lines.split("\n\n").next().unwrap();
    let script = lines.replace("http://127.0.0.1:9", &program.url);
    let run = Command::new("sh")
        .args(["-ec", &script.replace("curl ", "curl -sSf ")])
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{script}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let out = String::from_utf8(run.stdout).unwrap();
    for part in [
        "access_token",
        "session_token",
        "Login passcode sent",
        "magic_link",
        "sendAppUserLoginLink",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let log = program.json("/_sandbox/requests/counts").await;
    assert_eq!((&log["total"], &log["refused"]), (&json!(4), &json!(0)));
}

//! What a client that watches is told.

use serde_json::{Value, json};

use super::Program;

/// Reads the stream until this many events of a kind have come, and returns all events.
async fn events(
    program: &Program,
    path: &str,
    kind: &str,
    after: impl Future,
) -> Vec<(String, Value)> {
    let mut response = program.get(path).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(text.contains("event: hello"), "{text}");
    after.await;
    while !text.contains(&format!("event: {kind}\n")) {
        text += str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    let field = |block: &str, name: &str| {
        let mut lines = block.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .to_owned()
    };
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    let event = |block| {
        let data = serde_json::from_str(&field(block, "data: ")).unwrap();
        (field(block, "event: "), data)
    };
    blocks.map(event).collect()
}

#[tokio::test]
async fn mails_requests_and_tokens_are_told_as_they_happen() {
    let program = Program::start(&[]);
    let mail = program.request_passcode("", "sue@eqworks.example");
    let told = events(&program, "/_sandbox/events", "mail", mail).await;
    let mail = told.iter().find(|(name, _)| name == "mail").unwrap();
    assert_eq!(mail.1["to"], "sue@eqworks.example");

    let log_in = program.iqm_log_in("", "123456");
    let told = events(&program, "/_sandbox/events", "tokens", log_in).await;
    let request = told.iter().rfind(|(name, _)| name == "request").unwrap();
    assert_eq!(request.1["operation"], "iqm.log_in");

    let refused = program.iqm_log_in("/ns/a", "wrong");
    let told = events(&program, "/ns/a/_sandbox/events", "request", refused).await;
    assert_eq!(told[0].1["namespace"], "a");
}

/// Reads a stream from after an event until the text holds a word, and returns the text.
async fn read_from(program: &Program, last: &str, until: &str) -> String {
    let request = program
        .get("/_sandbox/events")
        .header("last-event-id", last);
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    while !text.contains(until) {
        text += str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    text
}

#[tokio::test]
async fn a_client_that_comes_back_is_told_what_it_has_missed() {
    let program = Program::start(&[]);
    program.iqm_log_in("", "123456").await;
    let text = read_from(&program, "x", "event: hello").await;
    let seen = text
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    program.iqm_log_in("", "wrong").await;
    program.request_passcode("", "sue@eqworks.example").await;
    let text = read_from(&program, &seen, "event: tokens").await;
    assert_eq!(text.matches("event: request").count(), 2, "{text}");
    assert_eq!(text.matches("event: mail").count(), 1);
    // More than are told one by one.
    for _ in 0..200 {
        program.edgeiq_me("unheard-of").await;
    }
    let text = read_from(&program, "0.0", "event: more").await;
    assert!(text.matches("event: request").count() >= 200);
    // An id of another run of the program, which is from the future.
    let text = read_from(&program, "999999.999999", "event: hello").await;
    assert!(!text.contains("event: request"));
}

#[tokio::test]
async fn moves_of_the_clock_faults_and_resets_are_told() {
    let program = Program::start(&[]);
    let advance = async { _ = program.done("/_sandbox/clock/freeze", json!({})).await };
    let told = events(&program, "/_sandbox/events", "clock", advance).await;
    assert_eq!(
        told.iter().find(|it| it.0 == "clock").unwrap().1["frozen"],
        true
    );
    let fault = json!({ "steps": [{ "kind": "cut" }] });
    let add = async { _ = program.done("/_sandbox/faults", fault).await };
    let told = events(&program, "/_sandbox/events", "faults", add).await;
    assert_eq!(
        told.iter().find(|it| it.0 == "faults").unwrap().1["faults"][0]["left"],
        1
    );
    let reset = async {
        program.done("/_sandbox/reset", json!({})).await;
        program.request_passcode("", "sue@eqworks.example").await;
    };
    let told = events(&program, "/_sandbox/events", "mail", reset).await;
    assert!(told.iter().any(|it| it.0 == "reset"));
}

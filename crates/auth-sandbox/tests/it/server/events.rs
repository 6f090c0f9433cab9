//! What a client that watches is told.

use serde_json::Value;

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
        text += &String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap();
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

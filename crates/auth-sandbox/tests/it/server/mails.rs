//! The e-mails in the API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Program;
use crate::caller::read;

const SUE: &str = "sue@eqworks.example";

#[tokio::test]
async fn a_client_that_waits_has_the_mail_within_50_ms_of_its_arrival() {
    let program = Program::start(&[]);
    program.request_passcode("", "adam@eqworks.example").await;
    let (mut lags, mut mail) = (Vec::new(), Value::Null);
    for since in 1..=5 {
        let path = format!(
            "/_sandbox/mails/latest?to={SUE}&vendor=eqworks&kind=magic_link&since={since}&wait=20s"
        );
        let wait = async { (program.json(&path).await, Instant::now()) };
        let order = async {
            // The first of the two waits by now.
            program.json("/_sandbox/clock").await;
            program.request_passcode("", SUE).await;
            Instant::now()
        };
        let ((found, arrived), ordered) = tokio::join!(wait, order);
        lags.push(arrived.saturating_duration_since(ordered));
        assert_eq!(found["id"], since + 1);
        mail = found;
    }
    // The machine may be busy for a moment, and not for most of them.
    lags.sort();
    assert!(lags[2] < Duration::from_millis(50), "{lags:?}");
    assert_eq!(
        (&mail["to"], &mail["kind"]),
        (&json!(SUE), &json!("magic_link"))
    );
    let (code, link) = (
        mail["code"].as_str().unwrap(),
        mail["link"].as_str().unwrap(),
    );
    assert!(link.contains(code));
    // The link carries the public URL, and opens.
    assert!(link.starts_with("http://localhost:"), "{link}");
    let here = link.replace("localhost", "127.0.0.1");
    let opened = read(program.client.get(here)).await;
    assert_eq!((opened.status, &opened.body["email"]), (200, &json!(SUE)));
}

#[tokio::test]
async fn the_latest_match_comes_first_and_without_one_there_is_a_404_in_time() {
    let program = Program::start(&[]);
    for _ in 0..2 {
        program.request_passcode("", SUE).await;
    }
    program.request_passcode("", "adam@eqworks.example").await;
    let count = |query: &'static str| {
        let program = &program;
        async move {
            let mails = program.json(&format!("/_sandbox/mails{query}")).await;
            let mails = mails["mails"].as_array().unwrap().clone();
            mails
                .iter()
                .map(|it| it["id"].as_u64().unwrap())
                .collect::<Vec<_>>()
        }
    };
    for (query, expected) in [
        ("", &[3, 2, 1][..]),
        ("?to=SUE@eqworks.example", &[2, 1]),
        ("?vendor=eqworks&limit=1", &[3]),
        ("?since=2", &[3]),
        ("?since=3", &[]),
        ("?vendor=iqm", &[]),
        ("?kind=passcode", &[]),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let began = Instant::now();
    let none = read(program.get("/_sandbox/mails/latest?to=nobody@example.com&wait=200ms")).await;
    assert_eq!(none.status, 404);
    assert!(began.elapsed() >= Duration::from_millis(200));
    for wrong in ["?kind=letter", "?wait=soon", "?since=x", "?tо=a"] {
        assert_eq!(
            read(program.get(&format!("/_sandbox/mails{wrong}")))
                .await
                .status,
            400,
            "{wrong}"
        );
    }
    program.delete("/_sandbox/mails").await;
    assert_eq!(count("").await, [0; 0]);
}

#[tokio::test]
async fn links_carry_the_public_url() {
    let program = Program::start(&["--public-url", "https://sandbox.example/base/"]);
    program.request_passcode("/ns/a", SUE).await;
    let mail = program.json("/ns/a/_sandbox/mails/latest").await;
    let link = mail["link"].as_str().unwrap();
    let expected = "https://sandbox.example/base/ns/a/eqworks/dev/verify?user=";
    assert!(link.starts_with(expected), "{link}");
}

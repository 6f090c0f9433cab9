//! Namespaces.

use futures_util::future::join_all;
use serde_json::json;

use super::Program;
use crate::caller::read;

#[tokio::test]
async fn twenty_clients_share_a_server_and_do_not_mix() {
    let program = Program::start(&[]);
    let clients = (1..=20_u32).map(|number| {
        let program = &program;
        async move {
            let space = format!("/ns/test-{number}");
            let api = |path: &str| format!("{space}/_sandbox/{path}");
            // Each has a clock, users, faults, a log, mails and tokens of its own.
            let by = json!({ "by": format!("{number}h") });
            program.done(&api("clock/freeze"), json!({})).await;
            let before = program.json(&api("clock")).await;
            program.done(&api("clock/advance"), by).await;
            let after = program.json(&api("clock")).await;
            let passed = after["monotonic_seconds"].as_f64().unwrap()
                - before["monotonic_seconds"].as_f64().unwrap();
            assert!((passed - f64::from(number) * 3_600.0).abs() < 0.001);

            let email = format!("user-{number}@example.com");
            program.done(&api("users/eqworks"), json!({ "email": email })).await;
            for _ in 0..number % 3 {
                let cut = json!({ "steps": [{ "kind": "status", "status": 503 }], "operation": "iqm.refresh" });
                program.done(&api("faults"), cut).await;
            }
            let path = api("mails/latest?wait=20s");
            let mail = program.json(&path);
            let (mail, sent) = tokio::join!(mail, program.request_passcode(&space, &email));
            assert_eq!((sent.status, &mail["to"]), (200, &json!(email)));
            let link = mail["link"].as_str().unwrap().replace("localhost", "127.0.0.1");
            let session = read(program.client.get(link)).await;
            assert_eq!(session.body["email"], email);

            let log_in = program.iqm_log_in(&space, "123456").await;
            let token = log_in.body["data"]["access_token"].clone();
            let counts = program.json(&api("requests/counts")).await;
            assert_eq!(counts["total"], 3);
            let faults = program.json(&api("faults")).await;
            assert_eq!(faults["faults"].as_array().unwrap().len(), number as usize % 3);
            (space, token)
        }
    });
    let clients = join_all(clients).await;
    for (at, (_, token)) in clients.iter().enumerate() {
        for (other, (space, _)) in clients.iter().enumerate() {
            let path = format!("{space}/_sandbox/tokens/decode");
            let decoded = program.done(&path, json!({ "token": token })).await;
            assert_eq!(decoded["accepted"] == "iqm", at == other);
        }
    }
    assert_eq!(program.json("/_sandbox/requests").await["arrived"], 0);
    let names = program.json("/_sandbox/namespaces").await;
    assert_eq!(names["namespaces"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn their_number_and_their_names_are_bounded() {
    let program = Program::start(&["--namespaces", "2"]);
    let status = |path: String| {
        let program = &program;
        async move { read(program.get(&path)).await.status }
    };
    assert_eq!(status("/ns/a/_sandbox/clock".to_owned()).await, 200);
    assert_eq!(status("/ns/b".to_owned()).await, 200);
    assert_eq!(status("/ns/c/_sandbox/clock".to_owned()).await, 507);
    assert_eq!(status("/ns/a/health".to_owned()).await, 200);
    for name in ["", "a%20b", "a%2Fb", &"x".repeat(65), "é"] {
        assert_eq!(
            status(format!("/ns/{name}/_sandbox/clock")).await,
            400,
            "{name}"
        );
    }
    assert_eq!(program.delete("/_sandbox/namespaces/a").await.status, 200);
    assert_eq!(program.delete("/_sandbox/namespaces/a").await.status, 404);
    assert_eq!(status("/ns/c/_sandbox/clock".to_owned()).await, 200);
}

#[tokio::test]
async fn a_reset_begins_again_and_ends_what_waits() {
    let program = Program::start(&["--frozen-clock", "2030-01-01T00:00:00Z"]);
    for step in [
        json!({ "kind": "hold" }),
        json!({ "kind": "delay", "wait": "1h" }),
    ] {
        program.iqm_log_in("", "123456").await;
        let fault = json!({ "operation": "iqm.log_in", "steps": [step] });
        program.done("/_sandbox/faults", fault).await;
        let reset = async {
            program
                .json("/_sandbox/requests/counts?operation=iqm.log_in&at_least=2&wait=20s")
                .await;
            let seed = json!({ "settings": { "iqm_token_lifetime": "5m" } });
            program.done("/_sandbox/reset", seed).await;
        };
        // A client that waits for a mail sees those of the new sandbox.
        let mail = async {
            let mail = program.json("/_sandbox/mails/latest?wait=20s").await;
            assert_eq!(mail["id"], 1);
        };
        let after = async {
            let (_, ()) = tokio::join!(program.iqm_log_in("", "123456"), reset);
            program.request_passcode("", "sue@eqworks.example").await;
        };
        tokio::join!(mail, after);
        assert_eq!(program.json("/_sandbox/requests").await["arrived"], 1);
        let log_in = program.iqm_log_in("", "123456").await;
        assert_eq!(log_in.body["data"]["expires_in"], 300, "{log_in:?}");
        program.done("/_sandbox/reset", json!({})).await;
        let log_in = program.iqm_log_in("", "123456").await;
        assert_eq!(log_in.body["data"]["expires_in"], 35_999);
        program.done("/_sandbox/reset", json!({})).await;
    }
    let wrong = program
        .post("/_sandbox/reset", json!({ "options": {} }))
        .await;
    assert_eq!(wrong.status, 400);
}

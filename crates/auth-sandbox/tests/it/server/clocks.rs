//! The clock in the API.

use serde_json::{Value, json};

use super::Program;
use crate::caller::read;

async fn act(program: &Program, action: &str, body: Value) -> Value {
    program
        .done(&format!("/_sandbox/clock/{action}"), body)
        .await
}

#[tokio::test]
async fn each_move_has_its_effect() {
    let program = Program::start(&["--frozen-clock", "2030-01-01T00:00:00Z"]);
    let clock = program.json("/_sandbox/clock").await;
    assert_eq!(
        (&clock["wall"], &clock["frozen"]),
        (&json!("2030-01-01T00:00:00.000Z"), &json!(true))
    );
    for (action, body, wall, vendor, monotonic) in [
        (
            "advance",
            json!({ "by": "1h" }),
            "01:00:00",
            "01:00:00",
            3_600.0,
        ),
        (
            "suspend",
            json!({ "by": "1h" }),
            "02:00:00",
            "02:00:00",
            3_600.0,
        ),
        (
            "jump",
            json!({ "by": "1h" }),
            "03:00:00",
            "02:00:00",
            3_600.0,
        ),
        (
            "jump_back",
            json!({ "by": "1h 30m" }),
            "01:30:00",
            "02:00:00",
            3_600.0,
        ),
        (
            "jump",
            json!({ "to": "2030-01-01T00:30:00Z" }),
            "00:30:00",
            "02:00:00",
            3_600.0,
        ),
        (
            "advance",
            json!({ "to": "2030-01-01T01:00:00Z" }),
            "01:00:00",
            "02:30:00",
            5_400.0,
        ),
    ] {
        let clock = act(&program, action, body).await;
        assert_eq!(clock["wall"], format!("2030-01-01T{wall}.000Z"), "{action}");
        assert_eq!(
            clock["vendor_wall"],
            format!("2030-01-01T{vendor}.000Z"),
            "{action}"
        );
        assert_eq!(clock["monotonic_seconds"], monotonic, "{action}");
    }
    for (action, body, status) in [
        ("advance", json!({}), 400),
        (
            "advance",
            json!({ "by": "1h", "to": "2031-01-01T00:00:00Z" }),
            400,
        ),
        ("advance", json!({ "by": "-1h" }), 400),
        ("advance", json!({ "to": "2029-01-01T00:00:00Z" }), 400),
        ("advance", json!({ "to": "tomorrow" }), 400),
        ("advance", json!({ "how": "fast" }), 400),
        ("stop", json!({ "by": "1h" }), 404),
    ] {
        let reply = program
            .post(&format!("/_sandbox/clock/{action}"), body)
            .await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
    // No number is too large.
    act(&program, "advance", json!({ "by": "500years" })).await;
    act(&program, "advance", json!({ "by": "500years" })).await;
    act(&program, "suspend", json!({ "by": "500years" })).await;
    act(&program, "jump", json!({ "by": "500years" })).await;
    assert_eq!(program.iqm_log_in("", "123456").await.status, 200);
    program.request_passcode("", "sue@eqworks.example").await;
    program.json("/_sandbox/tokens").await;
}

#[tokio::test]
async fn it_can_be_frozen_and_flow_again() {
    let program = Program::start(&[]);
    let flowing = program.json("/_sandbox/clock").await;
    assert_eq!(flowing["frozen"], false);
    let frozen = act(&program, "freeze", json!({})).await;
    assert!(frozen["monotonic_seconds"].as_f64() > flowing["monotonic_seconds"].as_f64());
    assert_eq!(act(&program, "freeze", json!({})).await, frozen);
    act(&program, "advance", json!({ "by": "1h" })).await;
    let resumed = act(&program, "resume", json!({})).await;
    let since = resumed["monotonic_seconds"].as_f64().unwrap()
        - frozen["monotonic_seconds"].as_f64().unwrap();
    assert!((3_600.0..3_610.0).contains(&since), "{since}");
    assert_eq!(resumed["frozen"], false);
}

#[tokio::test]
async fn a_delayed_call_wakes_when_time_passes() {
    let program = Program::start(&["--frozen-clock", "2030-01-01T00:00:00Z"]);
    let delay = json!({ "operation": "iqm.log_in", "steps": [{ "kind": "delay", "wait": "1h" }] });
    program.done("/_sandbox/faults", delay).await;
    let advance = async {
        let clock = program.json("/_sandbox/clock?sleepers=1&wait=20s").await;
        assert_eq!(clock["sleepers"], 1);
        act(&program, "advance", json!({ "by": "1h" })).await;
    };
    let (reply, ()) = tokio::join!(program.iqm_log_in("", "123456"), advance);
    assert_eq!(reply.status, 200);
    let none = read(program.get("/_sandbox/clock?sleepers=1&wait=10ms")).await;
    assert_eq!(none.body["sleepers"], 0);
}

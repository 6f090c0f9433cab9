//! The faults in the API.

use serde_json::{Value, json};

use super::Program;

const LOG_IN: &str = "iqm.log_in";

async fn add(program: &Program, fault: Value) -> u64 {
    program.done("/_sandbox/faults", fault).await["id"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn each_kind_is_accepted_happens_and_is_shown_as_it_was_written() {
    let program = Program::start(&[]);
    let wait = "1h 30m";
    // None: the connection is cut, or the answer is none that a client can read.
    for (step, status) in [
        (json!({ "kind": "status", "status": 503 }), Some(503)),
        (
            json!({ "kind": "retry_after", "status": 429, "wait": wait }),
            Some(429),
        ),
        (
            json!({ "kind": "retry_after_date", "status": 503, "wait": wait }),
            Some(503),
        ),
        (json!({ "kind": "cut" }), None),
        (json!({ "kind": "lost_answer" }), None),
        (json!({ "kind": "truncated_body" }), Some(200)),
        (json!({ "kind": "garbage_json" }), Some(200)),
        (json!({ "kind": "html" }), Some(200)),
        (json!({ "kind": "huge_body" }), Some(200)),
        (
            json!({ "kind": "redirect", "to": "https://elsewhere.example/" }),
            Some(307),
        ),
        (json!({ "kind": "success_false" }), Some(200)),
        (json!({ "kind": "error_page", "status": 403 }), Some(403)),
        (json!({ "kind": "byte_order_mark" }), Some(200)),
        (json!({ "kind": "gzip" }), Some(200)),
        (json!({ "kind": "echo", "status": 400 }), Some(400)),
    ] {
        let id = add(
            &program,
            json!({ "operation": LOG_IN, "times": 2, "steps": [step] }),
        )
        .await;
        let shown = program.json("/_sandbox/faults").await["faults"][0].clone();
        assert_eq!(shown["id"], id);
        assert_eq!(
            (&shown["left"], &shown["operation"]),
            (&json!(2), &json!(LOG_IN))
        );
        assert_eq!(shown["steps"], json!([step]));
        let answer = program.iqm_log_in_request("", "123456").send().await;
        assert_eq!(answer.ok().map(|it| it.status().as_u16()), status, "{step}");
        let shown = program.json("/_sandbox/faults").await["faults"][0].clone();
        assert_eq!(shown["left"], 1);
        assert_eq!(
            program
                .delete(&format!("/_sandbox/faults/{id}"))
                .await
                .status,
            200
        );
    }
    assert_eq!(program.json("/_sandbox/faults").await["faults"], json!([]));
    assert_eq!(program.iqm_log_in("", "123456").await.status, 200);
}

#[tokio::test]
async fn a_chain_happens_to_one_call_and_a_gate_is_opened_by_the_api() {
    let program = Program::start(&[]);
    let steps = json!([{ "kind": "hold" }, { "kind": "status", "status": 418 }]);
    let id = add(&program, json!({ "operation": LOG_IN, "steps": steps })).await;
    let open = async {
        let gate = program
            .json(&format!("/_sandbox/faults/{id}/gate?calls=1&wait=20s"))
            .await;
        assert_eq!(gate["calls"], 1);
        // The fault is used up, and its call still waits.
        let faults = program.json("/_sandbox/faults").await;
        assert_eq!(faults["faults"], json!([]));
        assert_eq!(faults["held"], json!([{ "id": id, "calls": 1 }]));
        program
            .done(&format!("/_sandbox/faults/{id}/release"), json!({}))
            .await;
    };
    let (reply, ()) = tokio::join!(program.iqm_log_in("", "123456"), open);
    assert_eq!(reply.status, 418);
    assert_eq!(
        program
            .post(&format!("/_sandbox/faults/{id}/release"), json!({}))
            .await
            .status,
        404
    );

    // Clearing opens gates, too.
    let id = add(
        &program,
        json!({ "steps": [{ "kind": "hold_answer" }], "always": true }),
    )
    .await;
    let clear = async {
        program
            .json(&format!("/_sandbox/faults/{id}/gate?wait=20s"))
            .await;
        assert_eq!(
            program.json("/_sandbox/faults").await["faults"][0]["left"],
            Value::Null
        );
        program.delete("/_sandbox/faults").await;
    };
    let (reply, ()) = tokio::join!(program.iqm_log_in("", "123456"), clear);
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_fault_that_could_not_happen_is_refused() {
    let program = Program::start(&[]);
    let cut = json!([{ "kind": "cut" }]);
    for wrong in [
        json!({}),
        json!({ "steps": [] }),
        json!({ "steps": cut, "operation": "iqm.refesh" }),
        json!({ "steps": cut, "times": 0 }),
        json!({ "steps": cut, "times": 1, "always": true }),
        json!({ "steps": cut, "on": "iqm.refresh" }),
        json!({ "steps": [{ "kind": "status", "status": 99 }] }),
        json!({ "steps": [{ "kind": "status", "status": 600 }] }),
        json!({ "steps": [{ "kind": "status" }] }),
        json!({ "steps": [{ "kind": "delay", "wait": "soon" }] }),
        json!({ "steps": [{ "kind": "explode" }] }),
        json!({ "steps": [{ "kind": "hold" }, { "kind": "hold_answer" }] }),
        json!({ "steps": vec![json!({ "kind": "cut" }); 17] }),
    ] {
        let reply = program.post("/_sandbox/faults", wrong.clone()).await;
        assert_eq!(reply.status, 400, "{wrong}");
        assert!(reply.body["error"].is_string());
    }
    assert_eq!(program.delete("/_sandbox/faults/7").await.status, 404);
}

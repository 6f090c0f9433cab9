//! The tokens in the API.

use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::caller::read;

async fn log_in(program: &Program) -> (String, String) {
    let reply = program.iqm_log_in("", "123456").await;
    let text = |name: &str| reply.body["data"][name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn iqm_profile(program: &Program, access: &str) -> u16 {
    let request = program.get("/iqm/api/v3/ua/profile").bearer_auth(access);
    read(request.header("x-iaa-ow-id", "200001")).await.status
}

async fn decode(program: &Program, token: &str) -> Value {
    program
        .done("/_sandbox/tokens/decode", json!({ "token": token }))
        .await
}

#[tokio::test]
async fn they_are_listed_with_their_time_left_and_hidden_until_they_are_asked_for() {
    let program = Program::start(&["--frozen-clock", "2030-01-01T00:00:00Z"]);
    let (access, refresh) = log_in(&program).await;
    let hidden = read(program.get("/_sandbox/tokens")).await;
    assert!(!hidden.text.contains(&access) && !hidden.text.contains(&refresh));
    program
        .done("/_sandbox/clock/advance", json!({ "by": "1h" }))
        .await;
    let path = "/_sandbox/tokens?vendor=iqm&kind=access&owner=user1@iqm.com&reveal=true";
    let tokens = program.json(path).await;
    let token = &tokens["tokens"][0];
    assert_eq!(
        (&token["value"], &tokens["total"]),
        (&json!(access), &json!(1))
    );
    assert_eq!(token["begins_at"], "2030-01-01T00:00:00.000Z");
    assert_eq!(token["lifetime_seconds"], 35_999.0);
    assert_eq!(token["seconds_left"], 32_399.0);
    assert_eq!(token["state"], "valid");
    // EdgeIQ's permanent tokens are there from the beginning, and do not end.
    let edgeiq = program.json("/_sandbox/tokens?vendor=edgeiq").await;
    assert_eq!(edgeiq["total"], 2);
    assert_eq!(edgeiq["tokens"][0]["ends_at"], Value::Null);
}

#[tokio::test]
async fn each_kind_can_be_made_decoded_expired_and_revoked() {
    let program = Program::start(&[]);
    let jwt_of = "sue@eqworks.example";
    for (vendor, kind, owner) in [
        ("iqm", "access", "user1@iqm.com"),
        ("iqm", "refresh", "user1@iqm.com"),
        ("edgeiq", "session", "ed@edgeiq.example"),
        ("edgeiq", "api_token", "ed@edgeiq.example"),
        ("eqworks", "jwt", jwt_of),
        ("identityx", "app_session", "ann@identityx.example"),
        ("identityx", "org_session", "ada@identityx.example"),
        ("identityx", "api_token", "ada@identityx.example"),
    ] {
        let make = json!({ "vendor": vendor, "kind": kind, "owner": owner });
        for change in ["expire", "revoke"] {
            let reply = program.done("/_sandbox/tokens", make.clone()).await;
            let token = reply["value"].as_str().unwrap();
            let decoded = decode(&program, token).await;
            let accepted = if kind == "refresh" {
                Value::Null
            } else {
                json!(vendor)
            };
            assert_eq!(decoded["accepted"], accepted, "{kind}");
            assert_eq!(decoded["known"]["state"], "valid");
            assert_eq!(decoded["known"]["owner"], owner);
            assert_eq!(
                decoded["claims"].is_object(),
                matches!(vendor, "eqworks" | "identityx")
            );
            let id = json!({ "id": reply["id"] });
            program
                .done(&format!("/_sandbox/tokens/{change}"), id)
                .await;
            let decoded = decode(&program, token).await;
            assert_eq!(decoded["accepted"], Value::Null, "{vendor} {kind} {change}");
            assert_ne!(
                decoded["known"]["state"], "valid",
                "{vendor} {kind} {change}"
            );
            // What cannot be made twice is not in the way of the next.
            if vendor == "eqworks" {
                program
                    .done("/_sandbox/clock/advance", json!({ "by": "1s" }))
                    .await;
            }
            if kind == "api_token" && change == "expire" {
                program
                    .post("/_sandbox/tokens/revoke", json!({ "token": token }))
                    .await;
            }
        }
    }
    for wrong in [
        json!({ "vendor": "iqm", "kind": "jwt", "owner": "user1@iqm.com" }),
        json!({ "vendor": "iqm", "kind": "access", "owner": "nobody@iqm.com" }),
        json!({ "vendor": "nobody", "kind": "access" }),
        json!({ "vendor": "iqm", "kind": "access" }),
    ] {
        assert_eq!(program.post("/_sandbox/tokens", wrong).await.status, 400);
    }
    for (body, status) in [(json!({}), 400), (json!({ "id": "unheard-of" }), 404)] {
        assert_eq!(
            program.post("/_sandbox/tokens/revoke", body).await.status,
            status
        );
    }
}

#[tokio::test]
async fn a_vendor_refuses_what_was_expired_or_revoked() {
    let program = Program::start(&[]);
    let (access, refresh) = log_in(&program).await;
    assert_eq!(iqm_profile(&program, &access).await, 200);
    let which = json!({ "vendor": "iqm", "owner": "user1@iqm.com", "kind": "access" });
    let changed = program.done("/_sandbox/tokens/revoke", which).await;
    assert_eq!(changed["changed"], 1);
    assert_eq!(iqm_profile(&program, &access).await, 401);
    // The refresh token is still valid.
    assert_eq!(decode(&program, &refresh).await["known"]["state"], "valid");

    let make = json!({ "vendor": "edgeiq", "kind": "session", "owner": "ed@edgeiq.example", "value": "chosen", "lives": "1h" });
    program.done("/_sandbox/tokens", make).await;
    assert_eq!(program.edgeiq_me("chosen").await, 200);
    program
        .done("/_sandbox/clock/advance", json!({ "by": "1h" }))
        .await;
    assert_eq!(program.edgeiq_me("chosen").await, 401);
}

#[tokio::test]
async fn codes_and_signed_claims_are_made_and_shown() {
    let program = Program::start(&[]);
    let make = json!({
        "vendor": "iqm", "kind": "authorization_code", "owner": "user1@iqm.com",
        "redirect_uri": "https://app.example/",
    });
    let code = program.done("/_sandbox/tokens", make).await["value"].clone();
    program.request_passcode("", "sue@eqworks.example").await;
    let codes = program.json("/_sandbox/codes").await;
    let codes = codes["codes"].as_array().unwrap();
    assert!(
        codes
            .iter()
            .any(|it| it["code"] == code && it["kind"] == "authorization_code")
    );
    assert!(
        codes
            .iter()
            .any(|it| it["kind"] == "passcode" && it["valid"] == true)
    );
    for vendor in ["eqworks", "identityx"] {
        let make = json!({ "vendor": vendor, "kind": "signed", "claims": { "a": 1 } });
        let reply = program.done("/_sandbox/tokens", make).await;
        let decoded = decode(&program, reply["value"].as_str().unwrap()).await;
        assert_eq!(decoded["claims"], json!({ "a": 1 }));
    }
    let refused = read(program.request(Method::POST, "/_sandbox/tokens").body("{")).await;
    assert_eq!(refused.status, 400);
}

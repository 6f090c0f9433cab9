//! IQM: multi-factor codes.

use std::time::Duration;

use auth_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::caller::{Caller, Reply, frozen, read};

async fn send(caller: &Caller<'_>, ow_id: Value) -> Reply {
    read(caller.post("auth/mfa/send").json(&json!({ "owId": ow_id }))).await
}

async fn verify(caller: &Caller<'_>, otp: &str) -> Reply {
    read(caller.post("auth/mfa/verify").json(&json!({ "otp": otp }))).await
}

const WRONG: &str = "Invalid or expired MFA code.";

#[tokio::test]
async fn a_code_is_sent_and_exchanged_once_for_an_access_token_in_camel_case() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let user = iqm.mfa_user();
    assert_eq!(iqm.mfa_code(user.email), None);
    let reply = send(&caller, json!(user.ow_id)).await;
    assert_eq!((reply.status, &reply.body["success"]), (200, &json!(true)));
    let code = iqm.mfa_code(user.email).unwrap();
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));

    let reply = verify(&caller, &code).await;
    assert_eq!((reply.status, &reply.body["success"]), (200, &json!(true)));
    let data = reply.body["data"].as_object().unwrap();
    assert_eq!(data.len(), 4);
    assert_eq!(data["tokenType"], "bearer");
    assert_eq!(data["expiresIn"], 35_999);
    assert_eq!(data["owId"], user.ow_id);
    assert!(iqm.accepts(data["accessToken"].as_str().unwrap()));

    let reply = verify(&caller, &code).await;
    reply.assert_error(401, WRONG);
    assert_eq!(iqm.mfa_code(user.email), None);
    sandbox.log().assert_count("iqm.mfa_send", 1);
    sandbox.log().assert_count("iqm.mfa_verify", 2);
}

#[tokio::test]
async fn no_code_is_sent_to_an_unknown_workspace_or_a_user_without_mfa() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let reply = send(&caller, json!(1)).await;
    reply.assert_error(400, "Invalid owId or user not found.");
    let reply = send(&caller, json!(sandbox.iqm().user().ow_id)).await;
    reply.assert_error(422, "User MFA settings not configured.");
    let reply = send(&caller, json!("200004")).await;
    assert_eq!(
        (reply.status, &reply.body["errorObjects"][0]["field"]),
        (400, &json!("owId"))
    );
}

#[tokio::test]
async fn a_code_ends_with_its_lifetime_and_with_a_newer_one() {
    let (clock, sandbox) = frozen();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let user = iqm.mfa_user();
    send(&caller, json!(user.ow_id)).await;
    let first = iqm.mfa_code(user.email).unwrap();
    // One in a million is the same code again.
    while iqm.mfa_code(user.email).as_ref() == Some(&first) {
        send(&caller, json!(user.ow_id)).await;
    }
    let reply = verify(&caller, &first).await;
    reply.assert_error(401, WRONG);

    clock.advance(Duration::from_secs(600));
    let reply = verify(&caller, &iqm.mfa_code(user.email).unwrap()).await;
    reply.assert_error(401, WRONG);
    assert!(reply.hint.unwrap().contains("expired"));
}

#[tokio::test]
async fn a_user_put_on_hold_cannot_verify() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    send(&caller, json!(iqm.mfa_user().ow_id)).await;
    iqm.set_on_hold(iqm.mfa_user().email, true);
    let code = iqm.mfa_code(iqm.mfa_user().email).unwrap();
    assert_eq!(verify(&caller, &code).await.status, 403);
}

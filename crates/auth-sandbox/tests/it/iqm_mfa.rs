//! IQM: multi-factor codes.

use std::time::Duration;

use auth_sandbox::{IqmAccount, Sandbox};
use serde_json::{Value, json};

use crate::caller::{Caller, Reply, frozen, read};

/// A log-in that waits for its second factor, or needs none.
struct Pending<'a> {
    caller: Caller<'a>,
    access: String,
    ow_id: u64,
}

async fn log_in(sandbox: &Sandbox, user: IqmAccount) -> Pending<'_> {
    let caller = Caller::new(sandbox);
    let access = caller.log_in_as(user).await.tokens().access;
    Pending {
        caller,
        access,
        ow_id: user.ow_id,
    }
}

impl Pending<'_> {
    async fn post(&self, path: &str, body: Value) -> Reply {
        let request = self.caller.post(path).bearer_auth(&self.access);
        read(request.header("X-IAA-OW-ID", self.ow_id).json(&body)).await
    }

    async fn send(&self, ow_id: Value) -> Reply {
        self.post("auth/mfa/send", json!({ "owId": ow_id })).await
    }

    async fn verify(&self, otp: &str) -> Reply {
        self.post("auth/mfa/verify", json!({ "otp": otp })).await
    }
}

const WRONG: &str = "Invalid or expired MFA code.";

#[tokio::test]
async fn a_code_is_sent_and_exchanged_once_for_an_access_token_in_camel_case() {
    let sandbox = Sandbox::start().unwrap();
    let iqm = sandbox.iqm();
    let caller = log_in(&sandbox, iqm.mfa_user()).await;
    let user = iqm.mfa_user();
    assert_eq!(iqm.mfa_code(user.email), None);
    let reply = caller.send(json!(user.ow_id)).await;
    assert_eq!((reply.status, &reply.body["success"]), (200, &json!(true)));
    let code = iqm.mfa_code(user.email).unwrap();
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));

    let reply = caller.verify(&code).await;
    assert_eq!((reply.status, &reply.body["success"]), (200, &json!(true)));
    let data = reply.body["data"].as_object().unwrap();
    assert_eq!(data.len(), 4);
    assert_eq!(data["tokenType"], "bearer");
    assert_eq!(data["expiresIn"], 35_999);
    assert_eq!(data["owId"], user.ow_id);
    assert!(iqm.accepts(data["accessToken"].as_str().unwrap()));

    let reply = caller.verify(&code).await;
    reply.assert_error(401, WRONG);
    assert_eq!(iqm.mfa_code(user.email), None);
    sandbox.log().assert_count("iqm.mfa_send", 1);
    sandbox.log().assert_count("iqm.mfa_verify", 2);
}

#[tokio::test]
async fn no_code_is_sent_to_an_unknown_workspace_or_a_user_without_mfa() {
    let sandbox = Sandbox::start().unwrap();
    let caller = log_in(&sandbox, sandbox.iqm().mfa_user()).await;
    for ow_id in [1, sandbox.iqm().user().ow_id] {
        let reply = caller.send(json!(ow_id)).await;
        reply.assert_error(400, "Invalid owId or user not found.");
    }
    let without = log_in(&sandbox, sandbox.iqm().user()).await;
    let reply = without.send(json!(without.ow_id)).await;
    reply.assert_error(422, "User MFA settings not configured.");
    let reply = caller.send(json!("200004")).await;
    assert_eq!(
        (reply.status, &reply.body["errorObjects"][0]["field"]),
        (400, &json!("owId"))
    );
}

#[tokio::test]
async fn a_code_ends_with_its_lifetime_and_with_a_newer_one() {
    let (clock, sandbox) = frozen();
    let iqm = sandbox.iqm();
    let caller = log_in(&sandbox, iqm.mfa_user()).await;
    let user = iqm.mfa_user();
    caller.send(json!(user.ow_id)).await;
    let first = iqm.mfa_code(user.email).unwrap();
    // One in a million is the same code again.
    while iqm.mfa_code(user.email).as_ref() == Some(&first) {
        caller.send(json!(user.ow_id)).await;
    }
    let reply = caller.verify(&first).await;
    reply.assert_error(401, WRONG);

    clock.advance(Duration::from_secs(600));
    let reply = caller.verify(&iqm.mfa_code(user.email).unwrap()).await;
    reply.assert_error(401, WRONG);
    assert!(reply.hint.unwrap().contains("expired"));
}

#[tokio::test]
async fn a_user_put_on_hold_cannot_verify() {
    let sandbox = Sandbox::start().unwrap();
    let iqm = sandbox.iqm();
    let caller = log_in(&sandbox, iqm.mfa_user()).await;
    caller.send(json!(iqm.mfa_user().ow_id)).await;
    iqm.set_on_hold(iqm.mfa_user().email, true);
    let code = iqm.mfa_code(iqm.mfa_user().email).unwrap();
    assert_eq!(caller.verify(&code).await.status, 403);
}

#[tokio::test]
async fn a_log_in_says_whether_a_second_factor_is_wanted_and_is_good_for_nothing_before() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    for (user, wanted) in [(iqm.user(), false), (iqm.mfa_user(), true)] {
        let reply = caller.log_in_as(user).await;
        let data = &reply.body["data"];
        assert_eq!(data["mfa_required"], wanted);
        assert!(data["jti"].is_string() && data["expires_at"].is_u64());
        let access = data["access_token"].as_str().unwrap();
        assert_eq!(iqm.accepts(access), !wanted);
        let profile = caller.get("profile").bearer_auth(access);
        let profile = read(profile.header("X-IAA-OW-ID", user.ow_id)).await;
        assert_eq!(profile.status, if wanted { 403 } else { 200 });
    }
    // A refresh is no way around it.
    let refresh = caller.log_in_as(iqm.mfa_user()).await.tokens().refresh;
    let reply = caller.refresh(&refresh).await;
    assert_eq!(reply.body["mfa_required"], true);
    assert!(!iqm.accepts(reply.body["access_token"].as_str().unwrap()));
}

#[tokio::test]
async fn both_calls_need_the_log_in_and_its_workspace() {
    let sandbox = Sandbox::start().unwrap();
    let caller = log_in(&sandbox, sandbox.iqm().mfa_user()).await;
    for (path, body) in [
        ("auth/mfa/send", json!({ "owId": caller.ow_id })),
        ("auth/mfa/verify", json!({ "otp": "123456" })),
    ] {
        let post = || caller.caller.post(path).json(&body);
        assert_eq!(read(post()).await.status, 401);
        let without = post().bearer_auth(&caller.access);
        read(without)
            .await
            .assert(400, "X-IAA-OW-ID header is missing");
    }
}

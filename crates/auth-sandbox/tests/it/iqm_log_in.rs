//! IQM: sign-up, the two log-ins, refresh and the authorization code grant.

use std::time::Duration;

use auth_sandbox::{IqmTokenEnvelope, IqmUser, Sandbox};
use serde_json::{Value, json};

use crate::caller::{Caller, frozen, read};

const NOT_ALLOWED: &str = "User doesn't exist or user is not allowed to provided workspace.";
const REDIRECT: &str = "https://app.example.com/callback";

/// Checks a token payload against IQM's documentation. `owId` is only in answers of some calls.
fn assert_tokens(payload: &Value, ow_id: Option<u64>) {
    for name in ["access_token", "refresh_token"] {
        let token = payload[name].as_str();
        assert!(token.is_some_and(|token| !token.is_empty()), "{name}");
    }
    assert_eq!(payload["scope"], "read write");
    assert_eq!(payload["token_type"], "bearer");
    assert_eq!(payload["expires_in"], 35_999);
    assert_eq!(payload.get("owId").and_then(Value::as_u64), ow_id);
    let expected = 5 + usize::from(ow_id.is_some());
    let of_a_log_in = ["expires_at", "jti", "mfa_required"];
    let is_one = of_a_log_in.iter().all(|name| !payload[name].is_null());
    let expected = expected + if is_one { of_a_log_in.len() } else { 0 };
    assert_eq!(payload.as_object().unwrap().len(), expected, "{payload}");
}

#[tokio::test]
async fn an_invited_user_signs_up_once_and_gets_tokens_without_a_workspace() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let user = sandbox.iqm().invited_user();
    let sign_up = || {
        let body = json!({ "email": user.email, "password": user.password });
        read(caller.basic("sign-up").json(&body))
    };
    assert_eq!(caller.log_in_as(user).await.status, 403);

    let reply = sign_up().await;
    assert_eq!((reply.status, &reply.body["success"]), (200, &json!(true)));
    assert_tokens(&reply.body["data"], None);
    let reply = caller.log_in_as(user).await;
    assert_eq!(reply.body["data"]["owId"], user.ow_id);

    let reply = sign_up().await;
    assert_eq!(reply.status, 403);
    assert_eq!(
        reply.body,
        json!({ "success": false, "errorObjects": [{
            "error": "User is not allowed to create a password.",
            "reason": "User is not invited or invitation is processed or invitation is expired.",
        }] })
    );
    sandbox.log().assert_count("iqm.sign_up", 2);
}

#[tokio::test]
async fn a_user_without_an_invitation_cannot_sign_up() {
    let sandbox = Sandbox::start().unwrap();
    let body = json!({ "email": "unknown@example.com", "password": "123456" });
    let reply = read(Caller::new(&sandbox).basic("sign-up").json(&body)).await;
    assert_eq!(reply.status, 403);
}

#[tokio::test]
async fn a_log_in_gives_enveloped_tokens_and_the_workspace() {
    let sandbox = Sandbox::start().unwrap();
    let user = sandbox.iqm().user();
    assert_eq!(
        (user.email, user.password, user.ow_id),
        ("user1@iqm.com", "123456", 200_001)
    );
    let reply = read(Caller::new(&sandbox).log_in_request(user)).await;
    assert_eq!((reply.status, &reply.body["success"]), (200, &json!(true)));
    assert_tokens(&reply.body["data"], Some(200_001));
    assert_eq!(reply.hint, None);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_rejected_alike() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    for (email, password, hint) in [
        ("user1@iqm.com", "wrong", "the password is wrong"),
        ("unknown@iqm.com", "123456", "no user"),
    ] {
        let body = json!({ "grantType": "password", "email": email, "password": password });
        let form = [
            ("grant_type", "password"),
            ("username", email),
            ("password", password),
        ];
        for request in [
            caller.basic("login").json(&body),
            caller.basic("oauth/token").form(&form),
        ] {
            let reply = read(request).await;
            assert_eq!(reply.status, 403);
            let expected = json!({ "success": false, "errorObjects": [{ "error": NOT_ALLOWED }] });
            assert_eq!(reply.body, expected);
            assert!(reply.hint.unwrap().contains(hint));
        }
    }
}

#[tokio::test]
async fn a_user_on_hold_gets_the_reason() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let reply = caller.log_in_as(sandbox.iqm().on_hold_user()).await;
    assert_eq!(reply.status, 400);
    let data = &reply.body["data"];
    assert_eq!(data["status"], "On Hold");
    assert!(data["reason"].as_str().unwrap().contains("missed payment"));
    assert_eq!(data["supportEmail"], "support@iqm.com");
    assert_eq!(
        reply.body["errorObjects"],
        json!([{
            "error": "User is not allowed to access provided customer",
            "reason": "User is not associated with any active organization.",
        }])
    );

    sandbox
        .iqm()
        .set_on_hold(sandbox.iqm().on_hold_user().email, false);
    assert_eq!(
        caller.log_in_as(sandbox.iqm().on_hold_user()).await.status,
        200
    );
}

#[tokio::test]
async fn a_workspace_host_that_is_sent_has_to_be_right() {
    let sandbox = Sandbox::start().unwrap();
    let user = sandbox.iqm().workspace_user();
    let log_in = |host: Option<&str>| {
        let request = Caller::new(&sandbox).log_in_request(user);
        read(match host {
            Some(host) => request.header("X-IAA-HOST", host),
            None => request,
        })
    };
    assert_eq!(log_in(None).await.status, 200);
    assert_eq!(log_in(Some(user.workspace_host)).await.status, 200);
    assert_eq!(
        log_in(Some("https://agency.example.com/")).await.status,
        200
    );
    let reply = log_in(Some("elsewhere.example.com")).await;
    reply.assert_error(403, NOT_ALLOWED);
    assert!(reply.hint.unwrap().contains("X-IAA-HOST"));
}

#[tokio::test]
async fn the_token_endpoint_wraps_a_password_grant_as_it_was_set() {
    for envelope in [IqmTokenEnvelope::Enveloped, IqmTokenEnvelope::Bare] {
        let sandbox = Sandbox::builder()
            .iqm_token_envelope(envelope)
            .start()
            .unwrap();
        let caller = Caller::new(&sandbox);
        let (email, password) = (sandbox.iqm().user().email, sandbox.iqm().user().password);
        let form = [
            ("grant_type", "password"),
            ("username", email),
            ("password", password),
        ];
        let older = json!({ "grantType": "password", "email": email, "password": password });
        let request = || caller.basic("oauth/token");
        for request in [request().form(&form), request().json(&older)] {
            let reply = read(request).await;
            assert_eq!(reply.status, 200);
            let payload = if envelope == IqmTokenEnvelope::Bare {
                &reply.body
            } else {
                assert_eq!(reply.body["success"], true);
                &reply.body["data"]
            };
            assert_tokens(payload, Some(200_001));
        }
        sandbox.log().assert_count("iqm.log_in_oauth", 2);
    }
}

#[tokio::test]
async fn a_refresh_is_bare_and_without_a_workspace_in_every_encoding() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let refresh = caller.log_in().await.refresh;
    let reply = caller.refresh(&refresh).await;
    assert_eq!(reply.status, 200);
    assert_tokens(&reply.body, None);
    // The vendor's sample and the table above it spell the field differently.
    for name in ["grant_type", "grantType"] {
        let body = json!({ name: "refresh_token", "refresh_token": refresh });
        assert_tokens(
            &read(caller.basic("oauth/token").json(&body)).await.body,
            None,
        );
    }
    sandbox.log().assert_count("iqm.refresh", 3);
}

#[tokio::test]
async fn an_authorization_code_is_exchanged_once_with_the_redirect_it_was_made_for() {
    let (clock, sandbox) = frozen();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let exchange = async |code: &str, redirect_uri: &str, secret: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("client_id", iqm.client_id()),
            ("client_secret", secret),
        ];
        read(caller.basic("oauth/token").form(&form)).await
    };
    let new_code = || iqm.authorization_code(iqm.user().email, REDIRECT);

    let code = new_code();
    let reply = exchange(&code, REDIRECT, iqm.client_secret()).await;
    assert_eq!(reply.status, 200);
    assert_tokens(&reply.body, Some(iqm.user().ow_id));
    let reply = exchange(&code, REDIRECT, iqm.client_secret()).await;
    reply.assert(400, "used already");

    let reply = exchange(
        &new_code(),
        "https://evil.example.com/",
        iqm.client_secret(),
    )
    .await;
    reply.assert(400, "redirect_uri");
    assert_eq!(exchange(&new_code(), REDIRECT, "wrong").await.status, 401);

    let code = new_code();
    clock.advance(Duration::from_secs(600));
    assert!(
        exchange(&code, REDIRECT, iqm.client_secret())
            .await
            .hint
            .unwrap()
            .contains("expired")
    );
    sandbox.log().assert_count("iqm.authorization_code", 5);
}

#[tokio::test]
async fn an_added_user_can_log_in_and_replaces_the_one_with_the_same_address() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let log_in = |password: &str| {
        let body =
            json!({ "grantType": "password", "email": "ann@example.com", "password": password });
        read(caller.basic("login").json(&body))
    };
    iqm.add_user(IqmUser::new("ann@example.com", "first").ow_id(7));
    assert_eq!(log_in("first").await.body["data"]["owId"], 7);
    iqm.add_user(IqmUser::new("ann@example.com", "second"));
    assert_eq!(log_in("first").await.status, 403);
    assert_eq!(log_in("second").await.body["data"]["owId"], 200_007);
    iqm.set_password("ann@example.com", "third");
    assert_eq!(log_in("second").await.status, 403);
    assert_eq!(log_in("third").await.status, 200);
}

#[test]
#[should_panic(expected = "the sandbox has no user \"unknown@iqm.com\" at IQM")]
fn a_code_for_an_unknown_user_is_a_mistake_in_the_test() {
    Sandbox::start()
        .unwrap()
        .iqm()
        .authorization_code("unknown@iqm.com", REDIRECT);
}

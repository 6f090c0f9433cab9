//! The vendor's published samples, and answers that bend them.

use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::SandboxClock;
use httpmock::prelude::*;
use iqm_auth::{Client, Error, ErrorKind, Expiry, ExposeSecret as _, Token};

use crate::set_up::{always, shown};

/// IQM, "Sign Up and Authentication Quickstart Guide": request and response of *Sign Up*.
const SIGN_UP_REQUEST: &str = r#"{
    "email": "user1@iqm.com",
    "password": "123456"
}"#;
const SIGN_UP_ANSWER: &str = r#"{
    "success": true,
    "data": {
        "access_token": "d90fa7de-534c-4652-ad8f-c4f6f70461ac",
        "refresh_token": "2e379c6f-959d-498f-8319-ff13ebef6bfe",
        "scope": "read write",
        "token_type": "bearer",
        "expires_in": 35999
    }
}"#;

/// The same page: request and response of *Log In*.
const LOG_IN_REQUEST: &str = r#"{
    "grantType": "password",
    "email": "user1@iqm.com",
    "password": "123456"
}"#;
const LOG_IN_ANSWER: &str = r#"{
    "success": true,
    "data": {
        "access_token": "106adb25-37b0-4cab-8381-d682fe7cc3c8",
        "refresh_token": "eac4c1f6-781e-4b04-baff-9c2e415d1f64",
        "scope": "read write",
        "token_type": "bearer",
        "expires_in": 35999,
        "owId": 200001
    }
}"#;

/// IQM, "Sign Up and Authenticate": request and response of *Refresh Token*. The refresh gives back
/// both tokens of the log-in's sample.
const REFRESH_REQUEST: &str = r#"{
"grant_type": "refresh_token",
"refresh_token": "eac4c1f6-781e-4b04-baff-9c2e415d1f64"
}"#;
const REFRESH_ANSWER: &str = r#"{
"access_token": "106adb25-37b0-4cab-8381-d682fe7cc3c8",
"refresh_token": "eac4c1f6-781e-4b04-baff-9c2e415d1f64",
"scope": "read write",
"token_type": "bearer",
"expires_in": 35999
}"#;

const EMAIL: &str = "user1@iqm.com";
const PASSWORD: &str = "123456";

fn client_of(server: &MockServer) -> Client {
    client_with(server, false)
}

fn client_with(server: &MockServer, json_grants: bool) -> Client {
    Client::builder("id", "secret")
        .base_url(server.base_url())
        .clock(SandboxClock::frozen())
        .json_grants(json_grants)
        .build()
        .unwrap()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

async fn answering(status: u16, body: &str) -> MockServer {
    always(|then| then.status(status).body(body)).await
}

async fn log_in_answered(status: u16, body: &str) -> Result<Token, Error> {
    let server = answering(status, body).await;
    client_of(&server).log_in(EMAIL, &PASSWORD.into()).await
}

fn in_ten_hours() -> Expiry {
    Expiry::At(SandboxClock::frozen().now().wall() + Duration::from_secs(35_999))
}

#[track_caller]
fn assert_token(token: &Token, access: &str, refresh: &str, ow_id: Option<u64>) {
    assert_eq!(token.access_token().expose_secret(), access);
    assert_eq!(token.refresh_token().unwrap().expose_secret(), refresh);
    assert_eq!(token.ow_id(), ow_id);
    assert_eq!(token.scope(), Some("read write"));
    assert_eq!(token.expiry(), in_ten_hours());
}

#[tokio::test]
async fn the_published_sign_up_is_sent_and_read() {
    let server = MockServer::start_async().await;
    let sign_up = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v3/ua/sign-up")
                .header("authorization", "Basic aWQ6c2VjcmV0")
                .json_body(json(SIGN_UP_REQUEST));
            then.status(200).body(SIGN_UP_ANSWER);
        })
        .await;
    let token = client_of(&server).sign_up(EMAIL, &PASSWORD.into()).await;
    assert_token(
        &token.unwrap(),
        "d90fa7de-534c-4652-ad8f-c4f6f70461ac",
        "2e379c6f-959d-498f-8319-ff13ebef6bfe",
        None,
    );
    sign_up.assert_async().await;
}

#[tokio::test]
async fn the_published_log_in_is_sent_and_read() {
    let server = MockServer::start_async().await;
    let log_in = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v3/ua/login")
                .header("authorization", "Basic aWQ6c2VjcmV0")
                .json_body(json(LOG_IN_REQUEST));
            then.status(200).body(LOG_IN_ANSWER);
        })
        .await;
    let token = client_of(&server).log_in(EMAIL, &PASSWORD.into()).await;
    assert_token(
        &token.unwrap(),
        "106adb25-37b0-4cab-8381-d682fe7cc3c8",
        "eac4c1f6-781e-4b04-baff-9c2e415d1f64",
        Some(200_001),
    );
    log_in.assert_async().await;
}

#[tokio::test]
async fn the_published_log_in_at_the_token_endpoint_is_the_older_json_grant() {
    let server = MockServer::start_async().await;
    let log_in = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v3/ua/oauth/token")
                .json_body(json(LOG_IN_REQUEST));
            then.status(200).body(LOG_IN_ANSWER);
        })
        .await;
    let client = client_with(&server, true);
    let token = client.log_in_oauth(EMAIL, &PASSWORD.into()).await.unwrap();
    assert_eq!(token.ow_id(), Some(200_001));
    log_in.assert_async().await;
}

#[tokio::test]
async fn the_published_refresh_is_sent_and_its_bare_answer_read() {
    let log_in = log_in_answered(200, LOG_IN_ANSWER).await.unwrap();
    for json_grants in [true, false] {
        let server = MockServer::start_async().await;
        let refresh = server
            .mock_async(|when, then| {
                let when = when
                    .method(POST)
                    .path("/api/v3/ua/oauth/token")
                    .header("authorization", "Basic aWQ6c2VjcmV0");
                if json_grants {
                    when.json_body(json(REFRESH_REQUEST));
                } else {
                    when.header("content-type", "application/x-www-form-urlencoded")
                        .body(
                            "grant_type=refresh_token\
                             &refresh_token=eac4c1f6-781e-4b04-baff-9c2e415d1f64",
                        );
                }
                then.status(200).body(REFRESH_ANSWER);
            })
            .await;
        let token = client_with(&server, json_grants).refresh(&log_in).await;
        assert_token(
            &token.unwrap(),
            "106adb25-37b0-4cab-8381-d682fe7cc3c8",
            "eac4c1f6-781e-4b04-baff-9c2e415d1f64",
            Some(200_001),
        );
        refresh.assert_async().await;
    }
}

#[tokio::test]
async fn every_token_answer_is_read_bare_and_enveloped() {
    let bare = json(LOG_IN_ANSWER)["data"].to_string();
    for body in [LOG_IN_ANSWER, &bare] {
        let server = answering(200, body).await;
        let client = client_of(&server);
        let (password, code) = (PASSWORD.into(), "a-code".into());
        let token = client.log_in(EMAIL, &password).await.unwrap();
        for token in [
            client.refresh(&token).await.unwrap(),
            client.sign_up(EMAIL, &password).await.unwrap(),
            client.log_in_oauth(EMAIL, &password).await.unwrap(),
            client
                .exchange_code(&code, "https://example.com/")
                .await
                .unwrap(),
            client.verify_mfa_code(&code).await.unwrap(),
            token,
        ] {
            assert_token(
                &token,
                "106adb25-37b0-4cab-8381-d682fe7cc3c8",
                "eac4c1f6-781e-4b04-baff-9c2e415d1f64",
                Some(200_001),
            );
        }
    }
}

#[tokio::test]
async fn a_refresh_that_brings_another_refresh_token_or_workspace_replaces_the_old() {
    let old = log_in_answered(200, LOG_IN_ANSWER).await.unwrap();
    let body = r#"{"access_token":"access-2","refresh_token":"refresh-2","scope":"read write",
        "token_type":"bearer","expires_in":35999,"owId":200002}"#;
    let server = answering(200, body).await;
    let new = client_of(&server).refresh(&old).await.unwrap();
    assert_token(&new, "access-2", "refresh-2", Some(200_002));
}

#[tokio::test]
async fn a_refresh_without_a_refresh_token_keeps_the_old_one() {
    let old = log_in_answered(200, LOG_IN_ANSWER).await.unwrap();
    for refresh_token in ["", r#""refresh_token":null,"#] {
        let body = format!(r#"{{"access_token":"access-2",{refresh_token}"expires_in":60}}"#);
        let server = answering(200, &body).await;
        let new = client_of(&server).refresh(&old).await.unwrap();
        assert_eq!(new.access_token().expose_secret(), "access-2");
        assert_eq!(
            new.refresh_token().unwrap().expose_secret(),
            "eac4c1f6-781e-4b04-baff-9c2e415d1f64"
        );
        assert_eq!(new.ow_id(), Some(200_001));
    }
}

#[tokio::test]
async fn the_camel_case_answer_to_an_mfa_code_is_read() {
    let body = r#"{"success":true,"data":{"accessToken":"106adb25-37b0-4cab-8381-d682fe7cc3c8",
        "tokenType":"bearer","expiresIn":35999,"owId":200001}}"#;
    let server = MockServer::start_async().await;
    let verify = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v3/ua/auth/mfa/verify")
                .json_body(json(r#"{"otp":"123456"}"#));
            then.status(200).body(body);
        })
        .await;
    let token = client_of(&server)
        .verify_mfa_code(&"123456".into())
        .await
        .unwrap();
    assert_eq!(
        token.access_token().expose_secret(),
        "106adb25-37b0-4cab-8381-d682fe7cc3c8"
    );
    assert!(token.refresh_token().is_none());
    assert_eq!((token.ow_id(), token.scope()), (Some(200_001), None));
    assert_eq!(token.expiry(), in_ten_hours());
    verify.assert_async().await;
}

#[tokio::test]
async fn the_token_type_is_bearer_in_any_case_or_left_out() {
    for token_type in [r#""bearer""#, r#""Bearer""#, r#""BEARER""#, "null"] {
        let body = LOG_IN_ANSWER.replace(r#""bearer""#, token_type);
        log_in_answered(200, &body).await.unwrap();
    }
    let body = LOG_IN_ANSWER.replace(r#""token_type": "bearer","#, "");
    log_in_answered(200, &body).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_type_is_not_used() {
    let body = LOG_IN_ANSWER.replace("bearer", "mac");
    let error = log_in_answered(200, &body).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("bearer"), "{error}");
}

#[tokio::test]
async fn fields_that_nobody_documents_are_passed_over() {
    let body = LOG_IN_ANSWER
        .replace(
            r#""owId": 200001"#,
            r#""owId": 200001, "jti": {"a": [1]}, "userId": null"#,
        )
        .replace(
            r#""success": true"#,
            r#""success": true, "traceId": "x", "responseObject": {}"#,
        );
    let token = log_in_answered(200, &body).await.unwrap();
    assert_eq!(token.ow_id(), Some(200_001));
}

#[tokio::test]
async fn null_stands_for_a_field_that_is_not_there() {
    let body = r#"{"success":true,"errorObjects":null,"data":{"access_token":"a-token",
        "refresh_token":null,"scope":null,"token_type":null,"expires_in":35999,"owId":null}}"#;
    let token = log_in_answered(200, body).await.unwrap();
    assert_eq!(token.access_token().expose_secret(), "a-token");
    assert!(token.refresh_token().is_none());
    assert_eq!((token.ow_id(), token.scope()), (None, None));

    let bare = r#"{"success":null,"data":null,"errorObjects":null,"access_token":"a-token",
        "expires_in":35999}"#;
    let token = log_in_answered(200, bare).await.unwrap();
    assert_eq!(token.access_token().expose_secret(), "a-token");
}

#[tokio::test]
async fn null_in_a_refusal_leaves_its_kind_and_its_other_words() {
    let body = r#"{"success":false,"data":null,"errorObjects":[{"error":
        "User doesn't exist or user is not allowed to provided workspace.","reason":null,
        "field":null}]}"#;
    let error = log_in_answered(403, body).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the log-in was refused: User doesn't exist or user is not allowed to provided workspace"
    );
    for body in [
        r#"{"success":false,"data":null,"errorObjects":null}"#,
        r#"{"success":false,"errorObjects":[]}"#,
        r#"{"success":false,"errorObjects":[{}]}"#,
        "{}",
        "[]",
        "",
        "<html>",
    ] {
        let error = log_in_answered(403, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{body}");
        let text = error.to_string();
        assert_eq!(text.matches("403").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn the_vendors_words_are_told_in_one_line() {
    let body = r#"{"success":false,"errorObjects":[
        {"error":"Invalid request.","reason":"It is too\nlong.","field":"email"},
        {"error":"Second."}]}"#;
    let error = log_in_answered(412, body).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "iqm.log_in was answered with status 412 Precondition Failed: \
         Invalid request: It is too long: email: Second"
    );
}

#[tokio::test]
async fn created_is_a_success_as_well() {
    let token = log_in_answered(201, LOG_IN_ANSWER).await.unwrap();
    assert_eq!(token.ow_id(), Some(200_001));
}

#[tokio::test]
async fn a_status_is_told_once_where_the_vendor_gave_no_words() {
    let error = log_in_answered(404, r#"{"success":false}"#)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "iqm.log_in was answered with status 404 Not Found"
    );
}

#[tokio::test]
async fn a_token_without_a_lifetime_in_seconds_is_an_undocumented_answer_and_not_quoted() {
    for expires_in in [
        "",
        r#","expires_in":null"#,
        r#","expires_in":"35999""#,
        r#","expires_in":-1"#,
        r#","expires_in":1.5"#,
    ] {
        let access = "106adb25-37b0-4cab-8381-d682fe7cc3c8";
        let body = format!(r#"{{"access_token":"{access}"{expires_in}}}"#);
        let error = log_in_answered(200, &body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{expires_in}");
        assert!(!shown(&error).contains(&access[..8]), "{error:?}");
    }
}

#[tokio::test]
async fn the_number_in_the_answer_decides_how_long_a_token_lives() {
    let now = SandboxClock::frozen().now().wall();
    for (seconds, expiry) in [
        (60, Expiry::At(now + Duration::from_secs(60))),
        (86_400, Expiry::At(now + Duration::from_secs(86_400))),
        (u64::MAX, Expiry::Never),
    ] {
        let body = LOG_IN_ANSWER.replace("35999", &seconds.to_string());
        let token = log_in_answered(200, &body).await.unwrap();
        assert_eq!(token.expiry(), expiry, "{seconds}");
    }
}

#[tokio::test]
async fn success_false_is_a_failure_whatever_the_status_says() {
    let body = r#"{"success":false,"errorObjects":[{"error":"No such thing."}],
        "data":{"access_token":"a-token","expires_in":35999}}"#;
    let error = log_in_answered(200, body).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(
        error.to_string(),
        "iqm.log_in was answered with status 200 OK: No such thing"
    );
}

#[tokio::test]
async fn success_true_with_403_is_a_failure() {
    // IQM's *Reset Password* page: the response of `update-password` to an invalid reset.
    let body = r#"{"success":true,"data":{"invalidReason":"Reset link is expired.",
        "isValid":false}}"#;
    let server = answering(403, body).await;
    let client = client_of(&server);
    let error = client
        .set_password(EMAIL, &PASSWORD.into())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::ResetRefused { reason } if reason == "Reset link is expired."),
        "{error:?}"
    );
    let error = client.request_password_reset(EMAIL).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);

    let error = log_in_answered(403, LOG_IN_ANSWER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    assert!(!shown(&error).contains("106adb25"), "{error:?}");
}

#[tokio::test]
async fn calls_without_a_result_accept_any_data() {
    for body in [
        r#"{"success":true,"data":"User logged out successfully."}"#,
        r#"{"success":true,"data":{"a":1}}"#,
        r#"{"success":true,"data":null}"#,
        r#"{"success":true}"#,
    ] {
        let server = answering(200, body).await;
        let client = client_of(&server);
        client.send_mfa_code(1).await.unwrap();
        client.set_password(EMAIL, &PASSWORD.into()).await.unwrap();
    }
}

#[tokio::test]
async fn json_that_is_none_is_an_undocumented_answer() {
    for body in ["", "<html>", "null", "[]", "{}", r#"{"success":true}"#] {
        let error = log_in_answered(200, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
    }
}

#[tokio::test]
async fn a_profile_needs_no_more_than_workspace_and_address() {
    let token = log_in_answered(200, LOG_IN_ANSWER).await.unwrap();
    for body in [
        r#"{"success":true,"data":{"owId":200001,"email":"user1@iqm.com"}}"#,
        r#"{"success":true,"data":{"owId":200001,"email":"user1@iqm.com","firstName":null,
            "lastName":null,"displayName":null,"organizationName":null,"other":null}}"#,
    ] {
        let server = answering(200, body).await;
        let auth_headers = token.auth_headers().unwrap();
        let profile = client_of(&server).profile(&auth_headers).await.unwrap();
        assert_eq!((profile.ow_id, profile.email.as_str()), (200_001, EMAIL));
        assert_eq!(profile.display_name, None);
    }
}

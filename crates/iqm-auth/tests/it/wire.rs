//! The vendor's published samples, and responses that depart from them.

use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::SandboxClock;
use httpmock::When;
use httpmock::prelude::*;
use iqm_auth::ErrorKind::{Denied, InvalidCredentials, NotFound, Protocol, Unavailable};
use iqm_auth::{Client, Error, ErrorKind, Expiry, ExposeSecret as _, Token};

use crate::set_up::{always, assert_refused, shown};

/// IQM, "Sign Up and Authentication Quickstart Guide": request and response of *Sign Up*.
const SIGN_UP_REQUEST: &str = r#"{
    "email": "user1@iqm.com",
    "password": "123456"
}"#;
const SIGN_UP_RESPONSE: &str = r#"{
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
const LOG_IN_RESPONSE: &str = r#"{
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
const REFRESH_RESPONSE: &str = r#"{
"access_token": "106adb25-37b0-4cab-8381-d682fe7cc3c8",
"refresh_token": "eac4c1f6-781e-4b04-baff-9c2e415d1f64",
"scope": "read write",
"token_type": "bearer",
"expires_in": 35999
}"#;

const EMAIL: &str = "user1@iqm.com";
const PASSWORD: &str = "123456";
const ACCESS: &str = "106adb25-37b0-4cab-8381-d682fe7cc3c8";
const REFRESH: &str = "eac4c1f6-781e-4b04-baff-9c2e415d1f64";

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

async fn responding(status: u16, body: &str) -> MockServer {
    always(|then| then.status(status).body(body)).await
}

/// A server that gives this response to this request and to no other.
async fn expecting(path: &str, request: impl FnOnce(When) -> When, response: &str) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            request(when.method(POST).path(path));
            then.status(200).body(response);
        })
        .await;
    server
}

async fn log_in(status: u16, body: &str) -> Result<Token, Error> {
    let server = responding(status, body).await;
    client_of(&server).log_in(EMAIL, &PASSWORD.into()).await
}

fn after(seconds: u64) -> Expiry {
    Expiry::At(SandboxClock::frozen().now().wall() + Duration::from_secs(seconds))
}

#[track_caller]
fn assert_token(token: &Token, access: &str, refresh: &str, ow_id: Option<u64>) {
    assert_eq!(token.access_token().expose_secret(), access);
    assert_eq!(token.refresh_token().unwrap().expose_secret(), refresh);
    assert_eq!(token.ow_id(), ow_id);
    assert_eq!(token.scope(), Some("read write"));
    assert_eq!(token.expiry(), after(35_999));
}

#[tokio::test]
async fn the_published_samples_are_sent_and_read() {
    let basic = "Basic aWQ6c2VjcmV0";
    let body = |text| move |when: When| when.header("authorization", basic).json_body(json(text));

    let path = "/api/v3/ua/sign-up";
    let server = expecting(path, body(SIGN_UP_REQUEST), SIGN_UP_RESPONSE).await;
    let token = client_of(&server).sign_up(EMAIL, &PASSWORD.into()).await;
    let access = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
    let refresh = "2e379c6f-959d-498f-8319-ff13ebef6bfe";
    assert_token(&token.unwrap(), access, refresh, None);

    let path = "/api/v3/ua/login";
    let server = expecting(path, body(LOG_IN_REQUEST), LOG_IN_RESPONSE).await;
    let token = client_of(&server).log_in(EMAIL, &PASSWORD.into()).await;
    let logged_in = token.unwrap();
    assert_token(&logged_in, ACCESS, REFRESH, Some(200_001));

    // The heading of the sample names the token endpoint.
    let path = "/api/v3/ua/oauth/token";
    let server = expecting(path, body(LOG_IN_REQUEST), LOG_IN_RESPONSE).await;
    let client = client_with(&server, true);
    let token = client.log_in_oauth(EMAIL, &PASSWORD.into()).await.unwrap();
    assert_token(&token, ACCESS, REFRESH, Some(200_001));

    let server = expecting(path, body(REFRESH_REQUEST), REFRESH_RESPONSE).await;
    let token = client_with(&server, true).refresh(&logged_in).await;
    assert_token(&token.unwrap(), ACCESS, REFRESH, Some(200_001));

    let form = format!("grant_type=refresh_token&refresh_token={REFRESH}");
    let form = |when: When| {
        when.header("authorization", basic)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    };
    let server = expecting(path, form, REFRESH_RESPONSE).await;
    let token = client_of(&server).refresh(&logged_in).await;
    assert_token(&token.unwrap(), ACCESS, REFRESH, Some(200_001));
}

#[tokio::test]
async fn every_token_response_is_read_bare_and_enveloped() {
    let bare = json(LOG_IN_RESPONSE)["data"].to_string();
    for body in [LOG_IN_RESPONSE, &bare] {
        let server = responding(200, body).await;
        let client = client_of(&server);
        let (password, code) = (PASSWORD.into(), "a-code".into());
        let token = client.log_in(EMAIL, &password).await;
        for token in [
            client.refresh(token.as_ref().unwrap()).await,
            client.sign_up(EMAIL, &password).await,
            client.log_in_oauth(EMAIL, &password).await,
            client.exchange_code(&code, "https://example.com/").await,
            client.verify_mfa_code(&code).await,
            token,
        ] {
            assert_token(&token.unwrap(), ACCESS, REFRESH, Some(200_001));
        }
    }
}

#[tokio::test]
async fn a_token_response_may_say_more_than_documented_and_bearer_in_any_case() {
    let with = |from: &str, to: &str| {
        assert!(LOG_IN_RESPONSE.contains(from));
        LOG_IN_RESPONSE.replace(from, to)
    };
    for (status, body) in [
        (201, LOG_IN_RESPONSE.to_owned()),
        (200, with(r#""bearer""#, r#""Bearer""#)),
        (200, with(r#""bearer""#, r#""BEARER""#)),
        (200, with(r#""bearer""#, "null")),
        (200, with(r#""token_type": "bearer","#, "")),
        (
            200,
            with("200001", r#"200001, "jti": {"a": [1]}, "userId": null"#),
        ),
        (
            200,
            with("true", r#"true, "traceId": "x", "responseObject": {}"#),
        ),
    ] {
        let token = log_in(status, &body).await.unwrap();
        assert_token(&token, ACCESS, REFRESH, Some(200_001));
    }
}

#[tokio::test]
async fn null_stands_for_a_field_that_is_not_there() {
    for body in [
        r#"{"success":true,"errorObjects":null,"data":{"access_token":"a-token",
            "refresh_token":null,"scope":null,"token_type":null,"expires_in":35999,"owId":null}}"#,
        r#"{"success":null,"data":null,"errorObjects":null,"access_token":"a-token",
            "expires_in":35999}"#,
    ] {
        let token = log_in(200, body).await.unwrap();
        assert_eq!(token.access_token().expose_secret(), "a-token");
        assert!(token.refresh_token().is_none());
        assert_eq!((token.ow_id(), token.scope()), (None, None));
    }
}

#[tokio::test]
async fn a_refresh_keeps_what_its_response_does_not_replace() {
    let old = log_in(200, LOG_IN_RESPONSE).await.unwrap();
    for (fields, refresh, ow_id) in [
        (
            r#","refresh_token":"refresh-2","owId":200002"#,
            "refresh-2",
            200_002,
        ),
        (r#","refresh_token":null"#, REFRESH, 200_001),
        ("", REFRESH, 200_001),
    ] {
        let body = format!(
            r#"{{"access_token":"access-2","scope":"read write","expires_in":35999{fields}}}"#
        );
        let server = responding(200, &body).await;
        let new = client_of(&server).refresh(&old).await.unwrap();
        assert_token(&new, "access-2", refresh, Some(ow_id));
    }
}

#[tokio::test]
async fn the_camel_case_response_to_an_mfa_code_is_read() {
    let body = r#"{"success":true,"data":{"accessToken":"106adb25-37b0-4cab-8381-d682fe7cc3c8",
        "tokenType":"bearer","expiresIn":35999,"owId":200001}}"#;
    let code = |when: When| when.json_body(json(r#"{"otp":"123456"}"#));
    let server = expecting("/api/v3/ua/auth/mfa/verify", code, body).await;
    let token = client_of(&server).verify_mfa_code(&"123456".into()).await;
    let token = token.unwrap();
    assert_eq!(token.access_token().expose_secret(), ACCESS);
    assert!(token.refresh_token().is_none());
    assert_eq!((token.ow_id(), token.scope()), (Some(200_001), None));
    assert_eq!(token.expiry(), after(35_999));
}

#[tokio::test]
async fn the_number_in_the_response_decides_how_long_a_token_lives() {
    for (seconds, expiry) in [
        (60, after(60)),
        (86_400, after(86_400)),
        (u64::MAX, Expiry::Never),
    ] {
        let body = LOG_IN_RESPONSE.replace("35999", &seconds.to_string());
        let token = log_in(200, &body).await.unwrap();
        assert_eq!(token.expiry(), expiry, "{seconds}");
    }
}

/// What a failed log-in is told as, whichever of these bodies says so.
const FAILURES: [(u16, ErrorKind, &str, &[&str]); 8] = [
    (
        403,
        InvalidCredentials,
        "the log-in was refused: User doesn't exist or user is not allowed to provided workspace",
        &[r#"{"success":false,"data":null,"errorObjects":[{"error":
                "User doesn't exist or user is not allowed to provided workspace.","reason":null,
                "field":null}]}"#],
    ),
    (
        403,
        InvalidCredentials,
        "the log-in was refused: status 403 Forbidden",
        &[
            r#"{"success":false,"data":null,"errorObjects":null}"#,
            r#"{"success":false,"errorObjects":[]}"#,
            r#"{"success":false,"errorObjects":[{}]}"#,
            "{}",
            "[]",
            "",
            "<html>",
            // The status decides before `success: true` does.
            LOG_IN_RESPONSE,
        ],
    ),
    (
        412,
        Denied,
        "iqm.log_in was answered with status 412 Precondition Failed: \
         Invalid request: It is too long: email: Second",
        &[r#"{"success":false,"errorObjects":[
            {"error":"Invalid request.","reason":"It is too\nlong.","field":"email"},
            {"error":"Second."}]}"#],
    ),
    (
        404,
        NotFound,
        "iqm.log_in was answered with status 404 Not Found",
        &[r#"{"success":false}"#],
    ),
    (
        200,
        Protocol,
        "iqm.log_in was answered with status 200 OK: No such thing",
        &[
            r#"{"success":false,"errorObjects":[{"error":"No such thing."}],
            "data":{"access_token":"106adb25-37b0-4cab-8381-d682fe7cc3c8","expires_in":35999}}"#,
        ],
    ),
    (
        200,
        Protocol,
        "iqm.log_in was answered with status 200 OK and no valid json",
        &[""],
    ),
    (
        200,
        Unavailable,
        "iqm.log_in was answered with status 200 OK and no valid json (line 1, column 1): \
         a proxy or gateway may have answered in the vendor's place",
        &["<html>"],
    ),
    (
        200,
        Protocol,
        "iqm.log_in was answered with status 200 OK and other json than documented",
        &["null", "[]", "{}", r#"{"success":true}"#],
    ),
];

#[tokio::test]
async fn a_failed_log_in_says_why_in_one_line_and_names_the_status_once() {
    for (status, kind, text, bodies) in FAILURES {
        for body in bodies {
            let error = log_in(status, body).await.unwrap_err();
            assert_refused(&error, kind, text);
            assert_eq!(error.http_status(), Some(status), "{body}");
            // After the text only the place in undocumented json.
            let rest = error.to_string().replacen(text, "", 1);
            let is_place = rest.starts_with(" (line ") || rest.starts_with(" in `");
            assert!(rest.is_empty() || is_place, "{error}");
            assert!(!shown(&error).contains(&ACCESS[..8]), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_token_without_a_lifetime_in_seconds_or_of_another_type_is_not_used_and_not_quoted() {
    let mac = r#","token_type":"mac","expires_in":60"#;
    for (fields, text) in [
        ("", "other json than documented"),
        (r#","expires_in":null"#, "other json than documented"),
        (r#","expires_in":"35999""#, "other json than documented"),
        (r#","expires_in":-1"#, "other json than documented"),
        (r#","expires_in":1.5"#, "other json than documented"),
        (mac, "a token of a type other than bearer"),
    ] {
        let body = format!(r#"{{"access_token":"{ACCESS}"{fields}}}"#);
        let error = log_in(200, &body).await.unwrap_err();
        assert_refused(&error, Protocol, text);
        assert_eq!(error.http_status(), Some(200), "{fields}");
        assert!(!shown(&error).contains(&ACCESS[..8]), "{error:?}");
    }
}

#[tokio::test]
async fn success_true_with_403_is_a_failure() {
    // IQM's *Reset Password* page: the response of `update-password` to an invalid reset.
    let body = r#"{"success":true,"data":{"invalidReason":"Reset link is expired.",
        "isValid":false}}"#;
    let server = responding(403, body).await;
    let client = client_of(&server);
    let refused = client.set_password(EMAIL, &PASSWORD.into()).await;
    let text = "the password was not set: Reset link is expired.";
    assert_refused(&refused.unwrap_err(), Denied, text);
    let refused = client.request_password_reset(EMAIL).await;
    assert_refused(&refused.unwrap_err(), Denied, "status 403 Forbidden");
}

#[tokio::test]
async fn calls_without_a_result_accept_any_data() {
    for body in [
        r#"{"success":true,"data":"User logged out successfully."}"#,
        r#"{"success":true,"data":{"a":1}}"#,
        r#"{"success":true,"data":null}"#,
        r#"{"success":true}"#,
    ] {
        let server = responding(200, body).await;
        let client = client_of(&server);
        client.send_mfa_code(1).await.unwrap();
        client.set_password(EMAIL, &PASSWORD.into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_profile_needs_no_more_than_workspace_and_address() {
    let token = log_in(200, LOG_IN_RESPONSE).await.unwrap();
    for body in [
        r#"{"success":true,"data":{"owId":200001,"email":"user1@iqm.com"}}"#,
        r#"{"success":true,"data":{"owId":200001,"email":"user1@iqm.com","firstName":null,
            "lastName":null,"displayName":null,"organizationName":null,"other":null}}"#,
    ] {
        let server = responding(200, body).await;
        let headers = token.auth_headers().unwrap();
        let profile = client_of(&server).profile(&headers).await.unwrap();
        assert_eq!((profile.ow_id, profile.email.as_str()), (200_001, EMAIL));
        assert_eq!(profile.display_name, None);
    }
}

//! The vendor's published samples, and responses that depart from them.

use std::time::Duration;

use auth_core::Clock as _;
use auth_sandbox::SandboxClock;
use httpmock::When;
use httpmock::prelude::*;
use iqm_auth::ErrorKind::{
    Denied, InvalidCredentials, NotFound, Protocol, TokenRejected, Unavailable,
};
use iqm_auth::{Client, Error, ErrorKind, Expiry, ExposeSecret as _, Token};

use vendor_tests::redaction::Captured;

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
    // By the clock of the tests: a moment on the vendor's is one of the client's.
    let date = "Thu, 01 Jan 2026 00:00:00 GMT";
    always(|then| then.status(status).header("date", date).body(body)).await
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
            client
                .exchange_code(&code, "https://example.com/", None)
                .await,
            client
                .verify_mfa_code(&token.clone().unwrap().into(), &code)
                .await,
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
    let login = log_in(200, LOG_IN_RESPONSE).await.unwrap().into();
    let token = client_of(&server)
        .verify_mfa_code(&login, &"123456".into())
        .await;
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
const FAILURES: [(u16, ErrorKind, &str, &[&str]); 10] = [
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
        InvalidCredentials,
        "the log-in was refused: No such thing",
        &[
            r#"{"success":false,"errorObjects":[{"error":"No such thing."}],
            "data":{"access_token":"106adb25-37b0-4cab-8381-d682fe7cc3c8","expires_in":35999}}"#,
            r#"{"success":"false","message":"No such thing."}"#,
            r#"{"success":true,"data":null,"error":"No such thing."}"#,
            r#"{"error":"No such thing"}"#,
            r#"{"error_description":"No such thing","success":false,"errorObjects":[5,{"error":[]}]}"#,
        ],
    ),
    (
        401,
        InvalidCredentials,
        "the log-in was refused: invalid_client: Bad credentials",
        &[r#"{"error":"invalid_client","error_description":"Bad credentials"}"#],
    ),
    (
        200,
        Protocol,
        "iqm.log_in was answered with status 200 OK and no valid json",
        &[""],
    ),
    (
        403,
        Unavailable,
        "iqm.log_in was answered with status 403 Forbidden and no json: \
         a proxy or gateway may have answered in the vendor's place",
        &[
            "<html>",
            "Forbidden",
            "<!doctype html><p>User doesn't exist",
        ],
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
async fn a_lifetime_that_is_no_number_of_seconds_or_another_type_is_not_used_and_not_quoted() {
    let mac = r#","token_type":"mac","expires_in":60"#;
    for (fields, text) in [
        (
            r#","expires_in":-1"#,
            "other json than documented in `expires_in`",
        ),
        (
            r#","expires_in":"soon""#,
            "other json than documented in `expires_in`",
        ),
        (
            r#","expires_in":["35999"]"#,
            "other json than documented in `expires_in`",
        ),
        (
            r#","expires_in":60,"owId":"two""#,
            "other json than documented in `owId`",
        ),
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
async fn numbers_are_read_in_every_form_that_says_one() {
    // The sandbox's clock begins with 2026.
    let at = 1_767_225_600_000_u64 + 60_000;
    for (fields, expiry) in [
        (r#""expires_in":"60""#, after(60)),
        (r#""expires_in":60.0"#, after(60)),
        (r#""expires_in":"60.0","owId":"200001""#, after(60)),
        (r#""expires_in":60,"owId":200001.0"#, after(60)),
        (r#""expires_in":null"#, after(35_999)),
        (r#""scope":["a"]"#, after(35_999)),
        (&format!(r#""expires_at":{at}"#), after(60)),
        (
            &format!(r#""expires_in":null,"expires_at":"{at}""#),
            after(60),
        ),
        (
            &format!(r#""expires_in":30,"expires_at":{at},"jti":"x""#),
            after(30),
        ),
    ] {
        let body = format!(r#"{{"success":true,"data":{{"access_token":"{ACCESS}",{fields}}}}}"#);
        let token = log_in(200, &body).await.unwrap();
        assert_eq!(token.expiry(), expiry, "{fields}");
        let ow_id = fields.contains("owId").then_some(200_001);
        assert_eq!(token.ow_id(), ow_id, "{fields}");
    }
}

#[tokio::test]
async fn a_lifetime_that_the_vendor_did_not_send_is_told_in_a_debug_event() {
    let (captured, _guard) = Captured::begin();
    log_in(200, LOG_IN_RESPONSE).await.unwrap();
    assert!(
        !captured.text().contains("expires_in"),
        "{}",
        captured.text()
    );
    let body = format!(r#"{{"access_token":"{ACCESS}"}}"#);
    log_in(200, &body).await.unwrap();
    let text = captured.text();
    assert!(text.contains("neither expires_in nor expires_at"), "{text}");
}

#[tokio::test]
async fn a_second_factor_that_is_wanted_is_an_outcome_of_every_log_in() {
    for (value, is_pending) in [
        ("true", true),
        (r#""true""#, true),
        ("false", false),
        ("null", false),
    ] {
        let body = LOG_IN_RESPONSE.replace("200001", &format!(r#"200001,"mfa_required":{value}"#));
        let server = responding(200, &body).await;
        let (client, password) = (client_of(&server), PASSWORD.into());
        let old = log_in(200, LOG_IN_RESPONSE).await.unwrap();
        for outcome in [
            client.log_in(EMAIL, &password).await,
            client.log_in_oauth(EMAIL, &password).await,
            client
                .exchange_code(&password, "https://example.com/", None)
                .await,
            client.sign_up(EMAIL, &password).await,
            client.refresh(&old).await,
        ] {
            match outcome {
                Err(Error::MfaRequired { login, http_status }) if is_pending => {
                    assert_eq!((login.ow_id(), http_status), (Some(200_001), Some(200)));
                }
                Ok(_) if !is_pending => {}
                other => panic!("{value}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_refused_access_token_is_read_in_each_documented_shape() {
    let token = log_in(200, LOG_IN_RESPONSE).await.unwrap();
    for (body, text) in [
        (
            r#"{"error":"invalid_token","error_description":
                "Invalid access token: 106adb25-37b0-4cab-8381-d682fe7cc3c8"}"#,
            "the token was refused: invalid_token: Invalid access token: [redacted]",
        ),
        (
            r#"{"message":"Invalid token"}"#,
            "the token was refused: Invalid token",
        ),
        (
            r#"{"success":false,"errorObjects":[{"error":"Invalid token."}]}"#,
            "the token was refused: Invalid token",
        ),
    ] {
        let server = responding(401, body).await;
        let headers = token.auth_headers().unwrap();
        let error = client_of(&server).profile(&headers).await.unwrap_err();
        assert_refused(&error, TokenRejected, "");
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test]
async fn an_unknown_address_is_the_same_error_with_both_documented_statuses() {
    for status in [400, 404] {
        let server = responding(status, r#"{"success":false}"#).await;
        let error = client_of(&server).request_password_reset(EMAIL).await;
        let error = error.unwrap_err();
        assert_refused(&error, NotFound, "unknown e-mail address");
        assert_eq!(error.http_status(), Some(status));
    }
}

#[tokio::test]
async fn an_account_is_on_hold_by_its_status_alone() {
    for (data, text) in [
        (r#"{"status":"On Hold"}"#, "the account is On Hold"),
        (
            r#"{"status":"ON_HOLD","reason":null}"#,
            "the account is ON_HOLD",
        ),
        (
            r#"{"status":"On Hold","reason":5,"supportEmail":"help@iqm.com"}"#,
            "the account is On Hold (contact help@iqm.com)",
        ),
        (
            r#"{"status":"On Hold","reason":"Unpaid"}"#,
            "the account is On Hold: Unpaid",
        ),
    ] {
        let body = format!(r#"{{"success":false,"data":{data}}}"#);
        let error = log_in(400, &body).await.unwrap_err();
        assert_refused(&error, Denied, "");
        assert_eq!(error.to_string(), text, "{data}");
    }
    let body = r#"{"success":false,"data":{"status":"FAILED"}}"#;
    let error = log_in(400, body).await.unwrap_err();
    assert_refused(&error, InvalidCredentials, "status 400");
}

#[tokio::test]
async fn a_reset_link_is_read_by_either_name_of_its_field() {
    for (status, data, is_valid) in [
        (
            200,
            r#"{"isValid":true,"resetEmail":"user1@iqm.com"}"#,
            true,
        ),
        (200, r#"{"valid":true}"#, true),
        (
            200,
            r#"{"valid":false,"invalidReason":"It is old."}"#,
            false,
        ),
        (200, r#"{"isValid":false,"valid":true}"#, false),
        (
            403,
            r#"{"isValid":false,"invalidReason":"It is old."}"#,
            false,
        ),
        (403, r#"{"valid":false,"resetEmail":5}"#, false),
    ] {
        let server = responding(status, &format!(r#"{{"success":true,"data":{data}}}"#)).await;
        let link = client_of(&server)
            .validate_password_reset(&"a hash".into())
            .await;
        let link = link.unwrap();
        assert_eq!(link.is_valid, is_valid, "{data}");
        let reason = data.contains("old").then_some("It is old.");
        assert_eq!(link.invalid_reason.as_deref(), reason);
    }
    for (status, body, kind) in [
        (200, r#"{"success":true,"data":{}}"#, Protocol),
        (403, r#"{"success":true,"data":{"isValid":true}}"#, Denied),
        (403, r#"{"success":false}"#, Denied),
    ] {
        let server = responding(status, body).await;
        let error = client_of(&server)
            .validate_password_reset(&"a hash".into())
            .await;
        assert_refused(&error.unwrap_err(), kind, "iqm.validate_password_reset");
    }
}

#[tokio::test]
async fn success_true_with_403_is_a_failure() {
    // IQM's *Reset Password* page: the response of `update-password` to an invalid reset.
    let body = r#"{"success":true,"data":{"invalidReason":"Reset link is expired.",
        "isValid":false}}"#;
    let server = responding(403, body).await;
    let client = client_of(&server);
    let refused = client.set_password(EMAIL, &PASSWORD.into(), None).await;
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
        let login = log_in(200, LOG_IN_RESPONSE).await.unwrap().into();
        client.send_mfa_code(&login).await.unwrap();
        client
            .set_password(EMAIL, &PASSWORD.into(), None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_profile_needs_no_more_than_workspace_and_address() {
    let token = log_in(200, LOG_IN_RESPONSE).await.unwrap();
    for body in [
        r#"{"success":true,"data":{"owId":200001,"email":"user1@iqm.com"}}"#,
        r#"{"success":true,"data":{"owId":200001,"email":"user1@iqm.com","firstName":null,
            "lastName":null,"displayName":null,"organizationName":null,"other":null}}"#,
        r#"{"success":true,"data":{"owId":"200001","email":"user1@iqm.com","firstName":5,
            "lastName":[],"displayName":{"a":1},"parentOrganization":null}}"#,
    ] {
        let server = responding(200, body).await;
        let headers = token.auth_headers().unwrap();
        let profile = client_of(&server).profile(&headers).await.unwrap();
        assert_eq!((profile.ow_id, profile.email.as_str()), (200_001, EMAIL));
        assert_eq!(profile.display_name, None);
    }
}

//! The vendor's published samples, and responses that differ from them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_sandbox::SandboxClock;
use edgeiq_auth::http::RetryPolicy;
use edgeiq_auth::{
    ApiToken, Authenticated, Client, Error, ErrorKind, Expiry, ExposeSecret as _, Lifetime,
    ResetEmail, ResetToken, User,
};
use httpmock::prelude::*;
use vendor_tests::assert_refused;
use vendor_tests::redaction::Captured;

use crate::set_up::{always, shown};

/// EdgeIQ, "Authentication": the body of *Generating a temporary API token*, its address (hidden
/// on the page) replaced.
const AUTHENTICATE_REQUEST: &str = r#"{
  "email": "user@example.com",
  "password": "yourpassword",
  "token_expiry": "2019-06-10T19:49:51.217Z"
}"#;

/// The same page: the body of the permanent token's reset.
const API_TOKEN_RESET_REQUEST: &str = r#"{
  "email": "user@example.com",
  "password": "theirpassword"
}"#;

/// The same page: the body of *Customizing The Password Reset Email*.
const RESET_REQUEST: &str = r#"{
  "email": "user@example.com",
  "url": "https://app.edgeiq.io/reset_password",
  "subject": "Your Recent Password Reset Request",
  "greeting": "We've received a password reset request",
  "from_address": "us@example.com"
}"#;

/// The same page, without the comma that ends its last field.
const SET_PASSWORD_REQUEST: &str = r#"{
  "password": "yournewpassword",
  "password_confirmation": "yournewpassword"
}"#;

/// The page shows no response; these are the fields that it names, and some that it does not.
const USER: &str = r#"{
  "_id": "5c8a7f2b1d41c80001a2b3c4",
  "email": "user@example.com",
  "api_token": "p3rm4n3nt-0123456789",
  "session_token": "s355i0n-0123456789",
  "session_expires_at": "2019-06-10T19:49:51.217Z",
  "user_type": "Standard",
  "unlisted": { "api_token": "n35t3d-0123456789" }
}"#;

/// What the clock of the clients here says.
const DATE: &str = "Fri, 07 Jun 2019 19:49:51 GMT";

const EMAIL: &str = "user@example.com";
const PASSWORD: &str = "yourpassword";

/// When the sample's token ends.
fn end() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_560_196_191_217)
}

/// Three days before.
fn now() -> SystemTime {
    end() - Duration::from_secs(3 * 86_400)
}

fn client_of(server: &MockServer) -> Client {
    Client::builder()
        .base_url(server.url("/api/v1/platform"))
        .clock(SandboxClock::frozen_at(now()))
        // This clock stands still: a pause would not end.
        .http(|http| http.retry(RetryPolicy::never()))
        .build()
        .unwrap()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

async fn responding(status: u16, body: &str) -> MockServer {
    always(|then| then.status(status).header("date", DATE).body(body)).await
}

async fn authenticate_with(status: u16, body: &str) -> Result<Authenticated, Error> {
    let server = responding(status, body).await;
    client_of(&server)
        .authenticate(EMAIL, &PASSWORD.into(), Lifetime::Default)
        .await
}

async fn me_with(status: u16, body: &str) -> Result<User, Error> {
    let server = responding(status, body).await;
    let auth_headers = ApiToken::new("a-token").auth_headers().unwrap();
    client_of(&server).me(&auth_headers).await
}

#[tokio::test]
async fn the_published_log_in_is_sent_and_its_fields_are_read() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v1/platform/user/authenticate")
                .header("accept", "application/json")
                .header("content-type", "application/json")
                .json_body(json(AUTHENTICATE_REQUEST));
            then.status(200).header("date", DATE).body(USER);
        })
        .await;
    let authenticated = client_of(&server)
        .authenticate(EMAIL, &PASSWORD.into(), end().into())
        .await
        .unwrap();
    mock.assert_async().await;
    let (token, user) = (authenticated.token, authenticated.user);
    assert_eq!(token.access_token().expose_secret(), "s355i0n-0123456789");
    assert_eq!(token.expiry(), Expiry::At(end()));
    assert_eq!(user.session_expires_at, Some(end()));
    assert_eq!(user.id.as_deref(), Some("5c8a7f2b1d41c80001a2b3c4"));
    let api_token = user.api_token.unwrap();
    assert_eq!(api_token.secret().expose_secret(), "p3rm4n3nt-0123456789");
}

#[tokio::test]
async fn the_published_reset_of_the_permanent_token_is_sent() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v1/platform/user/api_token_reset")
                .json_body(json(API_TOKEN_RESET_REQUEST));
            // The page names one field of the response.
            then.status(200).body(r#"{"api_token":"n3w-0123456789"}"#);
        })
        .await;
    let token = client_of(&server)
        .reset_api_token(EMAIL, &"theirpassword".into())
        .await
        .unwrap();
    mock.assert_async().await;
    assert_eq!(token.secret().expose_secret(), "n3w-0123456789");
}

#[tokio::test]
async fn the_published_token_is_sent_without_a_scheme() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/api/v1/platform/me")
                .header("accept", "application/json")
                .header("content-type", "application/json")
                .header("authorization", "a-token");
            then.status(200).body(USER);
        })
        .await;
    let auth_headers = ApiToken::new("a-token").auth_headers().unwrap();
    let user = client_of(&server).me(&auth_headers).await.unwrap();
    mock.assert_async().await;
    assert_eq!(user.email.as_deref(), Some(EMAIL));
}

#[tokio::test]
async fn the_published_reset_request_is_sent() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v1/platform/user/password_reset_request")
                .json_body(json(RESET_REQUEST));
            then.status(200);
        })
        .await;
    let mail = ResetEmail::new()
        .subject("Your Recent Password Reset Request")
        .greeting("We've received a password reset request")
        .from_address("us@example.com");
    client_of(&server)
        .request_password_reset(EMAIL, &mail)
        .await
        .unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn the_published_new_password_is_sent() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v1/platform/user/password_reset/TOKEN")
                .json_body(json(SET_PASSWORD_REQUEST));
            then.status(200);
        })
        .await;
    let token = ResetToken::new("TOKEN").unwrap();
    client_of(&server)
        .set_password(&token, &"yournewpassword".into())
        .await
        .unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn the_body_of_a_call_without_a_result_does_not_matter() {
    for body in ["", "{}", "null", "OK", r#"{"success":true}"#] {
        let server = responding(200, body).await;
        let client = client_of(&server);
        let token = ResetToken::new("TOKEN").unwrap();
        client.set_password(&token, &PASSWORD.into()).await.unwrap();
        client
            .request_password_reset(EMAIL, &ResetEmail::new())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn both_names_of_the_id_are_read() {
    for (body, id) in [
        (r#"{"_id":"a","id":"b"}"#, "a"),
        (r#"{"id":"b"}"#, "b"),
        (r#"{"_id":null,"id":"b"}"#, "b"),
    ] {
        let user = me_with(200, body).await.unwrap();
        assert_eq!(user.id.as_deref(), Some(id), "{body}");
    }
}

#[tokio::test]
async fn a_field_of_another_form_is_kept_and_fails_nothing() {
    let body = r#"{"_id":7,"email":"user@example.com","first_name":null,"company_id":{"a":1},
        "role":["x"],"user_type":3,"api_token":"","session_token":null,"session_expires_at":7}"#;
    let user = me_with(200, body).await.unwrap();
    assert_eq!(user.email.as_deref(), Some(EMAIL));
    assert_eq!(
        (user.id.as_deref(), user.first_name.as_deref()),
        (None, None)
    );
    assert_eq!(
        (user.company_id.as_deref(), user.role.as_deref()),
        (None, None)
    );
    assert!(user.api_token.is_none() && user.session_token.is_none());
    assert_eq!(user.other.get::<u8>("_id"), Some(7));
    assert_eq!(user.other.get::<Vec<String>>("role").unwrap(), ["x"]);
}

#[tokio::test]
async fn an_end_with_an_offset_is_the_same_moment() {
    for text in [
        "2019-06-10T15:49:51.217-04:00",
        "2019-06-10T19:49:51.217+00:00",
    ] {
        let body = USER.replace("2019-06-10T19:49:51.217Z", text);
        let token = authenticate_with(200, &body).await.unwrap().token;
        assert_eq!(token.expiry(), Expiry::At(end()), "{text}");
    }
}

#[tokio::test]
async fn the_year_one_of_an_empty_field_is_no_end() {
    let body = USER.replace("2019-06-10T19:49:51.217Z", "0001-01-01T00:00:00Z");
    let token = authenticate_with(200, &body).await.unwrap().token;
    let expected = now() + Duration::from_secs(4 * 3_600);
    assert_eq!(token.expiry(), Expiry::At(expected));
}

#[tokio::test]
async fn the_vendors_end_counts_whatever_was_asked_for() {
    let server = responding(200, USER).await;
    let token = client_of(&server)
        .authenticate(EMAIL, &PASSWORD.into(), Duration::from_secs(60).into())
        .await
        .unwrap()
        .token;
    assert_eq!(token.expiry(), Expiry::At(end()));
}

#[tokio::test]
async fn an_end_by_a_clock_that_is_ahead_is_moved_back() {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.any_request();
            // An hour and some milliseconds ahead of the client's clock.
            then.status(200)
                .header("date", "Fri, 07 Jun 2019 20:49:51 GMT")
                .body(USER);
        })
        .await;
    let token = client_of(&server)
        .authenticate(EMAIL, &PASSWORD.into(), Lifetime::Default)
        .await
        .unwrap()
        .token;
    let Expiry::At(at) = token.expiry() else {
        panic!("{token:?}")
    };
    let moved = end().duration_since(at).unwrap();
    assert!(moved > Duration::from_secs(3_598) && moved < Duration::from_secs(3_602));
}

#[tokio::test]
async fn not_authorized_is_understood_in_every_form() {
    for (status, body) in [
        (403, "Not Authorized"),
        (403, "Not authorized"),
        (403, "<html>Not authorized"),
        (401, "Not authorized"),
        (403, r#"{"error":"Not Authorized"}"#),
        (403, r#"{"message":"not authorized."}"#),
        (403, r#""Not Authorized""#),
        (403, ""),
        (401, r#"{"messages":["x"]}"#),
        (400, r#"{"error":"NOT AUTHORIZED"}"#),
        (404, r#"{"errors":["Not authorized"]}"#),
        (200, "Not Authorized"),
        (200, r#"{"message":"Not authorized"}"#),
    ] {
        let token = me_with(status, body).await.unwrap_err();
        assert_refused(&token, ErrorKind::TokenRejected, "the token was refused: ");
        let log_in = authenticate_with(status, body).await.unwrap_err();
        assert_refused(
            &log_in,
            ErrorKind::InvalidCredentials,
            "the log-in was refused: ",
        );
        for error in [token, log_in] {
            assert_eq!(error.http_status(), Some(status), "{body}");
        }
    }
}

#[tokio::test]
async fn a_web_page_is_an_outage_whatever_its_status() {
    for (status, body) in [
        (400, "NOT AUTHORIZED"),
        (401, "x"),
        (403, "<html>Blocked"),
        (404, "<html>Not authorized"),
        (404, "not found"),
    ] {
        for error in [
            me_with(status, body).await.unwrap_err(),
            authenticate_with(status, body).await.unwrap_err(),
        ] {
            assert_refused(&error, ErrorKind::Unavailable, "a proxy or gateway");
        }
        let server = responding(status, body).await;
        let token = ResetToken::new("TOKEN").unwrap();
        let password = PASSWORD.into();
        let refused = client_of(&server).set_password(&token, &password).await;
        let error = refused.unwrap_err();
        assert_refused(&error, ErrorKind::Unavailable, "a proxy or gateway");
    }
}

#[tokio::test]
async fn a_refused_log_in_is_one_whatever_its_status_and_says_why() {
    for (status, body, text) in [
        (404, r#"{"messages":["not found"]}"#, "not found"),
        // The other word stands in the password.
        (
            401,
            r#"{"messages":["Invalid password"]}"#,
            "Invalid [redacted]",
        ),
        (403, "Not authorized", "not authorized"),
        (200, r#"{"success":false,"error":"No."}"#, "No"),
        (200, r#"{"error":"No access."}"#, "No access"),
        (
            200,
            r#"{"email":"user@example.com","messages":["Locked","Ask us"]}"#,
            "Locked; Ask us",
        ),
    ] {
        let error = authenticate_with(status, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{body}");
        let shown = error.to_string().to_lowercase();
        let text = format!("the log-in was refused: {text}").to_lowercase();
        assert_eq!(shown, text);
    }
    // The address is wrong, and no user is unknown.
    let error = authenticate_with(404, r#"{"error":"no such route"}"#).await;
    assert_refused(&error.unwrap_err(), ErrorKind::NotFound, "no such route");
}

#[tokio::test]
async fn a_bad_reset_token_is_an_error_of_its_own() {
    for (status, body, kind) in [
        (
            400,
            r#"{"error":"Invalid token."}"#,
            ErrorKind::InvalidCredentials,
        ),
        (
            400,
            r#"{"messages":["invalid token"]}"#,
            ErrorKind::InvalidCredentials,
        ),
        (400, r#"{"error":"Too short."}"#, ErrorKind::Denied),
        (404, r#"{"error":"Invalid token."}"#, ErrorKind::Denied),
    ] {
        let server = responding(status, body).await;
        let token = ResetToken::new("TOKEN").unwrap();
        let password = PASSWORD.into();
        let set = client_of(&server).set_password(&token, &password).await;
        assert_refused(&set.unwrap_err(), kind, "");
    }
}

#[tokio::test]
async fn messages_are_read_before_message_and_that_before_error() {
    for (body, expected) in [
        (
            r#"{"messages":["a","b."],"message":"c","error":"d"}"#,
            "a; b",
        ),
        (r#"{"messages":[],"message":"c.","error":"d"}"#, "c"),
        (r#"{"messages":null,"message":5,"error":"d"}"#, "d"),
        (r#"{"messages":[5,"a"]}"#, "a"),
    ] {
        let error = me_with(400, body).await.unwrap_err();
        let expected = format!("edgeiq.me was answered with status 400 Bad Request: {expected}");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_read_in_every_form_that_names_a_moment() {
    for text in [
        r#""2019-06-10t19:49:51.217z""#,
        r#""2019-06-10 19:49:51.217Z""#,
        r#""2019-06-10T21:49:51.217+0200""#,
        r#""2019-06-10 14:49:51.217-0500""#,
        r#"" 2019-06-10T19:49:51.217Z\n""#,
        "1560196191217",
        r#""1560196191217""#,
    ] {
        let body = USER.replace(r#""2019-06-10T19:49:51.217Z""#, text);
        let token = authenticate_with(200, &body).await.unwrap().token;
        assert_eq!(token.expiry(), Expiry::At(end()), "{text}");
    }
    let whole = end() - Duration::from_millis(217);
    let body = USER.replace(r#""2019-06-10T19:49:51.217Z""#, "1560196191");
    let token = authenticate_with(200, &body).await.unwrap().token;
    assert_eq!(token.expiry(), Expiry::At(whole));

    let (captured, _guard) = Captured::begin();
    let fallback = now() + Duration::from_secs(4 * 3_600);
    for text in [
        r#""soon""#,
        "0",
        "-5",
        "true",
        "[]",
        r#""2019-06-10T19:49:51""#,
        r#""é+0200""#,
        r#""2019-06-1é 0200""#,
    ] {
        let body = USER.replace(r#""2019-06-10T19:49:51.217Z""#, text);
        let token = authenticate_with(200, &body).await.unwrap().token;
        assert_eq!(token.expiry(), Expiry::At(fallback), "{text}");
    }
    let text = captured.text();
    assert!(
        text.contains("session_expires_at that is no moment"),
        "{text}"
    );
}

#[tokio::test]
async fn an_outage_is_not_taken_for_a_refused_token() {
    let limited = ErrorKind::RateLimited { retry_after: None };
    for (status, body, kind, text) in [
        (500, "Not Authorized", ErrorKind::Unavailable, "status 500"),
        (502, "<html>", ErrorKind::Unavailable, "status 502"),
        (503, "", ErrorKind::Unavailable, "status 503"),
        (408, "", ErrorKind::Unavailable, "status 408"),
        (429, "", limited, "too many calls to edgeiq"),
        (429, "Not Authorized", limited, "too many calls to edgeiq"),
        (404, "no such page", ErrorKind::Unavailable, "status 404"),
        (400, "", ErrorKind::Denied, "status 400"),
        (302, "Not Authorized", ErrorKind::Protocol, "status 302"),
        (200, "<html>", ErrorKind::Unavailable, "status 200"),
    ] {
        let error = me_with(status, body).await.unwrap_err();
        assert_refused(&error, kind, text);
        assert_eq!(error.http_status(), Some(status), "{body}");
    }
}

#[tokio::test]
async fn a_user_who_merely_writes_not_authorized_is_a_user() {
    let body = r#"{"_id":"a","note":"Not Authorized"}"#;
    let user = me_with(200, body).await.unwrap();
    assert_eq!(user.other.get::<String>("note").unwrap(), "Not Authorized");
}

#[tokio::test]
async fn a_response_without_a_user_or_a_token_is_undocumented_and_not_quoted() {
    for body in ["", "{}", "[]", "null", r#"{"ok":true}"#] {
        let error = me_with(200, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
    }
    for token in ["null", r#""""#, "7"] {
        let body = USER
            .replace(r#""s355i0n-0123456789""#, token)
            .replace("user@example.com", "another-user@example.com");
        let error = authenticate_with(200, &body).await.unwrap_err();
        assert_refused(&error, ErrorKind::Protocol, "session_token");
        let text = shown(&error);
        assert!(
            !text.contains("p3rm4n3nt") && !text.contains("another-user"),
            "{text}"
        );
    }
    let server = responding(200, r#"{"_id":"a"}"#).await;
    let error = client_of(&server)
        .reset_api_token(EMAIL, &PASSWORD.into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn the_vendors_message_is_told_in_one_line_and_no_other_text_is() {
    let foreign = " and no json: a proxy or gateway may have answered in the vendor's place";
    for (body, expected) in [
        ("Something\nis wrong.", foreign),
        (
            r#"{"message":"Something\nis wrong."}"#,
            ": Something is wrong",
        ),
        (r#"{"message":"It is."}"#, ": It is"),
        (r#"{"error":"It is"}"#, ": It is"),
        (r#"{"error":{"code":7}}"#, ""),
        (r#"{"note":"It is"}"#, ""),
        (r#""It is""#, ""),
        ("<html>It is", foreign),
        ("", ""),
    ] {
        let error = me_with(400, body).await.unwrap_err();
        let expected = format!("edgeiq.me was answered with status 400 Bad Request{expected}");
        assert_eq!(error.to_string(), expected);
    }
    let error = me_with(403, "s3cr3t: Not AUTHORIZED (s3cr3t)").await;
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "the token was refused: Not AUTHORIZED");
}

#[tokio::test]
async fn the_message_about_a_sender_is_kept_and_no_other_text_is() {
    let mail = ResetEmail::new().from_address("us@example.com");
    for (body, expected) in [
        (r#"{"code":7,"error":"no"}"#, "no"),
        ("554 rejected", "status 500 Internal Server Error"),
        ("", "status 500 Internal Server Error"),
    ] {
        let server = responding(500, body).await;
        let client = client_of(&server);
        let error = client
            .request_password_reset(EMAIL, &mail)
            .await
            .unwrap_err();
        let expected = format!("the sender us@example.com is not whitelisted: {expected}");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_web_page_is_no_confirmation() {
    let server = responding(200, "<!doctype html><title>Welcome</title>").await;
    let client = client_of(&server);
    let error = client
        .request_password_reset(EMAIL, &ResetEmail::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
}

#[tokio::test]
async fn a_failure_that_comes_with_status_200_is_no_confirmation() {
    let reset_token = ResetToken::new("r353t").unwrap();
    for (body, is_failure) in [
        (r#"{"success":false,"messages":["No."]}"#, true),
        (r#"{"error":"No."}"#, true),
        (r#"{"success":true,"error":""}"#, false),
        (r#"{"error":null,"message":"sent"}"#, false),
        ("ok", false),
        ("", false),
    ] {
        let server = responding(200, body).await;
        let client = client_of(&server);
        let mail = ResetEmail::new();
        let mailed = client.request_password_reset(EMAIL, &mail).await;
        let mailed = mailed.map_err(|error| error.kind());
        let set = client.set_password(&reset_token, &"n3w".into()).await;
        let set = set.map_err(|error| error.kind());
        let (mail_kind, set_kind) = (ErrorKind::Protocol, ErrorKind::Denied);
        assert_eq!(mailed.err(), is_failure.then_some(mail_kind), "{body}");
        assert_eq!(set.err(), is_failure.then_some(set_kind), "{body}");
    }
}

#[tokio::test]
async fn the_debug_of_a_user_shows_no_token_and_no_field_that_no_document_describes() {
    let authenticated = authenticate_with(200, USER).await.unwrap();
    let text = format!("{authenticated:?} {authenticated:#?}");
    assert!(text.contains(EMAIL), "{text}");
    for secret in ["p3rm4n3nt", "s355i0n", "n35t3d"] {
        assert!(!text.contains(secret), "{text}");
        assert!(USER.contains(secret));
    }
}

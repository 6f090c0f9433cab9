//! The vendor's published samples, and responses that differ from them.

use std::time::{Duration, UNIX_EPOCH};

use auth_core::Clock as _;
use auth_sandbox::SandboxClock;
use eqworks_auth::ErrorKind::{
    Denied, InteractionRequired, InvalidCredentials, NotFound, OutcomeUnknown, Protocol,
    RateLimited, TokenRejected, Unavailable,
};
use eqworks_auth::http::RetryPolicy;
use eqworks_auth::magic_link::PasscodeMail;
use eqworks_auth::{Client, Error, ErrorKind, Expiry, ExposeSecret as _, Product, Stage, Token};
use httpmock::prelude::*;

use crate::set_up::{always, assert_refused, jwt, shown};

/// The user of EQ Works' samples: "EQ API", *Step 1: Login* and *Step 2: Verification*.
const USER: &str = "sue.sxxxxht@gmail.com";

/// When the frozen clock stands, in seconds since 1970.
const NOW: u64 = 1_767_225_600;

const LOGIN_RESPONSE: &str = r#"{
  "message": "Login passcode sent to sue.sxxxxht@gmail.com through email",
  "user": "sue.sxxxxht@gmail.com"
}"#;

/// "EQ API", *Step 2: Verification*, with a token in place of the text that stands there.
fn verify_response(jwt: &str) -> String {
    format!(
        r#"{{
  "message": "User sue.sxxxxht@gmail.com verified, please store and use the attached token responsibly",
  "user": "sue.sxxxxht@gmail.com",
  "token":"{jwt}"
}}"#
    )
}

fn fresh_jwt() -> String {
    jwt(&format!(
        r#"{{"iat":{NOW},"exp":{},"email":"{USER}","product":"atom","jwt_uuid":"u"}}"#,
        NOW + 7_776_000
    ))
}

fn client_of(server: &MockServer) -> Client {
    Client::builder(Stage::Dev, Product::ATOM)
        .base_url(server.base_url())
        .clock(SandboxClock::frozen())
        .build()
        .unwrap()
}

async fn answering(status: u16, body: &str) -> MockServer {
    always(|then| then.status(status).body(body)).await
}

async fn verified(body: &str) -> Result<Token, Error> {
    let server = answering(200, body).await;
    client_of(&server).verify(USER, &"FDEA9F".into()).await
}

fn token() -> Token {
    Token::from_jwt(fresh_jwt()).unwrap()
}

#[tokio::test]
async fn the_published_login_is_sent_and_read() {
    let server = MockServer::start_async().await;
    let login = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/dev/login")
                .query_param("user", USER)
                .query_param("zone", "America%2FToronto")
                .query_param("product", "atom")
                .query_param_missing("redirect")
                .query_param_missing("nolink");
            then.status(200).body(LOGIN_RESPONSE);
        })
        .await;
    let mail = PasscodeMail::new().zone("America/Toronto");
    let client = client_of(&server);
    let pending = client.request_passcode_with(USER, &mail).await.unwrap();
    assert_eq!((pending.user(), pending.product()), (USER, &Product::ATOM));
    login.assert_async().await;
}

#[tokio::test]
async fn the_published_verification_is_sent_and_read() {
    let server = MockServer::start_async().await;
    let verify = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/dev/verify")
                .query_param("user", USER)
                .query_param("otp", "FDEA9F")
                .query_param("product", "atom")
                .query_param_missing("reset_uuid");
            then.status(200)
                .header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
                .body(verify_response(&fresh_jwt()));
        })
        .await;
    let link = format!("https://auth.eqworks.io/dev/verify?user={USER}&otp=FDEA9F");
    let pending = client_of(&server).pending_login(USER);
    let token = pending.complete(&link.into()).await.unwrap();
    assert_eq!(token.access_token().expose_secret(), fresh_jwt());
    assert_eq!(token.account(), Some(USER));
    assert_eq!(token.product(), Some(Product::ATOM));
    assert_eq!(token.issued_at(), SandboxClock::frozen().now().wall());
    let end = UNIX_EPOCH + Duration::from_secs(NOW + 7_776_000);
    assert_eq!(token.expiry(), Expiry::At(end));
    verify.assert_async().await;
}

#[tokio::test]
async fn the_published_headers_are_the_raw_token_and_the_user() {
    let headers = token().auth_headers().unwrap().headers();
    assert_eq!(headers.len(), 2);
    assert_eq!(headers["eq-api-user"], USER);
    assert_eq!(headers["eq-api-jwt"], fresh_jwt());
    assert!(headers.values().all(http::HeaderValue::is_sensitive));

    let unnamed = Token::from_jwt(jwt("{}")).unwrap();
    let headers = unnamed.auth_headers().unwrap().headers();
    assert_eq!(headers.len(), 1);
    assert_eq!(headers["eq-api-jwt"], jwt("{}"));
}

#[tokio::test]
async fn the_published_confirmation_carries_the_token_in_its_header_only() {
    let server = MockServer::start_async().await;
    let confirm = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/dev/confirm")
                .header("eq-api-jwt", fresh_jwt())
                .header("eq-api-user", USER)
                .header_missing("authorization")
                .query_param("product", "atom")
                .query_param_missing("light");
            then.status(200).body(
                r#"{"message":"Token confirmed for user sue","user":"sue","light":false,
                "product":"atom","ttl":{"millis":7776000000,"friendly":"90 days"},
                "access_expired_at":"2026-02-01T00:00:00.000Z","access":{"write":-1}}"#,
            );
        })
        .await;
    let auth_headers = token().auth_headers().unwrap();
    let confirmed = client_of(&server).confirm(&auth_headers).await.unwrap();
    assert_eq!(
        (confirmed.user.as_str(), confirmed.is_light),
        ("sue", false)
    );
    assert_eq!(confirmed.product, Product::ATOM);
    assert_eq!(confirmed.time_left, Some(Duration::from_secs(7_776_000)));
    let end = UNIX_EPOCH + Duration::from_secs(NOW + 31 * 86_400);
    assert_eq!(confirmed.access_expiry, Some(Expiry::At(end)));
    assert_eq!(confirmed.access.get("write"), Some(-1));
    confirm.assert_async().await;
}

#[tokio::test]
async fn the_published_refresh_carries_the_token_in_its_header_only() {
    let server = MockServer::start_async().await;
    let next = jwt(&format!(r#"{{"exp":{}}}"#, NOW + 9_000_000));
    let refresh = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/dev/refresh")
                .header("eq-api-jwt", fresh_jwt())
                .query_param("product", "atom")
                .query_param_missing("reset_uuid");
            then.status(200).body(format!(
                r#"{{"message":"Token refreshed","token":"{next}","user":"{USER}",
                "product":"atom","access":{{}}}}"#
            ));
        })
        .await;
    let renewed = client_of(&server).refresh(&token()).await.unwrap();
    assert_eq!(renewed.access_token().expose_secret(), next);
    assert_eq!(renewed.account(), Some(USER));
    refresh.assert_async().await;
}

#[tokio::test]
async fn what_a_response_leaves_out_comes_from_the_claims_or_the_request() {
    let bare = |jwt: &str| format!(r#"{{"token":"{jwt}"}}"#);
    let claims = r#"{"email":"other@acme.test","product":"locus"}"#;
    let token = verified(&bare(&jwt(claims))).await.unwrap();
    assert_eq!(token.account(), Some("other@acme.test"));
    assert_eq!(token.product(), Some(Product::LOCUS));

    let token = verified(&bare(&jwt("{}"))).await.unwrap();
    assert_eq!(token.account(), Some(USER));
    assert_eq!(token.product(), Some(Product::ATOM));
    assert_eq!(token.expiry(), Expiry::Never);

    // A refresh keeps the account.
    for claims in ["{}", claims] {
        let server = answering(200, &bare(&jwt(claims))).await;
        let renewed = client_of(&server).refresh(&self::token()).await.unwrap();
        assert_eq!(renewed.account(), Some(USER));
    }
}

#[tokio::test]
async fn the_end_of_a_token_is_told_by_the_vendors_clock() {
    for (date, ahead) in [
        ("Thu, 01 Jan 2026 01:00:00 GMT", 3_600_i64),
        ("Wed, 31 Dec 2025 23:00:00 GMT", -3_600),
        ("Thu, 01 Jan 2026 00:00:03 GMT", 0),
    ] {
        let server = always(|then| {
            then.status(200)
                .header("date", date)
                .body(verify_response(&fresh_jwt()))
        })
        .await;
        let client = client_of(&server);
        let token = client.verify(USER, &"FDEA9F".into()).await.unwrap();
        let end = (NOW + 7_776_000).checked_add_signed(-ahead).unwrap();
        let end = UNIX_EPOCH + Duration::from_secs(end);
        assert_eq!(token.expiry(), Expiry::At(end), "{date}");
    }
}

#[tokio::test]
async fn an_end_thousands_of_years_away_survives_a_response_and_a_session() {
    for exp in ["317339744057", "9223372036854775807", "1e300"] {
        let claims = format!(r#"{{"iat":{NOW},"exp":{exp}}}"#);
        let server = always(|then| {
            then.status(200)
                .header("date", "Thu, 01 Jan 2026 01:00:00 GMT")
                .body(verify_response(&jwt(&claims)))
        })
        .await;
        let client = client_of(&server);
        let token = client.verify(USER, &"FDEA9F".into()).await.unwrap();
        assert!(!token.expiry().has_passed(std::time::SystemTime::now()));
        let session = client.session(token).build().unwrap();
        assert!(session.try_headers().is_some(), "{exp}");
        assert_eq!(session.state(), eqworks_auth::State::Fresh);
    }
}

#[tokio::test]
async fn a_time_left_is_read_however_absurd_it_is() {
    for (millis, left) in [
        ("1500", Some(Duration::from_millis(1_500))),
        ("0", Some(Duration::ZERO)),
        ("-1", None),
        ("-5", None),
        ("\"1500\"", Some(Duration::from_millis(1_500))),
        ("1500.0", Some(Duration::from_millis(1_500))),
        ("\"N/A\"", None),
        (
            "317339744057000",
            Some(Duration::from_secs(317_339_744_057)),
        ),
        ("1e300", None),
        ("null", None),
    ] {
        let body = format!(
            r#"{{"user":"sue","light":true,"product":"atom","ttl":{{"millis":{millis}}}}}"#
        );
        let server = answering(200, &body).await;
        let auth_headers = token().auth_headers().unwrap();
        let confirmed = client_of(&server)
            .confirm_light(&auth_headers)
            .await
            .unwrap();
        assert_eq!(confirmed.time_left, left, "{millis}");
        assert_eq!(confirmed.access_expiry, None);
        assert!(confirmed.is_light);
        assert_eq!(confirmed.access.names().count(), 0);
    }
}

#[tokio::test]
async fn an_access_that_does_not_end_is_told_from_one_that_was_not_looked_at() {
    for (field, expiry) in [
        (r#","access_expired_at":null"#, Ok(Some(Expiry::Never))),
        ("", Ok(None)),
        (r#","access_expired_at":"soon""#, Err(ErrorKind::Protocol)),
        (r#","access_expired_at":7"#, Err(ErrorKind::Protocol)),
    ] {
        let body = format!(r#"{{"user":"sue","product":"atom"{field}}}"#);
        let server = answering(200, &body).await;
        let auth_headers = token().auth_headers().unwrap();
        let confirmed = client_of(&server).confirm(&auth_headers).await;
        let read = confirmed
            .map(|it| it.access_expiry)
            .map_err(|error| error.kind());
        assert_eq!(read, expiry, "{field}");
    }
}

#[tokio::test]
async fn a_success_that_is_not_as_documented_is_told_without_its_text() {
    let secret = "secret-thing-0123456789";
    for body in [
        String::new(),
        format!("<html>{secret}</html>"),
        format!(r#"{{"token":"{secret}"}}"#),
        format!(r#"{{"token":["{secret}"]}}"#),
        format!("\"{secret}\""),
    ] {
        let error = verified(&body).await.unwrap_err();
        let is_page = body.starts_with('<');
        let kind = if is_page { OutcomeUnknown } else { Protocol };
        assert_eq!(error.kind(), kind, "{body}: {error:?}");
        assert!(!shown(&error).contains("secret-thing"), "{error:?}");
    }
}

/// The errors of the four calls, whatever each of them asks for.
async fn refused(status: u16, body: &str) -> [Error; 4] {
    let server = answering(status, body).await;
    let client = Client::builder(Stage::Dev, Product::ATOM)
        .base_url(server.base_url())
        .clock(SandboxClock::frozen())
        .http(|http| http.retry(RetryPolicy::never()))
        .build()
        .unwrap();
    let headers = token().auth_headers().unwrap();
    [
        client.request_passcode(USER).await.unwrap_err(),
        client.verify(USER, &"FDEA9F".into()).await.unwrap_err(),
        client.confirm(&headers).await.unwrap_err(),
        client.refresh(&token()).await.unwrap_err(),
    ]
}

/// The four calls are refused with these kinds, and with texts that begin like these.
async fn assert_all_refused(status: u16, body: &str, expected: [(ErrorKind, &str); 4]) {
    for (error, (kind, text)) in refused(status, body).await.into_iter().zip(expected) {
        assert_refused(&error, kind, text);
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(error.http_status(), Some(status), "{error:?}");
    }
}

fn refusal(status: u16, message: &str) -> String {
    serde_json::json!({"message": message, "statusCode": status, "logLevel": "WARNING"}).to_string()
}

#[tokio::test]
async fn each_documented_refusal_is_an_error_of_its_own_whatever_was_called() {
    let ended = "Access for sue has expired. Please contact the administrator to reactivate this \
                 account.";
    let denied = "User sue does not have access to atom";
    let limited = RateLimited { retry_after: None };
    for (status, message, kind, text) in [
        (
            404,
            "User sue not found",
            NotFound,
            "unknown user: User sue",
        ),
        (403, ended, Denied, "the access has ended: Access for sue"),
        (403, denied, Denied, "the product is not allowed: User sue"),
        (
            403,
            "Invalid OTP for user sue",
            InvalidCredentials,
            "the passcode is wrong: Inv",
        ),
        (
            403,
            "No OTP to redeem for user sue",
            InteractionRequired,
            "the passcode cannot be used",
        ),
        (
            403,
            "Invalid JWT: undefined",
            TokenRejected,
            "the token was refused: Invalid JWT",
        ),
        (
            403,
            "JWT missing required fields in payload",
            TokenRejected,
            "the token was refused: JWT",
        ),
        (
            403,
            "Invalid UUID for user sue",
            TokenRejected,
            "the token was refused: Invalid UUID",
        ),
        (
            403,
            "JWT not valid for this resource",
            TokenRejected,
            "the token is of another product",
        ),
        (
            400,
            "Missing 'user' in query string parameters",
            Denied,
            "eqworks.",
        ),
        (429, "Too Many Requests", limited, "too many calls"),
    ] {
        assert_all_refused(status, &refusal(status, message), [(kind, text); 4]).await;
    }
}

#[tokio::test]
async fn a_refusal_in_an_unknown_text_is_told_by_its_status_and_the_call() {
    for text in ["Something new", "User"] {
        let rejected = (TokenRejected, "the token was refused: ");
        let expected = [
            (Denied, "eqworks."),
            (InvalidCredentials, "the passcode was refused: "),
            rejected,
            rejected,
        ];
        assert_all_refused(403, &refusal(403, text), expected).await;
    }
    for (status, body, kind) in [
        (404, &*refusal(404, "Not Found"), NotFound),
        (403, "<html>blocked</html>", Unavailable),
    ] {
        assert_all_refused(status, body, [(kind, "eqworks."); 4]).await;
    }
}

#[tokio::test]
async fn a_refusal_without_its_text_is_told_by_its_status_and_the_call() {
    for body in ["", r#"{"message":"User sue not fou"#] {
        let unknown = (NotFound, "unknown user: the response has no text");
        let lost = (NotFound, "eqworks.");
        assert_all_refused(404, body, [unknown, lost, lost, lost]).await;
        let denied = (Denied, "eqworks.");
        let refused = (
            InvalidCredentials,
            "the passcode was refused: the response has no text",
        );
        assert_all_refused(403, body, [denied, refused, denied, denied]).await;
    }
}

#[tokio::test]
async fn a_log_in_that_is_answered_without_a_token_is_a_refusal_whatever_its_status() {
    let passcode = "the passcode ";
    for (body, kind, text) in [
        (
            refusal(403, "Invalid OTP for user sue"),
            InvalidCredentials,
            "is wrong: Invalid OTP",
        ),
        (
            refusal(403, "No OTP to redeem for user sue"),
            InteractionRequired,
            "cannot be used",
        ),
        (
            r#"{"success":false}"#.to_owned(),
            InvalidCredentials,
            "was refused: the vendor answered without",
        ),
        (
            r#"{"errors":["no"],"token":null}"#.to_owned(),
            InvalidCredentials,
            "was refused: the vendor",
        ),
    ] {
        let error = verified(&body).await.unwrap_err();
        assert_refused(&error, kind, &format!("{passcode}{text}"));
        assert_eq!(error.http_status(), Some(200));
    }
    // A refresh is not refused by it: the token may be good.
    let server = answering(200, r#"{"success":false}"#).await;
    let error = client_of(&server).refresh(&token()).await.unwrap_err();
    assert_eq!(error.kind(), Protocol);
}

#[tokio::test]
async fn an_unknown_path_is_not_taken_for_an_unknown_user() {
    let page = "<!DOCTYPE html><pre>Cannot GET /prd/login</pre> User sue not found";
    let text = "there is no such call at this address: its base url or its stage may be wrong";
    assert_all_refused(404, page, [(Protocol, text); 4]).await;
    for error in refused(404, page).await {
        assert!(!shown(&error).contains("Cannot GET"), "{error:?}");
    }
}

#[tokio::test]
async fn a_404_with_the_page_or_the_text_of_a_proxy_is_unavailable() {
    for page in [
        "<html><center><h1>404 Not Found</h1></center></html>",
        "no such host",
    ] {
        assert_all_refused(404, page, [(Unavailable, "eqworks."); 4]).await;
    }
}

#[tokio::test]
async fn a_failure_within_the_vendor_is_unavailable_or_unknown_by_what_the_call_does() {
    for message in [
        "Failed to complete the login process",
        "Failed to verify the OTP",
        "Failed to validate the existing token",
    ] {
        let kinds = [OutcomeUnknown, OutcomeUnknown, Unavailable, Unavailable];
        let expected = kinds.map(|kind| (kind, "eqworks."));
        assert_all_refused(500, &refusal(500, message), expected).await;
    }
}

#[tokio::test]
async fn the_vendors_text_is_kept_without_the_token_that_it_repeats() {
    let token = token();
    let secret = token.access_token().expose_secret();
    let message = format!("Invalid JWT: {secret}");
    let server = answering(403, &refusal(403, &message)).await;
    let error = client_of(&server).refresh(&token).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token was refused: Invalid JWT: [redacted]"
    );
    for part in secret.split('.') {
        assert!(!shown(&error).contains(part), "{error:?}");
    }
}

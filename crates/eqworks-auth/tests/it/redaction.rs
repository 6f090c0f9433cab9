//! No secret in an error, a `Debug`, a span or a log, whatever the vendor repeats of it.

use auth_sandbox::Sandbox;
use eqworks_auth::http::RetryPolicy;
use eqworks_auth::magic_link::PasscodeMail;
use eqworks_auth::store::{self, MemoryStore};
use eqworks_auth::{Client, Error, ErrorKind, ExposeSecret as _, Session, Token};
use vendor_tests::Secrets;
use vendor_tests::redaction::{
    Captured, STATUSES, assert_echo_is_cut_out, assert_hidden, assert_other_libraries_were_heard,
    assert_traced, endless, shown_session,
};

use crate::set_up::{DAY, EqWorks, always, client, email, jwt, minted, passcode, sandbox, shown};

vendor_tests::redaction!(EqWorks);

/// No part of it stands in any other text.
const PASSCODE: &str = "FDEA9F";
const USER: &str = "sue@acme.test";

/// A token of the vendor, whose texts the test chooses.
fn token() -> Token {
    Token::from_jwt(jwt(
        r#"{"iat":1767225600,"email":"sue@acme.test","exp":1800000000}"#,
    ))
    .unwrap()
}

/// A token that does not look like one, so that only the knowledge of it helps.
fn odd_token() -> Token {
    endless(ODD).into()
}

const ODD: &str = "4cc355t0-k3n+/=0123456789";

impl Secrets for EqWorks {
    const FAILING: &'static [&'static str] =
        &["eqworks.verify", "eqworks.refresh", "eqworks.confirm"];
    const PLACES: &'static [&'static str] = &[USER, "otp=", "/prod/", "%40"];
    const RENEWING: &'static [&'static str] = &["eqworks.refresh"];

    fn has_words(error: &Error, status: u16) -> bool {
        !matches!(error.kind(), ErrorKind::RateLimited { .. }) && status != 200
    }

    async fn failing_calls(client: &Client) -> Vec<Error> {
        let auth_headers = token().auth_headers().unwrap();
        vec![
            client.verify(USER, &PASSCODE.into()).await.unwrap_err(),
            client.refresh(&token()).await.unwrap_err(),
            client.confirm(&auth_headers).await.unwrap_err(),
            client.request_passcode(USER).await.unwrap_err(),
        ]
    }

    fn sent() -> Vec<String> {
        let mut secrets = Self::secrets_of(token());
        secrets.push(PASSCODE.to_owned());
        secrets
    }

    fn session_of_secrets(sandbox: &Sandbox) -> (Session, Vec<String>) {
        let token = minted(sandbox);
        let secrets = Self::secrets_of(token.clone());
        (client(sandbox).session(token).build().unwrap(), secrets)
    }

    /// All JWTs begin alike: these are its claims and its signature.
    fn secrets_of(token: impl Into<store::Token>) -> Vec<String> {
        let token = token.into();
        let jwt = token.access().expose_secret();
        jwt.split('.').skip(1).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn an_echo_of_a_passcode_is_cut_out() {
    assert_echo_is_cut_out::<EqWorks>(&STATUSES, "eqworks.verify", &[PASSCODE], async |client| {
        client.verify(USER, &PASSCODE.into()).await.unwrap_err()
    })
    .await;
    let pasted = format!(
        "https://a.test/?user={USER}&otp={}",
        PASSCODE.to_lowercase()
    );
    assert_echo_is_cut_out::<EqWorks>(&STATUSES, "eqworks.verify", &[PASSCODE], async |client| {
        let pending = client.pending_login(USER);
        pending.complete(&pasted.as_str().into()).await.unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_token_is_cut_out() {
    for (token, secrets) in [
        (token(), EqWorks::secrets_of(token())),
        (odd_token(), vec![ODD.to_owned()]),
    ] {
        let auth_headers = token.auth_headers().unwrap();
        assert_echo_is_cut_out::<EqWorks>(&STATUSES, "eqworks.confirm", &secrets, async |client| {
            client.confirm(&auth_headers).await.unwrap_err()
        })
        .await;
        assert_echo_is_cut_out::<EqWorks>(&STATUSES, "eqworks.confirm", &secrets, async |client| {
            client.confirm_light(&auth_headers).await.unwrap_err()
        })
        .await;
        assert_echo_is_cut_out::<EqWorks>(&STATUSES, "eqworks.refresh", &secrets, async |client| {
            client.refresh(&token).await.unwrap_err()
        })
        .await;
        assert_echo_is_cut_out::<EqWorks>(&STATUSES, "eqworks.refresh", &secrets, async |client| {
            client.refresh_and_revoke_older(&token).await.unwrap_err()
        })
        .await;
    }
}

#[tokio::test]
async fn a_refusal_with_the_whole_token_or_the_passcode_in_known_words_is_cut_out() {
    let jwt = token().access_token().expose_secret().to_owned();
    for message in [
        format!("Invalid JWT: {jwt}"),
        format!("Invalid JWT: {}", &jwt[..30]),
        format!("Invalid OTP for user {PASSCODE}"),
        format!("No OTP to redeem for user {}", PASSCODE.to_lowercase()),
        format!("{PASSCODE} {jwt}"),
    ] {
        for status in [400, 403, 404, 500] {
            let body = serde_json::json!({"message": message, "statusCode": status});
            let server = always(|then| then.status(status).body(body.to_string())).await;
            let client = Client::builder(eqworks_auth::Stage::Dev, "atom")
                .base_url(server.base_url())
                .clock(auth_sandbox::SandboxClock::frozen())
                .http(|http| http.retry(RetryPolicy::never()))
                .build()
                .unwrap();
            let auth_headers = token().auth_headers().unwrap();
            let sent_passcode = client.verify(USER, &PASSCODE.into()).await.unwrap_err();
            assert_hidden(&shown(&sent_passcode), &[PASSCODE]);
            assert_hidden(&shown(&sent_passcode), &EqWorks::secrets_of(token()));
            for error in [
                client.confirm(&auth_headers).await.unwrap_err(),
                client.refresh(&token()).await.unwrap_err(),
            ] {
                assert_hidden(&shown(&error), &EqWorks::secrets_of(token()));
            }
        }
    }
}

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let session_builder = client.session(token()).store(MemoryStore::new());
    let redirect = "https://app.acme.test/?state=hunter22".parse().unwrap();
    let mail = PasscodeMail::new().redirect(redirect);
    let claims = token().unverified_claims().unwrap();
    let (token, pending) = (token(), client.pending_login(USER));
    let text = format!("{client:#?} {token:#?} {mail:?} {claims:?} {pending:?}")
        + &shown_session(session_builder).await;
    for part in [
        USER,
        "Session",
        "app.acme.test",
        &token.fingerprint().to_string(),
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_hidden(&text, &EqWorks::secrets_of(token));
    assert_hidden(&text, &["hunter22"]);
}

/// What only a query or a header of this vendor holds.
const OF_THE_QUERY: [&str; 4] = ["otp=", "user=", "eq-api-jwt", "%40"];

#[tokio::test]
async fn no_log_or_span_of_a_call_shows_a_secret_or_a_query() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), email(&sandbox));
    let mut secrets = Vec::new();
    let passcode = passcode(&sandbox).await;
    let token = client.verify(user, &passcode).await.unwrap();
    secrets.extend(EqWorks::secrets_of(token.clone()));
    let auth_headers = token.auth_headers().unwrap();
    client.confirm(&auth_headers).await.unwrap();
    sandbox.clock().advance(DAY);
    let token = client.refresh(&token).await.unwrap();
    secrets.extend(EqWorks::secrets_of(token.clone()));
    let (token, _) = client.refresh_and_revoke_older(&token).await.unwrap();
    secrets.extend(EqWorks::secrets_of(token.clone()));

    let text = captured.text();
    for operation in [
        "eqworks.request_passcode",
        "eqworks.verify",
        "eqworks.confirm",
        "eqworks.refresh",
    ] {
        assert_traced(&text, operation, 200);
    }
    assert_other_libraries_were_heard(&text);
    assert_hidden(&text, &secrets);
    assert_hidden(&text, &OF_THE_QUERY);
    // Six hexadecimal characters may well stand in a fingerprint or a number.
    let words = |word: &str| word.eq_ignore_ascii_case(passcode.expose_secret());
    assert!(
        !text.split(|c: char| !c.is_ascii_alphanumeric()).any(words),
        "{text}"
    );
}

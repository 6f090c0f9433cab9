//! No secret in an error, a `Debug`, a span or a log, whatever the vendor repeats of it.

use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::store::{self, MemoryStore};
use edgeiq_auth::{
    ApiToken, Client, Error, ErrorKind, ExposeSecret as _, Lifetime, Login, ResetEmail, ResetToken,
    Session, Token,
};
use vendor_tests::redaction::{
    Captured, STATUSES, assert_echo_is_cut_out, assert_hidden, assert_other_libraries_were_heard,
    assert_traced, endless, shown_session,
};
use vendor_tests::{PasswordLogin as _, Secrets};

use crate::set_up::{self, EdgeIq, client, sandbox};

vendor_tests::redaction!(EdgeIq);

/// Letters first, then all that is encoded on the way, and letters again.
const PASSWORD: &str = "hunter22 \"é\\&+=%/rosebud7";
const ACCESS: &str = "4cc355t0k3n0123456789";
const RESET: &str = "r353tt0k3n/+é%=0123456789abcdef==";
const EMAIL: &str = "ed@edgeiq.example";

fn token() -> Token {
    endless(ACCESS).into()
}

fn reset_token() -> ResetToken {
    ResetToken::new(RESET).unwrap()
}

async fn authenticate(client: &Client) -> Result<(), Error> {
    let password = PASSWORD.into();
    let authenticated = client
        .authenticate(EMAIL, &password, Lifetime::Default)
        .await?;
    drop(authenticated);
    Ok(())
}

impl Secrets for EdgeIq {
    const FAILING: &'static [&'static str] =
        &["edgeiq.authenticate", "edgeiq.me", "edgeiq.set_password"];
    const PLACES: &'static [&'static str] = &["api/v1"];
    const RENEWING: &'static [&'static str] = &["edgeiq.authenticate"];

    fn has_words(_error: &Error, status: u16) -> bool {
        status != 429
    }

    async fn failing_calls(client: &Client) -> Vec<Error> {
        let (auth_headers, password) = (token().auth_headers().unwrap(), PASSWORD.into());
        let reset = client.set_password(&reset_token(), &password).await;
        vec![
            authenticate(client).await.unwrap_err(),
            client.me(&auth_headers).await.unwrap_err(),
            reset.unwrap_err(),
        ]
    }

    fn sent() -> Vec<String> {
        [PASSWORD, ACCESS, RESET].map(str::to_owned).into()
    }

    fn session_of_secrets(sandbox: &Sandbox) -> (Session, Vec<String>) {
        let session = Self::session_with_password(&client(sandbox), EMAIL, PASSWORD);
        (session, vec![PASSWORD.to_owned()])
    }

    fn secrets_of(token: impl Into<store::Token>) -> Vec<String> {
        let token = token.into();
        vec![token.access().expose_secret().to_owned()]
    }

    fn held(sandbox: &Sandbox) -> Vec<String> {
        vec![sandbox.edgeiq().user().password.to_owned()]
    }
}

#[tokio::test]
async fn an_echo_of_a_password_is_cut_out() {
    let secrets = [PASSWORD];
    assert_echo_is_cut_out::<EdgeIq>(&STATUSES, "edgeiq.authenticate", &secrets, async |client| {
        authenticate(client).await.unwrap_err()
    })
    .await;
    assert_echo_is_cut_out::<EdgeIq>(
        &STATUSES,
        "edgeiq.reset_api_token",
        &secrets,
        async |client| {
            let password = PASSWORD.into();
            let reset = client.reset_api_token(EMAIL, &password);
            reset.await.unwrap_err()
        },
    )
    .await;
}

#[tokio::test]
async fn an_echo_of_a_token_is_cut_out() {
    for auth_headers in [token().auth_headers(), ApiToken::new(ACCESS).auth_headers()] {
        let auth_headers = auth_headers.unwrap();
        assert_echo_is_cut_out::<EdgeIq>(&STATUSES, "edgeiq.me", &[ACCESS], async |client| {
            client.me(&auth_headers).await.unwrap_err()
        })
        .await;
    }
}

#[tokio::test]
async fn an_echo_of_a_reset_token_or_the_new_password_is_cut_out() {
    // Where nothing is wanted but success, the text of a success is not read.
    let refusals = &STATUSES[1..];
    assert_echo_is_cut_out::<EdgeIq>(
        refusals,
        "edgeiq.set_password",
        &[RESET, PASSWORD],
        async |client| {
            let (token, password) = (reset_token(), PASSWORD.into());
            client.set_password(&token, &password).await.unwrap_err()
        },
    )
    .await;
}

#[tokio::test]
async fn an_echo_in_the_body_that_is_kept_about_a_sender_is_shown_in_one_line() {
    let sandbox = sandbox();
    sandbox.fault(Fault::echo(500).always());
    let mail = ResetEmail::new().from_address("us@example.com");
    let error = client(&sandbox)
        .request_password_reset(EMAIL, &mail)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let text = error.to_string();
    assert!(text.contains("Cannot do") && !text.contains('\n'), "{text}");
}

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let client = Client::builder().build().unwrap();
    let permanent = ApiToken::new(ACCESS);
    let logins = [Login::password(EMAIL, PASSWORD), permanent.clone().into()];
    let session_builder = client
        .session(logins[0].clone())
        .store(MemoryStore::new())
        .token(token());
    let (token, reset_token) = (token(), reset_token());
    let text = format!("{client:#?} {token:#?} {permanent:#?} {reset_token:#?} {logins:#?}")
        + &shown_session(session_builder).await;
    for part in [EMAIL, "Session", &token.fingerprint().to_string()] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_hidden(&text, &[PASSWORD, ACCESS, RESET]);
}

#[tokio::test]
async fn the_debug_of_a_log_in_shows_none_of_its_tokens() {
    let sandbox = sandbox();
    let authenticated = set_up::authenticate(&sandbox, Lifetime::Default)
        .await
        .unwrap();
    let text = format!("{authenticated:?} {authenticated:#?}");
    assert!(text.contains(EMAIL), "{text}");
    let session_token = authenticated.token.access_token().expose_secret();
    let api_token = authenticated.user.api_token.as_ref().unwrap();
    assert_hidden(&text, &[session_token, api_token.secret().expose_secret()]);
}

#[tokio::test]
async fn no_log_or_span_of_a_call_shows_a_secret() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let (client, old) = (client(&sandbox), sandbox.edgeiq().user().password);
    let mut secrets = vec![old.to_owned(), PASSWORD.to_owned()];

    let authenticated = client
        .authenticate(EMAIL, &old.into(), Lifetime::Default)
        .await
        .unwrap();
    let token = authenticated.token;
    secrets.push(token.access_token().expose_secret().to_owned());
    client.me(&token.auth_headers().unwrap()).await.unwrap();
    secrets.push(sandbox.edgeiq().api_token(EMAIL).unwrap());
    let permanent = client.reset_api_token(EMAIL, &old.into()).await.unwrap();
    secrets.push(permanent.secret().expose_secret().to_owned());
    client
        .request_password_reset(EMAIL, &ResetEmail::new())
        .await
        .unwrap();
    let mail = sandbox.inbox(EMAIL).latest().unwrap();
    let link = mail.link().unwrap().as_str().into();
    secrets.push(mail.code().unwrap().to_owned());
    client
        .set_password(&ResetToken::from_link(&link).unwrap(), &PASSWORD.into())
        .await
        .unwrap();

    let text = captured.text();
    for operation in [
        "edgeiq.authenticate",
        "edgeiq.me",
        "edgeiq.reset_api_token",
        "edgeiq.request_password_reset",
        "edgeiq.set_password",
    ] {
        sandbox.log().assert_count(operation, 1);
        assert_traced(&text, operation, 200);
    }
    assert_other_libraries_were_heard(&text);
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    assert_hidden(&text, &secrets);
}

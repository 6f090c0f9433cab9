//! No secret in an error, a `Debug`, a span or a log, whatever the vendor repeats of it.

#[path = "../../../auth-core/tests/vendor/redaction.rs"]
mod capture;

use std::sync::Arc;

use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::{
    ApiToken, Client, Error, ErrorKind, ExposeSecret as _, Lifetime, MemoryStore, ResetEmail,
    ResetToken, RetryPolicy, State, Token,
};

use self::capture::{Captured, assert_other_libraries_were_heard, assert_traced};
use crate::set_up::{LIFETIME, builder, client, email, password, sandbox, session, settled, shown};

/// What the vendor's faults may answer with: success and refusals, known and unknown.
const STATUSES: [u16; 10] = [200, 400, 401, 403, 404, 412, 422, 429, 500, 503];

/// Asserts that neither a secret nor a part of one stands in `text`.
#[track_caller]
fn assert_hidden(text: &str, secrets: &[&str]) {
    for secret in secrets {
        let letters = |c: char| !c.is_ascii_alphanumeric();
        for part in secret.split(letters).filter(|part| part.len() >= 6) {
            assert!(!text.contains(part), "{part:?} in {text}");
        }
        assert!(!text.contains(secret), "{secret:?} in {text}");
    }
}

/// Makes the vendor repeat all of the call's secrets, with each status.
async fn assert_echo_is_cut_out(
    operation: &str,
    secrets: &[&str],
    call: impl AsyncFn(&Client) -> Result<(), Error>,
) {
    let sandbox = sandbox();
    let client = builder(&sandbox)
        .http(|http| http.retry(RetryPolicy::never()))
        .build()
        .unwrap();
    for status in STATUSES {
        sandbox.fault(Fault::echo(status).on(operation));
        let outcome = call(&client).await;
        let entry = sandbox.log().last(operation).unwrap();
        assert_eq!(entry.status(), Some(status));
        let Err(error) = outcome else {
            // Where nothing is wanted but success, the text of a success is not read.
            assert_eq!(status, 200);
            continue;
        };
        let text = shown(&error);
        assert_hidden(&text, secrets);
        assert!(text.contains("Cannot do"), "{text}");
    }
    assert_eq!(sandbox.pending_faults(), 0);
}

/// Letters first, then all that is encoded on the way, and letters again.
const PASSWORD: &str = "hunter22 \"é\\&+=%/rosebud7";
const ACCESS: &str = "4cc355t0k3n0123456789";
const RESET: &str = "r353tt0k3n/+é%=0123456789abcdef==";
const EMAIL: &str = "ed@edgeiq.example";

/// A token of the vendor, whose texts the test chooses.
fn token() -> Token {
    let expiry = edgeiq_auth::Expiry::Never;
    auth_core::Token::new(ACCESS.into(), expiry, std::time::SystemTime::UNIX_EPOCH).into()
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

#[tokio::test]
async fn an_echo_of_a_password_is_cut_out() {
    assert_echo_is_cut_out("edgeiq.authenticate", &[PASSWORD], authenticate).await;
    assert_echo_is_cut_out("edgeiq.reset_api_token", &[PASSWORD], async |client| {
        client
            .reset_api_token(EMAIL, &PASSWORD.into())
            .await
            .map(drop)
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_token_is_cut_out() {
    assert_echo_is_cut_out("edgeiq.me", &[ACCESS], async |client| {
        client.me(&token().credential().unwrap()).await.map(drop)
    })
    .await;
    assert_echo_is_cut_out("edgeiq.me", &[ACCESS], async |client| {
        let credential = ApiToken::new(ACCESS).credential().unwrap();
        client.me(&credential).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_reset_token_or_the_new_password_is_cut_out() {
    let secrets = [RESET, PASSWORD];
    assert_echo_is_cut_out("edgeiq.set_password", &secrets, async |client| {
        client.set_password(&reset_token(), &PASSWORD.into()).await
    })
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
async fn an_error_on_the_way_names_no_secret_and_no_address() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    for fault in [Fault::cut(), Fault::truncated_body(), Fault::huge_body()] {
        sandbox.fault(fault.clone().always());
        let credential = token().credential().unwrap();
        for error in [
            authenticate(&client).await.unwrap_err(),
            client.me(&credential).await.unwrap_err(),
            client
                .set_password(&reset_token(), &PASSWORD.into())
                .await
                .unwrap_err(),
        ] {
            let text = shown(&error);
            assert_hidden(&text, &[PASSWORD, ACCESS, RESET]);
            assert!(!text.contains("api/v1"), "{text}");
        }
        sandbox.clear_faults();
    }
}

#[tokio::test]
async fn the_state_of_a_session_shows_no_secret() {
    let sandbox = sandbox();
    let session = client(&sandbox)
        .session_with_password(EMAIL, PASSWORD)
        .unwrap();
    sandbox.fault(Fault::echo(403).on("edgeiq.authenticate"));
    session.headers().await.unwrap_err();
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    let text = format!("{reason} {reason:?} {session:?}");
    assert!(text.contains("Cannot do"), "{text}");
    assert_hidden(&text, &[PASSWORD]);
}

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let client = Client::builder().build().unwrap();
    let permanent = ApiToken::new(ACCESS);
    let session_builder = client
        .session_builder_with_password(EMAIL, PASSWORD)
        .store(Arc::new(MemoryStore::new()), client.store_key(EMAIL))
        .token(token().into());
    let mut texts = vec![format!(
        "{client:#?} {session_builder:#?} {:#?} {permanent:#?} {:#?}",
        token(),
        reset_token()
    )];
    let session = session_builder.build().unwrap();
    let credential = session.credential().await.unwrap();
    texts.push(format!(
        "{session:#?} {:#?} {credential:#?}",
        session.renewer()
    ));
    texts.push(format!("{:#?}", session.headers().await.unwrap()));
    let text = texts.concat();
    for part in [EMAIL, "Session", &token().fingerprint().to_string()] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_hidden(&text, &[PASSWORD, ACCESS, RESET]);
}

#[tokio::test]
async fn the_debug_of_a_log_in_shows_none_of_its_tokens() {
    let sandbox = sandbox();
    let authenticated = client(&sandbox)
        .authenticate(EMAIL, &password(&sandbox), Lifetime::Default)
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
    client.me(&token.credential().unwrap()).await.unwrap();
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

#[tokio::test]
async fn no_log_or_span_of_a_session_shows_a_secret() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let session = session(&sandbox);
    let mut secrets = vec![sandbox.edgeiq().user().password.to_owned()];
    for _ in 0..3 {
        let credential = session.credential().await.unwrap();
        secrets.push(credential.token().access().expose_secret().to_owned());
        sandbox.clock().advance(LIFETIME);
    }
    sandbox.fault(Fault::echo(403).on("edgeiq.authenticate"));
    session.headers().await.unwrap_err();
    assert!(matches!(
        settled(&session).await,
        State::LoginRequired { .. }
    ));

    let text = captured.text();
    assert_traced(&text, "edgeiq.authenticate", 200);
    assert_traced(&text, "edgeiq.authenticate", 403);
    assert!(text.contains("renewal failed"), "{text}");
    assert_other_libraries_were_heard(&text);
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    assert_hidden(&text, &secrets);
}

#[tokio::test]
async fn no_log_or_span_of_a_failure_shows_what_the_vendor_repeated() {
    let (captured, _guard) = Captured::begin();
    let sandbox: Sandbox = sandbox();
    let client = client(&sandbox);
    assert_eq!(email(&sandbox), EMAIL);
    sandbox.fault(Fault::echo(400).always());
    authenticate(&client).await.unwrap_err();
    client.me(&token().credential().unwrap()).await.unwrap_err();
    client
        .set_password(&reset_token(), &PASSWORD.into())
        .await
        .unwrap_err();
    let text = captured.text();
    assert_traced(&text, "edgeiq.authenticate", 400);
    assert_traced(&text, "edgeiq.set_password", 400);
    assert_hidden(&text, &[PASSWORD, ACCESS, RESET]);
}

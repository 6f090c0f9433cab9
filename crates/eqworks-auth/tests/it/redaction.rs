//! No secret in an error, a `Debug`, a span or a log, whatever the vendor repeats of it.

#[path = "../../../auth-core/tests/vendor/redaction.rs"]
mod capture;

use std::sync::Arc;

use auth_sandbox::Fault;
use eqworks_auth::{
    Client, Error, ErrorKind, ExposeSecret as _, MemoryStore, PasscodeMail, RetryPolicy, State,
    Token,
};

use self::capture::{Captured, assert_other_libraries_were_heard, assert_traced};
use crate::set_up::{
    DAY, always, builder, client, email, jwt, passcode, sandbox, session, settled, shown,
};

/// What the vendor's faults may answer with: success and refusals, known and unknown.
const STATUSES: [u16; 10] = [200, 400, 401, 403, 404, 412, 422, 429, 500, 503];

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
    let never = eqworks_auth::Expiry::Never;
    eqworks_auth::CoreToken::new(ODD.into(), never, std::time::UNIX_EPOCH).into()
}

const ODD: &str = "4cc355t0-k3n+/=0123456789";

/// The parts of a token that must not be seen: its claims and its signature. Every JWT of the
/// world begins alike.
fn secrets_of(token: &Token) -> Vec<String> {
    let jwt = token.access_token().expose_secret();
    jwt.split('.').skip(1).map(str::to_owned).collect()
}

/// Asserts that neither a secret nor the beginning of one stands in `text`, whatever the case.
#[track_caller]
fn assert_hidden<S: AsRef<str>>(text: &str, secrets: &[S]) {
    let text = text.to_lowercase();
    assert!(!secrets.is_empty());
    for secret in secrets {
        let secret = secret.as_ref().to_lowercase();
        let beginning = secret.get(..12).unwrap_or(&secret);
        assert!(!text.contains(beginning), "{beginning:?} in {text}");
    }
}

/// Makes the vendor repeat all of the call's secrets, with each status.
async fn assert_echo_is_cut_out<S: AsRef<str>>(
    operation: &str,
    secrets: &[S],
    call: impl AsyncFn(&Client) -> Error,
) {
    let sandbox = sandbox();
    let client = builder(&sandbox)
        .http(|http| http.retry(RetryPolicy::never()))
        .build()
        .unwrap();
    for status in STATUSES {
        sandbox.fault(Fault::echo(status).on(operation));
        let error = call(&client).await;
        let entry = sandbox.log().last(operation).unwrap();
        assert_eq!(entry.status(), Some(status));
        let text = shown(&error) + &panicked_with(Err(error.clone()));
        assert_hidden(&text, secrets);
        // What is thrown away cannot leak, and shows nothing of the redaction.
        let has_words = !matches!(error.kind(), ErrorKind::RateLimited { .. }) && status != 200;
        assert_eq!(text.contains("Cannot do "), has_words, "{status}: {text}");
        assert_eq!(text.contains("[redacted]"), has_words, "{status}: {text}");
    }
    assert_eq!(sandbox.pending_faults(), 0);
}

/// What a program dies with that unwraps the outcome.
fn panicked_with(outcome: Result<(), Error>) -> String {
    let unwrap = std::panic::AssertUnwindSafe(|| outcome.unwrap());
    let death = std::panic::catch_unwind(unwrap).unwrap_err();
    *death.downcast::<String>().unwrap()
}

#[tokio::test]
async fn an_echo_of_a_passcode_is_cut_out() {
    assert_echo_is_cut_out("eqworks.verify", &[PASSCODE], async |client| {
        client.verify(USER, &PASSCODE.into()).await.unwrap_err()
    })
    .await;
    let pasted = format!(
        "https://a.test/?user={USER}&otp={}",
        PASSCODE.to_lowercase()
    );
    assert_echo_is_cut_out("eqworks.verify", &[PASSCODE], async |client| {
        let pending = client.pending_login(USER);
        pending.complete(&pasted.as_str().into()).await.unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_token_is_cut_out() {
    for (token, secrets) in [
        (token(), secrets_of(&token())),
        (odd_token(), vec![ODD.to_owned()]),
    ] {
        let credential = token.credential().unwrap();
        assert_echo_is_cut_out("eqworks.confirm", &secrets, async |client| {
            client.confirm(&credential).await.unwrap_err()
        })
        .await;
        assert_echo_is_cut_out("eqworks.confirm", &secrets, async |client| {
            client.confirm_light(&credential).await.unwrap_err()
        })
        .await;
        assert_echo_is_cut_out("eqworks.refresh", &secrets, async |client| {
            client.refresh(&token).await.unwrap_err()
        })
        .await;
        assert_echo_is_cut_out("eqworks.refresh", &secrets, async |client| {
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
            let credential = token().credential().unwrap();
            let sent_passcode = client.verify(USER, &PASSCODE.into()).await.unwrap_err();
            assert_hidden(&shown(&sent_passcode), &[PASSCODE]);
            assert_hidden(&shown(&sent_passcode), &secrets_of(&token()));
            for error in [
                client.confirm(&credential).await.unwrap_err(),
                client.refresh(&token()).await.unwrap_err(),
            ] {
                assert_hidden(&shown(&error), &secrets_of(&token()));
            }
        }
    }
}

#[tokio::test]
async fn an_error_on_the_way_names_no_secret_no_user_and_no_address() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    for fault in [Fault::cut(), Fault::truncated_body(), Fault::huge_body()] {
        sandbox.fault(fault.always());
        for error in [
            client.request_passcode(USER).await.unwrap_err(),
            client.verify(USER, &PASSCODE.into()).await.unwrap_err(),
            client.refresh(&token()).await.unwrap_err(),
            client
                .confirm(&token().credential().unwrap())
                .await
                .unwrap_err(),
        ] {
            let text = shown(&error);
            assert_hidden(&text, &secrets_of(&token()));
            assert_hidden(&text, &[PASSCODE, USER, "otp=", "/prod/", "%40"]);
        }
        sandbox.clear_faults();
    }
    // Nobody listens there.
    drop(sandbox);
    let error = client.verify(USER, &PASSCODE.into()).await.unwrap_err();
    assert_hidden(&shown(&error), &[PASSCODE, USER, "otp=", "/prod/"]);
}

#[tokio::test]
async fn the_state_of_a_session_shows_no_secret() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let credential = session.credential().await.unwrap();
    sandbox.fault(Fault::echo(403).on("eqworks.refresh"));
    sandbox.clock().advance(DAY * 68);
    session.headers().await.unwrap();
    settled(&session).await;
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    let text = format!("{reason} {reason:?} {session:?}");
    assert!(text.contains("Cannot do "), "{text}");
    assert_hidden(&text, &secrets_of(&credential.token().clone().into()));
}

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let session_builder = client
        .session_builder()
        .store(Arc::new(MemoryStore::new()), client.store_key(USER))
        .token(token().into());
    let built = format!("{client:#?} {session_builder:#?} {:#?}", token());
    let session = session_builder.build().unwrap();
    let credential = session.credential().await.unwrap();
    let headers = session.headers().await.unwrap();
    let redirect = "https://app.acme.test/?state=hunter22".parse().unwrap();
    let mail = PasscodeMail::new().redirect(redirect);
    let claims = token().unverified_claims().unwrap();
    let (renewer, pending) = (session.renewer(), client.pending_login(USER));
    let text = format!(
        "{built} {session:#?} {renewer:#?} {credential:#?} {headers:#?} {mail:?} {claims:?} {pending:?}"
    );
    for part in [
        USER,
        "Session",
        "app.acme.test",
        &token().fingerprint().to_string(),
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_hidden(&text, &secrets_of(&token()));
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
    secrets.extend(secrets_of(&token));
    let credential = token.credential().unwrap();
    client.confirm(&credential).await.unwrap();
    sandbox.clock().advance(DAY);
    let token = client.refresh(&token).await.unwrap();
    secrets.extend(secrets_of(&token));
    let token = client.refresh_and_revoke_older(&token).await.unwrap();
    secrets.extend(secrets_of(&token));

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

#[tokio::test]
async fn no_log_or_span_of_a_session_shows_a_secret() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let session = session(&sandbox);
    let mut secrets = Vec::new();
    for _ in 0..3 {
        let credential = session.credential().await.unwrap();
        settled(&session).await;
        secrets.extend(secrets_of(&credential.token().clone().into()));
        sandbox.clock().advance(DAY * 68);
    }
    sandbox.fault(Fault::echo(403).on("eqworks.refresh"));
    session.renew().await.unwrap_err();
    assert!(matches!(
        settled(&session).await,
        State::LoginRequired { .. }
    ));

    let text = captured.text();
    assert_traced(&text, "eqworks.refresh", 200);
    assert_traced(&text, "eqworks.refresh", 403);
    assert!(text.contains("renewal failed"), "{text}");
    assert_other_libraries_were_heard(&text);
    assert_hidden(&text, &secrets);
}

#[tokio::test]
async fn no_log_or_span_of_a_failure_shows_what_the_vendor_repeated() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let client = client(&sandbox);
    for fault in [Fault::echo(403), Fault::echo(500), Fault::cut()] {
        sandbox.fault(fault.always());
        client.request_passcode(USER).await.unwrap_err();
        client.verify(USER, &PASSCODE.into()).await.unwrap_err();
        client.refresh(&token()).await.unwrap_err();
        client
            .confirm(&token().credential().unwrap())
            .await
            .unwrap_err();
        sandbox.clear_faults();
    }
    drop(sandbox);
    client.verify(USER, &PASSCODE.into()).await.unwrap_err();
    let text = captured.text();
    assert_traced(&text, "eqworks.verify", 403);
    assert_other_libraries_were_heard(&text);
    assert_hidden(&text, &secrets_of(&token()));
    assert_hidden(&text, &[PASSCODE]);
}

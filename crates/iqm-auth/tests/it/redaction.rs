//! No secret in an error, a `Debug`, a span or a log, whatever the vendor repeats of it.

#[path = "../../../auth-core/tests/vendor/redaction.rs"]
mod capture;

use std::sync::Arc;

use auth_sandbox::{Fault, Sandbox};
use base64::Engine as _;
use iqm_auth::{Client, Error, ErrorKind, ExposeSecret as _, MemoryStore, State, Token};

use self::capture::{Captured, assert_other_libraries_were_heard, assert_traced};
use crate::set_up::{
    LIFETIME, builder, client, log_in, password, sandbox, session, settled, shown,
};

/// What the vendor's faults may answer with: success and refusals, known and unknown.
const STATUSES: [u16; 10] = [200, 400, 401, 403, 404, 412, 422, 429, 500, 503];

/// Asserts that neither a secret nor the beginning of one stands in `text`.
#[track_caller]
fn assert_hidden(text: &str, secrets: &[&str]) {
    for secret in secrets {
        let beginning = secret.get(..8).unwrap_or(secret);
        assert!(!text.contains(beginning), "{beginning:?} in {text}");
    }
}

/// Makes the vendor repeat all of the call's secrets, with each status.
async fn assert_echo_is_cut_out(
    operation: &str,
    secrets: &[&str],
    call: impl AsyncFn(&Client) -> Error,
) {
    let client_secret = "s3cret0f:the client&=";
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("me:{client_secret}"));
    let sandbox = sandbox();
    let client = Client::builder("me", client_secret)
        .base_url(sandbox.iqm().base_url())
        .clock(sandbox.clock())
        .http(|http| http.retry(iqm_auth::RetryPolicy::never()))
        .build()
        .unwrap();
    for status in STATUSES {
        sandbox.fault(Fault::echo(status).on(operation));
        let error = call(&client).await;
        let entry = sandbox.log().last(operation).unwrap();
        assert_eq!(entry.status(), Some(status));
        let text = shown(&error);
        assert_hidden(&text, secrets);
        assert_hidden(&text, &[client_secret, &basic]);
        let has_words = error.kind() != ErrorKind::RateLimited { retry_after: None };
        assert_eq!(text.contains("Cannot do this for"), has_words, "{text}");
    }
    assert_eq!(sandbox.pending_faults(), 0);
}

/// Letters first, then all that is encoded on the way.
const PASSWORD: &str = "hunter22 \"é\\&+=%/";
const NEW_PASSWORD: &str = "rosebud7 \"é\\&+=%/";
const CODE: &str = "cod3word:+/=";
const ACCESS: &str = "4cc355-t0k3n-0123456789";
const REFRESH: &str = "r3fr35h-t0k3n+/=0123456789";
const EMAIL: &str = "user1@iqm.com";

/// A token of the vendor, whose texts the test chooses.
fn token() -> Token {
    let expiry = iqm_auth::Expiry::Never;
    auth_core::Token::new(ACCESS.into(), expiry, std::time::SystemTime::UNIX_EPOCH)
        .with_refresh(Some(REFRESH.into()))
        .with_attribute("owId", "200001")
        .into()
}

#[tokio::test]
async fn an_echo_of_a_password_or_the_client_secret_is_cut_out() {
    let secrets = [PASSWORD];
    assert_echo_is_cut_out("iqm.sign_up", &secrets, async |client| {
        client.sign_up(EMAIL, &PASSWORD.into()).await.unwrap_err()
    })
    .await;
    assert_echo_is_cut_out("iqm.log_in", &secrets, async |client| {
        client.log_in(EMAIL, &PASSWORD.into()).await.unwrap_err()
    })
    .await;
    assert_echo_is_cut_out("iqm.log_in_oauth", &secrets, async |client| {
        client
            .log_in_oauth(EMAIL, &PASSWORD.into())
            .await
            .unwrap_err()
    })
    .await;
    assert_echo_is_cut_out("iqm.set_password", &secrets, async |client| {
        client
            .set_password(EMAIL, &PASSWORD.into())
            .await
            .unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_both_passwords_of_a_change_is_cut_out() {
    let secrets = [PASSWORD, NEW_PASSWORD, ACCESS];
    assert_echo_is_cut_out("iqm.change_password", &secrets, async |client| {
        let credential = token().credential().unwrap();
        client
            .change_password(&credential, &PASSWORD.into(), &NEW_PASSWORD.into())
            .await
            .unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_token_is_cut_out() {
    assert_echo_is_cut_out("iqm.refresh", &[REFRESH], async |client| {
        client.refresh(&token()).await.unwrap_err()
    })
    .await;
    assert_echo_is_cut_out("iqm.profile", &[ACCESS], async |client| {
        client
            .profile(&token().credential().unwrap())
            .await
            .unwrap_err()
    })
    .await;
    // The answer 200 with `success: false` is a failure here as well.
    assert_echo_is_cut_out("iqm.log_out", &[ACCESS], async |client| {
        client
            .log_out(&token().credential().unwrap())
            .await
            .unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_code_or_a_reset_hash_is_cut_out() {
    assert_echo_is_cut_out("iqm.authorization_code", &[CODE], async |client| {
        client
            .exchange_code(&CODE.into(), "https://example.com/")
            .await
            .unwrap_err()
    })
    .await;
    assert_echo_is_cut_out("iqm.validate_password_reset", &[CODE], async |client| {
        client
            .validate_password_reset(&CODE.into())
            .await
            .unwrap_err()
    })
    .await;
    let otp = "739154";
    assert_echo_is_cut_out("iqm.mfa_verify", &[otp], async |client| {
        client.verify_mfa_code(&otp.into()).await.unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_in_a_json_grant_is_cut_out() {
    let sandbox = sandbox();
    let client = builder(&sandbox).json_grants(true).build().unwrap();
    sandbox.fault(Fault::echo(400).always());
    let error = client.refresh(&token()).await.unwrap_err();
    assert_hidden(&shown(&error), &[REFRESH, sandbox.iqm().client_secret()]);
    let error = client
        .log_in_oauth(EMAIL, &PASSWORD.into())
        .await
        .unwrap_err();
    assert_hidden(&shown(&error), &[PASSWORD, sandbox.iqm().client_secret()]);
}

#[tokio::test]
async fn an_error_on_the_way_names_no_secret_and_no_address() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    for fault in [Fault::cut(), Fault::truncated_body(), Fault::huge_body()] {
        sandbox.fault(fault.always());
        for error in [
            client.log_in(EMAIL, &password(&sandbox)).await.unwrap_err(),
            client.refresh(&token()).await.unwrap_err(),
            client.verify_mfa_code(&CODE.into()).await.unwrap_err(),
        ] {
            let text = shown(&error);
            assert_hidden(&text, &[sandbox.iqm().user().password, REFRESH, CODE]);
            assert!(!text.contains("api/v3"), "{text}");
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
    sandbox.fault(Fault::echo(403).on("iqm.log_in"));
    session.headers().await.unwrap_err();
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    let text = format!("{reason} {reason:?} {session:?}");
    assert!(text.contains("Cannot do this for"), "{text}");
    assert_hidden(&text, &[PASSWORD, sandbox.iqm().client_secret()]);
}

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let client_secret = "s3cret-of-the-client";
    let builder = Client::builder("me", client_secret);
    let mut texts = vec![format!("{builder:#?}")];
    let client = builder.build().unwrap();
    let session_builder = client
        .session_builder_with_password(EMAIL, PASSWORD)
        .store(Arc::new(MemoryStore::new()), client.store_key(EMAIL))
        .token(token().into());
    texts.push(format!("{client:#?} {session_builder:#?} {:#?}", token()));
    let session = session_builder.build().unwrap();
    let credential = session.credential().await.unwrap();
    texts.push(format!(
        "{session:#?} {:#?} {credential:#?}",
        session.renewer()
    ));
    texts.push(format!("{:#?}", session.headers().await.unwrap()));
    let text = texts.concat();
    for part in [
        "\"me\"",
        EMAIL,
        "Session",
        &token().fingerprint().to_string(),
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_hidden(&text, &[client_secret, PASSWORD, ACCESS, REFRESH]);
}

#[tokio::test]
async fn the_debug_of_a_profile_shows_no_field_that_nobody_described() {
    let sandbox = sandbox();
    let credential = log_in(&sandbox).await.credential().unwrap();
    let profile = client(&sandbox).profile(&credential).await.unwrap();
    let parent: String = profile.other("parentOrganization").unwrap();
    let text = format!("{profile:?}");
    assert!(text.contains(sandbox.iqm().user().email), "{text}");
    assert!(!text.contains(&parent), "{text}");
}

fn secrets_of(token: &Token) -> [String; 2] {
    [
        token.access_token().expose_secret().to_owned(),
        token.refresh_token().unwrap().expose_secret().to_owned(),
    ]
}

#[tokio::test]
async fn no_log_or_span_of_a_call_shows_a_secret() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let (iqm, client) = (sandbox.iqm(), client(&sandbox));
    let (email, password, mut secrets) = (iqm.user().email, password(&sandbox), Vec::new());

    let token = client.log_in(email, &password).await.unwrap();
    secrets.extend(secrets_of(&token));
    let token = client.refresh(&token).await.unwrap();
    secrets.extend(secrets_of(&token));
    let credential = token.credential().unwrap();
    client.profile(&credential).await.unwrap();
    let other = client.log_in_oauth(email, &password).await.unwrap();
    secrets.extend(secrets_of(&other));

    client.request_password_reset(email).await.unwrap();
    let hash = iqm.reset_hash(email).unwrap();
    let link = client.validate_password_reset(&hash.as_str().into()).await;
    assert!(link.unwrap().is_valid);
    client.set_password(email, &PASSWORD.into()).await.unwrap();
    client
        .change_password(&credential, &PASSWORD.into(), &NEW_PASSWORD.into())
        .await
        .unwrap();

    client.send_mfa_code(iqm.mfa_user().ow_id).await.unwrap();
    let mfa_code = iqm.mfa_code(iqm.mfa_user().email).unwrap();
    let mfa = client
        .verify_mfa_code(&mfa_code.as_str().into())
        .await
        .unwrap();
    secrets.push(mfa.access_token().expose_secret().to_owned());

    let uri = "https://example.com/";
    let code = iqm.authorization_code(email, uri);
    let by_code = client
        .exchange_code(&code.as_str().into(), uri)
        .await
        .unwrap();
    secrets.extend(secrets_of(&by_code));

    let invited = iqm.invited_user();
    let signed_up = client
        .sign_up(invited.email, &invited.password.into())
        .await;
    secrets.extend(secrets_of(&signed_up.unwrap()));
    client.log_out(&credential).await.unwrap();

    let text = captured.text();
    for operation in [
        "iqm.sign_up",
        "iqm.log_in",
        "iqm.log_in_oauth",
        "iqm.refresh",
        "iqm.authorization_code",
        "iqm.log_out",
        "iqm.profile",
        "iqm.mfa_send",
        "iqm.mfa_verify",
        "iqm.request_password_reset",
        "iqm.validate_password_reset",
        "iqm.set_password",
        "iqm.change_password",
    ] {
        sandbox.log().assert_count(operation, 1);
        assert_traced(&text, operation, 200);
    }
    assert_other_libraries_were_heard(&text);
    secrets.extend([hash, code, PASSWORD.to_owned(), NEW_PASSWORD.to_owned()]);
    secrets.extend([invited.password.to_owned(), basic(&sandbox)]);
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    assert_hidden(&text, &secrets);
    // Their beginnings are no secret (the client id's is the same), or are digits as in a time.
    assert!(!text.contains(iqm.client_secret()), "{text}");
    for value in [iqm.user().password, &mfa_code] {
        assert!(!text.contains(&format!("\"{value}\"")) && !text.contains(&format!("={value}")));
    }
}

fn basic(sandbox: &Sandbox) -> String {
    let iqm = sandbox.iqm();
    let pair = format!("{}:{}", iqm.client_id(), iqm.client_secret());
    base64::engine::general_purpose::STANDARD.encode(pair)
}

#[tokio::test]
async fn no_log_or_span_of_a_session_shows_a_secret() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let session = session(&sandbox);
    let mut secrets = vec![basic(&sandbox)];
    for _ in 0..3 {
        let credential = session.credential().await.unwrap();
        secrets.extend(secrets_of(&credential.token().clone().into()));
        sandbox.clock().advance(LIFETIME);
    }
    sandbox.fault(Fault::echo(403).on("iqm.refresh"));
    sandbox.fault(Fault::echo(403).on("iqm.log_in"));
    session.headers().await.unwrap_err();
    assert!(matches!(
        settled(&session).await,
        State::LoginRequired { .. }
    ));

    let text = captured.text();
    assert_traced(&text, "iqm.log_in", 200);
    assert_traced(&text, "iqm.refresh", 200);
    assert_traced(&text, "iqm.refresh", 403);
    assert!(text.contains("renewal failed"), "{text}");
    assert_other_libraries_were_heard(&text);
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    assert_hidden(&text, &secrets);
    assert!(!text.contains(sandbox.iqm().client_secret()), "{text}");
    assert!(
        !text.contains(&format!("\"{}\"", sandbox.iqm().user().password)),
        "{text}"
    );
}

#[tokio::test]
async fn no_log_or_span_of_a_failure_shows_what_the_vendor_repeated() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let client = client(&sandbox);
    sandbox.fault(Fault::echo(400).always());
    client.log_in(EMAIL, &PASSWORD.into()).await.unwrap_err();
    client.refresh(&token()).await.unwrap_err();
    client
        .profile(&token().credential().unwrap())
        .await
        .unwrap_err();
    client.verify_mfa_code(&CODE.into()).await.unwrap_err();
    let text = captured.text();
    assert_traced(&text, "iqm.log_in", 400);
    assert_hidden(&text, &[PASSWORD, ACCESS, REFRESH, CODE, &basic(&sandbox)]);
}

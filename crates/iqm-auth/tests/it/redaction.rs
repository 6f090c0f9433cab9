//! No secret in an error, a `Debug`, a span or a log, whatever the vendor repeats of it.

use auth_sandbox::{Fault, Sandbox};
use base64::Engine as _;
use iqm_auth::store::{self, MemoryStore};
use iqm_auth::{Client, ClientBuilder, Error, ErrorKind, ExposeSecret as _, Login, Session, Token};
use vendor_tests::redaction::{
    Captured, STATUSES, assert_echo_is_cut_out, assert_hidden, assert_other_libraries_were_heard,
    assert_traced, endless, shown_session,
};
use vendor_tests::{PasswordLogin as _, Secrets};

use crate::set_up::{Iqm, base_url, builder, client, log_in, password, pending, sandbox, shown};

vendor_tests::redaction!(Iqm);

/// Letters first, then all that is encoded on the way.
const PASSWORD: &str = "hunter22 \"é\\&+=%/";
const NEW_PASSWORD: &str = "rosebud7 \"é\\&+=%/";
const CODE: &str = "cod3word:+/=";
const ACCESS: &str = "4cc355-t0k3n-0123456789";
const REFRESH: &str = "r3fr35h-t0k3n+/=0123456789";
const EMAIL: &str = "user1@iqm.com";

fn token() -> Token {
    endless(ACCESS)
        .with_refresh(Some(REFRESH.into()))
        .with_attribute("owId", "200001")
        .into()
}

const CLIENT_SECRET: &str = "s3cret0f:the c1ient&=";

impl Secrets for Iqm {
    const FAILING: &'static [&'static str] =
        &["iqm.log_in", "iqm.refresh", "iqm.profile", "iqm.mfa_verify"];
    const PLACES: &'static [&'static str] = &["api/v3"];
    const RENEWING: &'static [&'static str] = &["iqm.refresh", "iqm.log_in"];

    fn own_builder(sandbox: &Sandbox) -> ClientBuilder {
        Client::builder("me", CLIENT_SECRET)
            .base_url(base_url(sandbox))
            .clock(sandbox.clock())
    }

    fn own_secrets() -> Vec<String> {
        let basic = basic_of("me", CLIENT_SECRET);
        vec![CLIENT_SECRET.to_owned(), basic]
    }

    fn has_words(error: &Error, _status: u16) -> bool {
        error.kind() != ErrorKind::RateLimited { retry_after: None }
    }

    async fn failing_calls(client: &Client) -> Vec<Error> {
        let auth_headers = token().auth_headers().unwrap();
        vec![
            client.log_in(EMAIL, &PASSWORD.into()).await.unwrap_err(),
            client.refresh(&token()).await.unwrap_err(),
            client.profile(&auth_headers).await.unwrap_err(),
            client
                .verify_mfa_code(&token().into(), &CODE.into())
                .await
                .unwrap_err(),
        ]
    }

    fn sent() -> Vec<String> {
        [PASSWORD, ACCESS, REFRESH, CODE].map(str::to_owned).into()
    }

    fn session_of_secrets(sandbox: &Sandbox) -> (Session, Vec<String>) {
        let session = Self::session_with_password(&client(sandbox), EMAIL, PASSWORD);
        let secrets = [PASSWORD, sandbox.iqm().client_secret()];
        (session, secrets.map(str::to_owned).into())
    }

    fn secrets_of(token: impl Into<store::Token>) -> Vec<String> {
        let token = token.into();
        let secrets = token.refresh().into_iter().chain([token.access()]);
        secrets
            .map(|secret| secret.expose_secret().to_owned())
            .collect()
    }

    fn held(sandbox: &Sandbox) -> Vec<String> {
        vec![
            basic(sandbox),
            sandbox.iqm().client_secret().to_owned(),
            // The password itself may be a part of some word.
            format!("\"{}\"", sandbox.iqm().user().password),
            format!("={}", sandbox.iqm().user().password),
        ]
    }
}

#[tokio::test]
async fn an_echo_of_a_password_or_the_client_secret_is_cut_out() {
    let secrets = [PASSWORD];
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.sign_up", &secrets, async |client| {
        client.sign_up(EMAIL, &PASSWORD.into()).await.unwrap_err()
    })
    .await;
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.log_in", &secrets, async |client| {
        client.log_in(EMAIL, &PASSWORD.into()).await.unwrap_err()
    })
    .await;
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.log_in_oauth", &secrets, async |client| {
        client
            .log_in_oauth(EMAIL, &PASSWORD.into())
            .await
            .unwrap_err()
    })
    .await;
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.set_password", &secrets, async |client| {
        client
            .set_password(EMAIL, &PASSWORD.into(), None)
            .await
            .unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_both_passwords_of_a_change_is_cut_out() {
    let secrets = [PASSWORD, NEW_PASSWORD, ACCESS];
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.change_password", &secrets, async |client| {
        let auth_headers = token().auth_headers().unwrap();
        client
            .change_password(&auth_headers, &PASSWORD.into(), &NEW_PASSWORD.into())
            .await
            .unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_token_is_cut_out() {
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.refresh", &[REFRESH], async |client| {
        client.refresh(&token()).await.unwrap_err()
    })
    .await;
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.profile", &[ACCESS], async |client| {
        client
            .profile(&token().auth_headers().unwrap())
            .await
            .unwrap_err()
    })
    .await;
    // The response 200 with `success: false` is a failure here as well.
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.log_out", &[ACCESS], async |client| {
        client
            .log_out(&token().auth_headers().unwrap())
            .await
            .unwrap_err()
    })
    .await;
}

#[tokio::test]
async fn an_echo_of_a_code_or_a_reset_hash_is_cut_out() {
    assert_echo_is_cut_out::<Iqm>(
        &STATUSES,
        "iqm.authorization_code",
        &[CODE],
        async |client| {
            client
                .exchange_code(&CODE.into(), "https://example.com/", None)
                .await
                .unwrap_err()
        },
    )
    .await;
    assert_echo_is_cut_out::<Iqm>(
        &STATUSES,
        "iqm.validate_password_reset",
        &[CODE],
        async |client| {
            client
                .validate_password_reset(&CODE.into())
                .await
                .unwrap_err()
        },
    )
    .await;
    let otp = "739154";
    assert_echo_is_cut_out::<Iqm>(&STATUSES, "iqm.mfa_verify", &[otp], async |client| {
        let login = token().into();
        client
            .verify_mfa_code(&login, &otp.into())
            .await
            .unwrap_err()
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
async fn no_debug_shows_a_secret() {
    let client_secret = "s3cret-of-the-c1ient";
    let builder = Client::builder("me", client_secret);
    let mut texts = vec![format!("{builder:#?}")];
    let client = builder.build().unwrap();
    let session_builder = client
        .session(Login::password(EMAIL, PASSWORD))
        .store(MemoryStore::new())
        .token(token());
    texts.push(format!("{client:#?} {:#?}", token()));
    texts.push(shown_session(session_builder).await);
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
async fn the_debug_of_a_profile_shows_no_undescribed_field() {
    let sandbox = sandbox();
    let auth_headers = log_in(&sandbox).await.auth_headers().unwrap();
    let profile = client(&sandbox).profile(&auth_headers).await.unwrap();
    let parent: serde_json::Value = profile.other.get("parentOrganization").unwrap();
    let parent = parent["organizationName"].as_str().unwrap();
    let text = format!("{profile:?}");
    assert!(text.contains(sandbox.iqm().user().email), "{text}");
    assert!(!text.contains(parent), "{text}");
}

#[tokio::test]
async fn no_log_or_span_of_a_call_shows_a_secret() {
    let (captured, _guard) = Captured::begin();
    let sandbox = sandbox();
    let (iqm, client) = (sandbox.iqm(), client(&sandbox));
    let (email, password, mut secrets) = (iqm.user().email, password(&sandbox), Vec::new());

    let token = client.log_in(email, &password).await.unwrap();
    secrets.extend(Iqm::secrets_of(token.clone()));
    let token = client.refresh(&token).await.unwrap();
    secrets.extend(Iqm::secrets_of(token.clone()));
    let auth_headers = token.auth_headers().unwrap();
    client.profile(&auth_headers).await.unwrap();
    let other = client.log_in_oauth(email, &password).await.unwrap();
    secrets.extend(Iqm::secrets_of(other.clone()));

    client.request_password_reset(email).await.unwrap();
    let hash = iqm.reset_hash(email).unwrap();
    let link = client.validate_password_reset(&hash.as_str().into()).await;
    assert!(link.unwrap().is_valid);
    let done = client
        .set_password(email, &PASSWORD.into(), Some(&hash.as_str().into()))
        .await;
    done.unwrap();
    client.ow_id(&auth_headers).await.unwrap();
    client.workspaces(&auth_headers).await.unwrap();
    client
        .change_password(&auth_headers, &PASSWORD.into(), &NEW_PASSWORD.into())
        .await
        .unwrap();

    let waiting = pending(&sandbox).await;
    client.send_mfa_code(&waiting).await.unwrap();
    let sent = sandbox.log().last("iqm.mfa_send").unwrap();
    secrets.push(sent.header("authorization").unwrap().to_owned());
    let mfa_code = iqm.mfa_code(iqm.mfa_user().email).unwrap();
    let mfa = client
        .verify_mfa_code(&waiting, &mfa_code.as_str().into())
        .await
        .unwrap();
    secrets.push(mfa.access_token().expose_secret().to_owned());

    let uri = "https://example.com/";
    let code = iqm.authorization_code(email, uri);
    let by_code = client
        .exchange_code(&code.as_str().into(), uri, None)
        .await
        .unwrap();
    secrets.extend(Iqm::secrets_of(by_code.clone()));

    let invited = iqm.invited_user();
    let signed_up = client
        .sign_up(invited.email, &invited.password.into())
        .await;
    secrets.extend(Iqm::secrets_of(signed_up.unwrap()));
    client.log_out(&auth_headers).await.unwrap();

    let text = captured.text();
    for operation in [
        "iqm.sign_up",
        "iqm.log_in",
        "iqm.log_in_oauth",
        "iqm.refresh",
        "iqm.authorization_code",
        "iqm.log_out",
        "iqm.profile",
        "iqm.ow_id",
        "iqm.workspaces",
        "iqm.mfa_send",
        "iqm.mfa_verify",
        "iqm.request_password_reset",
        "iqm.validate_password_reset",
        "iqm.set_password",
        "iqm.change_password",
    ] {
        let times = if operation == "iqm.log_in" { 2 } else { 1 };
        sandbox.log().assert_count(operation, times);
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
    basic_of(sandbox.iqm().client_id(), sandbox.iqm().client_secret())
}

fn basic_of(id: &str, secret: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"))
}

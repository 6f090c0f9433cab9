//! The password reset, from the e-mail to the log-in with the new password.

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use edgeiq_auth::{Error, ErrorKind, Lifetime, ResetEmail, ResetToken};
use vendor_tests::assert_refused;

use crate::contract::sent;
use crate::set_up::{always, builder, client, email, password, reset_token, sandbox};

const NEW: &str = "A-new-password-1!";
const SEND_MAIL: &str = "edgeiq.request_password_reset";

async fn send(sandbox: &Sandbox, mail: &ResetEmail) -> Result<(), Error> {
    let client = client(sandbox);
    client.request_password_reset(email(sandbox), mail).await
}

async fn set(sandbox: &Sandbox, token: &ResetToken) -> Result<(), Error> {
    client(sandbox).set_password(token, &NEW.into()).await
}

#[tokio::test]
async fn a_password_is_reset_by_the_link_and_by_the_token_from_it() {
    for by_link in [true, false] {
        let sandbox = sandbox();
        send(&sandbox, &ResetEmail::new()).await.unwrap();
        let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
        let token = if by_link {
            ResetToken::from_link(&mail.link().unwrap().as_str().into())
        } else {
            ResetToken::new(mail.code().unwrap())
        };
        set(&sandbox, &token.unwrap()).await.unwrap();
        let (client, email) = (client(&sandbox), email(&sandbox));
        let log_in = async |password| {
            let log_in = client.authenticate(email, &password, Lifetime::Default);
            log_in.await
        };
        log_in(NEW.into()).await.unwrap();
        let error = log_in(password(&sandbox)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
}

#[tokio::test]
async fn a_reset_is_asked_for_with_the_vendors_page_and_nothing_else() {
    let sandbox = sandbox();
    send(&sandbox, &ResetEmail::new()).await.unwrap();
    assert_eq!(
        sent(&sandbox, SEND_MAIL),
        "POST user/password_reset_request (no token) \
        {\"email\":\"ed@edgeiq.example\",\"url\":\"https://app.edgeiq.io/reset_password\"}"
    );
    let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
    let texts = (mail.subject(), mail.greeting(), mail.from_address());
    assert_eq!(texts, (None, None, None));
}

#[tokio::test]
async fn a_reset_e_mail_is_customised_as_asked() {
    let sandbox = sandbox();
    sandbox.edgeiq().whitelist_sender("us@example.com");
    let subject = "Your Recent Password Reset Request";
    let greeting = "We've received a password reset request";
    let mail = ResetEmail::new().subject(subject).greeting(greeting);
    send(&sandbox, &mail.from_address("us@example.com"))
        .await
        .unwrap();
    let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
    assert_eq!(mail.subject(), Some(subject));
    assert_eq!(mail.greeting(), Some(greeting));
    assert_eq!(mail.from_address(), Some("us@example.com"));
}

#[tokio::test]
async fn another_environment_has_another_page() {
    let sandbox = sandbox();
    let page = "https://staging.edgeiq.io/reset_password";
    let client = builder(&sandbox).reset_url(page).build().unwrap();
    let (email, mail) = (email(&sandbox), ResetEmail::new());
    client.request_password_reset(email, &mail).await.unwrap();
    assert!(sent(&sandbox, SEND_MAIL).contains(&format!(r#""url":"{page}""#)));
}

#[tokio::test]
async fn an_address_that_belongs_to_no_user_is_told() {
    let sandbox = sandbox();
    let (client, mail) = (client(&sandbox), ResetEmail::new());
    let asked = client.request_password_reset("unknown@edgeiq.example", &mail);
    let error = asked.await.unwrap_err();
    assert_refused(
        &error,
        ErrorKind::NotFound,
        "unknown e-mail address: Not Found",
    );
    assert_eq!(error.http_status(), Some(404));
    sandbox.log().assert_count(SEND_MAIL, 1);
}

#[tokio::test]
async fn a_sender_that_is_not_whitelisted_is_a_refusal_with_the_vendors_text() {
    let sandbox = sandbox();
    let mail = ResetEmail::new().from_address("us@example.com");
    let error = send(&sandbox, &mail).await.unwrap_err();
    let text = "the sender us@example.com is not whitelisted: Internal Server Error";
    assert_refused(&error, ErrorKind::Denied, text);
    assert_eq!(error.http_status(), Some(500));
    assert_eq!(sandbox.inbox(email(&sandbox)).count(), 0);
    sandbox.log().assert_count(SEND_MAIL, 1);
}

#[tokio::test]
async fn only_a_500_to_a_named_sender_says_that_nothing_was_sent() {
    let sandbox = sandbox();
    let named = ResetEmail::new().from_address("us@example.com");
    sandbox.edgeiq().whitelist_sender("us@example.com");
    for (status, mail, kind) in [
        (500, &named, ErrorKind::Denied),
        (500, &ResetEmail::new(), ErrorKind::OutcomeUnknown),
        (
            500,
            &ResetEmail::new().subject("x"),
            ErrorKind::OutcomeUnknown,
        ),
        (502, &named, ErrorKind::OutcomeUnknown),
        (503, &named, ErrorKind::OutcomeUnknown),
        (504, &named, ErrorKind::OutcomeUnknown),
    ] {
        sandbox.log().clear();
        sandbox.fault(Fault::status(status));
        let error = send(&sandbox, mail).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {mail:?}: {error:?}");
        assert_eq!(error.http_status(), Some(status));
        sandbox.log().assert_count(SEND_MAIL, 1);
    }
}

#[tokio::test]
async fn one_new_password_is_sent_as_both() {
    let sandbox = sandbox();
    let token = reset_token(&sandbox).await;
    set(&sandbox, &token).await.unwrap();
    let sent = sent(&sandbox, "edgeiq.set_password");
    let (call, body) = sent.split_once(" (no token) ").unwrap();
    assert!(call.starts_with("POST user/password_reset/"), "{call}");
    let both = format!(r#"{{"password":"{NEW}","password_confirmation":"{NEW}"}}"#);
    assert_eq!(body, both);
}

#[tokio::test]
async fn a_token_that_was_used_or_has_expired_is_refused() {
    let sandbox = sandbox();
    let used = reset_token(&sandbox).await;
    set(&sandbox, &used).await.unwrap();
    let old = reset_token(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(30 * 86_400));
    for token in [used, old, ResetToken::new("never-issued").unwrap()] {
        sandbox.log().clear();
        let error = set(&sandbox, &token).await.unwrap_err();
        assert_refused(
            &error,
            ErrorKind::InvalidCredentials,
            "the reset token was refused: Invalid token",
        );
        assert_eq!(error.http_status(), Some(400));
        sandbox.log().assert_count("edgeiq.set_password", 1);
    }
}

#[tokio::test]
async fn a_token_is_one_segment_of_the_path_whatever_is_in_it() {
    let long = "x".repeat(10_000);
    for (text, sent) in [
        ("abc", "abc"),
        ("../me", "..%2Fme"),
        ("a/b", "a%2Fb"),
        ("/", "%2F"),
        ("%2e%2e", "%252e%252e"),
        ("%2E", "%252E"),
        (".%2e", ".%252e"),
        ("..%2fme", "..%252fme"),
        ("..\\me", "..%5Cme"),
        ("a?b=c#d", "a%3Fb=c%23d"),
        ("...", "..."),
        ("é", "%C3%A9"),
        (&long, &long),
    ] {
        let sandbox = sandbox();
        let error = set(&sandbox, &ResetToken::new(text).unwrap())
            .await
            .unwrap_err();
        let text = "the reset token was refused: ";
        assert_refused(&error, ErrorKind::InvalidCredentials, text);
        let entries = sandbox.log().entries();
        assert_eq!(entries.len(), 1, "{text}");
        let path = format!("/edgeiq/api/v1/platform/user/password_reset/{sent}");
        assert_eq!(
            (entries[0].path(), entries[0].query()),
            (path.as_str(), None)
        );
        assert_eq!(entries[0].operation(), "edgeiq.set_password");
    }
}

#[tokio::test]
async fn the_text_of_a_token_that_is_sent_is_the_one_that_arrives() {
    let sandbox = sandbox();
    // The sandbox's tokens hold what a query has to encode.
    let token = reset_token(&sandbox).await;
    let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
    assert!(mail.code().unwrap().contains('+'));
    set(&sandbox, &token).await.unwrap();
}

#[test]
fn what_could_be_another_path_is_refused_without_being_shown() {
    for (text, reason) in [
        ("", "it is empty"),
        (" ", "it is empty"),
        (".", "it is a step in a path"),
        ("..", "it is a step in a path"),
        (".\t.", "it holds white space"),
        ("..\n", "it is a step in a path"),
        ("a\tb", "it holds white space"),
        ("a b", "it holds white space"),
    ] {
        let error = ResetToken::new(text).unwrap_err();
        let reason = format!("no reset token: {reason}");
        assert_refused(&error, ErrorKind::InvalidCredentials, &reason);
        assert_eq!(error.http_status(), None);
    }
    let link = "https://app.edgeiq.io/reset_password?tok=h0p3l355-t0k3n";
    let error = ResetToken::from_link(&link.into()).unwrap_err();
    assert_refused(&error, ErrorKind::InvalidCredentials, "no value `token`");
    assert!(!format!("{error} {error:?}").contains("h0p3l355"));
}

#[tokio::test]
async fn a_lost_response_leaves_it_open_whether_the_password_was_set() {
    let sandbox = sandbox();
    let token = reset_token(&sandbox).await;
    sandbox.fault(Fault::lost_answer().on("edgeiq.set_password"));
    let error = set(&sandbox, &token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    sandbox.log().assert_count("edgeiq.set_password", 1);
    // As the documents of the call advise.
    let (client, password) = (client(&sandbox), NEW.into());
    let log_in = client.authenticate(email(&sandbox), &password, Lifetime::Default);
    log_in.await.unwrap();
}

#[tokio::test]
async fn a_failed_reset_is_a_refusal_whatever_its_status() {
    for status in [400, 401, 403, 404, 410, 422] {
        let body = r#"{"message":"Passwords do not match."}"#;
        let server = always(|then| then.status(status).body(body)).await;
        let builder = edgeiq_auth::Client::builder().base_url(server.base_url());
        let token = ResetToken::new("a-token").unwrap();
        let set = builder
            .build()
            .unwrap()
            .set_password(&token, &NEW.into())
            .await;
        let error = set.unwrap_err();
        let text = "the password was not set: Passwords do not match";
        assert_refused(&error, ErrorKind::Denied, text);
        assert_eq!(
            (error.to_string().as_str(), error.http_status()),
            (text, Some(status))
        );
    }
}

#[test]
fn the_debug_of_a_token_does_not_show_it() {
    let secret = "r353t-t0k3n-0123456789";
    let token = ResetToken::new(secret).unwrap();
    assert!(!format!("{token:?}").contains(&secret[..6]));
}

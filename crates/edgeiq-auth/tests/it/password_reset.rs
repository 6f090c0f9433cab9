//! The password reset, from the e-mail to the log-in with the new password.

use auth_sandbox::Fault;
use edgeiq_auth::{
    Error, ErrorKind, ExposeSecret as _, Lifetime, ResetEmail, ResetToken, SecretString,
};

use crate::contract::assert_sent;
use crate::set_up::{always, builder, client, email, only, password, reset_token, sandbox};

const NEW: &str = "A-new-password-1!";

#[tokio::test]
async fn a_password_is_reset_by_the_link_and_by_the_token_from_it() {
    for by_link in [true, false] {
        let sandbox = sandbox();
        let client = client(&sandbox);
        client
            .request_password_reset(email(&sandbox), &ResetEmail::new())
            .await
            .unwrap();
        let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
        let token = if by_link {
            ResetToken::from_link(&mail.link().unwrap().as_str().into())
        } else {
            ResetToken::new(mail.code().unwrap())
        };
        client
            .set_password(&token.unwrap(), &NEW.into())
            .await
            .unwrap();
        let log_in = async |password: SecretString| {
            let authenticated = client
                .authenticate(email(&sandbox), &password, Lifetime::Default)
                .await;
            authenticated.map(|it| it.token)
        };
        log_in(NEW.into()).await.unwrap();
        let error = log_in(password(&sandbox)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
}

#[tokio::test]
async fn a_reset_is_asked_for_with_the_vendors_page_and_nothing_else() {
    let sandbox = sandbox();
    client(&sandbox)
        .request_password_reset(email(&sandbox), &ResetEmail::new())
        .await
        .unwrap();
    let entry = only(&sandbox, "edgeiq.request_password_reset");
    assert_sent(&entry, "POST", "user/password_reset_request", None);
    assert_eq!(
        entry.body(),
        r#"{"email":"ed@edgeiq.example","url":"https://app.edgeiq.io/reset_password"}"#
    );
    let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
    assert_eq!(
        (mail.subject(), mail.greeting(), mail.from_address()),
        (None, None, None)
    );
}

#[tokio::test]
async fn a_reset_e_mail_is_customised_as_asked() {
    let sandbox = sandbox();
    sandbox.edgeiq().whitelist_sender("us@example.com");
    let mail = ResetEmail::new()
        .subject("Your Recent Password Reset Request")
        .greeting("We've received a password reset request")
        .from_address("us@example.com");
    client(&sandbox)
        .request_password_reset(email(&sandbox), &mail)
        .await
        .unwrap();
    let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
    assert_eq!(mail.subject(), Some("Your Recent Password Reset Request"));
    assert_eq!(
        mail.greeting(),
        Some("We've received a password reset request")
    );
    assert_eq!(mail.from_address(), Some("us@example.com"));
}

#[tokio::test]
async fn another_environment_has_another_page() {
    let sandbox = sandbox();
    let page = "https://staging.edgeiq.io/reset_password";
    let client = builder(&sandbox).reset_url(page).build().unwrap();
    client
        .request_password_reset(email(&sandbox), &ResetEmail::new())
        .await
        .unwrap();
    let entry = only(&sandbox, "edgeiq.request_password_reset");
    assert_eq!(entry.field("url").as_deref(), Some(page));
}

#[tokio::test]
async fn an_address_that_belongs_to_nobody_is_told() {
    let sandbox = sandbox();
    let error = client(&sandbox)
        .request_password_reset("nobody@edgeiq.example", &ResetEmail::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::UnknownEmail { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    sandbox
        .log()
        .assert_count("edgeiq.request_password_reset", 1);
}

#[tokio::test]
async fn a_sender_that_is_not_whitelisted_is_a_refusal_with_the_vendors_body() {
    let sandbox = sandbox();
    let mail = ResetEmail::new().from_address("us@example.com");
    let error = client(&sandbox)
        .request_password_reset(email(&sandbox), &mail)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::SenderNotWhitelisted { from_address, message }
            if from_address == "us@example.com" && message.contains("Internal Server Error")),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(sandbox.inbox(email(&sandbox)).count(), 0);
    sandbox
        .log()
        .assert_count("edgeiq.request_password_reset", 1);
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
        let error = client(&sandbox)
            .request_password_reset(email(&sandbox), mail)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {mail:?}: {error:?}");
        sandbox
            .log()
            .assert_count("edgeiq.request_password_reset", 1);
    }
}

#[tokio::test]
async fn one_new_password_is_sent_as_both() {
    let sandbox = sandbox();
    let token = reset_token(&sandbox).await;
    client(&sandbox)
        .set_password(&token, &NEW.into())
        .await
        .unwrap();
    let entry = only(&sandbox, "edgeiq.set_password");
    assert_eq!(
        entry.body(),
        format!(r#"{{"password":"{NEW}","password_confirmation":"{NEW}"}}"#)
    );
    assert_eq!(entry.header("authorization"), None);
    assert_eq!(entry.header("content-type"), Some("application/json"));
    assert_eq!(entry.hint(), None);
}

#[tokio::test]
async fn a_token_that_was_used_or_has_expired_is_refused() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let used = reset_token(&sandbox).await;
    client.set_password(&used, &NEW.into()).await.unwrap();
    let old = reset_token(&sandbox).await;
    sandbox
        .clock()
        .advance(std::time::Duration::from_secs(30 * 86_400));
    for token in [
        used,
        old,
        ResetToken::new("never issued".replace(' ', "-")).unwrap(),
    ] {
        sandbox.log().clear();
        let error = client.set_password(&token, &"x".into()).await.unwrap_err();
        assert!(matches!(error, Error::ResetRefused { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Denied);
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
        let token = ResetToken::new(text).unwrap();
        let error = client(&sandbox).set_password(&token, &NEW.into()).await;
        let entries = sandbox.log().entries();
        assert_eq!(entries.len(), 1, "{text}");
        let path = format!("/edgeiq/api/v1/platform/user/password_reset/{sent}");
        assert_eq!(entries[0].path(), path);
        assert_eq!(entries[0].query(), None);
        assert_eq!(entries[0].operation(), "edgeiq.set_password");
        let error = error.unwrap_err();
        assert!(matches!(error, Error::ResetRefused { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn the_text_of_a_token_that_is_sent_is_the_one_that_arrives() {
    let sandbox = sandbox();
    // The sandbox's tokens hold what a path and a query have to encode.
    let token = reset_token(&sandbox).await;
    let code = sandbox.inbox(email(&sandbox)).latest().unwrap();
    assert!(code.code().unwrap().contains('/'));
    client(&sandbox)
        .set_password(&token, &NEW.into())
        .await
        .unwrap();
}

#[test]
fn what_could_be_another_path_is_refused_without_being_shown() {
    for text in ["", " ", ".", "..", ".\t.", "..\n", "a\tb", "a b"] {
        let error = ResetToken::new(text).unwrap_err();
        assert!(
            matches!(error, Error::InvalidResetToken { .. }),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
    let link = "https://app.edgeiq.io/reset_password?tok=h0p3l355-t0k3n";
    let error = ResetToken::from_link(&link.into()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("h0p3l355"));
}

#[tokio::test]
async fn a_lost_answer_leaves_it_open_whether_the_password_was_set() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let token = reset_token(&sandbox).await;
    sandbox.fault(Fault::lost_answer().on("edgeiq.set_password"));
    let error = client.set_password(&token, &NEW.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    sandbox.log().assert_count("edgeiq.set_password", 1);
    // As the documents of the call advise.
    client
        .authenticate(email(&sandbox), &NEW.into(), Lifetime::Default)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_failed_reset_is_a_refusal_whatever_its_status() {
    for status in [400, 401, 403, 404, 410, 422] {
        let server = always(|then| then.status(status).body("Passwords do not match.")).await;
        let client = edgeiq_auth::Client::builder()
            .base_url(server.base_url())
            .build()
            .unwrap();
        let token = ResetToken::new("a-token").unwrap();
        let error = client.set_password(&token, &NEW.into()).await.unwrap_err();
        assert!(
            matches!(&error, Error::ResetRefused { message } if message == "Passwords do not match"),
            "{status}: {error:?}"
        );
    }
}

#[test]
fn the_debug_of_a_token_does_not_show_it() {
    let secret = "r353t-t0k3n-0123456789";
    let token = ResetToken::new(secret).unwrap();
    assert!(!format!("{token:?}").contains(&secret[..6]));
    let held: SecretString = secret.into();
    assert_eq!(held.expose_secret(), secret);
}

//! EdgeIQ: the e-mail with the link, and the call that follows it.

use std::time::Duration;

use auth_core::Clock;
use auth_sandbox::{Mail, MailKind, Sandbox};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::caller::edgeiq::EdgeIqCaller;
use crate::caller::frozen;

const DAY: Duration = Duration::from_secs(86_400);

fn encoded(mail: &Mail) -> String {
    utf8_percent_encode(mail.code().unwrap(), NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn the_e_mail_holds_a_link_with_the_token_in_its_query() {
    let (clock, sandbox) = frozen();
    let email = sandbox.edgeiq().user().email;
    let reply = EdgeIqCaller::new(&sandbox).request_reset(email).await;
    assert_eq!(reply.status, 200);

    let mail = sandbox.inbox(email).latest().unwrap();
    assert_eq!(
        (mail.vendor(), mail.kind()),
        ("edgeiq", MailKind::PasswordReset)
    );
    let link = mail.link().unwrap();
    assert!(
        link.as_str()
            .starts_with("https://app.edgeiq.io/reset_password?token=")
    );
    let (name, value) = link.query_pairs().next().unwrap();
    assert_eq!((&*name, Some(&*value)), ("token", mail.code()));
    assert_eq!(mail.expires_at(), Some(clock.now().wall() + DAY));
    assert_eq!(
        (mail.subject(), mail.greeting(), mail.from_address()),
        (None, None, None)
    );
}

#[tokio::test]
async fn the_links_own_query_is_kept() {
    let sandbox = Sandbox::start().unwrap();
    let email = sandbox.edgeiq().user().email;
    let body = json!({ "email": email, "url": "https://a.test/reset?a=1#/frag" });
    let caller = EdgeIqCaller::new(&sandbox);
    caller.post("user/password_reset_request", body).await;
    let mail = sandbox.inbox(email).latest().unwrap();
    let link = mail.link().unwrap();
    assert!(link.query().unwrap().starts_with("a=1&token="));
    assert_eq!(link.fragment(), Some("/frag"));
}

#[tokio::test]
async fn the_token_sets_the_password_once() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, caller) = (sandbox.edgeiq(), EdgeIqCaller::new(&sandbox));
    let user = edgeiq.user();
    let session = caller.session().await;
    caller.request_reset(user.email).await;
    let token = encoded(&sandbox.inbox(user.email).latest().unwrap());
    let reply = caller.set_password(&token, "a new password").await;
    assert_eq!(reply.status, 200, "{reply:?}");

    assert_eq!(caller.authenticate(user).await.status, 401);
    let body = json!({ "email": user.email, "password": "a new password" });
    assert_eq!(caller.post("user/authenticate", body).await.status, 200);
    assert!(edgeiq.accepts(&session));
    let reply = caller.set_password(&token, "another one").await;
    reply.assert(400, "or was used");
    assert!(!reply.hint.unwrap().contains(&token));
}

#[tokio::test]
async fn passwords_that_differ_change_nothing_and_the_token_stays() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EdgeIqCaller::new(&sandbox);
    let user = sandbox.edgeiq().user();
    caller.request_reset(user.email).await;
    let token = encoded(&sandbox.inbox(user.email).latest().unwrap());
    let body = json!({ "password": "one", "password_confirmation": "two" });
    let reply = caller
        .post(&format!("user/password_reset/{token}"), body)
        .await;
    reply.assert(400, "differ");
    assert_eq!(caller.authenticate(user).await.status, 200);
    assert_eq!(caller.set_password(&token, "one").await.status, 200);
}

#[tokio::test]
async fn a_token_expires_and_is_replaced_by_the_next() {
    let (clock, sandbox) = frozen();
    let caller = EdgeIqCaller::new(&sandbox);
    let email = sandbox.edgeiq().user().email;
    caller.request_reset(email).await;
    caller.request_reset(email).await;
    let mails = sandbox.inbox(email).all();
    let (old, new) = (encoded(&mails[0]), encoded(&mails[1]));
    caller.set_password(&old, "x").await.assert(400, "replaced");
    clock.advance(DAY);
    caller.set_password(&new, "x").await.assert(400, "expired");
    caller
        .set_password("unheard-of", "x")
        .await
        .assert(400, "never sent");
}

#[tokio::test]
async fn the_token_is_one_segment_encoded_or_not() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EdgeIqCaller::new(&sandbox);
    let email = sandbox.edgeiq().user().email;
    caller.request_reset(email).await;
    let mail = sandbox.inbox(email).latest().unwrap();
    let raw = mail.code().unwrap();
    for token in [&*format!("{raw}/x"), ""] {
        let reply = caller.set_password(token, "x").await;
        reply.assert(404, "no such path");
    }
    sandbox.log().assert_count("unknown", 2);
    sandbox.log().assert_count("edgeiq.set_password", 0);
    assert_eq!(caller.set_password(&encoded(&mail), "x").await.status, 200);
    sandbox.log().assert_count("edgeiq.set_password", 1);

    // Only the getter of the log's entry shows it.
    let entry = sandbox.log().last("edgeiq.set_password").unwrap();
    assert!(entry.path().ends_with(&encoded(&mail)));
    let shown = format!("{entry}");
    assert!(
        shown.contains("POST /edgeiq/api/v1/platform/user/password_reset/… on"),
        "{shown}"
    );
}

#[tokio::test]
async fn an_address_of_no_user_is_not_found_and_gets_no_e_mail() {
    let sandbox = Sandbox::start().unwrap();
    let reply = EdgeIqCaller::new(&sandbox)
        .request_reset("unknown@a.test")
        .await;
    reply.assert(404, "no user");
    assert_eq!(sandbox.inbox("unknown@a.test").count(), 0);
}

#[tokio::test]
async fn a_sender_that_is_not_whitelisted_is_an_internal_error() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, caller) = (sandbox.edgeiq(), EdgeIqCaller::new(&sandbox));
    let email = edgeiq.user().email;
    let body = json!({
        "email": email,
        "url": "https://app.edgeiq.io/reset_password",
        "subject": "Your Recent Password Reset Request",
        "greeting": "We've received a password reset request",
        "from_address": "support@a.test",
    });
    let reply = caller
        .post("user/password_reset_request", body.clone())
        .await;
    reply.assert(500, "not whitelisted");
    assert_eq!(sandbox.inbox(email).count(), 0);

    edgeiq.whitelist_sender("support@a.test");
    let reply = caller.post("user/password_reset_request", body).await;
    assert_eq!(reply.status, 200);
    let mail = sandbox.inbox(email).latest().unwrap();
    assert_eq!(mail.from_address(), Some("support@a.test"));
    assert_eq!(mail.subject(), Some("Your Recent Password Reset Request"));
    assert_eq!(
        mail.greeting(),
        Some("We've received a password reset request")
    );
}

//! EQ Works: the passcode and the magic link.

use std::time::Duration;

use auth_core::Clock;
use auth_sandbox::{EqWorksUser, MailKind, Sandbox};
use serde_json::json;

use crate::caller::eqworks::{EqWorksCaller, token_in};
use crate::caller::{Reply, frozen, read};

const MINUTE: Duration = Duration::from_secs(60);

#[track_caller]
fn assert_message(reply: &Reply, message: &str) {
    assert_eq!(reply.body["message"], message);
}

async fn link(sandbox: &Sandbox, query: &[(&str, &str)]) -> String {
    let user = sandbox.eqworks().user().email;
    let query = [&[("user", user)], query].concat();
    let reply = EqWorksCaller::new(sandbox).get("login", &query).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let mail = sandbox.inbox(user).latest().unwrap();
    let (link, code) = (mail.link().unwrap(), mail.code().unwrap());
    link.as_str().replace(code, "OTP")
}

#[tokio::test]
async fn one_e_mail_carries_the_passcode_and_a_link_to_the_verify_call() {
    let (clock, sandbox) = frozen();
    let user = sandbox.eqworks().user().email;
    let query = [("user", user), ("product", "locus")];
    let reply = EqWorksCaller::new(&sandbox).get("login", &query).await;
    assert_eq!(reply.status, 200);
    let message = format!("Login passcode sent to {user} through email");
    assert_eq!(reply.body, json!({ "message": message, "user": user }));

    let mail = sandbox.inbox(user).latest().unwrap();
    assert_eq!(
        (mail.vendor(), mail.kind()),
        ("eqworks", MailKind::MagicLink)
    );
    let code = mail.code().unwrap();
    assert_eq!(code.len(), 6);
    assert!(
        code.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
    );
    assert_eq!(sandbox.eqworks().passcode(user).as_deref(), Some(code));
    assert_eq!(mail.expires_at(), Some(clock.now().wall() + 10 * MINUTE));
    let base = sandbox.eqworks().base_url();
    let expected = format!("{base}prod/verify?user=sue%40eqworks.example&otp={code}&product=locus");
    assert_eq!(mail.link().unwrap().as_str(), expected);
}

#[tokio::test]
async fn opening_the_default_link_uses_up_the_passcode() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    caller.passcode(user, "atom").await;
    let mail = sandbox.inbox(user).latest().unwrap();
    let link = mail.link().unwrap().as_str();
    let opened = read(caller.any(reqwest::Method::GET, link)).await;
    assert!(sandbox.eqworks().accepts(&token_in(&opened)));
    assert_eq!(sandbox.eqworks().passcode(user), None);
}

#[tokio::test]
async fn a_scanner_that_sends_a_head_uses_up_the_passcode_too() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    caller.passcode(user, "atom").await;
    let mail = sandbox.inbox(user).latest().unwrap();
    let link = mail.link().unwrap().as_str();
    let head = read(caller.any(reqwest::Method::HEAD, link)).await;
    assert_eq!((head.status, &*head.text), (200, ""));
    assert_eq!(sandbox.eqworks().passcode(user), None);
    sandbox.log().assert_count("eqworks.verify", 1);
}

#[tokio::test]
async fn a_redirect_keeps_its_query_and_fragment_and_names_the_user() {
    let sandbox = Sandbox::start().unwrap();
    let expected = "https://app.example.test/login?a=1&b=2&user=sue%40eqworks.example&otp=OTP&product=atom#/frag";
    let redirect = "https://app.example.test/login?a=1&b=2&user=someone@else.test#/frag";
    assert_eq!(link(&sandbox, &[("redirect", redirect)]).await, expected);
    // Encoded once more, as a careful client does, it is the same.
    let twice = redirect.replace('&', "%26").replace('#', "%23");
    assert_eq!(link(&sandbox, &[("redirect", &twice)]).await, expected);
}

#[tokio::test]
async fn a_redirect_is_decoded_twice_so_that_a_nested_query_needs_to_be_encoded_twice() {
    let sandbox = Sandbox::start().unwrap();
    let tail = "user=sue%40eqworks.example&otp=OTP&product=atom";
    for (next, decoded) in [
        ("%2Fhome%3Fx%3D1%26y%3D2", "%2Fhome%3Fx%3D1&y=2"),
        (
            "%252Fhome%253Fx%253D1%2526y%253D2",
            "%2Fhome%3Fx%3D1%26y%3D2",
        ),
    ] {
        let redirect = format!("https://a.test/?next={next}");
        let found = link(&sandbox, &[("redirect", &redirect)]).await;
        assert_eq!(found, format!("https://a.test/?next={decoded}&{tail}"));
    }
}

#[tokio::test]
async fn any_scheme_is_accepted_in_a_redirect() {
    let sandbox = Sandbox::start().unwrap();
    for redirect in ["javascript:alert(1)", "http://a.test/", "myapp://login/"] {
        let found = link(&sandbox, &[("redirect", redirect)]).await;
        assert!(
            found.starts_with(&format!("{redirect}?user=sue")),
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_redirect_that_is_relative_or_broken_is_an_internal_error() {
    let sandbox = Sandbox::start().unwrap();
    let user = sandbox.eqworks().user().email;
    for redirect in ["/login", "app.example.test", "https://a.test/?50%"] {
        let query = [("user", user), ("redirect", redirect)];
        let reply = EqWorksCaller::new(&sandbox).get("login", &query).await;
        reply.assert(500, "redirect, decoded twice");
        assert_message(&reply, "Failed to complete the login process");
    }
    assert_eq!(sandbox.inbox(user).count(), 0);
}

#[tokio::test]
async fn the_user_is_trimmed_and_lower_cased() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    let reply = caller
        .get("login", &[("user", "  SUE@EqWorks.Example ")])
        .await;
    assert_eq!(reply.body["user"], "sue@eqworks.example");
    let otp = sandbox.eqworks().passcode(" Sue@EQWORKS.example").unwrap();
    let query = [("user", " SUE@eqworks.example"), ("otp", &*otp)];
    let reply = caller.get("verify", &query).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["user"], "sue@eqworks.example");
}

#[tokio::test]
async fn without_a_link_the_e_mail_holds_only_the_passcode() {
    let sandbox = Sandbox::start().unwrap();
    let user = sandbox.eqworks().user().email;
    let query = [("user", user), ("nolink", "1"), ("zone", "America/Toronto")];
    let reply = EqWorksCaller::new(&sandbox).get("login", &query).await;
    assert_eq!(reply.status, 200);
    let mail = sandbox.inbox(user).latest().unwrap();
    assert_eq!(mail.kind(), MailKind::Passcode);
    assert!(mail.link().is_none());
    assert_eq!(mail.code(), sandbox.eqworks().passcode(user).as_deref());
}

#[tokio::test]
async fn the_same_passcode_is_sent_again_while_more_than_five_minutes_remain() {
    let (clock, sandbox) = frozen();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    let first = caller.passcode(user, "atom").await;
    let ends = sandbox.inbox(user).latest().unwrap().expires_at();

    clock.advance(Duration::from_nanos(299_999_999_999));
    assert_eq!(caller.passcode(user, "locus").await, first);
    assert_eq!(sandbox.inbox(user).latest().unwrap().expires_at(), ends);
    clock.advance(Duration::from_nanos(1));
    let second = caller.passcode(user, "atom").await;
    assert_ne!(second, first);
    assert_eq!(sandbox.inbox(user).count(), 3);

    let query = [("user", user), ("otp", &*first)];
    let reply = caller.get("verify", &query).await;
    assert_message(&reply, "Invalid OTP for user sue@eqworks.example");
    clock.advance(Duration::from_nanos(599_999_999_999));
    let query = [("user", user), ("otp", &*second)];
    assert_eq!(caller.get("verify", &query).await.status, 200);
}

#[tokio::test]
async fn a_passcode_expires_after_ten_minutes() {
    let (clock, sandbox) = frozen();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    let otp = caller.passcode(user, "atom").await;
    clock.advance(10 * MINUTE);
    let reply = caller.get("verify", &[("user", user), ("otp", &otp)]).await;
    reply.assert(403, "expired");
    assert_message(&reply, &format!("No OTP to redeem for user {user}"));
}

#[tokio::test]
async fn a_passcode_stays_valid_after_a_wrong_try_and_is_used_up_by_the_right_one() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    let otp = caller.passcode(user, "atom").await;
    for _ in 0..10 {
        let reply = caller
            .get("verify", &[("user", user), ("otp", "wrong!")])
            .await;
        reply.assert(403, "wrong");
        assert_message(&reply, &format!("Invalid OTP for user {user}"));
    }
    let padded = format!("  {} ", otp.to_lowercase());
    let reply = caller
        .get("verify", &[("user", user), ("otp", &padded)])
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let reply = caller.get("verify", &[("user", user), ("otp", &otp)]).await;
    assert_message(&reply, &format!("No OTP to redeem for user {user}"));
    assert_eq!(sandbox.eqworks().issued(), 1);
}

#[tokio::test]
async fn the_product_is_atom_where_it_is_missing() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    eqworks.add_user(EqWorksUser::new("lou@a.test").products(["locus", "clearlake"]));
    let reply = caller.get("login", &[("user", "lou@a.test")]).await;
    reply.assert(403, "not one of the user's");
    assert_message(&reply, "User lou@a.test does not have access to atom");
    let otp = caller.passcode("lou@a.test", "CLEARLAKE").await;
    // The verify call does not check the user's products.
    let reply = caller
        .get("verify", &[("user", "lou@a.test"), ("otp", &otp)])
        .await;
    assert_eq!(
        (reply.status, &reply.body["product"]),
        (200, &json!("atom"))
    );
}

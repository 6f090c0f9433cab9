//! Magic links: what the mail's link is asked to be, and what is read from it.

use eqworks_auth::ErrorKind::{InvalidConfig, InvalidCredentials};
use eqworks_auth::magic_link::{MagicLink, PasscodeMail, Url};
use eqworks_auth::{Error, ExposeSecret as _, Product};

use crate::set_up::{assert_refused, builder_for, client, email, only, passcode, sandbox, shown};

/// A redirect with another user in its query, and with a fragment.
const REDIRECT: &str =
    "https://app.example.test/login?a=1&b=2&user=someone@else.test&next=%2Fx%3Fc%3D3%26d%3D4#/frag";

fn parse(pasted: &str) -> Result<MagicLink, Error> {
    MagicLink::parse(&pasted.into())
}

#[track_caller]
fn assert_read(pasted: &str, user: Option<&str>, product: Option<&Product>) {
    let link = parse(pasted).unwrap();
    assert_eq!(link.passcode().expose_secret(), "FDEA9F", "{pasted}");
    assert_eq!(link.user(), user, "{pasted}");
    assert_eq!(link.product(), product, "{pasted}");
}

#[test]
fn a_link_is_read_in_every_form_that_a_mailbox_holds() {
    let user = Some("wl.user@acme.test");
    for pasted in ["FDEA9F", "fdea9f", "  FDEA9F\r\n"] {
        assert_read(pasted, None, None);
    }
    for pasted in [
        "https://auth.eqworks.io/prod/verify?user=wl.user@acme.test&otp=FDEA9F",
        "https://auth.eqworks.io/prod/verify?user=WL.User%40acme.test&otp=fdea9f",
        " https://auth.eqworks.io/dev/verify?otp=FDEA9F&user=wl.user%40acme.test \n",
        "https://report.ui.project/login?a=1&b=2&user=wl.user@acme.test&otp=%20FDEA9F+",
        "http://localhost:3000/?user=wl.user@acme.test&otp=FDEA9F",
        "com.acme.app://login?user=wl.user%40acme.test&otp=FDEA9F",
    ] {
        assert_read(pasted, user, None);
    }
    assert_read(
        "https://app.example.test/login?a=1&b=2&user=wl.user%40acme.test&otp=FDEA9F&product=atom#/frag",
        user,
        Some(&Product::ATOM),
    );
    assert_read(
        "https://app.example.test/?otp=FDEA9F&product=clearlake",
        None,
        Some(&"clearlake".into()),
    );
    // A plus that was not encoded.
    for plus in ["+", "%2B", "%2b"] {
        let pasted = format!("https://a.test/?user=sue{plus}tag@acme.test&otp=FDEA9F");
        assert_read(&pasted, Some("sue+tag@acme.test"), None);
    }
}

#[test]
fn what_holds_no_passcode_is_refused_without_being_repeated() {
    for pasted in [
        "",
        "hunter22",
        "FDEA9",
        "FDEA9F0",
        "FDEA9G",
        "FDE A9F",
        "hunter22 FDEA9F",
        "https://auth.eqworks.io/prod/verify?user=hunter22@acme.test",
        "https://auth.eqworks.io/prod/verify?user=hunter22&otp=",
        "https://auth.eqworks.io/prod/verify?user=hunter22&otp=FDEA9FF",
        "https://auth.eqworks.io/prod/verify#user=hunter22&otp=FDEA9F",
        "https://auth.eqworks.io/prod/verify?otp=FDEA9F&otp=ABCDEF&user=hunter22",
        "https://a.test/?otp=FDEA9F&user=hunter22&user=other@acme.test",
        "https://a.test/?otp=FDEA9F&product=atom&product=hunter22",
        "//hunter22?otp=FDEA9F",
        "hunter22?otp=FDEA9F",
        "é\u{1f98a}é\u{1f98a}é",
        "ＦＤＥＡ９Ｆ",
        "\0\0\0\0\0\0",
    ] {
        let error = parse(pasted).unwrap_err();
        assert_refused(&error, InvalidCredentials, "not a passcode: ");
        let text = shown(&error);
        assert!(!text.contains("hunter22"), "{text}");
        assert!(!text.contains("FDEA9"), "{text}");
    }
}

#[test]
fn debug_shows_whose_link_it_is_and_no_passcode() {
    let link = parse("https://a.test/?user=sue@acme.test&otp=FDEA9F").unwrap();
    let shown = format!("{link:?}");
    assert!(shown.contains("sue@acme.test"), "{shown}");
    assert!(!shown.contains("FDEA9F"), "{shown}");
}

#[tokio::test]
async fn a_link_or_passcode_that_cannot_belong_to_the_log_in_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let passcode = passcode(&sandbox).await;
    let pending = client(&sandbox).pending_login(email(&sandbox));
    let otp = passcode.expose_secret();
    let user = pending.user();
    for (query, other_than) in [
        (format!("user=eve@acme.test&otp={otp}"), user),
        (format!("user={user}&otp={otp}&product=locus"), "atom"),
    ] {
        let pasted = format!("https://a.test/?{query}").into();
        let reason = format!("the link belongs to another log-in: it is not for {other_than}");
        for error in [
            pending.complete(&pasted).await.unwrap_err(),
            pending
                .complete_and_revoke_older(&pasted)
                .await
                .unwrap_err(),
        ] {
            assert_refused(&error, InvalidCredentials, &reason);
            let text = shown(&error);
            assert!(!text.contains(otp) && !text.contains("eve@"), "{text}");
        }
    }
    for pasted in ["", "123", "not a link"] {
        let error = pending.complete(&pasted.into()).await.unwrap_err();
        assert_refused(&error, InvalidCredentials, "not a passcode: ");
    }
    sandbox.log().assert_count("eqworks.verify", 0);
    // None of that has spent it.
    pending.complete(&passcode).await.unwrap();
}

#[tokio::test]
async fn the_vendors_own_link_logs_in_and_is_not_followed() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let pending = client.request_passcode(email(&sandbox)).await.unwrap();
    let mail = sandbox.inbox(pending.user()).latest().unwrap();
    let link = mail.link().unwrap();
    assert!(link.path().ends_with("/prod/verify"), "{link}");
    let token = pending.complete(&link.as_str().into()).await.unwrap();
    assert!(
        sandbox
            .eqworks()
            .accepts(token.access_token().expose_secret())
    );
    // One call: the client's, with its headers, and not a visit to the link.
    let sent = only(&sandbox, "eqworks.verify");
    assert!(
        sent.header("user-agent")
            .unwrap()
            .starts_with("eqworks-auth/")
    );
}

#[tokio::test]
async fn a_nested_query_and_a_fragment_survive_the_vendors_double_decoding() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let redirect: Url = REDIRECT.parse().unwrap();
    let mail = PasscodeMail::new().redirect(redirect.clone());
    let pending = client
        .request_passcode_with(email(&sandbox), &mail)
        .await
        .unwrap();
    let sent = only(&sandbox, "eqworks.request_passcode");
    let query = sent.query().unwrap().to_owned();
    assert!(
        query.contains("redirect=https%253A%252F%252Fapp."),
        "{query}"
    );
    assert!(query.contains("%2526b%253D2"), "{query}");

    let mail = sandbox.inbox(pending.user()).latest().unwrap();
    let link = mail.link().unwrap();
    assert_eq!(link.origin(), redirect.origin());
    assert_eq!((link.path(), link.fragment()), ("/login", Some("/frag")));
    let value = |name: &str| {
        let values: Vec<_> = link
            .query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(values.len(), 1, "{name} in {link}");
        values[0].clone()
    };
    assert_eq!((value("a"), value("b")), ("1".into(), "2".into()));
    assert_eq!(value("next"), "/x?c=3&d=4");
    assert_eq!(value("user"), pending.user());
    assert_eq!(value("product"), "atom");
    assert_eq!(Some(value("otp").as_str()), mail.code());

    let token = pending.complete(&link.as_str().into()).await.unwrap();
    assert!(
        sandbox
            .eqworks()
            .accepts(token.access_token().expose_secret())
    );
}

#[tokio::test]
async fn a_redirect_that_is_unsafe_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    for redirect in [
        "http://app.example.test/login?state=hunter22",
        "http://127.0.0.1.example.com/hunter22",
        "javascript:alert('hunter22')",
        "data:text/html,hunter22",
        "com.acme.app://login/hunter22",
        "file:///hunter22",
        "https://sue:hunter22@app.example.test/",
    ] {
        let mail = PasscodeMail::new().redirect(redirect.parse().unwrap());
        let error = client
            .request_passcode_with(email(&sandbox), &mail)
            .await
            .unwrap_err();
        assert_refused(&error, InvalidConfig, "the redirect must be https");
        let text = shown(&error) + &format!("{mail:?}");
        assert!(!text.contains("hunter22"), "{text}");
    }
    sandbox.log().assert_count("eqworks.request_passcode", 0);
    for redirect in [
        "http://127.0.0.1:3000/x?a=b",
        "http://localhost/",
        "http://[::1]:80/",
    ] {
        let mail = PasscodeMail::new().redirect(redirect.parse().unwrap());
        client
            .request_passcode_with(email(&sandbox), &mail)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_mail_without_a_link_holds_the_passcode_alone() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let mail = PasscodeMail::new().without_link();
    let pending = client
        .request_passcode_with(email(&sandbox), &mail)
        .await
        .unwrap();
    let sent = only(&sandbox, "eqworks.request_passcode");
    assert!(sent.query().unwrap().contains("nolink=1"));
    let mail = sandbox.inbox(pending.user()).latest().unwrap();
    assert_eq!(mail.link(), None);
    pending
        .complete(&mail.code().unwrap().into())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_log_in_is_completed_in_another_process() {
    let sandbox = sandbox();
    let passcode = passcode(&sandbox).await;
    let other = builder_for(&sandbox, Product::ATOM).build().unwrap();
    let address = format!(" {} ", email(&sandbox).to_uppercase());
    let token = other
        .pending_login(address)
        .complete(&passcode)
        .await
        .unwrap();
    assert_eq!(token.account(), Some(email(&sandbox)));
}

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
    let passcode = link.passcode().expose_secret().to_uppercase();
    assert_eq!(passcode, "FDEA9F", "{pasted}");
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
fn what_holds_no_passcode_is_refused_with_its_reason_and_without_being_repeated() {
    let (text, link) = (
        "neither a passcode nor a link",
        "the link holds no passcode",
    );
    let (form, twice) = (
        "the link's passcode is not",
        "the link has a parameter twice",
    );
    let verify = "https://auth.eqworks.io/prod/verify";
    for (pasted, reason) in [
        ("", text),
        ("FDE", text),
        ("FDE A9F", text),
        ("hunter22 FDEA9F", text),
        ("hunter22-FDEA9F", text),
        ("é\u{1f98a}é\u{1f98a}é", text),
        ("ＦＤＥＡ９Ｆ", text),
        ("\0\0\0\0\0\0", text),
        (&"FDEA9".repeat(7), text),
        (verify, link),
        (&format!("{verify}?user=hunter22@acme.test"), link),
        (&format!("{verify}?user=hunter22&notp=FDEA9F"), link),
        (&format!("{verify}?user=hunter22@acme.test."), link),
        (
            "https://nam.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.test%2F%3Fuser%3Dhunter22&data=x",
            link,
        ),
        (&format!("{verify}?user=hunter22&otp="), form),
        (&format!("{verify}?user=hunter22&otp=FDE"), form),
        (&format!("{verify}?user=hunter22&otp=FDE-A9F"), form),
        (
            &format!("{verify}?user=hunter22&otp={}", "FDEA9".repeat(7)),
            form,
        ),
        (
            &format!("{verify}?otp=FDEA9F&otp=ABCDEF&user=hunter22"),
            twice,
        ),
        (
            "https://a.test/?otp=FDEA9F&user=hunter22&user=other@acme.test",
            twice,
        ),
        (
            "https://a.test/?otp=FDEA9F&product=atom&product=hunter22",
            twice,
        ),
    ] {
        let error = parse(pasted).unwrap_err();
        assert_refused(
            &error,
            InvalidCredentials,
            &format!("not a passcode: {reason}"),
        );
        let text = shown(&error);
        assert!(!text.contains("hunter22"), "{text}");
        assert!(!text.contains("FDEA9"), "{text}");
    }
}

/// The link of the sandbox's mail, as [`Client::request_passcode`] asks for it.
async fn mailed_link(sandbox: &auth_sandbox::Sandbox, product: Product) -> (String, String) {
    let client = builder_for(sandbox, product).build().unwrap();
    client.request_passcode(email(sandbox)).await.unwrap();
    let mail = sandbox.inbox(email(sandbox)).latest().unwrap();
    (
        mail.link_text().unwrap().to_owned(),
        mail.code().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn the_mailed_link_is_read_in_every_form_in_which_it_is_pasted() {
    let sandbox = sandbox();
    let (user, atom) = (email(&sandbox), Product::ATOM);
    let (link, passcode) = mailed_link(&sandbox, Product::ATOM).await;
    // Without the product, as the documentation shows it, and with the passcode in the middle.
    let documented = link.replace("&product=atom", "");
    let query = link.split_once("product=").unwrap().0;
    let other_order = query.replace("?user=", "?product=atom&user=");
    let other_order = other_order.trim_end_matches('&');
    // As `=3D` it would be an equals sign, were this quoted-printable.
    let like_an_escape = documented.replace(&passcode, "3D57F9");
    for (link, passcode, product) in [
        (&*link, &*passcode, Some(&atom)),
        (&documented, &passcode, None),
        (other_order, &passcode, Some(&atom)),
        (&like_an_escape, "3D57F9", None),
    ] {
        let forms = vendor_tests::pasted::forms(link);
        assert!(forms.len() > 100);
        for (name, pasted) in forms {
            let read = parse(&pasted).unwrap_or_else(|error| panic!("{name}: {error}: {pasted}"));
            assert_eq!(
                read.passcode().expose_secret(),
                passcode,
                "{name}: {pasted}"
            );
            assert_eq!(
                (read.user(), read.product()),
                (Some(user), product),
                "{name}: {pasted}"
            );
        }
    }
}

#[tokio::test]
async fn a_pasted_link_of_another_product_or_user_is_refused_for_that_in_every_form() {
    let sandbox = sandbox();
    let pending = client(&sandbox).pending_login(email(&sandbox));
    let (link, passcode) = mailed_link(&sandbox, Product::LOCUS).await;
    let eves = link.replace("user=", "user=eve.");
    for (link, other_than) in [(link, "atom"), (eves, pending.user())] {
        for (name, pasted) in vendor_tests::pasted::forms(&link) {
            let error = pending.complete(&pasted.into()).await.unwrap_err();
            let text = format!("another log-in: it is not for {other_than}");
            assert_refused(&error, InvalidCredentials, &text);
            assert!(!shown(&error).contains(&passcode), "{name}");
        }
    }
    sandbox.log().assert_count("eqworks.verify", 0);
}

#[test]
fn a_passcode_is_read_right_next_to_what_looks_like_quoted_printable_or_like_its_end() {
    let read = |pasted: &str| parse(pasted).unwrap().passcode().expose_secret().to_owned();
    for (pasted, passcode) in [
        ("https://a.test/?user=sue@acme.test&otp=3DEA9F", "3DEA9F"),
        ("https://a.test/?otp=3DEA9F", "3DEA9F"),
        ("https://a.test/?otp=3DEA9F&product=atom", "3DEA9F"),
        ("https://a.test/?otp=\nFDEA9F&user=sue@acme.test", "FDEA9F"),
        (
            "https://a.test/?user=3Dsue@acme.test&otp=3D3DEA9F",
            "3DEA9F",
        ),
        (
            "https://a.test/?user=sue@acme.test&otp=FDEA9F\r\nRegards",
            "FDEA9F",
        ),
        (
            "https://a.test/?user=sue@acme.test&otp=FDE\r\nA9F\r\nRegards",
            "FDEA9F",
        ),
        // An app reviewer's.
        (
            "https://a.test/?user=sue@acme.test&otp=Review2026\r\nRegards",
            "Review2026",
        ),
        (
            "https://a.test/?user=sue@acme.test<mailto:sue@acme.test>&otp=FDEA9F",
            "FDEA9F",
        ),
        (
            "https://a.test/?x=(1)&user=sue@acme.test&ids[]=2&otp=FDEA9F",
            "FDEA9F",
        ),
        ("verify?user=sue@acme.test&otp=FDEA9F", "FDEA9F"),
        ("&otp=FDEA9F&product=atom", "FDEA9F"),
        ("https://a.test/#/log-in?otp=FDEA9F", "FDEA9F"),
        ("\"FDEA9F\".", "FDEA9F"),
    ] {
        assert_eq!(read(pasted), passcode, "{pasted}");
    }
}

#[tokio::test]
async fn a_product_whose_name_is_not_known_here_is_read_from_a_broken_link() {
    let sandbox = sandbox();
    let user = "eve@clear.test";
    let account = auth_sandbox::EqWorksUser::new(user).products(["clearlake"]);
    sandbox.eqworks().add_user(account);
    let client = builder_for(&sandbox, "ClearLake".into()).build().unwrap();
    let pending = client.request_passcode(user).await.unwrap();
    let link = sandbox
        .inbox(user)
        .latest()
        .unwrap()
        .link_text()
        .unwrap()
        .to_owned();
    let (start, end) = link.split_at(link.len() - 4);
    let pasted = format!("{start}\r\n{end}\r\nRegards");
    pending.complete(&pasted.into()).await.unwrap();
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
    for pasted in ["", "123", "no link"] {
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

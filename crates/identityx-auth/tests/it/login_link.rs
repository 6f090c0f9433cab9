//! Login links: what the mail is asked for with, and what is read from it.

use identityx_auth::identity::LoginLinkKind;
use identityx_auth::{
    ApplicationId, Error, ErrorKind, ExposeSecret as _, LoginLink, LoginLinkMail,
};
use serde_json::json;

use crate::set_up::{
    AUTH_URL, HOUR, api_token, app_user, application, assert_refused, client, email, headers, jwt,
    link, mail, mailed, only, org_email, org_link, org_user, sandbox, shown,
};

const NOT_A_LINK: &str = "not the login link that is wanted";

const APPLICATION: &str = "60a1b2c3d4e5f60718293a01";

fn app_jwt() -> String {
    jwt(&json!({ "sub": "app-user-login-link", "iss": APPLICATION }).to_string())
}

fn org_jwt() -> String {
    jwt(r#"{"sub":"user-login-link"}"#)
}

fn parse(pasted: &str) -> Result<LoginLink, Error> {
    LoginLink::parse(&pasted.into())
}

/// Whatever stands around the token does not change what is read.
#[track_caller]
fn assert_read(pasted: &str, token: &str) {
    for pasted in [
        pasted.to_owned(),
        format!("  {pasted}\r\n"),
        format!("\t{pasted} "),
    ] {
        let link = parse(&pasted).unwrap();
        assert_eq!(link.token().expose_secret(), token, "{pasted}");
    }
}

#[test]
fn a_link_is_read_in_every_form_that_a_mailbox_holds() {
    let app = app_jwt();
    assert_read(&app, &app);
    for pasted in [
        format!("https://www.example.test/user/authenticate?token={app}"),
        format!("https://www.example.test/?token={app}&redirectTo=%2Fa%3Ftoken%3Db"),
        format!("https://www.example.test/?token={app}&amp;redirectTo=%2Fa"),
        format!("https://www.example.test/?a=b&amp;token={app}&amp;c=d"),
        format!("https://www.example.test/?a=b&token={app}#top"),
        format!("http://localhost:3000/log-in?token={app}"),
        // The token comes last, after whatever the address had.
        format!("https://www.example.test/?foo=bar?token={app}"),
        format!("https://www.example.test/?foo=bar?token={app}&redirectTo=%2F"),
        format!("https://www.example.test/?token=theirs?token={app}"),
        format!("https://www.example.test/?token={}?token={app}", org_jwt()),
        format!("https://www.example.test/#/spa?token={app}"),
        format!("https://www.example.test/#/spa?a=b?token={app}&redirectTo=%2F"),
        format!("https://www.example.test/#?token={app}"),
        format!("https://www.example.test/#token={app}"),
        format!("com.example.app://log-in?token={app}"),
    ] {
        assert_read(&pasted, &app);
    }
    let org = org_jwt();
    assert_read(&org, &org);
    for pasted in [
        format!("https://manage.example.test/authenticate/{org}"),
        format!("https://manage.example.test/authenticate/{org}/"),
        format!("https://manage.example.test/authenticate/{org}?utm=mail"),
        format!("https://manage.example.test/authenticate/{org}/?utm=mail#top"),
        format!("https://manage.example.test/authenticate/{org}#top"),
        format!("manage.example.test/authenticate/{org}"),
        // As the documentation says.
        format!("https://manage.example.test/authenticate?token={org}"),
        format!("https://manage.example.test/authenticate/?a=b&token={org}"),
    ] {
        assert_read(&pasted, &org);
    }
}

#[test]
fn a_link_tells_whom_it_is_for() {
    let app = parse(&format!("{AUTH_URL}?token={}", app_jwt())).unwrap();
    assert_eq!(app.kind(), Some(LoginLinkKind::AppUser));
    assert_eq!(app.application().unwrap().as_str(), APPLICATION);
    let org = parse(&org_jwt()).unwrap();
    assert_eq!(org.kind(), Some(LoginLinkKind::OrgUser));
    assert_eq!(org.application(), None);
    // Tokens that do not say: only the vendor can tell.
    for token in ["e30.b.c", &jwt("{}"), &jwt("[]"), &jwt(r#"{"sub":7}"#)] {
        let unknown = parse(token).unwrap();
        assert_eq!((unknown.kind(), unknown.application()), (None, None));
    }
}

#[test]
fn what_holds_no_login_link_is_refused_without_being_repeated() {
    let secret = "hunter22";
    let other = |subject: &str| jwt(&format!(r#"{{"sub":"{subject}","aud":"{secret}"}}"#));
    let session = other("app-user-auth");
    for pasted in [
        "",
        "  ",
        secret,
        "hunter22.hunter22",
        "hunter22.hunter22.hunter22",
        "e30.e30.e30.hunter22",
        "e30.e30",
        "e30..hunter22",
        "e30.hun ter22.hunter22",
        "e30.hunter22.é",
        "W10.hunter22.hunter22",
        "https://www.example.test/?token=hunter22",
        "https://www.example.test/?token=",
        "https://www.example.test/hunter22",
        // AllowedHosts of three parts, as a token has.
        "hunter22.example.test",
        "https://hunter22.example.test",
        "https://hunter22.example.test/",
        "hunter22.example.test/authenticate/",
        "https://www.example.test/?otherwise_token=e30.hunter22.b",
        "https://www.example.test/?redirectTo=e30.hunter22.b",
        "token=e30.hunter22.b",
        "é\u{1f98a}é?token=é",
        &session,
        &other("user-auth"),
        &other("user-api-token"),
        &other("something-new"),
        &format!("{AUTH_URL}?token={session}"),
        &format!("https://manage.example.test/authenticate/{session}"),
    ] {
        let error = parse(pasted).unwrap_err();
        assert_refused(&error, ErrorKind::InvalidCredentials, NOT_A_LINK);
        let text = shown(&error);
        assert!(!text.contains(secret) && !text.contains("eyJ"), "{text}");
    }
}

#[test]
fn debug_shows_whose_link_it_is_and_no_token() {
    let token = app_jwt();
    let text = format!("{:?}", parse(&token).unwrap());
    assert!(text.contains("AppUser"), "{text}");
    for part in token.split('.') {
        assert!(!text.contains(part), "{text}");
    }
    let mail = LoginLinkMail::new("sue@example.test", "https://www.example.test/secret-page");
    let mail = mail
        .unwrap()
        .redirect_to("/secret-place")
        .source("newsletter")
        .additional_context(json!({ "secret": 1 }).as_object().unwrap().clone());
    let text = format!("{mail:?}");
    for part in ["sue@example.test", "https://www.example.test", "newsletter"] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn the_mailed_links_are_read_in_every_form_in_which_they_are_pasted() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let mail = mail(&sandbox).redirect_to("/news?a=b&token=c#d");
    let sent = client.send_app_user_login_link(&application, &mail);
    sent.await.unwrap();
    let sent = client.send_org_user_login_link(org_email(&sandbox));
    sent.await.unwrap();
    for (to, kind) in [
        (email(&sandbox), LoginLinkKind::AppUser),
        (org_email(&sandbox), LoginLinkKind::OrgUser),
    ] {
        let mail = sandbox.inbox(to).latest().unwrap();
        let (link, token) = (mail.link_text().unwrap(), mail.code().unwrap());
        // An administrator's as the documentation has it, and an app user's without `redirectTo`.
        let documented = link.replace("authenticate/", "authenticate?token=");
        let short = link.split('&').next().unwrap();
        for link in [link, &documented, short, token] {
            let forms = vendor_tests::pasted::forms(link);
            assert!(forms.len() > 100);
            for (name, pasted) in forms {
                let read =
                    parse(&pasted).unwrap_or_else(|error| panic!("{name}: {error}: {pasted}"));
                assert_eq!(read.token().expose_secret(), token, "{name}: {pasted}");
                assert_eq!(read.kind(), Some(kind), "{name}");
            }
        }
    }
}

#[test]
fn a_pasted_session_is_told_from_a_login_link_in_every_form() {
    let session = jwt(r#"{"sub":"app-user-auth"}"#);
    for (name, pasted) in vendor_tests::pasted::forms(&format!("{AUTH_URL}?token={session}")) {
        let error = parse(&pasted).unwrap_err();
        let text = format!("{NOT_A_LINK}: the token in it is not a login link's");
        assert_eq!(error.to_string(), text, "{name}: {pasted}");
    }
}

#[test]
fn the_token_of_a_login_link_is_found_wherever_it_stands() {
    let (app, session) = (app_jwt(), jwt(r#"{"sub":"app-user-auth"}"#));
    for pasted in [
        format!("https://www.example.test/?session={session}&token={app}"),
        format!("https://www.example.test/?token={app}&session={session}"),
        format!("Your session is {session}, your link's token is {app}."),
        format!("{{\"token\":\"{app}\"}}"),
        format!("authToken={app}"),
        format!("token:\r\n{app}"),
        format!("Token\r\n{app}\r\n"),
    ] {
        let read = parse(&pasted).unwrap();
        assert_eq!(read.token().expose_secret(), app, "{pasted}");
        assert_eq!(read.kind(), Some(LoginLinkKind::AppUser));
    }
    for pasted in [
        app.rsplit_once('.').unwrap().0,
        &app[..20],
        "https://www.example.test/?token=eyJh",
    ] {
        let error = parse(pasted).unwrap_err();
        assert_refused(
            &error,
            ErrorKind::InvalidCredentials,
            "there is no whole token in it",
        );
    }
}

#[tokio::test]
async fn an_auth_url_that_would_make_a_broken_link_or_a_leak_is_refused() {
    for (auth_url, why) in [
        (
            "https://www.example.test/?foo=hunter22",
            "link would be broken",
        ),
        ("https://www.example.test/?", "link would be broken"),
        (
            "https://www.example.test/#/hunter22",
            "link would be broken",
        ),
        ("https://www.example.test/#", "link would be broken"),
        ("http://www.example.test/", "must be https"),
        ("http://localhost.example.test/", "must be https"),
        ("com.example.app://log-in", "must be https"),
        ("https://sue:hunter22@www.example.test/", "password"),
        ("www.example.test/hunter22", "must be https"),
        ("", "must be https"),
    ] {
        let error = LoginLinkMail::new("sue@example.test", auth_url).unwrap_err();
        assert_refused(&error, ErrorKind::InvalidConfig, why);
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }

    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    for auth_url in [
        "http://localhost:3000/log-in",
        "http://127.0.0.1:3000",
        "https://www.example.test:8443/a/b",
    ] {
        let mail = LoginLinkMail::new(email(&sandbox), auth_url).unwrap();
        let sent = client.send_app_user_login_link(&application, &mail);
        sent.await.unwrap();
        assert!(sandbox.inbox(email(&sandbox)).latest().is_some());
        mailed(&sandbox);
    }
}

#[tokio::test]
async fn the_vendors_own_links_log_in_and_are_not_followed() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let mail = mail(&sandbox).redirect_to("/news?a=b&token=c#d");
    let sent = client.send_app_user_login_link(&application, &mail);
    sent.await.unwrap();
    let text = sandbox.inbox(email(&sandbox)).latest().unwrap();
    let text = text.link_text().unwrap().to_owned();
    assert!(text.starts_with(&format!("{AUTH_URL}?token=eyJ")), "{text}");
    assert!(text.ends_with("&redirectTo=%2Fnews%3Fa%3Db%26token%3Dc%23d"));
    let link = parse(&text).unwrap();
    assert_eq!(link.kind(), Some(LoginLinkKind::AppUser));
    assert_eq!(link.application().as_ref(), Some(&application));
    let login = client.log_in_app_user(&application, &link).await.unwrap();
    assert_eq!(login.profile.email, email(&sandbox));

    client
        .send_org_user_login_link(org_email(&sandbox))
        .await
        .unwrap();
    let text = sandbox.inbox(org_email(&sandbox)).latest().unwrap();
    let text = text.link_text().unwrap().to_owned();
    assert!(text.contains("/authenticate/eyJ"), "{text}");
    let link = parse(&text).unwrap();
    assert_eq!(link.kind(), Some(LoginLinkKind::OrgUser));
    let login = client.log_in_org_user(&link).await.unwrap();
    assert_eq!(login.profile.email, org_email(&sandbox));
    assert_eq!(sandbox.log().entries().len(), 4);
}

#[tokio::test]
async fn the_bare_token_of_a_mail_logs_in() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    link(&client, &sandbox).await;
    let mail = sandbox.inbox(email(&sandbox)).latest().unwrap();
    let link = parse(mail.code().unwrap()).unwrap();
    client.log_in_app_user(&application, &link).await.unwrap();
    let sent = only(&sandbox, "identityx.log_in_app_user");
    assert_eq!(sent.path(), "/identityx/graphql");
}

#[tokio::test]
async fn a_link_for_another_identity_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let (app, org) = (
        link(&client, &sandbox).await,
        org_link(&client, &sandbox).await,
    );
    sandbox.log().clear();
    let error = client.log_in_app_user(&application, &org).await;
    let error = error.unwrap_err();
    let text = format!("{NOT_A_LINK}: it is an administrator's");
    assert_refused(&error, ErrorKind::InvalidCredentials, &text);
    let error = client.log_in_org_user(&app).await.unwrap_err();
    let text = format!("{NOT_A_LINK}: it is an app user's");
    assert_refused(&error, ErrorKind::InvalidCredentials, &text);

    let other = ApplicationId::new(sandbox.identityx().other_application_id()).unwrap();
    let error = client.log_in_app_user(&other, &app).await.unwrap_err();
    let text = format!("another application: the link is for {application}");
    assert_refused(&error, ErrorKind::InvalidCredentials, &text);
    assert_eq!(error.http_status(), None);
    assert_eq!(sandbox.log().entries().len(), 0);
    // None of that has spent them.
    client.log_in_app_user(&application, &app).await.unwrap();
    client.log_in_org_user(&org).await.unwrap();
}

#[tokio::test]
async fn the_token_of_a_session_is_no_login_link() {
    let sandbox = sandbox();
    let tokens = [
        app_user(&sandbox).access_token().clone(),
        org_user(&sandbox).access_token().clone(),
        api_token(&sandbox).access_token().clone(),
    ];
    for token in tokens {
        let error = LoginLink::parse(&token).unwrap_err();
        assert_refused(&error, ErrorKind::InvalidCredentials, NOT_A_LINK);
    }
}

#[tokio::test]
async fn a_link_is_good_for_an_hour_and_makes_a_session_at_each_use() {
    let sandbox = sandbox();
    let (client, application) = (client(&sandbox), application(&sandbox));
    let (app, org) = (
        link(&client, &sandbox).await,
        org_link(&client, &sandbox).await,
    );
    let mut fingerprints = Vec::new();
    for _ in 0..2 {
        let login = client.log_in_app_user(&application, &app).await.unwrap();
        client.active_app_user(&headers(&login.user)).await.unwrap();
        fingerprints.push(login.user.fingerprint());
        let login = client.log_in_org_user(&org).await.unwrap();
        client.active_org_user(&headers(&login.user)).await.unwrap();
        fingerprints.push(login.user.fingerprint());
        let second = std::time::Duration::from_secs(1);
        sandbox
            .clock()
            .advance(HOUR.checked_sub(second).unwrap() / 2);
    }
    for (at, fingerprint) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..at].contains(fingerprint), "{at}");
    }
    assert_eq!(sandbox.identityx().issued(), 4);

    sandbox.clock().advance(std::time::Duration::from_secs(1));
    for error in [
        client
            .log_in_app_user(&application, &app)
            .await
            .unwrap_err(),
        client.log_in_org_user(&org).await.unwrap_err(),
    ] {
        let text = "the login link was refused: jwt expired";
        assert_refused(&error, ErrorKind::InteractionRequired, text);
    }
}

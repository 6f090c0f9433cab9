//! IdentityX: the e-mailed links, and the sessions that they are exchanged for.

use std::time::Duration;

use auth_core::Clock;
use auth_sandbox::{IdentityXAppUser, MailKind, Sandbox};
use serde_json::{Value, json};

use crate::caller::frozen;
use crate::caller::identityx::{
    ACTIVE_APP_USER, ACTIVE_USER, AUTH_URL, CREATE_APP_USER, IdentityXCaller, LOG_IN_APP_USER,
    LOG_IN_ORG_USER, SEND_APP_LINK, SEND_ORG_LINK, claims, text,
};

const MINUTE: Duration = Duration::from_secs(60);

/// The names of the claims, and `sub`.
fn shape(jwt: &str) -> (String, String) {
    let claims = claims(jwt);
    let names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
    (names.join(" "), text(&claims["sub"]))
}

/// The link of an e-mail with `JWT` in the place of the token.
async fn link(sandbox: &Sandbox, auth_url: &str, redirect: Option<&str>) -> (String, bool) {
    let email = sandbox.identityx().app_user().email;
    let input = json!({ "email": email, "authUrl": auth_url, "redirectTo": redirect });
    let caller = IdentityXCaller::new(sandbox);
    caller.for_app(SEND_APP_LINK, input).await.data();
    let mail = sandbox.inbox(email).latest().unwrap();
    let text = mail.link_text().unwrap();
    let (code, is_url) = (mail.code().unwrap(), mail.link().is_some());
    (text.replace(code, "JWT"), is_url)
}

#[tokio::test]
async fn an_app_user_exchanges_the_token_of_the_link_for_a_session() {
    let (clock, sandbox) = frozen();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let user = identityx.app_user();
    let mail = caller.app_link().await;
    assert_eq!(
        (mail.vendor(), mail.kind()),
        ("identityx", MailKind::MagicLink)
    );
    let token = mail.code().unwrap();
    let link = format!("{AUTH_URL}?token={token}");
    assert_eq!(mail.link_text(), Some(&*link));
    assert_eq!(mail.link().unwrap().as_str(), link);

    let now = clock.now().wall().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap();
    let reply = caller
        .for_app(LOG_IN_APP_USER, json!({ "token": token }))
        .await;
    let answer = &reply.data()["loginAppUser"];
    assert_eq!(answer["loginSource"], Value::Null);
    assert_eq!(answer["additionalContext"], json!({}));
    let millis = u64::try_from(now.as_millis()).unwrap();
    let expected = json!({
        "id": answer["user"]["id"],
        "email": user.email,
        "domain": "identityx.example",
        "name": "Ann Reader",
        "givenName": user.given_name,
        "familyName": user.family_name,
        "displayName": "ann",
        "verified": true,
        "lastLoggedIn": millis,
        "createdAt": millis,
        "updatedAt": millis,
    });
    assert_eq!(answer["user"], expected);
    let session = text(&answer["token"]["value"]);
    assert_eq!(answer["token"]["id"], claims(&session)["jti"]);

    let active = caller
        .authorized(&format!("AppUser {session}"), ACTIVE_APP_USER)
        .await;
    let expected = json!({ "id": answer["user"]["id"], "email": user.email });
    assert_eq!(active.data()["activeAppUser"], expected);
    sandbox.log().assert_no_hints();
}

#[tokio::test]
async fn an_administrator_exchanges_the_token_of_the_link_for_a_session() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let user = identityx.org_user();
    let mail = caller.org_link().await;
    let token = mail.code().unwrap();
    let link = format!("{}authenticate/{token}", identityx.base_url());
    assert_eq!(mail.link_text(), Some(&*link));
    assert_eq!(mail.link().unwrap().as_str(), link);

    let reply = caller
        .send(LOG_IN_ORG_USER, json!({ "token": token }))
        .await;
    let answer = &reply.data()["userLogin"];
    let expected = json!({
        "id": answer["user"]["id"],
        "email": user.email,
        "givenName": user.given_name,
        "familyName": user.family_name,
        "photoURL": null,
    });
    assert_eq!(answer["user"], expected);
    let session = text(&answer["token"]["value"]);
    assert_eq!(answer["token"]["id"], claims(&session)["jti"]);
    let active = caller
        .authorized(&format!("OrgUser {session}"), ACTIVE_USER)
        .await;
    assert_eq!(active.data()["activeUser"], expected);
}

#[tokio::test]
async fn tokens_say_their_purpose_and_only_those_of_links_their_end() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let (app_link, org_link) = (caller.app_link().await, caller.org_link().await);
    let (app, org) = (caller.app_session().await, caller.org_session().await);
    let api = identityx.mint_api_token(identityx.org_user().email);
    let (app_code, org_code) = (app_link.code().unwrap(), org_link.code().unwrap());
    for (jwt, names, sub) in [
        (
            app_code,
            "aud data exp iat iss jti sub",
            "app-user-login-link",
        ),
        (org_code, "aud exp iat jti sub", "user-login-link"),
        (&app, "aud iat iss jti sub", "app-user-auth"),
        (&org, "aud iat jti sub", "user-auth"),
        (&api, "aud iat jti sub", "user-api-token"),
    ] {
        assert_eq!(shape(jwt), (names.to_owned(), sub.to_owned()));
        let account = if sub.starts_with("app") {
            identityx.app_user()
        } else {
            identityx.org_user()
        };
        assert_eq!(claims(jwt)["aud"], account.email);
    }
    let link = claims(app_link.code().unwrap());
    assert_eq!(link["iss"], identityx.application_id());
    let (iat, exp) = (link["iat"].as_u64(), link["exp"].as_u64());
    assert_eq!(exp.unwrap() - iat.unwrap(), 3_600);
}

#[tokio::test]
async fn the_link_is_concatenated_even_where_that_breaks_it() {
    let sandbox = Sandbox::start().unwrap();
    let encoded = "?token=JWT&redirectTo=%2Fpath%3Fa%3Db%20c%26d%3D%C3%A9~!*'()";
    let spa = "?token=JWT&redirectTo=%2F";
    for (auth_url, redirect, appended, is_url) in [
        (
            "https://a.test",
            Some("/path?a=b c&d=é~!*'()"),
            encoded,
            true,
        ),
        ("https://a.test/x", Some(""), "?token=JWT", true),
        ("https://a.test/?foo=bar", None, "?token=JWT", true),
        ("https://a.test/#/spa", Some("/"), spa, true),
        ("no url", None, "?token=JWT", false),
    ] {
        let sent = link(&sandbox, auth_url, redirect).await;
        assert_eq!(sent, (format!("{auth_url}{appended}"), is_url));
    }
}

#[tokio::test]
async fn a_link_works_for_an_hour_and_makes_a_new_session_each_time() {
    let (clock, sandbox) = frozen();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let (app, org) = (caller.app_link().await, caller.org_link().await);
    let input = |mail: &auth_sandbox::Mail| json!({ "token": mail.code().unwrap() });
    let ends = app.expires_at().unwrap();
    assert_eq!(org.expires_at(), Some(ends));
    let mut sessions = Vec::new();
    for wait in [Duration::ZERO, 59 * MINUTE] {
        clock.advance(wait);
        let reply = caller.for_app(LOG_IN_APP_USER, input(&app)).await;
        sessions.push(text(&reply.data()["loginAppUser"]["token"]["value"]));
        let reply = caller.send(LOG_IN_ORG_USER, input(&org)).await;
        sessions.push(text(&reply.data()["userLogin"]["token"]["value"]));
    }
    assert_eq!(identityx.issued(), 4);
    clock.advance(MINUTE);
    assert!(clock.now().wall() >= ends);
    let extensions = json!({ "code": "INTERNAL_SERVER_ERROR", "exception": { "statusCode": 401 } });
    let reply = caller.for_app(LOG_IN_APP_USER, input(&app)).await;
    reply.assert_graphql("loginAppUser", false, "jwt expired", &extensions);
    let reply = caller.send(LOG_IN_ORG_USER, input(&org)).await;
    reply.assert_graphql("userLogin", false, "jwt expired", &extensions);
    assert_eq!(identityx.issued(), 4);

    // Sessions do not end by the clock.
    clock.advance(10_000 * 24 * 60 * MINUTE);
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 4);
    assert!(sessions.iter().all(|session| identityx.accepts(session)));
}

#[tokio::test]
async fn source_and_context_of_the_request_for_a_link_come_back_with_the_session() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let email = sandbox.identityx().app_user().email;
    let context = json!({ "newsletter": ["a", { "b": 1 }], "deep": { "null": null, "x": 1.5 } });
    let input = json!({
        "email": email, "authUrl": AUTH_URL, "source": "paywall", "additionalContext": context,
        "appContextId": "5f0c1d2e3a4b5c6d7e8f9aff", "fields": [1, "two"],
    });
    caller.for_app(SEND_APP_LINK, input).await.data();
    let mail = sandbox.inbox(email).latest().unwrap();
    let mut carried = context.clone();
    carried["source"] = "paywall".into();
    assert_eq!(claims(mail.code().unwrap())["data"], carried);
    let input = json!({ "token": mail.code().unwrap() });
    let reply = caller.for_app(LOG_IN_APP_USER, input).await;
    let answer = &reply.data()["loginAppUser"];
    assert_eq!(answer["loginSource"], "paywall");
    assert_eq!(answer["additionalContext"], carried);
}

#[tokio::test]
async fn creating_an_app_user_twice_gives_the_same_one() {
    let (clock, sandbox) = frozen();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let input = |email: &str, given: &str| {
        json!({
            "email": email, "givenName": given, "familyName": "Novak", "organization": "Acme",
            "organizationTitle": "CEO", "countryCode": "CZ", "regionCode": "PR",
            "postalCode": "11000", "city": "Praha", "street": "Nová 1", "addressExtra": "2",
            "mobileNumber": "+420", "phoneNumber": "1",
        })
    };
    let first = caller
        .for_app(CREATE_APP_USER, input("Nina@New.test", "Nina"))
        .await;
    let first = &first.data()["createAppUser"];
    assert_eq!(first["email"], "nina@new.test");
    assert_eq!(first["name"], "Nina Novak");
    assert_eq!(first["verified"], false);
    clock.advance(MINUTE);
    let again = caller
        .for_app(CREATE_APP_USER, input("nina@new.test", "Other"))
        .await;
    assert_eq!(&again.data()["createAppUser"], first);

    // In another application it is another user.
    let other = identityx.other_application_id();
    let other = caller
        .for_app_id(other, CREATE_APP_USER, input("nina@new.test", "Nina"))
        .await;
    assert_ne!(other.data()["createAppUser"]["id"], first["id"]);

    let input = json!({ "email": "NINA@new.test", "authUrl": AUTH_URL });
    caller.for_app(SEND_APP_LINK, input).await.data();
    assert_eq!(sandbox.inbox("nina@new.test").count(), 1);
}

#[tokio::test]
async fn an_added_app_user_has_the_properties_that_were_set() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let application = identityx.other_application_id();
    let user = IdentityXAppUser::new("Zoe@Zed.test")
        .application(application)
        .name("Zoe", "Zed")
        .display_name("zz")
        .verified();
    identityx.add_app_user(user);
    let session = identityx.mint_app_user_session(application, "zoe@zed.test");
    let query = "{ activeAppUser { email domain name displayName verified lastLoggedIn } }";
    let reply = caller
        .authorized(&format!("AppUser {session}"), query)
        .await;
    let expected = json!({
        "email": "zoe@zed.test", "domain": "zed.test", "name": "Zoe Zed", "displayName": "zz",
        "verified": true, "lastLoggedIn": null,
    });
    assert_eq!(reply.data()["activeAppUser"], expected);
}

#[tokio::test]
async fn an_address_is_another_user_in_another_application() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let (email, other) = (identityx.app_user().email, identityx.other_application_id());
    let before = caller.app_session().await;
    identityx.add_app_user(IdentityXAppUser::new(email).application(other));
    let there = identityx.mint_app_user_session(other, email);
    let mut ids = Vec::new();
    for session in [before, there] {
        let authorization = format!("AppUser {session}");
        let reply = caller.authorized(&authorization, ACTIVE_APP_USER).await;
        ids.push(text(&reply.data()["activeAppUser"]["id"]));
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_link_carries_its_context_and_grows_by_a_third() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let email = sandbox.identityx().app_user().email;
    for (kibibytes, redeemed) in [(64, 200), (80, 413)] {
        let context = json!({ "x": "x".repeat(kibibytes * 1024) });
        let input = json!({ "email": email, "authUrl": AUTH_URL, "additionalContext": context });
        caller.for_app(SEND_APP_LINK, input).await.data();
        let mail = sandbox.inbox(email).latest().unwrap();
        let input = json!({ "token": mail.code().unwrap() });
        let reply = caller.for_app(LOG_IN_APP_USER, input).await;
        assert_eq!(reply.status, redeemed, "{kibibytes} KiB");
    }
}

#[tokio::test]
async fn an_address_that_is_empty_or_invalid_or_disposable_is_refused() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let internal = |status: u16| json!({ "code": "INTERNAL_SERVER_ERROR", "exception": { "statusCode": status } });
    let required = "The parameter `email` is required.";
    let invalid = "ValidatorError: Invalid email address ";
    let disposable = "The email domain \"mailinator.com\" is not allowed. Please ";
    for (email, status, message) in [
        ("", 400, required.to_owned()),
        (" ", 400, required.to_owned()),
        ("ann", 422, format!("{invalid}ann")),
        ("a@b", 422, format!("{invalid}a@b")),
        ("@a.test", 422, format!("{invalid}@a.test")),
        (
            " A@Mailinator.com",
            422,
            format!("{disposable}enter a valid email address."),
        ),
    ] {
        let input = json!({ "email": email });
        let reply = caller.for_app(CREATE_APP_USER, input.clone()).await;
        reply.assert_graphql("createAppUser", false, &message, &internal(status));
        if status == 400 {
            let reply = caller.send(SEND_ORG_LINK, input).await;
            reply.assert_graphql("sendUserLoginLink", true, &message, &internal(status));
            let input = json!({ "email": email, "authUrl": AUTH_URL });
            let reply = caller.for_app(SEND_APP_LINK, input).await;
            reply.assert_graphql("sendAppUserLoginLink", true, &message, &internal(status));
        }
    }
    // One that was imported.
    identityx.add_app_user(IdentityXAppUser::new("old@mailinator.com"));
    let input = json!({ "email": "old@mailinator.com", "authUrl": AUTH_URL });
    let reply = caller.for_app(SEND_APP_LINK, input).await;
    let message = format!("{disposable}re-register with a valid email address.");
    reply.assert_graphql("sendAppUserLoginLink", true, &message, &internal(422));
    assert_eq!(sandbox.inbox("old@mailinator.com").count(), 0);
}

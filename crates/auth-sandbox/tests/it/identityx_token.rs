//! IdentityX: the Authorization header, the ends of tokens, and outages that look like bad tokens.

use auth_sandbox::{IdentityXAppUser, IdentityXOrgUser, Sandbox};
use serde_json::{Value, json};

use crate::caller::Reply;
use crate::caller::identityx::{
    ACTIVE_APP_USER, ACTIVE_USER, API_TOKEN, APPLICATIONS, AUTH_URL, CREATE_APP_USER,
    IdentityXCaller, LOG_IN_APP_USER, LOG_IN_ORG_USER, LOG_OUT_APP_USER, LOG_OUT_ORG_USER,
    ORGANIZATIONS, SEND_APP_LINK, SEND_ORG_LINK, claims, text,
};

const UNKNOWN: &str = "No token was found for the provided token identifier.";
const WRONG_TYPE: &str = "The wrong user authorization type was provided.";
const INVALID_TYPE: &str =
    "Invalid authorization type. Allowed types are OrgUser AppUser OrgUserApiToken";

/// Each field that needs a token: with its name, and whether it is nullable.
const FIELDS: [(&str, &str, bool); 6] = [
    (ACTIVE_APP_USER, "activeAppUser", true),
    (ACTIVE_USER, "activeUser", false),
    (ORGANIZATIONS, "userOrganizations", false),
    (APPLICATIONS, "organizationApplications", false),
    (LOG_OUT_ORG_USER, "userLogout", false),
    (API_TOKEN, "createActiveUserApiToken", false),
];

fn code(code: &str) -> Value {
    json!({ "code": code })
}

#[track_caller]
fn assert_unauthenticated(reply: &Reply, field: &str, nullable: bool, message: &str) {
    reply.assert_graphql(field, nullable, message, &code("UNAUTHENTICATED"));
}

async fn with_org(caller: &IdentityXCaller<'_>, authorization: &str, query: &str) -> Reply {
    let request = caller.bare().json(&json!({ "query": query }));
    let organization = caller.sandbox.identityx().organization_id();
    let request = request.header("authorization", authorization);
    crate::caller::read(request.header("x-org-id", organization)).await
}

#[tokio::test]
async fn without_a_header_a_call_is_not_authenticated() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let message = "No user authentication was provided with this request.";
    for (query, field, nullable) in FIELDS {
        let reply = caller.send(query, Value::Null).await;
        reply.assert_graphql(field, nullable, message, &code("BAD_USER_INPUT"));
    }
}

#[tokio::test]
async fn each_field_accepts_its_own_identities_and_no_others() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let app = format!("AppUser {}", caller.app_session().await);
    let org = format!("OrgUser {}", caller.org_session().await);
    let api = identityx.mint_api_token(identityx.org_user().email);
    let api = format!("OrgUserApiToken {api}");
    for (query, field, nullable) in FIELDS {
        let wanted: &[&str] = match field {
            "activeAppUser" => &[&app],
            "userLogout" => &[&org],
            _ => &[&org, &api],
        };
        for authorization in [&app, &org, &api] {
            // The one call that ends its session has a session of its own.
            let own = identityx.mint_org_user_session(identityx.org_user().email);
            let own = format!("OrgUser {own}");
            let sent = match field {
                "userLogout" if *authorization == org => &own,
                _ => authorization,
            };
            let reply = with_org(&caller, sent, query).await;
            if wanted.contains(&authorization.as_str()) {
                assert!(!reply.data()[field].is_null());
            } else {
                assert_unauthenticated(&reply, field, nullable, WRONG_TYPE);
            }
        }
    }
}

#[tokio::test]
async fn the_header_is_split_at_a_single_space_and_its_case_counts() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let token = caller.org_session().await;
    for (authorization, message) in [
        (format!("Bearer OrgUser {token}"), INVALID_TYPE),
        (format!("Bearer {token}"), INVALID_TYPE),
        (format!("orguser {token}"), INVALID_TYPE),
        (format!("ORGUSER {token}"), INVALID_TYPE),
        (format!("OrgUser\t{token}"), INVALID_TYPE),
        (token.clone(), INVALID_TYPE),
        ("OrgUser".to_owned(), "jwt malformed"),
        (format!("OrgUser  {token}"), "invalid token"),
        (format!("OrgUser {token} more"), "invalid token"),
    ] {
        let reply = caller.authorized(&authorization, ACTIVE_USER).await;
        assert_unauthenticated(&reply, "activeUser", false, message);
        assert!(!reply.hint.unwrap().contains(&token));
    }
    let reply = caller
        .authorized(&format!("Bearer AppUser {token}"), ACTIVE_APP_USER)
        .await;
    assert_unauthenticated(&reply, "activeAppUser", true, INVALID_TYPE);
}

#[tokio::test]
async fn a_test_can_have_the_documented_form_accepted() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    identityx.accept_bearer_form(true);
    let app = caller.app_session().await;
    let org = caller.org_session().await;
    let api = identityx.mint_api_token(identityx.org_user().email);
    for form in ["", "Bearer "] {
        for (scheme, token, query) in [
            ("AppUser", &app, ACTIVE_APP_USER),
            ("OrgUser", &org, ACTIVE_USER),
            ("OrgUserApiToken", &api, ACTIVE_USER),
        ] {
            let authorization = format!("{form}{scheme} {token}");
            caller.authorized(&authorization, query).await.data();
        }
    }
    for authorization in [
        format!("Bearer {org}"),
        format!("bearer OrgUser {org}"),
        format!("Bearer Bearer OrgUser {org}"),
    ] {
        let reply = caller.authorized(&authorization, ACTIVE_USER).await;
        assert_unauthenticated(&reply, "activeUser", false, INVALID_TYPE);
    }
    identityx.accept_bearer_form(false);
    let reply = caller
        .authorized(&format!("Bearer OrgUser {org}"), ACTIVE_USER)
        .await;
    assert_unauthenticated(&reply, "activeUser", false, INVALID_TYPE);
}

#[tokio::test]
async fn a_refused_token_in_the_header_is_told_why() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let elsewhere = Sandbox::start().unwrap();
    let foreign = IdentityXCaller::new(&elsewhere).org_session().await;
    let app = caller.app_session().await;
    let link = caller.org_link().await;
    let past = identityx.sign(&json!({ "sub": "user-auth", "jti": "x", "exp": 1 }));
    let unknown = identityx.sign(&json!({ "sub": "user-auth", "jti": "x" }));
    let bare = identityx.sign(&json!({ "sub": "user-auth" }));
    let claims = claims(link.code().unwrap());
    let relabelled = identityx.sign(&json!({ "sub": "user-auth", "jti": claims["jti"] }));
    for (token, message) in [
        ("garbage", "jwt malformed"),
        (&*foreign, "invalid signature"),
        (&*past, "jwt expired"),
        (&*unknown, UNKNOWN),
        (&*bare, UNKNOWN),
        (&*relabelled, UNKNOWN),
        (&*app, "The token subject does not match."),
        (link.code().unwrap(), "The token subject does not match."),
    ] {
        for (query, field, nullable) in FIELDS.into_iter().skip(1) {
            let reply = with_org(&caller, &format!("OrgUser {token}"), query).await;
            assert_unauthenticated(&reply, field, nullable, message);
        }
    }
    let reply = caller.authorized("AppUser garbage", ACTIVE_APP_USER).await;
    assert_unauthenticated(&reply, "activeAppUser", true, "jwt malformed");
    let reply = caller
        .authorized("OrgUserApiToken garbage", ACTIVE_USER)
        .await;
    assert_unauthenticated(&reply, "activeUser", false, "jwt malformed");
}

#[tokio::test]
async fn a_log_out_ends_its_session_and_no_other() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let (first, second) = (caller.org_session().await, caller.org_session().await);
    let api = identityx.mint_api_token(identityx.org_user().email);
    let reply = caller
        .authorized(&format!("OrgUser {first}"), LOG_OUT_ORG_USER)
        .await;
    assert_eq!(reply.data(), &json!({ "userLogout": "ok" }));
    for (query, field) in [
        (ACTIVE_USER, "activeUser"),
        (LOG_OUT_ORG_USER, "userLogout"),
    ] {
        let reply = caller.authorized(&format!("OrgUser {first}"), query).await;
        assert_unauthenticated(&reply, field, false, UNKNOWN);
    }
    assert!(identityx.accepts(&second) && identityx.accepts(&api));

    let (first, second) = (caller.app_session().await, caller.app_session().await);
    let input = json!({ "token": first });
    let reply = caller.for_app(LOG_OUT_APP_USER, input.clone()).await;
    assert_eq!(reply.data(), &json!({ "logoutAppUser": "ok" }));
    let reply = caller
        .authorized(&format!("AppUser {first}"), ACTIVE_APP_USER)
        .await;
    assert_unauthenticated(&reply, "activeAppUser", true, UNKNOWN);
    let extensions = json!({ "code": "INTERNAL_SERVER_ERROR", "exception": { "statusCode": 404 } });
    let reply = caller.for_app(LOG_OUT_APP_USER, input).await;
    reply.assert_graphql("logoutAppUser", false, UNKNOWN, &extensions);
    assert!(identityx.accepts(&second));
}

#[tokio::test]
async fn the_api_token_is_the_same_one_until_it_is_revoked() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let email = identityx.org_user().email;
    let session = format!("OrgUser {}", caller.org_session().await);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let reply = caller.authorized(&session, API_TOKEN).await;
        tokens.push(text(&reply.data()["createActiveUserApiToken"]));
    }
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(identityx.issued(), 2);
    assert_eq!(identityx.mint_api_token(email), tokens[0]);
    let other = identityx.mint_api_token(identityx.other_org_user().email);
    assert_ne!(other, tokens[0]);

    caller.authorized(&session, LOG_OUT_ORG_USER).await.data();
    let api = format!("OrgUserApiToken {}", tokens[0]);
    let reply = caller.authorized(&api, ACTIVE_USER).await;
    assert_eq!(reply.data()["activeUser"]["email"], email);

    identityx.revoke_api_token(email);
    let reply = caller.authorized(&api, ACTIVE_USER).await;
    assert_unauthenticated(&reply, "activeUser", false, UNKNOWN);
    assert!(identityx.accepts(&other));
    identityx.revoke_api_token(email);
    assert_ne!(identityx.mint_api_token(email), tokens[0]);
}

#[tokio::test]
async fn a_test_can_end_a_session_and_replace_its_user() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let (app, org) = (caller.app_session().await, caller.org_session().await);
    let api = identityx.mint_api_token(identityx.org_user().email);
    for token in [&app, &org, &api] {
        identityx.end_session(token);
    }
    assert!(!identityx.accepts(&app) && !identityx.accepts(&org));
    assert!(identityx.accepts(&api), "it is no session");

    let (app_link, org_link) = (caller.app_link().await, caller.org_link().await);
    let (app, org) = (caller.app_session().await, caller.org_session().await);
    identityx.add_app_user(IdentityXAppUser::new(identityx.app_user().email));
    identityx.add_org_user(IdentityXOrgUser::new(identityx.org_user().email));
    let reply = caller
        .authorized(&format!("AppUser {app}"), ACTIVE_APP_USER)
        .await;
    assert_unauthenticated(&reply, "activeAppUser", true, UNKNOWN);
    let reply = caller
        .authorized(&format!("OrgUser {org}"), ACTIVE_USER)
        .await;
    assert_unauthenticated(&reply, "activeUser", false, UNKNOWN);
    let extensions = json!({ "code": "INTERNAL_SERVER_ERROR", "exception": { "statusCode": 404 } });
    let input = json!({ "token": app_link.code().unwrap() });
    let reply = caller.for_app(LOG_IN_APP_USER, input).await;
    reply.assert_graphql("loginAppUser", false, UNKNOWN, &extensions);
    let input = json!({ "token": org_link.code().unwrap() });
    let reply = caller.send(LOG_IN_ORG_USER, input).await;
    reply.assert_graphql("userLogin", false, UNKNOWN, &extensions);
}

#[tokio::test]
async fn an_inner_service_that_is_down_looks_like_a_bad_token_and_ends_no_session() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let (app, org) = (caller.app_session().await, caller.org_session().await);
    let link = json!({ "token": caller.org_link().await.code().unwrap() });
    let app_link = json!({ "token": caller.app_link().await.code().unwrap() });
    let email = identityx.app_user().email;
    let mails = sandbox.inbox(email).count();
    identityx.inner_service_down(true);
    let check = |reply: &Reply, field: &str, nullable| {
        let message = reply.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("request to http://"), "{message}");
        let reason = " failed, reason: connect ECONNREFUSED ";
        assert!(message.contains(reason), "{message}");
        assert_unauthenticated(reply, field, nullable, message);
    };
    for (query, field, nullable) in FIELDS {
        let token = if field == "activeAppUser" {
            format!("AppUser {app}")
        } else {
            format!("OrgUser {org}")
        };
        check(&with_org(&caller, &token, query).await, field, nullable);
    }
    let send = json!({ "email": email, "authUrl": AUTH_URL });
    let (log_out, address) = (json!({ "token": app }), json!({ "email": email }));
    for (query, field, nullable, input) in [
        (SEND_APP_LINK, "sendAppUserLoginLink", true, send),
        (LOG_IN_APP_USER, "loginAppUser", false, app_link),
        (LOG_OUT_APP_USER, "logoutAppUser", false, log_out),
        (CREATE_APP_USER, "createAppUser", false, address.clone()),
        (SEND_ORG_LINK, "sendUserLoginLink", true, address),
        (LOG_IN_ORG_USER, "userLogin", false, link),
    ] {
        check(&caller.for_app(query, input).await, field, nullable);
    }
    caller.send("{ ping }", Value::Null).await.data();
    assert_eq!(sandbox.inbox(email).count(), mails);

    // Any other fault looks the same.
    let message = "no connection available for operation";
    identityx.inner_service_fails_with(Some(message));
    let reply = caller
        .authorized(&format!("OrgUser {org}"), ACTIVE_USER)
        .await;
    assert_unauthenticated(&reply, "activeUser", false, message);

    identityx.inner_service_down(false);
    let reply = caller
        .authorized(&format!("OrgUser {org}"), ACTIVE_USER)
        .await;
    assert!(reply.data()["activeUser"].is_object());
    assert!(identityx.accepts(&app));
}

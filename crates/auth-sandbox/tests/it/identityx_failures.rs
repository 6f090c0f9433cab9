//! IdentityX: the table of failures, except those of the Authorization header.

use std::time::Duration;

use auth_sandbox::{IdentityXApplication, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};

use crate::caller::identityx::{
    ACTIVE_USER, AUTH_URL, CREATE_APP_USER, IdentityXCaller, LOG_IN_APP_USER, LOG_IN_ORG_USER,
    LOG_OUT_APP_USER, SEND_APP_LINK, SEND_ORG_LINK,
};
use crate::caller::{Reply, frozen, read};

const HOUR: Duration = Duration::from_secs(3_600);

fn internal(status: u16) -> Value {
    json!({ "code": "INTERNAL_SERVER_ERROR", "exception": { "statusCode": status } })
}

/// Asserts a 400 without any resolver.
#[track_caller]
fn assert_refused(reply: &Reply, code: &str) -> String {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(reply.body.get("data"), None);
    let error = &reply.body["errors"][0];
    assert_eq!(error["extensions"], json!({ "code": code }));
    assert!(error.get("path").is_none());
    assert!(reply.hint.is_some());
    error["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_unknown_address_is_an_error_and_gets_no_e_mail() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let message = "No user was found for 'Unknown@A.test'";
    let input = json!({ "email": "Unknown@A.test", "authUrl": AUTH_URL });
    let reply = caller.for_app(SEND_APP_LINK, input.clone()).await;
    reply.assert_graphql("sendAppUserLoginLink", true, message, &internal(404));
    let reply = caller
        .send(SEND_ORG_LINK, json!({ "email": "Unknown@A.test" }))
        .await;
    reply.assert_graphql("sendUserLoginLink", true, message, &internal(404));
    assert_eq!(sandbox.inbox("unknown@a.test").count(), 0);

    // Users of one application are unknown to another, and app users are no administrators.
    let email = identityx.app_user().email;
    let message = format!("No user was found for '{email}'");
    let input = json!({ "email": email, "authUrl": AUTH_URL });
    let other = identityx.other_application_id();
    let reply = caller.for_app_id(other, SEND_APP_LINK, input).await;
    reply.assert_graphql("sendAppUserLoginLink", true, &message, &internal(404));
    let reply = caller.send(SEND_ORG_LINK, json!({ "email": email })).await;
    reply.assert_graphql("sendUserLoginLink", true, &message, &internal(404));
    assert_eq!(sandbox.inbox(email).count(), 0);
}

#[tokio::test]
async fn a_refused_link_token_is_told_why() {
    let (clock, sandbox) = frozen();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let elsewhere = Sandbox::start().unwrap();
    let foreign = IdentityXCaller::new(&elsewhere);
    let (app, org) = (caller.app_link().await, caller.org_link().await);
    let (app, org) = (app.code().unwrap(), org.code().unwrap());
    let unknown = |sub: &str| identityx.sign(&json!({ "sub": sub, "jti": "unknown" }));
    let (app_session, org_session) = (caller.app_session().await, caller.org_session().await);
    let (unknown_app, unknown_org) = (unknown("app-user-login-link"), unknown("user-login-link"));
    let (padded_app, padded_org) = (format!("{app} "), format!(" {org}"));
    let (foreign_app, foreign_org) = (foreign.app_link().await, foreign.org_link().await);
    let (foreign_app, foreign_org) = (foreign_app.code().unwrap(), foreign_org.code().unwrap());
    let subject = "The token subject does not match.";
    let identifier = "No token was found for the provided token identifier.";
    let none = app.replacen(app.split('.').next().unwrap(), "eyJhbGciOiJub25lIn0", 1);
    let json_error = "Unexpected token \u{fffd} in JSON at position 0";
    // A character of the claims is lost.
    let damaged = |token: &str| token.replacen(".e", ".", 1);
    let unsigned = |token: &str| format!("{}.", token.rsplit_once('.').unwrap().0);
    let issued = identityx.issued();
    for (for_app, for_org, status, message) in [
        ("", "", 422, "jwt malformed"),
        ("garbage", "a.b", 422, "jwt malformed"),
        ("a.b", "a.b.c.d", 422, "jwt malformed"),
        (&*padded_app, &*padded_org, 400, "invalid token"),
        ("a.b.c", "a.b.c", 500, json_error),
        (&*damaged(app), &*damaged(org), 500, json_error),
        (
            &*unsigned(app),
            &*unsigned(org),
            400,
            "jwt signature is required",
        ),
        (foreign_app, foreign_org, 400, "invalid signature"),
        (&*none, &*none, 400, "invalid algorithm"),
        (org, app, 400, subject),
        (&*app_session, &*org_session, 400, subject),
        (&*unknown_app, &*unknown_org, 404, identifier),
    ] {
        let reply = caller
            .for_app(LOG_IN_APP_USER, json!({ "token": for_app }))
            .await;
        reply.assert_graphql("loginAppUser", false, message, &internal(status));
        let reply = caller
            .send(LOG_IN_ORG_USER, json!({ "token": for_org }))
            .await;
        reply.assert_graphql("userLogin", false, message, &internal(status));
    }
    clock.advance(HOUR);
    let reply = caller
        .for_app(LOG_IN_APP_USER, json!({ "token": app }))
        .await;
    reply.assert_graphql("loginAppUser", false, "jwt expired", &internal(401));
    let reply = caller.send(LOG_IN_ORG_USER, json!({ "token": org })).await;
    reply.assert_graphql("userLogin", false, "jwt expired", &internal(401));
    assert_eq!(identityx.issued(), issued);
}

#[tokio::test]
async fn the_token_of_one_application_is_refused_by_another() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let message = "The requested application ID does not match the token payload";
    let other = identityx.other_application_id();
    let link = caller.app_link().await;
    let input = json!({ "token": link.code().unwrap() });
    let reply = caller.for_app_id(other, LOG_IN_APP_USER, input).await;
    reply.assert_graphql("loginAppUser", false, message, &internal(400));
    let session = caller.app_session().await;
    let input = json!({ "token": session });
    let reply = caller.for_app_id(other, LOG_OUT_APP_USER, input).await;
    reply.assert_graphql("logoutAppUser", false, message, &internal(400));
    assert!(identityx.accepts(&session));
}

#[tokio::test]
async fn the_calls_of_app_users_need_an_application_that_exists() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let email = identityx.app_user().email;
    let token = json!({ "token": caller.app_link().await.code().unwrap() });
    let message = "Unable to find an application for this request.";
    let code = json!({ "code": "BAD_USER_INPUT" });
    let lost = "60a1b2c3d4e5f60718293aff";
    identityx.add_application(IdentityXApplication::new(lost, "Lost"));
    identityx.lose_application(lost, true);
    let send = json!({ "email": email, "authUrl": AUTH_URL });
    let new = json!({ "email": "new@a.test" });
    for (query, field, nullable, input) in [
        (SEND_APP_LINK, "sendAppUserLoginLink", true, send),
        (LOG_IN_APP_USER, "loginAppUser", false, token.clone()),
        (LOG_OUT_APP_USER, "logoutAppUser", false, token),
        (CREATE_APP_USER, "createAppUser", false, new.clone()),
    ] {
        let missing = caller.send(query, input.clone()).await;
        missing.assert_graphql(field, nullable, message, &code);
        let reply = caller.for_app_id(lost, query, input.clone()).await;
        reply.assert_graphql(field, nullable, message, &code);
        // A digit is wrong.
        let wrong = caller
            .for_app_id("60a1b2c3d4e5f60718293a11", query, input)
            .await;
        assert_eq!(
            (wrong.status, &wrong.body["errors"][0]["extensions"]["code"]),
            (400, &json!("FORBIDDEN"))
        );
    }
    identityx.lose_application(lost, false);
    let reply = caller.for_app_id(lost, CREATE_APP_USER, new).await;
    reply.data();
}

#[tokio::test]
async fn an_application_that_is_no_longer_allowed_fails_every_operation() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let id = identityx.application_id();
    let session = caller.app_session().await;
    identityx.block_application(id, true);
    let message =
        format!("Context creation failed: The application ID \"{id}\" is no longer allowed.");
    let log_out = caller
        .for_app(LOG_OUT_APP_USER, json!({ "token": session }))
        .await;
    let ping = caller.for_app("{ ping }", Value::Null).await;
    let nonsense = caller.for_app("}", Value::Null).await;
    for reply in [log_out, ping, nonsense] {
        assert_eq!(assert_refused(&reply, "FORBIDDEN"), message);
    }
    assert!(identityx.accepts(&session));
    // Calls that name no application or another one are answered.
    caller.send("{ ping }", Value::Null).await.data();
    let other = identityx.other_application_id();
    caller
        .for_app_id(other, "{ ping }", Value::Null)
        .await
        .data();
    identityx.block_application(id, false);
    caller.for_app("{ ping }", Value::Null).await.data();
}

#[tokio::test]
async fn a_tenant_that_is_switched_off_fails_every_operation_with_500() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let id = identityx.application_id();
    identityx.disable_application(id, true);
    for query in [SEND_APP_LINK, "{ ping }"] {
        let input = json!({ "email": identityx.app_user().email, "authUrl": AUTH_URL });
        let reply = caller.for_app(query, input).await;
        reply.assert(500, "is switched off");
        let error = &reply.body["errors"][0];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(" is disabled and must "), "{message}");
        assert_eq!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    }
    assert_eq!(sandbox.inbox(identityx.app_user().email).count(), 0);
    identityx.disable_application(id, false);
    caller.for_app("{ ping }", Value::Null).await.data();
}

#[tokio::test]
async fn a_query_that_is_no_graphql_or_does_not_fit_the_schema_is_a_400() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    for query in ["", "{", "{ ping", "query {}", "secret-in-the-query }"] {
        let reply = caller.send(query, Value::Null).await;
        let message = assert_refused(&reply, "GRAPHQL_PARSE_FAILED");
        assert_eq!(message, "Syntax Error");
        assert!(!reply.hint.unwrap().contains("secret"));
    }
    for query in [
        "{ pong }",
        "{ activeUser }",
        "{ activeUser { password } }",
        "mutation { userLogin { token { id } } }",
        "mutation { userLogin(input: { token: 5 }) { token { id } } }",
        "query($x: String!) { ping }",
        "query($x: NoSuchInput) { userOrganizations(input: $x) { id } }",
        // The mistake is in the query. The variable does not matter.
        "mutation($input: UserLoginMutationInput!) { userLogin(input: $input) { nothing } }",
        "query A { ping } query B { ping }",
    ] {
        let reply = caller.send(query, Value::Null).await;
        assert_refused(&reply, "GRAPHQL_VALIDATION_FAILED");
    }
    let body = json!({ "query": "query A { ping }", "operationName": "B" });
    let reply = read(caller.bare().json(&body)).await;
    assert_refused(&reply, "GRAPHQL_VALIDATION_FAILED");
    let body = json!({ "query": "query A { ping } query B { ping }", "operationName": "B" });
    read(caller.bare().json(&body)).await.data();
}

#[tokio::test]
async fn a_variable_that_is_missing_or_mistyped_is_an_internal_error_with_400() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let link = caller.org_link().await;
    let token = link.code().unwrap();
    let refused = |body: Value| {
        let request = caller.bare().json(&body);
        async move {
            let reply = read(request).await;
            let message = assert_refused(&reply, "INTERNAL_SERVER_ERROR");
            assert_eq!(
                reply.body["errors"][0]["locations"],
                json!([{ "line": 1, "column": 10 }])
            );
            assert!(!reply.hint.unwrap().contains(token));
            let rest = message.strip_prefix("Variable \"$input\" ");
            rest.unwrap_or_else(|| panic!("{message}")).to_owned()
        }
    };
    let query = LOG_IN_ORG_USER;
    let missing = "of required type \"UserLoginMutationInput!\" was not provided.";
    assert_eq!(refused(json!({ "query": query })).await, missing);
    let null = "of non-null type \"UserLoginMutationInput!\" must not be null.";
    let body = json!({ "query": query, "variables": { "input": null } });
    assert_eq!(refused(body).await, null);
    let extra = json!({ "token": token, "x": 1 });
    let context = json!({ "email": "a@a.test", "authUrl": "u", "additionalContext": [1] });
    let redirect = json!({ "email": "a@a.test", "authUrl": "u", "redirectTo": true });
    for (query, input, why) in [
        (query, json!("text"), "to be an object"),
        (query, json!([{ "token": token }]), "to be an object"),
        (query, json!({}), "\"token\" of required type \"String!\""),
        (query, json!({ "token": null }), "not to be null"),
        (query, json!({ "token": 5 }), "Expected type String"),
        (query, extra, "Field \"x\" is not defined"),
        (SEND_APP_LINK, context, "Expected type JSONObject"),
        (SEND_APP_LINK, redirect, "Expected type String"),
    ] {
        let body = json!({ "query": query, "variables": { "input": input } });
        let message = refused(body).await;
        assert!(message.starts_with("got invalid value "), "{message}");
        assert!(message.contains(why), "{message}");
    }
    // As in graphql-js: the message repeats what was sent.
    let body = json!({ "query": query, "variables": { "input": { "tokn": token } } });
    assert!(refused(body).await.contains(token));
    assert_eq!(sandbox.identityx().issued(), 0);
}

#[tokio::test]
async fn scalar_variables_and_defaults_are_accepted_where_they_fit() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let email = sandbox.identityx().org_user().email;
    let query = "mutation($email: String!, $skip: Boolean! = false) { \
                 sendUserLoginLink(input: { email: $email }) @skip(if: $skip) }";
    let send = |variables: Value| {
        let body = json!({ "query": query, "variables": variables });
        read(caller.bare().json(&body))
    };
    send(json!({ "email": email })).await.data();
    assert_eq!(sandbox.inbox(email).count(), 1);
    send(json!({ "email": email, "skip": true })).await.data();
    assert_eq!(sandbox.inbox(email).count(), 1);
    for variables in [json!({ "email": 5 }), json!({ "email": email, "skip": 1 })] {
        let reply = send(variables).await;
        let message = assert_refused(&reply, "INTERNAL_SERVER_ERROR");
        assert!(message.starts_with("Variable \"$"), "{message}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused_without_json() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let json_type = || caller.bare().header("content-type", "application/json");
    let json = |body: &'static str| json_type().body(body);
    let (variables, name) = (
        r#"{"query":"{ ping }","variables":[]}"#,
        r#"{"query":"{ ping }","operationName":1}"#,
    );
    let untyped = caller.bare().body(r#"{"query":"{ ping }"}"#);
    for (request, status, kind) in [
        (json_type(), 500, "plain"),
        (caller.bare(), 500, "plain"),
        (untyped, 500, "plain"),
        (json("{"), 400, "html"),
        (json("query { ping }"), 400, "html"),
        (json("{}"), 400, "plain"),
        (json("[]"), 400, "plain"),
        (json(r#"{"query":5}"#), 400, "plain"),
        (json(variables), 400, "plain"),
        (json(name), 400, "plain"),
    ] {
        let reply = read(request).await;
        assert_eq!(reply.status, status, "{reply:?}");
        let content_type = format!("text/{kind}; charset=utf-8");
        assert_eq!(reply.headers["content-type"], content_type, "{reply:?}");
        assert_eq!(reply.body, Value::Null);
        assert!(!reply.text.is_empty() && reply.hint.is_some());
        let html = kind == "html";
        assert_eq!(reply.text.starts_with("<!DOCTYPE html>"), html);
    }
}

#[tokio::test]
async fn there_is_one_path_and_one_method() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    for (method, path, hint) in [
        (Method::GET, "graphql", "the method wrong"),
        (Method::PUT, "graphql", "the method wrong"),
        (Method::POST, "", "no such path"),
        (Method::POST, "graphql/", "no such path"),
        (Method::GET, "authenticate/a-secret-token", "no such path"),
    ] {
        let reply = read(
            caller
                .any(method, path)
                .json(&json!({ "query": ACTIVE_USER })),
        )
        .await;
        reply.assert(404, hint);
    }
    sandbox.log().assert_count("unknown", 5);
    assert!(!format!("{:?}", sandbox.log()).contains("a-secret-token"));
}

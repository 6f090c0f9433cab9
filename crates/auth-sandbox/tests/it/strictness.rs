//! A call that is not as documented is refused, with a hint that says why and repeats no secret.

use auth_sandbox::Sandbox;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::caller::{Caller, read};

const SECRET: &str = "hunter2-Hunter2";
const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn assert_refused(request: RequestBuilder, status: u16, hint: &str) {
    let reply = read(request).await;
    let sent = reply.hint.clone().unwrap();
    assert!(sent.contains(hint), "{sent:?} does not say {hint:?}");
    assert_eq!(reply.status, status, "{sent}");
    assert_eq!(reply.body["success"], false);
    assert!(!reply.error().is_empty());
    assert!(!sent.contains(SECRET), "{sent}");
}

fn with(request: RequestBuilder, header: (&str, &str), body: impl Into<String>) -> RequestBuilder {
    request.header(header.0, header.1).body(body.into())
}

#[tokio::test]
async fn client_credentials_are_checked_on_all_three_calls() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let id = sandbox.iqm().client_id();
    for path in ["sign-up", "login", "oauth/token"] {
        let post = || caller.post(path);
        for (request, hint) in [
            (post(), "(Basic) is missing"),
            (post().bearer_auth(SECRET), "has to be Basic"),
            (post().header("authorization", "Basic ???"), "not base64"),
            (post().header("authorization", "Basic aGVsbG8="), "no colon"),
            (post().basic_auth("someone", Some(SECRET)), "client id"),
            (post().basic_auth(id, Some(SECRET)), "client secret"),
        ] {
            assert_refused(request.json(&json!({})), 401, hint).await;
        }
    }
}

#[tokio::test]
async fn a_body_has_to_be_what_its_call_documents() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let form = format!("grantType=password&email=user1@iqm.com&password={SECRET}");
    let text = |body: String| with(caller.basic("login"), JSON, body);
    let json = |body: Value| text(body.to_string());
    let log_in = |grant: &str, email: Value, password: &str| json!({ "grantType": grant, "email": email, "password": password });
    for (request, hint) in [
        (
            with(caller.basic("login"), FORM, form.clone()),
            "application/json",
        ),
        (text(form), "line 1, column"),
        (json(json!([SECRET])), "not an object"),
        (
            json(log_in("Password", json!("a"), SECRET)),
            "grantType has to be password",
        ),
        (json(json!({ SECRET: 1 })), "1 unknown field(s); known are"),
        (
            json(json!({ "email": "a", "password": SECRET })),
            "grantType is missing",
        ),
        (
            json(log_in("password", json!(5), SECRET)),
            "email has to be a string",
        ),
        (
            json(log_in("password", json!("a"), "")),
            "password is empty",
        ),
    ] {
        assert_refused(request, 400, hint).await;
    }
}

#[tokio::test]
async fn the_token_endpoint_spells_its_fields_as_documented_for_each_encoding() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let token = || caller.basic("oauth/token");
    let form = |body: &str| with(token(), FORM, body.replace("SECRET", SECRET));
    let json = |body: Value| token().json(&body);
    let older = json!({ "grantType": "password", "username": "a", "password": SECRET });
    let code = json!({ "grant_type": "authorization_code", "code": SECRET });
    let password = form("grant_type=password&email=a&password=SECRET");
    let twice = form("grant_type=refresh_token&refresh_token=SECRET&refresh_token=b");
    let plain = with(token(), ("content-type", "text/plain"), SECRET);
    for (request, hint) in [
        (password, "known are: grant_type, username, password"),
        (json(older), "known are: grantType, email, password"),
        (form("grant_type=implicit"), "the grant type has to be"),
        (form("grantType=refresh_token"), "grant_type is missing"),
        (form("grant_type=refresh_token"), "refresh_token is missing"),
        (json(code), "has to be a form"),
        (twice, "twice"),
        (plain, "application/json"),
        (form("grant_type=refresh_token&refresh_token="), "is empty"),
    ] {
        assert_refused(request, 400, hint).await;
    }
}

#[tokio::test]
async fn the_field_that_is_wrong_is_named_in_the_vendors_shape() {
    let sandbox = Sandbox::start().unwrap();
    let request = Caller::new(&sandbox)
        .basic("sign-up")
        .json(&json!({ "email": "a" }));
    let reply = read(request).await;
    assert_eq!(reply.body["errorObjects"][0]["field"], "password");
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_not_found() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    assert_refused(caller.get(SECRET), 404, "no such path").await;
    assert_refused(caller.get("login"), 404, "the method wrong").await;
    assert_refused(caller.post("profile"), 404, "the method wrong").await;
    sandbox.log().assert_count("unknown", 3);
}

#[tokio::test]
async fn a_path_of_no_vendor_is_not_found_and_the_hint_names_the_vendors_paths() {
    let sandbox = Sandbox::start().unwrap();
    let reply = read(Caller::new(&sandbox).post("/api/v3/ua/login")).await;
    assert_eq!(reply.status, 404);
    let hint = reply.hint.unwrap();
    assert!(hint.contains("/iqm/, /edgeiq/"), "{hint}");
    sandbox.log().assert_count("unknown", 1);
}

//! EdgeIQ: a call that is not as documented is refused, with a hint that repeats no secret.

use auth_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::caller::edgeiq::EdgeIqCaller;
use crate::caller::read;

const SECRET: &str = "hunter2-Hunter2";

#[tokio::test]
async fn every_call_carries_both_headers() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EdgeIqCaller::new(&sandbox);
    let token = caller.session().await;
    let me = || caller.bare_get("me").header("authorization", &token);
    let json = "application/json";
    for (request, hint) in [
        (
            me().header("accept", "text/html, text/plain"),
            "accept has to include",
        ),
        (
            me().header("accept", json)
                .header("content-type", "text/plain"),
            "content-type has to be",
        ),
        (
            caller
                .bare_post("user/authenticate")
                .header("accept", json)
                .body("{}"),
            "content-type has",
        ),
    ] {
        read(request).await.assert(400, hint);
    }
    for accept in [
        "application/json, text/plain, */*",
        "text/html, APPLICATION/JSON;q=0.5",
    ] {
        assert_eq!(read(me().header("accept", accept)).await.status, 200);
    }
    let charset = "application/json; charset=utf-8";
    let request = me().header("accept", json).header("content-type", charset);
    assert_eq!(read(request).await.status, 200);
}

#[tokio::test]
async fn a_body_has_to_be_what_its_call_documents() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EdgeIqCaller::new(&sandbox);
    let email = sandbox.edgeiq().user().email;
    let (authenticate, reset) = ("user/authenticate", "user/password_reset_request");
    let fields = "1 unknown field(s); known are: email, password";
    let expiring =
        |expiry: Value| json!({ "email": email, "password": SECRET, "token_expiry": expiry });
    let (mail, secret) = (json!({ "email": email }), json!({ "password": SECRET }));
    let relative = json!({ "email": email, "url": "/reset" });
    let untitled = json!({ "email": email, "url": "https://a.test", "subject": "" });
    let not_text = "token_expiry has to be a string";
    let confirmation = "password_confirmation is missing";
    for (path, body, hint) in [
        (authenticate, json!([SECRET]), "not an object"),
        (authenticate, json!({ SECRET: 1 }), fields),
        (authenticate, mail.clone(), "password is missing"),
        (authenticate, secret.clone(), "email is missing"),
        (authenticate, expiring(json!(5)), not_text),
        (
            "user/api_token_reset",
            expiring(json!("x")),
            "1 unknown field(s)",
        ),
        (reset, mail, "url is missing"),
        (reset, relative, "absolute URL"),
        (reset, untitled, "subject is empty"),
        ("user/password_reset/x", secret, confirmation),
    ] {
        let reply = caller.post(path, body).await;
        reply.assert(400, hint);
        assert_eq!(reply.body["error"], "Bad Request");
        assert!(!reply.hint.unwrap().contains(SECRET));
    }
    assert_eq!(sandbox.inbox(email).count(), 0);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_not_found() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EdgeIqCaller::new(&sandbox);
    let nothing = json!({});
    for (request, hint) in [
        (caller.bare_get("nothing"), "no such path"),
        (caller.bare_get("user/authenticate"), "the method wrong"),
        (caller.bare_get("user/password_reset/x"), "the method wrong"),
        (caller.post_request("me", &nothing), "the method wrong"),
        (
            caller.post_request("user/password_reset", &nothing),
            "no such path",
        ),
    ] {
        let reply = read(request).await;
        reply.assert(404, hint);
        assert_eq!(reply.body["error"], "Not Found");
    }
    sandbox.log().assert_count("unknown", 5);
}

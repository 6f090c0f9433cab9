//! EdgeIQ: session tokens, permanent tokens, and the profile of their user.

use std::time::Duration;

use auth_sandbox::{EdgeIqRefusals, EdgeIqSessionExpiresAt, EdgeIqUser, Sandbox, SandboxClock};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::caller::edgeiq::EdgeIqCaller;
use crate::caller::{frozen, read};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_session_lives_four_hours_and_the_answer_says_until_when() {
    let (clock, sandbox) = frozen();
    let caller = EdgeIqCaller::new(&sandbox);
    let user = sandbox.edgeiq().user();
    let reply = caller.authenticate(user).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["email"], user.email);
    assert_eq!(reply.body["session_expires_at"], "2026-01-01T04:00:00.000Z");
    let token = reply.body["session_token"].as_str().unwrap();
    assert_eq!(sandbox.edgeiq().issued(), 1);

    clock.advance(Duration::from_nanos(14_399_999_999_999));
    assert!(sandbox.edgeiq().accepts(token));
    assert_eq!(caller.me(token).await.status, 200);
    clock.advance(Duration::from_nanos(1));
    assert!(!sandbox.edgeiq().accepts(token));
    caller
        .me(token)
        .await
        .assert(401, "expired by the sandbox's clock");
}

#[tokio::test]
async fn a_session_lives_as_long_as_asked_up_to_a_week() {
    let (clock, sandbox) = frozen();
    let caller = EdgeIqCaller::new(&sandbox);
    let user = sandbox.edgeiq().user();
    let ask = async |expiry: &str| {
        let body =
            json!({ "email": user.email, "password": user.password, "token_expiry": expiry });
        caller.post("user/authenticate", body).await
    };

    for (expiry, hint) in [
        ("2026-01-08T00:00:00.001Z", "more than a week"),
        ("2026-01-01T00:00:00.000Z", "in the past"),
        ("2019-06-10T19:49:51.217Z", "in the past"),
        ("2026-01-02", "a date like"),
        ("2026-01-02T00:00:00Z", "a date like"),
        ("2026-01-02T00:00:00.000+01:00", "a date like"),
        ("", "token_expiry is empty"),
    ] {
        ask(expiry).await.assert(400, hint);
    }
    assert_eq!(sandbox.edgeiq().issued(), 0);

    let reply = ask("2026-01-08T00:00:00.000Z").await;
    assert_eq!(reply.body["session_expires_at"], "2026-01-08T00:00:00.000Z");
    let week = reply.body["session_token"].as_str().unwrap();
    let reply = ask("2026-01-01T00:00:01.500Z").await;
    let short = reply.body["session_token"].as_str().unwrap();
    clock.advance(Duration::from_millis(1_500));
    assert!(!sandbox.edgeiq().accepts(short));
    clock.advance(Duration::from_millis(604_798_499));
    assert!(sandbox.edgeiq().accepts(week));
    clock.advance(Duration::from_millis(1));
    assert!(!sandbox.edgeiq().accepts(week));
}

#[tokio::test]
async fn the_end_of_a_session_may_be_missing_or_unreadable() {
    for (form, expected) in [
        (EdgeIqSessionExpiresAt::Missing, None),
        (EdgeIqSessionExpiresAt::Garbage, Some(json!("soon"))),
    ] {
        let builder = Sandbox::builder().clock(SandboxClock::frozen());
        let sandbox = builder.edgeiq_session_expires_at(form).start().unwrap();
        let caller = EdgeIqCaller::new(&sandbox);
        let reply = caller.authenticate(sandbox.edgeiq().user()).await;
        assert_eq!(reply.body.get("session_expires_at"), expected.as_ref());
        let token = reply.body["session_token"].as_str().unwrap();
        assert_eq!(caller.me(token).await.status, 200);
        sandbox.clock().advance(4 * HOUR);
        assert_eq!(caller.me(token).await.status, 401);
    }
}

#[tokio::test]
async fn the_end_is_by_the_servers_clock_which_does_not_follow_the_clients() {
    let clock = SandboxClock::frozen();
    let builder = Sandbox::builder().clock(clock.clone());
    let sandbox = builder.server_ahead_by(2 * HOUR).start().unwrap();
    clock.jump_wall_forward(9 * HOUR);
    let reply = EdgeIqCaller::new(&sandbox)
        .authenticate(sandbox.edgeiq().user())
        .await;
    assert_eq!(reply.body["session_expires_at"], "2026-01-01T06:00:00.000Z");
    assert_eq!(reply.headers["date"], "Thu, 01 Jan 2026 02:00:00 GMT");
}

#[tokio::test]
async fn the_user_has_more_fields_than_are_documented() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, caller) = (sandbox.edgeiq(), EdgeIqCaller::new(&sandbox));
    let user = edgeiq.user();
    let reply = caller.me(&caller.session().await).await;
    assert_eq!(reply.status, 200);
    for (name, value) in [
        ("email", user.email),
        ("first_name", user.first_name),
        ("last_name", user.last_name),
        ("company_id", user.company_id),
        ("api_token", &edgeiq.api_token(user.email).unwrap()),
    ] {
        assert_eq!(reply.body[name], value, "{name}");
    }
    assert_eq!(reply.body["_id"].as_str().unwrap().len(), 24);
    assert!(reply.body["user_type_id"].is_string());
    assert_eq!(reply.body["company_ids"], json!([user.company_id]));
    assert!(reply.body["metadata"].is_object());
    // Only the answer to authenticate has it.
    assert!(reply.body.get("session_token").is_none());
}

#[tokio::test]
async fn a_permanent_token_never_expires_and_ends_when_it_is_reset() {
    let (clock, sandbox) = frozen();
    let (edgeiq, caller) = (sandbox.edgeiq(), EdgeIqCaller::new(&sandbox));
    let (user, other) = (edgeiq.user(), edgeiq.other_user());
    let old = edgeiq.api_token(user.email).unwrap();
    clock.advance(10_000 * HOUR);
    let session = caller.session().await;
    assert_eq!(caller.me(&old).await.body["email"], user.email);

    let body = json!({ "email": user.email, "password": user.password });
    let reply = caller.post("user/api_token_reset", body).await;
    assert_eq!(reply.status, 200);
    let new = reply.body["api_token"].as_str().unwrap();
    assert_eq!(edgeiq.api_token(user.email).unwrap(), new);
    assert_eq!(edgeiq.issued(), 2);
    caller.me(&old).await.assert(403, "or was reset");
    for token in [new, &session, &edgeiq.api_token(other.email).unwrap()] {
        assert_eq!(caller.me(token).await.status, 200);
    }
    assert_eq!(edgeiq.api_token("unknown@edgeiq.example"), None);
}

#[tokio::test]
async fn revoking_ends_the_sessions_of_one_user_and_no_permanent_token() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, caller) = (sandbox.edgeiq(), EdgeIqCaller::new(&sandbox));
    let session = caller.session().await;
    let reply = caller.authenticate(edgeiq.other_user()).await;
    let others = reply.body["session_token"].as_str().unwrap();
    edgeiq.revoke_sessions(edgeiq.user().email);
    caller.me(&session).await.assert(401, "revoked");
    assert!(!edgeiq.accepts(&session));
    assert!(edgeiq.accepts(others));
    assert!(edgeiq.accepts(&edgeiq.api_token(edgeiq.user().email).unwrap()));
}

#[tokio::test]
async fn the_token_goes_into_authorization_as_it_is() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EdgeIqCaller::new(&sandbox);
    let token = caller.session().await;
    for scheme in ["Bearer", "Basic", "Token"] {
        let reply = caller.me(&format!("{scheme} {token}")).await;
        reply.assert(403, "without a scheme");
        assert!(!reply.hint.unwrap().contains(&token));
    }
    let reply = read(caller.me_request()).await;
    reply.assert(403, "the Authorization header is missing");
    assert_eq!(caller.me(&token).await.status, 200);
}

#[tokio::test]
async fn a_refusal_has_the_form_that_was_set() {
    let (token, credentials) = ("Not Authorized", "Not authorized");
    let json = |text: &str| json!({ "error": text, "messages": [text] }).to_string();
    let of_client = |text: &str| json!({ "messages": [text] }).to_string();
    let both = |status: u16, text: String| [(status, text.clone()), (status, text)];
    for (form, refused_token, refused_credentials) in [
        (
            EdgeIqRefusals::Mixed,
            token.to_owned(),
            [
                (401, of_client("Invalid password")),
                (404, of_client("not found")),
            ],
        ),
        (
            EdgeIqRefusals::Text,
            token.to_owned(),
            both(403, credentials.to_owned()),
        ),
        (
            EdgeIqRefusals::Json,
            json(token),
            both(403, json(credentials)),
        ),
    ] {
        let sandbox = Sandbox::builder().edgeiq_refusals(form).start().unwrap();
        let caller = EdgeIqCaller::new(&sandbox);
        let reply = caller.me("unheard-of").await;
        reply.assert(403, "never issued");
        assert_eq!(reply.text, refused_token);

        let email = sandbox.edgeiq().user().email;
        let reasons = [(email, "password is wrong"), ("unknown", "no user")];
        for ((email, hint), (status, text)) in reasons.into_iter().zip(refused_credentials) {
            for path in ["user/authenticate", "user/api_token_reset"] {
                let body = json!({ "email": email, "password": "wrong" });
                let reply = caller.post(path, body).await;
                reply.assert(status, hint);
                assert_eq!(reply.text, text);
            }
        }
    }
}

/// A request as the vendor's own JavaScript client (1.1.9) sends it, by axios 0.21.4.
fn of_javascript(request: RequestBuilder) -> RequestBuilder {
    request
        .header("accept", "application/json, text/plain, */*")
        .header("user-agent", "axios/0.21.4")
}

#[tokio::test]
async fn the_vendors_own_javascript_client_can_use_all_four_calls() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, caller) = (sandbox.edgeiq(), EdgeIqCaller::new(&sandbox));
    let user = edgeiq.user();
    let post = |path: &str, body: Value| {
        let request = of_javascript(caller.bare_post(path));
        // Its bodies are texts, and it names the type itself.
        let request = request.header("content-type", "application/json");
        read(request.body(body.to_string()))
    };
    let log_in = json!({ "email": user.email, "password": user.password });
    let reply = post("user/authenticate", log_in).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let token = reply.body["session_token"].as_str().unwrap();
    // Without a body it sends no content type.
    let me = of_javascript(caller.bare_get("me")).header("authorization", token);
    assert_eq!(read(me).await.body["email"], user.email);
    let url = "https://app.edgeiq.io/reset_password";
    let mail = json!({ "email": user.email, "url": url, "subject": "A", "greeting": "B" });
    assert_eq!(post("user/password_reset_request", mail).await.status, 200);
    let reset = sandbox.inbox(user.email).latest().unwrap();
    // As it is.
    let token = reset.code().unwrap();
    let new = json!({ "password": "New-Pass-1!", "password_confirmation": "New-Pass-1!" });
    let path = format!("user/password_reset/{token}");
    assert_eq!(post(&path, new.clone()).await.status, 200);
    let reply = post(&path, new).await;
    assert_eq!(
        (reply.status, &reply.body["error"]),
        (400, &json!("Invalid token."))
    );
}

#[tokio::test]
async fn a_test_adds_users_and_sets_passwords() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, caller) = (sandbox.edgeiq(), EdgeIqCaller::new(&sandbox));
    let user = EdgeIqUser::new("ann@a.test", "first").name("Ann", "Other");
    edgeiq.add_user(user.api_token("ann's").company_id("c0ffee"));
    let reply = caller.me("ann's").await;
    assert_eq!(reply.body["first_name"], "Ann");
    assert_eq!(reply.body["company_id"], "c0ffee");

    edgeiq.set_password("ann@a.test", "second");
    for (password, status) in [("first", 401), ("second", 200)] {
        let body = json!({ "email": "ann@a.test", "password": password });
        assert_eq!(caller.post("user/authenticate", body).await.status, status);
    }
    edgeiq.add_user(EdgeIqUser::new("ann@a.test", "third"));
    assert!(!edgeiq.accepts("ann's"));
}

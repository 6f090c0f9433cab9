//! EQ Works: the table of failures.

use auth_core::Clock as _;
use auth_sandbox::{EqWorksUser, Sandbox};
use reqwest::Method;
use serde_json::json;

use crate::caller::eqworks::EqWorksCaller;
use crate::caller::{Reply, read};

#[track_caller]
fn assert_failure(reply: &Reply, status: u16, message: &str) {
    let level = if status == 500 { "ERROR" } else { "WARNING" };
    let expected = json!({ "message": message, "statusCode": status, "logLevel": level });
    assert_eq!(
        (reply.status, &reply.body),
        (status, &expected),
        "{reply:?}"
    );
    assert!(reply.hint.is_some());
}

#[tokio::test]
async fn user_and_otp_are_required() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    for (call, query, missing) in [
        ("login", &[][..], "user"),
        ("login", &[("user", "")], "user"),
        ("verify", &[("otp", "ABCDEF")], "user"),
        ("verify", &[("user", "sue@eqworks.example")], "otp"),
    ] {
        let message = format!("Missing '{missing}' in query string parameters");
        assert_failure(&caller.get(call, query).await, 400, &message);
    }
}

#[tokio::test]
async fn unknown_and_inactive_users_are_not_found() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    for user in ["unknown@a.test", eqworks.inactive_user().email] {
        let message = format!("User {user} not found");
        assert_failure(&caller.get("login", &[("user", user)]).await, 404, &message);
        let query = [("user", user), ("otp", "ABCDEF")];
        assert_failure(&caller.get("verify", &query).await, 404, &message);
        assert_eq!(sandbox.inbox(user).count(), 0);
    }

    eqworks.add_user(EqWorksUser::new("gone@a.test"));
    let jwt = eqworks.mint_token("gone@a.test", "atom");
    eqworks.remove_user("gone@a.test");
    for call in ["confirm", "refresh"] {
        let reply = caller.with_jwt(call, &jwt, &[]).await;
        assert_failure(&reply, 404, "User gone@a.test not found");
    }
}

#[tokio::test]
async fn an_access_that_has_ended_is_told_once_and_switches_the_user_off() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    let login = |user: &str| {
        format!(
            "Access for {user} has expired. Please contact the administrator to reactivate this account."
        )
    };
    let ended = eqworks.ended_user().email;
    let query = [("user", ended)];
    assert_failure(&caller.get("login", &query).await, 403, &login(ended));
    let gone = format!("User {ended} not found");
    assert_failure(&caller.get("login", &query).await, 404, &gone);

    for call in ["verify", "confirm", "refresh"] {
        let user = "eve@a.test";
        eqworks.add_user(EqWorksUser::new(user));
        let otp = caller.passcode(user, "atom").await;
        let jwt = eqworks.mint_token(user, "atom");
        eqworks.end_access(user);
        assert!(!eqworks.accepts(&jwt));
        let light = caller.with_jwt("confirm", &jwt, &[("light", "TRUE")]).await;
        assert_eq!(light.status, 200);
        for (status, message) in [
            (403, "Access has expired"),
            (404, "User eve@a.test not found"),
        ] {
            let reply = if call == "verify" {
                caller.get(call, &[("user", user), ("otp", &*otp)]).await
            } else {
                caller.with_jwt(call, &jwt, &[]).await
            };
            assert_failure(&reply, status, message);
        }
        // It is spent as well.
        assert_eq!(eqworks.passcode(user).is_none(), call == "verify");
    }
}

#[tokio::test]
async fn a_token_ends_with_the_access_and_one_without_an_end_has_no_time_left() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    let two_days = std::time::Duration::from_secs(2 * 86_400);
    let ends = sandbox.clock().now().wall() + two_days;
    eqworks.add_user(EqWorksUser::new("eve@a.test").access_ends_at(ends));
    let jwt = eqworks.mint_token("eve@a.test", "atom");
    let ttl = caller.with_jwt("confirm", &jwt, &[]).await.body["ttl"]["millis"].clone();
    assert!(ttl.as_u64().is_some_and(|ttl| ttl <= 172_800_000), "{ttl}");
    sandbox.clock().advance(two_days / 2);
    let next = caller.with_jwt("refresh", &jwt, &[]).await.body["token"].clone();
    let ttl = caller
        .with_jwt("confirm", next.as_str().unwrap(), &[])
        .await;
    let ttl = ttl.body["ttl"]["millis"].clone();
    assert!(ttl.as_u64().is_some_and(|ttl| ttl <= 86_400_000), "{ttl}");

    let uuid = eqworks.jwt_uuid("eve@a.test");
    let claims = json!({ "email": "eve@a.test", "product": "atom", "jwt_uuid": uuid });
    let reply = caller
        .with_jwt("confirm", &eqworks.sign(&claims), &[])
        .await;
    assert_eq!(
        reply.body["ttl"],
        json!({ "millis": -1, "friendly": "N/A" })
    );
}

#[tokio::test]
async fn reset_uuid_revokes_on_confirm_too_and_nothing_for_accounts_of_the_mobile_sdk() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    eqworks.add_user(EqWorksUser::new("mobile@a.test").of_mobile_sdk());
    for (user, revokes) in [(eqworks.user().email, true), ("mobile@a.test", false)] {
        for call in ["confirm", "refresh"] {
            let (jwt, uuid) = (eqworks.mint_token(user, "atom"), eqworks.jwt_uuid(user));
            let reply = caller.with_jwt(call, &jwt, &[("reset_uuid", "TRUE")]).await;
            assert_eq!(reply.status, 200);
            assert_eq!(eqworks.jwt_uuid(user) != uuid, revokes, "{user} {call}");
            assert_eq!(eqworks.accepts(&jwt), !revokes, "{user} {call}");
        }
    }
}

#[tokio::test]
async fn all_products_are_taken_by_login_and_confirm() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    let user = eqworks.atom_user().email;
    let reply = caller
        .get("login", &[("user", user), ("product", "ALL")])
        .await;
    assert_eq!(reply.status, 200);
    let jwt = eqworks.mint_token(user, "atom");
    for (call, status) in [("confirm", 200), ("refresh", 403)] {
        let reply = caller.with_jwt(call, &jwt, &[("product", "all")]).await;
        assert_eq!(reply.status, status, "{call}");
    }
}

#[tokio::test]
async fn a_path_in_capitals_or_with_a_slash_behind_it_is_not_found_in_json() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    for path in ["prod/LOGIN", "prod/login/", "dev/Confirm", "dev/refresh//"] {
        assert_failure(&read(caller.any(Method::GET, path)).await, 404, "Not Found");
    }
}

#[tokio::test]
async fn a_product_that_is_not_the_users_is_refused() {
    let sandbox = Sandbox::start().unwrap();
    let user = sandbox.eqworks().atom_user().email;
    let query = [("user", user), ("product", "Locus")];
    let reply = EqWorksCaller::new(&sandbox).get("login", &query).await;
    assert_failure(
        &reply,
        403,
        &format!("User {user} does not have access to locus"),
    );
}

#[tokio::test]
async fn a_passcode_that_was_never_sent_cannot_be_redeemed() {
    let sandbox = Sandbox::start().unwrap();
    let user = sandbox.eqworks().user().email;
    let query = [("user", user), ("otp", "ABCDEF")];
    let reply = EqWorksCaller::new(&sandbox).get("verify", &query).await;
    assert_failure(&reply, 403, &format!("No OTP to redeem for user {user}"));
}

#[tokio::test]
async fn a_bad_token_is_repeated_in_the_answer_and_not_in_the_hint() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    let user = eqworks.user().email;
    let good = eqworks.mint_token(user, "atom");
    let elsewhere = Sandbox::start().unwrap();
    let foreign = elsewhere.eqworks().mint_token(user, "atom");
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    let none = good.replacen(good.split('.').next().unwrap(), "eyJhbGciOiJub25lIn0", 1);
    let past = eqworks.sign(&json!({ "email": user, "exp": 1 }));
    let odd = eqworks.sign(&json!({ "email": user, "exp": "soon" }));
    for (jwt, hint) in [
        ("garbage", "not a JWT"),
        ("a.b.c", "not a JWT"),
        (&*format!("Bearer {good}"), "without a scheme"),
        (&*format!("{good}x"), "signature is wrong"),
        (&*unsigned, "signature is wrong"),
        (&*none, "not HS256"),
        (&*foreign, "another sandbox's"),
        (&*past, "expired"),
        (&*odd, "not a number of seconds"),
    ] {
        for call in ["confirm", "refresh"] {
            let reply = caller.with_jwt(call, jwt, &[]).await;
            assert_failure(&reply, 403, &format!("Invalid JWT: {jwt}"));
            reply.assert(403, hint);
            assert!(!reply.hint.unwrap().contains(jwt));
        }
        assert!(!eqworks.accepts(jwt));
    }
    for call in ["confirm", "refresh"] {
        let reply = caller.get(call, &[]).await;
        assert_failure(&reply, 403, "Invalid JWT: undefined");
    }
}

#[tokio::test]
async fn a_token_without_its_claims_is_refused_by_the_light_check_too() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    for claims in [
        json!({}),
        json!({ "email": "a@a.test" }),
        json!({ "jwt_uuid": "x" }),
    ] {
        let jwt = eqworks.sign(&claims);
        for query in [&[][..], &[("light", "1")]] {
            let reply = caller.with_jwt("confirm", &jwt, query).await;
            assert_failure(&reply, 403, "JWT missing required fields in payload");
        }
    }
}

#[tokio::test]
async fn a_parameter_given_twice_is_an_internal_error() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    let user = eqworks.user().email;
    let jwt = eqworks.mint_token(user, "atom");
    let twice = [("user", user), ("user", user), ("otp", "ABCDEF")];
    let login = caller.get("login", &twice).await;
    assert_failure(&login, 500, "Failed to complete the login process");
    assert_failure(
        &caller.get("verify", &twice).await,
        500,
        "Failed to verify the OTP",
    );
    for call in ["confirm", "refresh"] {
        let twice = [("product", "atom"), ("product", "atom")];
        let reply = caller.with_jwt(call, &jwt, &twice).await;
        assert_failure(&reply, 500, "Failed to validate the existing token");
    }
    assert_eq!(sandbox.inbox(user).count(), 0);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_get_a_web_page() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    for (method, path, hint) in [
        (Method::GET, "prod/nothing", "no such path"),
        (Method::GET, "login", "no such path"),
        (Method::GET, "staging/login", "no such path"),
        (Method::POST, "prod/login", "the method wrong"),
        (Method::PUT, "dev/refresh", "the method wrong"),
    ] {
        let reply = read(caller.any(method, path)).await;
        reply.assert(404, hint);
        assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8");
        assert!(reply.text.starts_with("<!DOCTYPE html>"));
    }
    sandbox.log().assert_count("unknown", 5);
}

#[tokio::test]
async fn a_script_of_any_origin_may_call_it_with_any_header() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    let origin = "https://app.example.test";
    // A refusal, an unknown path and a web page, too.
    for path in ["prod/confirm", "prod/LOGIN", "prod/nothing"] {
        let request = caller.any(Method::GET, path).header("origin", origin);
        assert_eq!(
            read(request).await.headers["access-control-allow-origin"],
            "*"
        );
        let preflight = caller
            .any(Method::OPTIONS, path)
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "eq-api-jwt,eq-api-user");
        let reply = read(preflight).await;
        assert_eq!((reply.status, &*reply.text), (204, ""));
        let header = |name: &str| reply.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("access-control-allow-origin"), "*");
        assert!(header("access-control-allow-methods").contains("GET"));
        assert_eq!(
            header("access-control-allow-headers"),
            "eq-api-jwt,eq-api-user"
        );
    }
}

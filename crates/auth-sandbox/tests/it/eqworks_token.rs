//! EQ Works: the JWT is issued, confirmed and refreshed.

use std::time::{Duration, UNIX_EPOCH};

use auth_sandbox::{EqWorksUser, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::caller::eqworks::{EqWorksCaller, token_in};
use crate::caller::{frozen, read};

const DAY: Duration = Duration::from_secs(86_400);
const START: u64 = 1_767_225_600;

fn access(prefix: &str) -> Value {
    json!({ "wl": [1], "customers": -1, "read": 1, "write": 0, "version": 0, "prefix": prefix })
}

fn part(jwt: &str, number: usize) -> Value {
    let part = jwt.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn the_right_passcode_gives_a_jwt_for_ninety_days() {
    let (_clock, sandbox) = frozen();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    let otp = caller.passcode(user, "locus").await;
    let query = [("user", user), ("otp", &*otp), ("product", "Locus")];
    let reply = caller.get("verify", &query).await;
    let jwt = token_in(&reply);
    assert_eq!(
        reply.body["message"],
        format!("User {user} verified, please store and use the attached token responsibly")
    );
    assert_eq!(
        (&reply.body["user"], &reply.body["email"]),
        (&json!(user), &json!(user))
    );
    assert_eq!(reply.body["product"], "locus");
    assert_eq!(reply.body["access"], access("wl"));

    assert_eq!(part(&jwt, 0), json!({ "alg": "HS256", "typ": "JWT" }));
    let expected = json!({
        "email": user,
        "api_access": { "wl": [1], "customers": -1, "read": 1, "write": 0, "version": 0 },
        "jwt_uuid": sandbox.eqworks().jwt_uuid(user),
        "prefix": "wl",
        "product": "locus",
        "iat": START,
        "exp": START + 7_776_000,
    });
    assert_eq!(part(&jwt, 1), expected);
    assert!(sandbox.eqworks().accepts(&jwt));
}

#[tokio::test]
async fn a_jwt_expires_by_the_vendors_clock_and_can_be_refreshed_until_then() {
    let (clock, sandbox) = frozen();
    let caller = EqWorksCaller::new(&sandbox);
    let old = caller.token(sandbox.eqworks().user().email, "atom").await;
    clock.jump_wall_forward(400 * DAY);
    clock.advance(Duration::from_secs(7_775_999));
    let new = token_in(&caller.with_jwt("refresh", &old, &[]).await);
    assert!(sandbox.eqworks().accepts(&old), "the old token stays valid");
    clock.advance(Duration::from_secs(1));
    for call in ["confirm", "refresh"] {
        let reply = caller.with_jwt(call, &old, &[]).await;
        reply.assert(403, "expired by the sandbox's clock");
        assert_eq!(reply.body["message"], format!("Invalid JWT: {old}"));
        assert_eq!(caller.with_jwt(call, &new, &[]).await.status, 200);
    }
    assert!(!sandbox.eqworks().accepts(&old));
}

#[tokio::test]
async fn a_token_is_confirmed_with_its_remaining_lifetime() {
    let (clock, sandbox) = frozen();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    let jwt = sandbox.eqworks().mint_token(user, "locus");
    clock.advance(DAY);
    let query = [("product", "LOCUS")];
    let mut body = caller.with_jwt("confirm", &jwt, &query).await.body;
    assert!(body["ttl"]["friendly"].is_string());
    body["ttl"]["friendly"] = Value::Null;
    let expected = json!({
        "message": format!("Token confirmed for user {user}"),
        "user": user,
        "light": false,
        "product": "locus",
        "ttl": { "millis": 89_u64 * 86_400_000, "friendly": null },
        "access_expired_at": null,
        "access": access("wl"),
    });
    assert_eq!(body, expected);

    let light = [("product", "locus"), ("light", "1")];
    let body = caller.with_jwt("confirm", &jwt, &light).await.body;
    assert_eq!(body["light"], true);
    assert!(body.get("access_expired_at").is_none());
    // What the token says.
    sandbox.eqworks().remove_user(user);
    let body = caller.with_jwt("confirm", &jwt, &light).await.body;
    assert_eq!(body["access"], access("wl"));
}

#[tokio::test]
async fn the_end_of_a_users_access_is_known_in_advance() {
    let (clock, sandbox) = frozen();
    let caller = EqWorksCaller::new(&sandbox);
    let ends = UNIX_EPOCH + Duration::from_secs(START) + DAY;
    let user = EqWorksUser::new("tom@a.test").access_ends_at(ends);
    sandbox.eqworks().add_user(user);
    let jwt = sandbox.eqworks().mint_token("tom@a.test", "atom");
    let reply = caller.with_jwt("confirm", &jwt, &[]).await;
    assert_eq!(reply.body["access_expired_at"], "2026-01-02T00:00:00.000Z");
    clock.advance(DAY);
    caller
        .with_jwt("confirm", &jwt, &[])
        .await
        .assert(403, "it has expired");
    let login = [("user", "tom@a.test")];
    let reply = caller.get("login", &login).await;
    reply.assert(403, "access has ended");
    assert!(!sandbox.eqworks().accepts(&jwt));
}

#[tokio::test]
async fn two_refreshes_in_one_second_give_the_same_token() {
    let (clock, sandbox) = frozen();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    let jwt = sandbox.eqworks().mint_token(user, "atom");
    let reply = caller.with_jwt("refresh", &jwt, &[]).await;
    assert!(
        reply.body["message"]
            .as_str()
            .unwrap()
            .starts_with(&format!("Token refreshed for user {user}, "))
    );
    assert_eq!(
        (&reply.body["user"], &reply.body["product"]),
        (&json!(user), &json!("atom"))
    );
    assert_eq!(reply.body["access"], access("wl"));
    assert_eq!(token_in(&reply), jwt);
    clock.advance(Duration::from_millis(999));
    assert_eq!(token_in(&caller.with_jwt("refresh", &jwt, &[]).await), jwt);
    clock.advance(Duration::from_millis(1));
    let next = token_in(&caller.with_jwt("refresh", &jwt, &[]).await);
    assert_ne!(next, jwt);
    assert_eq!(part(&next, 1)["exp"], START + 1 + 7_776_000);
    assert_eq!(sandbox.eqworks().issued(), 3);
}

#[tokio::test]
async fn the_product_of_a_token_has_to_be_named_unless_it_is_atom() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    let user = sandbox.eqworks().user().email;
    let atom = sandbox.eqworks().mint_token(user, "atom");
    let locus = sandbox.eqworks().mint_token(user, "locus");
    for call in ["confirm", "refresh"] {
        for (jwt, query, status) in [
            (&atom, &[][..], 200),
            (&atom, &[("product", "locus")], 403),
            (&locus, &[], 403),
            (&locus, &[("product", "locus")], 200),
        ] {
            let reply = caller.with_jwt(call, jwt, query).await;
            assert_eq!(reply.status, status);
            if status == 403 {
                assert_eq!(reply.body["message"], "JWT not valid for this resource");
            }
        }
    }
}

#[tokio::test]
async fn a_new_uuid_revokes_every_older_token_and_the_light_check_ignores_it() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    let user = eqworks.user().email;
    let bystander = eqworks.mint_token(eqworks.atom_user().email, "atom");
    let old = eqworks.mint_token(user, "atom");
    let reset = [("reset_uuid", "1")];
    let new = token_in(&caller.with_jwt("refresh", &old, &reset).await);
    let otp = caller.passcode(user, "atom").await;
    let query = [("user", user), ("otp", &*otp), ("reset_uuid", "1")];
    let newest = token_in(&caller.get("verify", &query).await);
    for (jwt, valid) in [
        (&old, false),
        (&new, false),
        (&newest, true),
        (&bystander, true),
    ] {
        assert_eq!(eqworks.accepts(jwt), valid);
        let reply = caller.with_jwt("confirm", jwt, &[]).await;
        assert_eq!(reply.status == 200, valid);
        if !valid {
            let message = format!("Invalid UUID for user {user}");
            assert_eq!(reply.body["message"], message);
            let reply = caller.with_jwt("refresh", jwt, &[]).await;
            reply.assert(403, "revoked");
        }
        let light = caller.with_jwt("confirm", jwt, &[("light", "1")]).await;
        assert_eq!(light.status, 200);
    }
    eqworks.revoke(user);
    assert!(!eqworks.accepts(&newest));
}

#[tokio::test]
async fn a_token_may_never_expire_or_after_ten_thousand_years() {
    let sandbox = Sandbox::start().unwrap();
    let (eqworks, caller) = (sandbox.eqworks(), EqWorksCaller::new(&sandbox));
    let user = eqworks.user().email;
    let mut claims = json!({ "email": user, "jwt_uuid": eqworks.jwt_uuid(user) });
    let jwt = eqworks.sign(&claims);
    let reply = caller.with_jwt("confirm", &jwt, &[]).await;
    assert_eq!(
        (reply.status, &reply.body["ttl"]),
        (200, &json!({ "millis": -1, "friendly": "N/A" }))
    );
    for exp in [317_339_744_057, u64::MAX] {
        claims["exp"] = json!(exp);
        let jwt = eqworks.sign(&claims);
        assert!(eqworks.accepts(&jwt));
        assert_eq!(caller.with_jwt("confirm", &jwt, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn both_stages_answer_and_authorization_is_ignored() {
    let sandbox = Sandbox::start().unwrap();
    let caller = EqWorksCaller::new(&sandbox);
    let jwt = sandbox
        .eqworks()
        .mint_token(sandbox.eqworks().user().email, "atom");
    for stage in ["dev", "prod"] {
        let confirm = || caller.any(reqwest::Method::GET, &format!("{stage}/confirm"));
        let reply = read(confirm().header("eq-api-jwt", &jwt)).await;
        assert_eq!(reply.status, 200);
        let reply = read(confirm().bearer_auth(&jwt)).await;
        assert_eq!(reply.body["message"], "Invalid JWT: undefined");
        let both = confirm().bearer_auth("x").header("eq-api-jwt", &jwt);
        assert_eq!(read(both).await.status, 200);
    }
}

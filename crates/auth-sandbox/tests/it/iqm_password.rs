//! IQM: the four calls about passwords.

use std::time::Duration;

use auth_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::caller::{Caller, Reply, frozen, read};

async fn call(caller: &Caller<'_>, path: &str, body: Value) -> Reply {
    read(caller.post(path).json(&body)).await
}

async fn request(caller: &Caller<'_>, email: &str) -> Reply {
    call(caller, "user/reset-password", json!({ "email": email })).await
}

async fn validate(caller: &Caller<'_>, hash: &str) -> Reply {
    call(
        caller,
        "user/reset-password/validate",
        json!({ "inviteHash": hash, "resetHash": hash }),
    )
    .await
}

async fn set(caller: &Caller<'_>, email: &str, password: &str) -> Reply {
    call(
        caller,
        "user/update-password",
        json!({ "email": email, "password": password }),
    )
    .await
}

fn assert_not_valid(reply: &Reply) {
    assert_eq!(reply.status, 403);
    assert_eq!(reply.body["success"], true);
    assert_eq!(reply.body["data"]["isValid"], false);
    let reason = "Reset password link either not valid or it is already processed.";
    assert_eq!(reply.body["data"]["invalidReason"], reason);
}

#[tokio::test]
async fn a_reset_link_is_sent_validated_and_used_once() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let (email, password) = (iqm.user().email, "a new password");
    assert_eq!(iqm.reset_hash(email), None);
    let reply = request(&caller, email).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body["data"],
        "Email with reset password link sent successfully."
    );

    let hash = iqm.reset_hash(email).unwrap();
    let reply = validate(&caller, &hash).await;
    assert_eq!(reply.status, 200);
    let expected = json!({ "success": true, "data": { "resetEmail": email, "isValid": true } });
    assert_eq!(reply.body, expected);

    let reply = set(&caller, email, password).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["data"], "Password changed successfully.");
    assert_eq!(caller.log_in_as(iqm.user()).await.status, 403);
    let body = json!({ "grantType": "password", "email": email, "password": password });
    assert_eq!(read(caller.basic("login").json(&body)).await.status, 200);

    assert_not_valid(&set(&caller, email, "another").await);
    assert_not_valid(&validate(&caller, &hash).await);
    assert_eq!(iqm.reset_hash(email), None);
    sandbox.log().assert_count("iqm.request_password_reset", 1);
    for operation in ["iqm.validate_password_reset", "iqm.set_password"] {
        sandbox.log().assert_count(operation, 2);
    }
}

#[tokio::test]
async fn no_link_is_sent_to_an_unknown_address() {
    let sandbox = Sandbox::start().unwrap();
    let reply = request(&Caller::new(&sandbox), "unknown@example.com").await;
    reply.assert_error(404, "The email is not available in the system.");
}

#[tokio::test]
async fn an_unknown_and_an_expired_link_are_not_valid() {
    let (clock, sandbox) = frozen();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let email = iqm.user().email;
    request(&caller, email).await;
    let hash = iqm.reset_hash(email).unwrap();
    validate(&caller, &hash).await;
    clock.advance(Duration::from_secs(86_400));

    assert_not_valid(&validate(&caller, &hash).await);
    let reply = validate(&caller, "unheard-of").await;
    reply.assert_error(422, "Provided reset password link hash is incorrect.");
    assert_eq!(reply.body["errorObjects"][0]["field"], "inviteHash");
    let only_prose = json!({ "resetHash": hash });
    let reply = call(&caller, "user/reset-password/validate", only_prose).await;
    reply.assert(400, "inviteHash is missing");
    let both = json!({ "inviteHash": hash, "resetHash": "another" });
    let reply = call(&caller, "user/reset-password/validate", both).await;
    reply.assert(400, "resetHash has to be the same as inviteHash");
    assert_not_valid(&set(&caller, email, "too late").await);
}

#[tokio::test]
async fn a_password_is_not_set_before_the_link_is_validated() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let email = sandbox.iqm().user().email;
    assert_not_valid(&set(&caller, email, "without a link").await);
    request(&caller, email).await;
    let reply = set(&caller, email, "without validation").await;
    assert_not_valid(&reply);
    assert!(reply.hint.unwrap().contains("validated"));
    caller.log_in().await;
}

#[tokio::test]
async fn a_password_is_set_with_the_hash_of_the_link_alone() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let email = sandbox.iqm().user().email;
    request(&caller, email).await;
    let hash = sandbox.iqm().reset_hash(email).unwrap();
    let set = |hash: &str| {
        let body = json!({ "email": email, "password": "a new one", "inviteHash": hash });
        read(caller.post("user/update-password").json(&body))
    };
    let reply = set("unheard-of").await;
    reply.assert_error(422, "Provided reset password link hash is incorrect.");
    assert_eq!(set(&hash).await.status, 200);
    assert_not_valid(&set(&hash).await);
}

#[tokio::test]
async fn a_logged_in_user_changes_the_password_with_the_old_one() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let access = caller.log_in().await.access;
    let change = |access: &str, old: &str| {
        let body = json!({ "oldPassword": old, "newPassword": "a new password" });
        read(
            caller
                .post("user/password/reset")
                .bearer_auth(access)
                .json(&body),
        )
    };
    assert_eq!(change("unheard-of", iqm.user().password).await.status, 401);
    let reply = change(&access, "wrong").await;
    reply.assert_error(422, "Invalid old password.");
    caller.log_in().await;

    let reply = change(&access, iqm.user().password).await;
    assert_eq!(
        (reply.status, &reply.body["data"]),
        (200, &json!("Password reset successfully."))
    );
    assert_eq!(caller.log_in_as(iqm.user()).await.status, 403);
    sandbox.log().assert_count("iqm.change_password", 3);
}

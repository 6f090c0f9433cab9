//! IQM: the calls of a user who is logged in.

use auth_sandbox::Sandbox;
use serde_json::json;

use crate::caller::{Caller, read};

#[tokio::test]
async fn the_profile_is_the_one_of_the_tokens_user() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let tokens = caller.log_in().await;
    let reply = read(caller.profile(&tokens.access)).await;
    assert_eq!((reply.status, &reply.body["success"]), (200, &json!(true)));
    let data = &reply.body["data"];
    assert_eq!(
        (&data["owId"], &data["email"]),
        (&json!(200_001), &json!("user1@iqm.com"))
    );
    for name in ["firstName", "lastName", "displayName", "organizationName"] {
        assert!(data[name].is_string(), "{name}");
    }
    assert!(data["parentOrganization"].is_object());
}

#[tokio::test]
async fn profile_and_log_out_need_the_token_and_its_workspace() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let access = caller.log_in().await.access;
    for operation in ["profile", "logout"] {
        let mut seen = Vec::new();
        for (bearer, ow_id) in [
            (None, Some("200001")),
            (Some("unheard-of"), Some("200001")),
            (Some(&*access), None),
            (Some(&*access), Some("two")),
            (Some(&*access), Some("200002")),
        ] {
            let mut request = match operation {
                "profile" => caller.get(operation),
                _ => caller.post(operation),
            };
            if let Some(bearer) = bearer {
                request = request.bearer_auth(bearer);
            }
            if let Some(ow_id) = ow_id {
                request = request.header("X-IAA-OW-ID", ow_id);
            }
            let reply = read(request).await;
            // The refusal of a token has no envelope.
            let text = match bearer {
                None => &reply.body["message"],
                Some("unheard-of") => &reply.body["error_description"],
                Some(_) => &reply.body["errorObjects"][0]["error"],
            };
            assert!(text.is_string() && reply.hint.is_some(), "{reply:?}");
            seen.push(reply.status);
        }
        assert_eq!(seen, [401, 401, 400, 400, 403]);
    }
    assert!(sandbox.iqm().accepts(&access));
}

#[tokio::test]
async fn the_workspaces_need_the_bearer_token_alone() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let user = sandbox.iqm().workspace_user();
    let access = caller.log_in_as(user).await.tokens().access;
    let get = |path: &str| read(caller.get(path).bearer_auth(&access));
    let reply = get("user/ow-id").await;
    assert_eq!(reply.body, json!({ "success": true, "data": user.ow_id }));
    let reply = get("user/accessible-organizations").await;
    let workspaces = reply.body["data"].as_array().unwrap();
    assert_eq!(workspaces.len(), 2);
    for (workspace, ow_id) in workspaces
        .iter()
        .zip([user.ow_id, sandbox.iqm().other_ow_id()])
    {
        assert_eq!(workspace["owId"], ow_id);
        for name in ["organizationName", "workspaceDomain", "customerType"] {
            assert!(workspace[name].is_string(), "{name}");
        }
        let profile = caller.get("profile").bearer_auth(&access);
        let profile = read(profile.header("X-IAA-OW-ID", ow_id)).await;
        assert_eq!(profile.status, 200);
    }
    for path in ["user/ow-id", "user/accessible-organizations"] {
        let reply = read(caller.get(path).bearer_auth("unheard-of")).await;
        assert_eq!(
            (reply.status, &reply.body["error"]),
            (401, &json!("invalid_token"))
        );
    }
}

#[tokio::test]
async fn a_log_out_ends_the_log_in_and_no_other() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let (tokens, other) = (caller.log_in().await, caller.log_in().await);
    let log_out = caller.post("logout").bearer_auth(&tokens.access);
    let reply = read(log_out.header("X-IAA-OW-ID", 200_001)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body,
        json!({ "success": true, "data": "User logged out successfully." })
    );

    assert_eq!(read(caller.profile(&tokens.access)).await.status, 401);
    assert_eq!(caller.refresh(&tokens.refresh).await.status, 401);
    assert_eq!(read(caller.profile(&other.access)).await.status, 200);
    sandbox.log().assert_count("iqm.log_out", 1);
    sandbox.log().assert_count("iqm.profile", 2);
}

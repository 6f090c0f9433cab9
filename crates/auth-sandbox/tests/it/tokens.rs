//! Tokens are issued, refreshed, rotated, expired and revoked.

use std::time::Duration;

use auth_sandbox::{Sandbox, SandboxClock};
use reqwest::header;

use crate::caller::{Caller, frozen, read};

#[tokio::test]
async fn a_refresh_gives_the_same_refresh_token_unless_rotation_is_on() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let first = caller.log_in().await;
    let second = caller.refresh(&first.refresh).await.tokens();
    assert_eq!(second.refresh, first.refresh);
    assert_ne!(second.access, first.access);
    assert_eq!(sandbox.iqm().issued(), 2);

    let sandbox = Sandbox::builder()
        .iqm_rotate_refresh_tokens(true)
        .start()
        .unwrap();
    let caller = Caller::new(&sandbox);
    let first = caller.log_in().await;
    let second = caller.refresh(&first.refresh).await.tokens();
    assert_ne!(second.refresh, first.refresh);
    let third = caller.refresh(&second.refresh).await.tokens();
    assert!(sandbox.iqm().accepts(&third.access));
}

#[tokio::test]
async fn a_rotated_refresh_token_used_twice_revokes_the_family() {
    let sandbox = Sandbox::builder()
        .iqm_rotate_refresh_tokens(true)
        .start()
        .unwrap();
    let caller = Caller::new(&sandbox);
    let bystander = caller.log_in().await;
    let first = caller.log_in().await;
    let second = caller.refresh(&first.refresh).await.tokens();
    assert_eq!(sandbox.iqm().reuse_detected(), 0);

    let reply = caller.refresh(&first.refresh).await;
    reply.assert(401, "reuse detection");
    assert_eq!(sandbox.iqm().reuse_detected(), 1);

    assert_eq!(caller.refresh(&second.refresh).await.status, 401);
    for revoked in [&first.access, &second.access] {
        assert_eq!(read(caller.profile(revoked)).await.status, 401);
    }
    // Another log-in of the same user is another family.
    assert_eq!(read(caller.profile(&bystander.access)).await.status, 200);
    assert_eq!(caller.refresh(&bystander.refresh).await.status, 200);
}

#[tokio::test]
async fn an_access_token_expires_by_the_sandboxs_clock() {
    let (clock, sandbox) = frozen();
    let caller = Caller::new(&sandbox);
    let reply = caller.log_in_reply().await;
    assert_eq!(reply.body["data"]["expires_in"], 35_999);
    let tokens = reply.tokens();

    clock.advance(Duration::from_secs(35_998));
    assert_eq!(read(caller.profile(&tokens.access)).await.status, 200);
    clock.advance(Duration::from_secs(1));
    let reply = read(caller.profile(&tokens.access)).await;
    reply.assert(401, "expired");

    let fresh = caller.refresh(&tokens.refresh).await.tokens();
    assert_eq!(read(caller.profile(&fresh.access)).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_expires_only_where_a_lifetime_is_set() {
    let day = Duration::from_secs(86_400);
    for (lifetime, expected) in [(None, 200), (Some(day), 401)] {
        let clock = SandboxClock::frozen();
        let sandbox = Sandbox::builder()
            .clock(clock.clone())
            .iqm_refresh_token_lifetime(lifetime)
            .start();
        let sandbox = sandbox.unwrap();
        let caller = Caller::new(&sandbox);
        let tokens = caller.log_in().await;
        clock.advance(day);
        assert_eq!(caller.refresh(&tokens.refresh).await.status, expected);
    }
}

#[tokio::test]
async fn revoking_ends_the_named_tokens_and_no_others() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    let email = iqm.user().email;
    let others = caller.log_in_as(iqm.workspace_user()).await.tokens();

    let tokens = caller.log_in().await;
    iqm.revoke_access_tokens(email);
    assert!(!iqm.accepts(&tokens.access));
    let tokens = caller.refresh(&tokens.refresh).await.tokens();

    iqm.revoke_refresh_tokens(email);
    assert!(iqm.accepts(&tokens.access));
    let reply = caller.refresh(&tokens.refresh).await;
    reply.assert_error(401, "Invalid refresh token.");
    assert!(reply.hint.unwrap().contains("revoked"));

    iqm.revoke_all(email);
    assert!(!iqm.accepts(&tokens.access));
    assert!(iqm.accepts(&others.access));
    assert_eq!(caller.refresh(&others.refresh).await.status, 200);
}

#[tokio::test]
async fn the_vendors_rate_limit_lets_twenty_requests_a_minute_through() {
    let clock = SandboxClock::frozen();
    let sandbox = Sandbox::builder()
        .clock(clock.clone())
        .iqm_rate_limit()
        .start()
        .unwrap();
    let caller = Caller::new(&sandbox);
    caller.log_in().await;
    clock.advance(Duration::from_secs(10));
    for _ in 1..20 {
        caller.log_in().await;
    }

    let reply = caller.log_in_reply().await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.headers[header::RETRY_AFTER], "50");
    assert_eq!(reply.body["success"], false);
    assert!(reply.hint.unwrap().contains("rate limit"));

    clock.advance(Duration::from_millis(49_500));
    let reply = caller.log_in_reply().await;
    assert_eq!(
        (reply.status, &reply.headers[header::RETRY_AFTER]),
        (429, &"1".parse().unwrap())
    );
    clock.advance(Duration::from_millis(500));
    caller.log_in().await;
    assert_eq!(caller.log_in_reply().await.status, 429);
}

#[tokio::test]
async fn without_a_rate_limit_nothing_is_refused() {
    let (_, sandbox) = frozen();
    let caller = Caller::new(&sandbox);
    for _ in 0..30 {
        caller.log_in().await;
    }
}

//! What holds for the session of every vendor that gives a new token for an old one, or logs in
//! again: a module of such a vendor crate's `tests/it/session.rs`. Beside what `session.rs` asks for,
//! it supplies what follows; `key` stands here.
//!
//! - `FIRST`: the operation by which a session gets its first token, where it does so by itself;
//! - `NOT_YET_DUE`, `DUE`: at which age of its token it surely does not renew yet, and surely
//!   does, while its callers go on with the present one;
//! - `RENEWS_AT`: at which age its callers get a new token: after its end, or when it is due where
//!   one that has ended cannot be renewed;
//! - `NEXT_TRY`: how long after a renewal that failed, with an hour to wait, it surely tries again;
//! - `accepts(&sandbox, access)`: whether the vendor accepts a token;
//! - `strict_sandbox()`: the vendor at its strictest (one whose refresh tokens work once, say);
//! - `session_with_one_way(&sandbox)`: a session that can renew by `RENEWAL` alone.

use std::time::Duration;

use auth_core::{Clock as _, Expiry, State, StoreKey};
use auth_sandbox::{Fault, Sandbox};

use super::every_vendor::{assert_renewals, passing_faults, runtime};
use super::{
    DUE, FIRST, NEXT_TRY, NOT_YET_DUE, RENEWAL, RENEWS_AT, Session, accepts, access, check,
    session_with_one_way, strict_sandbox,
};
use crate::set_up::{LIFETIME, client, email, sandbox, session, settled};

/// Where a store keeps the token of the sandbox's user.
pub(super) fn key(sandbox: &Sandbox) -> StoreKey {
    client(sandbox).store_key(email(sandbox))
}

/// A session that has got its token, and that token; of all that nothing is in the log.
pub(super) async fn begun(sandbox: &Sandbox) -> (Session, String) {
    let session = session(sandbox);
    let token = access(&session).await;
    sandbox.log().clear();
    (session, token)
}

/// The life of the token that `operation` gives is counted from the moment the request was sent,
/// not from that of the response.
pub(super) async fn assert_lives_from_the_sending(
    sandbox: &Sandbox,
    session: &Session,
    operation: &str,
) {
    let (fault, gate) = Fault::hold_answer();
    sandbox.fault(fault.on(operation));
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.renew().await.unwrap() }
    });
    gate.reached().await;
    let sent = sandbox.clock().now().wall();
    sandbox.clock().advance(Duration::from_secs(3));
    gate.release();
    let auth_headers = caller.await.unwrap();
    assert_eq!(auth_headers.token().issued_at(), sent, "{operation}");
    assert_eq!(
        auth_headers.expiry(),
        Expiry::At(sent + LIFETIME),
        "{operation}"
    );
    sandbox.clock().advance(RENEWS_AT);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_while_callers_go_on_with_it() {
    let sandbox = strict_sandbox();
    let (session, old) = begun(&sandbox).await;
    sandbox.clock().advance(NOT_YET_DUE);
    assert_eq!(access(&session).await, old);
    assert_eq!(session.state(), State::Fresh);
    assert_renewals(&sandbox, 0);

    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on(RENEWAL));
    let rest = DUE.checked_sub(NOT_YET_DUE).unwrap();
    sandbox.clock().advance(rest);
    for _ in 0..10 {
        assert_eq!(access(&session).await, old);
    }
    gate.reached().await;
    assert_eq!(session.state(), State::Renewing);
    assert_eq!(access(&session).await, old);
    gate.release();
    assert_eq!(settled(&session).await, State::Fresh);
    let new = access(&session).await;
    assert!(new != old && accepts(&sandbox, &new));
    assert_renewals(&sandbox, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_renewed_once_for_a_thousand_callers() {
    let sandbox = strict_sandbox();
    let (session, old) = begun(&sandbox).await;
    sandbox.clock().advance(RENEWS_AT);
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on(RENEWAL));
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { access(&session).await })
        })
        .collect();
    gate.reached().await;
    gate.release();
    for caller in callers {
        assert!(accepts(&sandbox, &caller.await.unwrap()));
    }
    assert_eq!(settled(&session).await, State::Fresh);
    assert_ne!(access(&session).await, old);
    assert_renewals(&sandbox, 1);
}

#[tokio::test]
async fn a_session_that_is_kept_fresh_renews_without_callers() {
    let sandbox = strict_sandbox();
    let session = session(&sandbox);
    let guard = session.refresh_in_background().unwrap();
    if let Some(operation) = FIRST {
        sandbox.log().until_count(operation, 1).await;
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.log().assert_count(operation, 1);
    }
    sandbox.log().clear();
    for renewals in 1..=3 {
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.clock().until_sleeping(1).await;
        sandbox.clock().advance(DUE);
        sandbox.log().until_count(RENEWAL, renewals).await;
    }
    assert_eq!(settled(&session).await, State::Fresh);
    drop(guard);
    assert!(accepts(&sandbox, &access(&session).await));
    assert_renewals(&sandbox, 3);
}

#[tokio::test]
async fn an_early_renewal_that_fails_leaves_the_token_in_use_and_is_made_up_for() {
    for fault in passing_faults() {
        let sandbox = sandbox();
        let session = session_with_one_way(&sandbox).await;
        let old = access(&session).await;
        sandbox.log().clear();
        sandbox.clock().advance(DUE);
        sandbox.fault(fault.clone());
        assert_eq!(access(&session).await, old);
        assert!(
            matches!(settled(&session).await, State::Failing { .. }),
            "{fault:?}"
        );
        let sent = sandbox.log().count(RENEWAL);
        assert_eq!(access(&session).await, old);
        assert!(
            matches!(session.state(), State::Failing { .. }),
            "{fault:?}"
        );
        assert_renewals(&sandbox, sent);

        sandbox.clear_faults();
        sandbox.clock().advance(NEXT_TRY);
        session.headers().await.unwrap();
        assert_eq!(settled(&session).await, State::Fresh, "{fault:?}");
        assert_ne!(access(&session).await, old, "{fault:?}");
        assert_renewals(&sandbox, sent + 1);
    }
}

#[tokio::test]
async fn a_refusal_of_one_token_that_is_reported_often_causes_one_renewal() {
    let sandbox = sandbox();
    let (session, _) = begun(&sandbox).await;
    // A token that is asked for in the same second may be the same.
    sandbox.clock().advance(Duration::from_secs(60));
    let refused = session.auth_headers().await.unwrap();
    for _ in 0..5 {
        session.invalidate(&refused);
        let auth_headers = session.auth_headers().await.unwrap();
        check(&client(&sandbox), &auth_headers).await.unwrap();
    }
    sandbox.log().assert_count(RENEWAL, 1);
}

#[test]
fn a_session_is_used_from_two_runtimes_one_after_the_other() {
    let sandbox = sandbox();
    let first = runtime();
    let (session, old) = first.block_on(begun(&sandbox));
    let renewed = async || {
        sandbox.clock().advance(RENEWS_AT);
        access(&session).await;
        settled(&session).await;
        access(&session).await
    };
    // The first runtime is alive, but nobody drives it.
    let second = runtime();
    let new = second.block_on(renewed());
    assert_ne!(new, old);
    drop(first);
    assert_ne!(runtime().block_on(renewed()), new);
    assert_renewals(&sandbox, 2);
}

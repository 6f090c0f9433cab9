//! What holds for the session of every vendor that gives a new token for an old one, or logs in
//! again.

use std::time::Duration;

use auth_core::{Clock as _, Expiry, State};
use auth_sandbox::{Fault, Sandbox};

use crate::session::{access, assert_renewals, passing_faults, runtime};
use crate::{Renewals, Session, sandbox, settled};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! renewed_session {
    ($vendor:ty) => {
        $crate::tests! { $vendor, renewed_session:
            #[tokio::test]
            async fn a_token_is_renewed_before_its_end_while_callers_keep_the_old_one();
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_token_is_renewed_once_for_a_thousand_callers();
            #[tokio::test]
            async fn a_session_that_is_kept_fresh_renews_without_callers();
            #[tokio::test]
            async fn an_early_renewal_that_fails_leaves_the_token_in_use_and_is_made_up_for();
            #[tokio::test]
            async fn a_refusal_of_one_token_that_is_reported_often_causes_one_renewal();
            #[test]
            fn a_session_is_used_from_two_runtimes_one_after_the_other();
        }
    };
}

/// A session that has got its token, and that token; of all that nothing is in the log.
pub(crate) async fn begun<V: Renewals>(sandbox: &Sandbox) -> (Session<V>, String) {
    let session = V::session(sandbox);
    let token = access::<V>(&session).await;
    sandbox.log().clear();
    (session, token)
}

/// The life of the token that `operation` gives is counted from the moment the request was sent,
/// not from that of the response.
pub async fn assert_lives_from_the_sending<V: Renewals>(
    sandbox: &Sandbox,
    session: &Session<V>,
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
        Expiry::At(sent + V::LIFETIME),
        "{operation}"
    );
    sandbox.clock().advance(V::RENEWS_AT);
}

pub async fn a_token_is_renewed_before_its_end_while_callers_keep_the_old_one<V: Renewals>() {
    let sandbox = V::strict_sandbox();
    let (session, old) = begun::<V>(&sandbox).await;
    sandbox.clock().advance(V::NOT_YET_DUE);
    assert_eq!(access::<V>(&session).await, old);
    assert_eq!(session.state(), State::Fresh);
    assert_renewals::<V>(&sandbox, 0);

    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on(V::RENEWAL));
    let rest = V::DUE.checked_sub(V::NOT_YET_DUE).unwrap();
    sandbox.clock().advance(rest);
    for _ in 0..10 {
        assert_eq!(access::<V>(&session).await, old);
    }
    gate.reached().await;
    assert_eq!(session.state(), State::Renewing);
    assert_eq!(access::<V>(&session).await, old);
    gate.release();
    assert_eq!(settled(&session).await, State::Fresh);
    let new = access::<V>(&session).await;
    assert!(new != old && V::accepts(&sandbox, &new));
    assert_renewals::<V>(&sandbox, 1);
}

pub async fn a_token_is_renewed_once_for_a_thousand_callers<V: Renewals>() {
    let sandbox = V::strict_sandbox();
    let (session, old) = begun::<V>(&sandbox).await;
    sandbox.clock().advance(V::RENEWS_AT);
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.on(V::RENEWAL));
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { access::<V>(&session).await })
        })
        .collect();
    gate.reached().await;
    gate.release();
    for caller in callers {
        assert!(V::accepts(&sandbox, &caller.await.unwrap()));
    }
    assert_eq!(settled(&session).await, State::Fresh);
    assert_ne!(access::<V>(&session).await, old);
    assert_renewals::<V>(&sandbox, 1);
}

pub async fn a_session_that_is_kept_fresh_renews_without_callers<V: Renewals>() {
    let sandbox = V::strict_sandbox();
    let session = V::session(&sandbox);
    let guard = session.refresh_in_background().unwrap();
    if let Some(operation) = V::FIRST {
        sandbox.log().until_count(operation, 1).await;
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.log().assert_count(operation, 1);
    }
    sandbox.log().clear();
    for renewals in 1..=3 {
        assert_eq!(settled(&session).await, State::Fresh);
        sandbox.clock().until_sleeping(1).await;
        sandbox.clock().advance(V::DUE);
        sandbox.log().until_count(V::RENEWAL, renewals).await;
    }
    assert_eq!(settled(&session).await, State::Fresh);
    drop(guard);
    assert!(V::accepts(&sandbox, &access::<V>(&session).await));
    assert_renewals::<V>(&sandbox, 3);
}

pub async fn an_early_renewal_that_fails_leaves_the_token_in_use_and_is_made_up_for<V: Renewals>() {
    for fault in passing_faults::<V>() {
        let sandbox = sandbox();
        let session = V::session_with_one_way(&sandbox).await;
        let old = access::<V>(&session).await;
        sandbox.log().clear();
        sandbox.clock().advance(V::DUE);
        sandbox.fault(fault.clone());
        assert_eq!(access::<V>(&session).await, old);
        assert!(
            matches!(settled(&session).await, State::Failing { .. }),
            "{fault:?}"
        );
        let sent = sandbox.log().count(V::RENEWAL);
        assert_eq!(access::<V>(&session).await, old);
        assert!(
            matches!(session.state(), State::Failing { .. }),
            "{fault:?}"
        );
        assert_renewals::<V>(&sandbox, sent);

        sandbox.clear_faults();
        sandbox.clock().advance(V::NEXT_TRY);
        session.headers().await.unwrap();
        assert_eq!(settled(&session).await, State::Fresh, "{fault:?}");
        assert_ne!(access::<V>(&session).await, old, "{fault:?}");
        assert_renewals::<V>(&sandbox, sent + 1);
    }
}

pub async fn a_refusal_of_one_token_that_is_reported_often_causes_one_renewal<V: Renewals>() {
    let sandbox = sandbox();
    let (session, _) = begun::<V>(&sandbox).await;
    // A token that is asked for in the same second may be the same.
    sandbox.clock().advance(Duration::from_secs(60));
    let refused = session.auth_headers().await.unwrap();
    V::end_reported_token(&sandbox);
    for _ in 0..5 {
        session.invalidate(&refused);
        let auth_headers = session.auth_headers().await.unwrap();
        V::check(&V::client(&sandbox), &auth_headers).await.unwrap();
    }
    sandbox.log().assert_count(V::RENEWAL, 1);
}

pub fn a_session_is_used_from_two_runtimes_one_after_the_other<V: Renewals>() {
    let sandbox = sandbox();
    let first = runtime();
    let (session, old) = first.block_on(begun::<V>(&sandbox));
    let renewed = async || {
        sandbox.clock().advance(V::RENEWS_AT);
        access::<V>(&session).await;
        settled(&session).await;
        access::<V>(&session).await
    };
    // The first runtime is alive, but does not run.
    let second = runtime();
    let new = second.block_on(renewed());
    assert_ne!(new, old);
    drop(first);
    assert_ne!(runtime().block_on(renewed()), new);
    assert_renewals::<V>(&sandbox, 2);
}

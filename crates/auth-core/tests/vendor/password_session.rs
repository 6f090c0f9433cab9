//! What holds for the session of every vendor that has a log-in with a password, by which a session
//! can renew after the end of its token: a module of such a vendor crate's `tests/it/session.rs`.
//! Beside what `session.rs` and `renewed_session.rs` ask for, it supplies
//!
//! - `LOG_IN`: the operation of that log-in;
//! - `end_tokens(&sandbox)`: the vendor ends the user's access tokens before their time;
//! - `change_password(&sandbox)`: the user gets another password, and nothing but that is of use.

use std::time::Duration;

use auth_core::{ErrorKind, MemoryStore, State};

use super::every_vendor::{assert_renewals, passing_faults, stored};
use super::every_vendor_that_renews::begun;
use super::{
    LOG_IN, RENEWAL, accepts, access, change_password, check, end_tokens, session_with_one_way,
};
use crate::set_up::{LIFETIME, client, email, sandbox, session};

#[tokio::test]
async fn a_wrong_password_is_sent_once_by_a_session() {
    let sandbox = sandbox();
    let session = client(&sandbox)
        .session_with_password(email(&sandbox), "not the password")
        .unwrap();
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{error:?}");
        sandbox.clock().advance(LIFETIME);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    sandbox.log().assert_count(LOG_IN, 1);
    assert_eq!(sandbox.log().entries().len(), 1);
}

#[tokio::test]
async fn a_password_that_became_wrong_is_not_tried_twice() {
    let sandbox = sandbox();
    let (session, _) = begun(&sandbox).await;
    change_password(&sandbox);
    for _ in 0..3 {
        sandbox.clock().advance(LIFETIME);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{error:?}");
    }
    sandbox.log().assert_count(RENEWAL, 1);
    sandbox.log().assert_count(LOG_IN, 1);
}

#[tokio::test]
async fn a_dead_token_that_is_reported_causes_one_renewal() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let (session, _) = begun(&sandbox).await;
    let dead = session.auth_headers().await.unwrap();
    end_tokens(&sandbox);
    let error = check(&client, &dead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    for _ in 0..5 {
        session.invalidate(&dead);
        let auth_headers = session.auth_headers().await.unwrap();
        check(&client, &auth_headers).await.unwrap();
    }
    sandbox.log().assert_count(RENEWAL, 1);
}

#[tokio::test]
async fn a_second_session_uses_the_first_ones_token_from_the_store_without_a_request() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (first, _) = stored(&sandbox, &store);
    let token = access(&first).await;
    drop(first);
    sandbox.log().clear();
    let (second, _) = stored(&sandbox, &store);
    assert_eq!(access(&second).await, token);
    assert_renewals(&sandbox, 0);

    sandbox.clock().advance(LIFETIME);
    let (third, _) = stored(&sandbox, &store);
    let renewed = access(&third).await;
    assert_ne!(renewed, token);
    assert_eq!(access(&second).await, renewed);
    assert_renewals(&sandbox, 1);
}

#[tokio::test]
async fn after_a_log_out_a_session_logs_in_again_when_it_is_asked_to() {
    let sandbox = sandbox();
    let session = session(&sandbox);
    let old = access(&session).await;
    session.log_out().await.unwrap();
    sandbox.log().clear();
    session.headers().await.unwrap_err();
    assert_eq!(sandbox.log().entries().len(), 0);

    session.renew().await.unwrap();
    let new = access(&session).await;
    assert!(new != old && accepts(&sandbox, &new));
    sandbox.log().assert_count(LOG_IN, 1);
    assert_eq!(sandbox.log().entries().len(), 1);
}

#[tokio::test]
async fn a_session_gets_over_every_fault_of_its_renewal() {
    for fault in passing_faults() {
        let sandbox = sandbox();
        let session = session_with_one_way(&sandbox).await;
        session.headers().await.unwrap();
        sandbox.clock().advance(LIFETIME);
        sandbox.fault(fault.clone());
        let error = session.headers().await.unwrap_err();
        assert!(error.kind().is_transient(), "{fault:?}: {error:?}");
        assert!(
            matches!(session.state(), State::Failing { .. }),
            "{fault:?}"
        );
        let sent = sandbox.log().count(RENEWAL);
        session.headers().await.unwrap_err();
        sandbox.log().assert_count(RENEWAL, sent);

        sandbox.clear_faults();
        sandbox.clock().advance(Duration::from_secs(3_600));
        session.headers().await.unwrap();
        assert_eq!(session.state(), State::Fresh, "{fault:?}");
    }
}

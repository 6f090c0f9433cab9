//! What holds for the session of every vendor that has a log-in with a password, by which a session
//! can renew after the end of its token.

use std::time::Duration;

use auth_core::{AuthError as _, ErrorKind, MemoryStore, State};

use crate::renewed_session::begun;
use crate::session::{access, assert_renewals, odd_answers, passing_faults};
use crate::{PasswordLogin, sandbox};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! password_session {
    ($vendor:ty) => {
        $crate::tests! { $vendor, password_session:
            #[tokio::test]
            async fn a_wrong_password_is_sent_once_by_a_session();
            #[tokio::test]
            async fn a_password_that_became_wrong_is_not_tried_twice();
            #[tokio::test]
            async fn a_dead_token_that_is_reported_causes_one_renewal();
            #[tokio::test]
            async fn a_second_session_uses_the_first_ones_token_from_the_store_without_a_request();
            #[tokio::test]
            async fn after_a_log_out_a_session_logs_in_again_when_it_is_asked_to();
            #[tokio::test]
            async fn a_session_gets_over_every_fault_of_its_renewal();
            #[tokio::test]
            async fn a_log_in_that_was_answered_without_a_token_is_sent_once();
        }
    };
}

pub async fn a_wrong_password_is_sent_once_by_a_session<V: PasswordLogin>() {
    let sandbox = sandbox();
    let client = V::client(&sandbox);
    let session = V::session_with_password(&client, V::email(&sandbox), "not the password");
    for _ in 0..3 {
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{error:?}");
        sandbox.clock().advance(V::LIFETIME);
    }
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    sandbox.log().assert_count(V::LOG_IN, 1);
    assert_eq!(sandbox.log().entries().len(), 1);
}

pub async fn a_password_that_became_wrong_is_not_tried_twice<V: PasswordLogin>() {
    let sandbox = sandbox();
    let (session, _) = begun::<V>(&sandbox).await;
    V::change_password(&sandbox);
    for _ in 0..3 {
        sandbox.clock().advance(V::LIFETIME);
        let error = session.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{error:?}");
    }
    sandbox.log().assert_count(V::RENEWAL, 1);
    sandbox.log().assert_count(V::LOG_IN, 1);
}

pub async fn a_dead_token_that_is_reported_causes_one_renewal<V: PasswordLogin>() {
    let sandbox = sandbox();
    let client = V::client(&sandbox);
    let (session, _) = begun::<V>(&sandbox).await;
    let dead = session.auth_headers().await.unwrap();
    V::end_tokens(&sandbox);
    let error = V::check(&client, &dead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    for _ in 0..5 {
        session.invalidate(&dead);
        let auth_headers = session.auth_headers().await.unwrap();
        V::check(&client, &auth_headers).await.unwrap();
    }
    sandbox.log().assert_count(V::RENEWAL, 1);
}

pub async fn a_second_session_uses_the_first_ones_token_from_the_store_without_a_request<
    V: PasswordLogin,
>() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let first = V::session_in_store(&sandbox, store.clone());
    let token = access::<V>(&first).await;
    drop(first);
    sandbox.log().clear();
    let second = V::session_in_store(&sandbox, store.clone());
    assert_eq!(access::<V>(&second).await, token);
    assert_renewals::<V>(&sandbox, 0);

    sandbox.clock().advance(V::LIFETIME);
    let third = V::session_in_store(&sandbox, store.clone());
    let renewed = access::<V>(&third).await;
    assert_ne!(renewed, token);
    assert_eq!(access::<V>(&second).await, renewed);
    assert_renewals::<V>(&sandbox, 1);
}

pub async fn after_a_log_out_a_session_logs_in_again_when_it_is_asked_to<V: PasswordLogin>() {
    let sandbox = sandbox();
    let session = V::session(&sandbox);
    let old = access::<V>(&session).await;
    session.log_out().await.unwrap();
    sandbox.log().clear();
    session.headers().await.unwrap_err();
    assert_eq!(sandbox.log().entries().len(), 0);

    session.renew().await.unwrap();
    let new = access::<V>(&session).await;
    assert!(new != old && V::accepts(&sandbox, &new));
    sandbox.log().assert_count(V::LOG_IN, 1);
    assert_eq!(sandbox.log().entries().len(), 1);
}

pub async fn a_session_gets_over_every_fault_of_its_renewal<V: PasswordLogin>() {
    for fault in passing_faults::<V>() {
        let sandbox = sandbox();
        let session = V::session_with_one_way(&sandbox).await;
        session.headers().await.unwrap();
        sandbox.clock().advance(V::LIFETIME);
        sandbox.fault(fault.clone());
        let error = session.headers().await.unwrap_err();
        assert!(error.kind().is_transient(), "{fault:?}: {error:?}");
        assert!(
            matches!(session.state(), State::Failing { .. }),
            "{fault:?}"
        );
        let sent = sandbox.log().count(V::RENEWAL);
        sandbox.clock().advance(Duration::from_millis(300));
        let error = session.headers().await.unwrap_err();
        sandbox.log().assert_count(V::RENEWAL, sent);
        let State::Failing { retry_after, .. } = session.state() else {
            panic!("{fault:?}: {session:?}")
        };
        assert_eq!(error.retry_after(), Some(retry_after), "{fault:?}");

        sandbox.clear_faults();
        sandbox.clock().advance(Duration::from_secs(3_600));
        session.headers().await.unwrap();
        assert_eq!(session.state(), State::Fresh, "{fault:?}");
    }
}

pub async fn a_log_in_that_was_answered_without_a_token_is_sent_once<V: PasswordLogin>() {
    for fault in odd_answers(V::LOG_IN) {
        let sandbox = sandbox();
        let session = V::session(&sandbox);
        sandbox.fault(fault.clone());
        for _ in 0..3 {
            session.headers().await.unwrap_err();
            sandbox.clock().advance(V::LIFETIME);
        }
        assert!(
            matches!(session.state(), State::LoginRequired { .. }),
            "{fault:?}: {session:?}"
        );
        sandbox.log().assert_count(V::LOG_IN, 1);
        // A person may ask for another one.
        sandbox.clear_faults();
        session.renew().await.unwrap();
        assert_eq!(session.state(), State::Fresh, "{fault:?}");
        sandbox.log().assert_count(V::LOG_IN, 2);
    }
}

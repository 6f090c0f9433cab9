//! What holds for the session of every vendor whose log-in needs a person.

use auth_core::{ErrorKind, ExposeSecret as _, MemoryStore, Renew, State, TokenStore as _};

use crate::session::{access, assert_renewals, log_in};
use crate::{InteractiveLogin, sandbox};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! login_session {
    ($vendor:ty) => {
        $crate::tests! { $vendor, login_session:
            #[tokio::test]
            async fn a_session_without_a_token_needs_a_log_in_and_sends_nothing();
            #[tokio::test]
            async fn a_session_resumes_from_its_store_without_a_request();
        }
    };
}

/// Why the user must log in.
#[track_caller]
pub fn login_required<R: Renew>(session: &auth_core::Session<R>) -> (ErrorKind, String) {
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    (reason.kind(), reason.to_string())
}

pub async fn a_session_without_a_token_needs_a_log_in_and_sends_nothing<V: InteractiveLogin>() {
    let sandbox = sandbox();
    let session = V::session_without_token(&sandbox);
    let error = session.headers().await.unwrap_err();
    assert!(V::is_login_required(&error), "{error:?}");
    assert!(login_required(&session).1.contains("no token"));
    assert_eq!(sandbox.log().entries().len(), 0);

    session
        .set_token(log_in::<V>(&sandbox).await)
        .await
        .unwrap();
    assert!(V::accepts(&sandbox, &access::<V>(&session).await));
}

pub async fn a_session_resumes_from_its_store_without_a_request<V: InteractiveLogin>() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let first = V::session_in_store(&sandbox, store.clone());
    first.set_token(log_in::<V>(&sandbox).await).await.unwrap();
    let token = access::<V>(&first).await;
    drop(first);
    sandbox.log().clear();
    let kept = store.load(&V::key(&sandbox)).await.unwrap().unwrap();
    assert_eq!(kept.access().expose_secret(), token);
    V::assert_users(&sandbox, kept);
    let second = V::session_in_store(&sandbox, store.clone());
    assert_eq!(access::<V>(&second).await, token);
    assert_eq!(second.state(), State::Fresh);
    assert_renewals::<V>(&sandbox, 0);
}

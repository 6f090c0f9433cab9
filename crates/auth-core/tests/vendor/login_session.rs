//! What holds for the session of every vendor whose log-in wants a person: a module of such a vendor
//! crate's `tests/it/session.rs`. Beside what `session.rs` asks for, it supplies
//!
//! - `accepts(&sandbox, access)`: whether the vendor accepts a token;
//! - `assert_users(&sandbox, token)`: that a kept token says that it is the sandbox's user's.

use auth_core::{
    ErrorKind, ExposeSecret as _, MemoryStore, Renew, Session, State, TokenStore as _,
};

use super::every_vendor::{assert_renewals, stored};
use super::{Error, accepts, access, assert_users, key, session_builder};
use crate::set_up::{log_in, sandbox};

/// Why somebody must log in.
#[track_caller]
pub(super) fn login_required<R: Renew>(session: &Session<R>) -> (ErrorKind, String) {
    let State::LoginRequired { reason } = session.state() else {
        panic!("{session:?}")
    };
    (reason.kind(), reason.to_string())
}

#[tokio::test]
async fn a_session_without_a_token_needs_a_log_in_and_sends_nothing() {
    let sandbox = sandbox();
    let session = session_builder(&sandbox).build().unwrap();
    let error = session.headers().await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
    assert!(login_required(&session).1.contains("no token"));
    assert_eq!(sandbox.log().entries().len(), 0);

    session
        .set_token(log_in(&sandbox).await.into())
        .await
        .unwrap();
    assert!(accepts(&sandbox, &access(&session).await));
}

#[tokio::test]
async fn a_session_resumes_from_its_store_without_a_request() {
    let (sandbox, store) = (sandbox(), MemoryStore::new());
    let (first, _) = stored(&sandbox, &store);
    first
        .set_token(log_in(&sandbox).await.into())
        .await
        .unwrap();
    let token = access(&first).await;
    drop(first);
    sandbox.log().clear();
    let kept = store.load(&key(&sandbox)).await.unwrap().unwrap();
    assert_eq!(kept.access().expose_secret(), token);
    assert_users(&sandbox, kept);
    let (second, _) = stored(&sandbox, &store);
    assert_eq!(access(&second).await, token);
    assert_eq!(second.state(), State::Fresh);
    assert_renewals(&sandbox, 0);
}

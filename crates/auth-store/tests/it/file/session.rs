//! Sessions that keep their token in files.

use std::sync::atomic::Ordering;

use auth_core::Session;

use super::*;
use crate::vendor::Vendor;

fn session(vendor: &Vendor, store: FileStore) -> Session<Vendor> {
    let session = Session::builder(vendor.clone()).store_as(store, key());
    session.build().unwrap()
}

#[tokio::test]
async fn sessions_that_share_a_directory_renew_once_and_a_later_one_does_not() {
    let (directory, store) = store();
    let vendor = Vendor::default();
    let sessions: Vec<_> = (0..10)
        .map(|_| session(&vendor, in_directory(directory.path())))
        .collect();
    let mut callers = tokio::task::JoinSet::new();
    for session in sessions {
        callers.spawn(async move { session.headers().await.unwrap() });
    }
    for headers in callers.join_all().await {
        assert_eq!(headers["authorization"], "Bearer access-1");
    }
    assert_eq!(vendor.0.load(Ordering::SeqCst), 1);
    // The program starts again.
    let later = session(&vendor, store.clone());
    assert_eq!(
        later.headers().await.unwrap()["authorization"],
        "Bearer access-1"
    );
    assert_eq!(held(&store).await, Some(1));
    later.renew().await.unwrap();
    assert_eq!(held(&store).await, Some(2));
    later.log_out().await.unwrap();
    assert_eq!(held(&store).await, None);
    assert_eq!(files(&store, "lease"), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_session_says_why_its_token_is_not_saved() {
    let (_directory, store) = store();
    put(&store, &token("a", 1)).await;
    let path = file(&store, "token");
    set_mode(&path, 0o644);
    let vendor = Vendor::default();
    let error = session(&vendor, store).headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("run `chmod 600"), "{error}");
    assert_eq!(vendor.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_session_that_can_log_in_is_not_blocked_by_a_damaged_record() {
    for content in [&b""[..], &[0; 700], b"{\"format\":\"auth-st"] {
        let (_directory, store) = store();
        put(&store, &token("a", 1)).await;
        std::fs::write(file(&store, "token"), content).unwrap();
        let vendor = Vendor::default();
        let session = session(&vendor, store.clone());
        let headers = session.headers().await.unwrap();
        assert_eq!(headers["authorization"], "Bearer access-1");
        assert_eq!(session.state(), auth_core::State::Fresh);
        assert!(held(&store).await.is_some());
        assert_eq!(std::fs::read(file(&store, "damaged")).unwrap(), content);
    }
}

//! Sessions that keep their token in Redis.

use std::sync::atomic::Ordering;
use std::time::Duration;

use auth_core::{ErrorKind, ExposeSecret as _, Session, SessionBuilder, State, TokenStore as _};
use auth_store::RedisStore;

use super::server::Server;
use crate::samples::key;
use crate::vendor::Vendor;

fn session(vendor: &Vendor, store: RedisStore) -> SessionBuilder<Vendor> {
    Session::builder(vendor.clone()).store_as(store, key())
}

fn shown(session: &Session<Vendor>) -> Option<String> {
    let headers = session.try_headers()?;
    Some(headers["authorization"].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn sessions_on_many_machines_renew_once_and_all_get_the_token_at_once() {
    let server = Server::start();
    let vendor = Vendor::default();
    let sessions: Vec<_> = (0..10)
        .map(|_| session(&vendor, server.store()).build().unwrap())
        .collect();
    let mut callers = tokio::task::JoinSet::new();
    for session in sessions.clone() {
        callers.spawn(async move { session.headers().await.unwrap() });
    }
    for headers in callers.join_all().await {
        assert_eq!(headers["authorization"], "Bearer access-1");
    }
    assert_eq!(vendor.0.load(Ordering::SeqCst), 1);
    let mut look = server.look();
    look.until("all watch", |look| {
        let (_, watchers): (String, usize) = {
            let channel = look.ask::<Vec<String>>("PUBSUB CHANNELS").remove(0);
            look.ask(&format!("PUBSUB NUMSUB {channel}"))
        };
        watchers == sessions.len()
    });
    sessions[0].renew().await.unwrap();
    look.until("all have the new token", |_| {
        sessions
            .iter()
            .all(|it| shown(it).as_deref() == Some("Bearer access-2"))
    });
    assert_eq!(vendor.0.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn no_caller_sees_an_error_while_its_token_is_valid() {
    let mut server = Server::start();
    let vendor = Vendor::default();
    let store = server
        .builder()
        .timeout(Duration::from_millis(400))
        .build()
        .unwrap();
    let session = session(&vendor, store.clone()).build().unwrap();
    session.headers().await.unwrap();
    for is_partition in [false, true] {
        if is_partition {
            server.signal("STOP");
        } else {
            server.kill();
        }
        // A caller that demands another token gets the reason why there is none.
        let error = session.renew().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{error}");
        for _ in 0..100 {
            session.headers().await.unwrap();
        }
        if is_partition {
            server.signal("CONT");
        } else {
            server.restart();
        }
        session.renew().await.unwrap();
        assert_eq!(session.state(), State::Fresh);
        let saved = store.load(&key()).await.unwrap().unwrap();
        let number = vendor.0.load(Ordering::SeqCst);
        assert_eq!(shown(&session), Some(format!("Bearer access-{number}")));
        // A lease that was not obtained has incremented the fence, too.
        assert!(saved.generation() >= number, "{saved:?}");
        assert_eq!(saved.access().expose_secret(), format!("access-{number}"));
    }
}

#[tokio::test]
async fn without_the_server_only_a_session_that_may_renews_and_reports_that_it_had_no_lease() {
    let mut server = Server::start();
    server.kill();
    let vendor = Vendor::default();
    let careful = session(&vendor, server.store()).build().unwrap();
    assert_eq!(
        careful.headers().await.unwrap_err().kind(),
        ErrorKind::Store
    );
    assert_eq!(vendor.0.load(Ordering::SeqCst), 0);
    let bold = session(&vendor, server.store()).renew_without_lease();
    let bold = bold.build().unwrap();
    bold.headers().await.unwrap();
    let State::RenewedWithoutLease { reason } = bold.state() else {
        panic!("{bold:?}")
    };
    assert!(
        reason.to_string().contains("refuses connections"),
        "{reason}"
    );
}

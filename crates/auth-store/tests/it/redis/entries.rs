//! The entries on the server, and what never replaces them.

use std::time::{Duration, SystemTime};

use auth_core::{ErrorKind, Expiry, SaveOutcome, Token, TokenStore as _};

use super::proxy::Proxy;
use super::server::Server;
use crate::samples::{key, key_of, put, token};
use auth_store::RedisStore;

#[tokio::test]
async fn a_later_token_is_kept_when_an_earlier_one_is_saved() {
    let server = Server::start();
    let store = server.store();
    for (token, expected) in [
        (token("one", 1), SaveOutcome::Saved),
        (token("two", 2), SaveOutcome::Saved),
        // Saved again, after a lost reply.
        (token("two", 2), SaveOutcome::Saved),
        (token("one", 1), SaveOutcome::Superseded),
        // Another token of the same generation.
        (token("nine", 2), SaveOutcome::Superseded),
        // Generations that are equal as Lua numbers.
        (token("great", (1 << 60) + 1), SaveOutcome::Saved),
        (token("less", 1 << 60), SaveOutcome::Superseded),
    ] {
        let saved = store.save(&key(), &token).await.unwrap();
        assert_eq!(saved, expected, "{token:?}");
    }
    let kept = store.load(&key()).await.unwrap().unwrap();
    assert_eq!(kept.fingerprint(), token("great", 0).fingerprint());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_workers_that_save_at_once_the_latest_wins_and_none_fails() {
    let server = Server::start();
    let stores: Vec<_> = (0..8).map(|_| server.store()).collect();
    let savers: Vec<_> = (1..=200_u64)
        .map(|generation| {
            let store = stores[usize::try_from(generation).unwrap() % stores.len()].clone();
            tokio::spawn(async move {
                let token = token(&format!("t{generation}"), generation);
                store.save(&key(), &token).await.unwrap()
            })
        })
        .collect();
    let mut saved = 0;
    for saver in savers {
        saved += u32::from(saver.await.unwrap() == SaveOutcome::Saved);
    }
    assert!(saved >= 1);
    let kept = stores[0].load(&key()).await.unwrap().unwrap();
    assert_eq!(kept.generation(), 200);
    assert_eq!(kept.fingerprint(), token("t200", 0).fingerprint());
}

#[tokio::test]
async fn a_request_is_repeated_after_a_lost_reply_and_changes_nothing_twice() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let store = RedisStore::builder(url.into()).build().unwrap();
    for generation in 1..=2 {
        proxy.lose_a_reply();
        let token = token(&format!("t{generation}"), generation);
        put(&store, &token).await;
        assert!(proxy.has_lost_it());
    }
    for fence in [3, 4] {
        proxy.lose_a_reply();
        let lease = store.lease(&key()).await.unwrap();
        assert!(proxy.has_lost_it());
        assert_eq!((lease.fence(), lease.was_abandoned()), (fence, false));
        proxy.lose_a_reply();
        lease.release().await.unwrap();
        assert!(proxy.has_lost_it());
    }
}

#[tokio::test]
async fn an_entry_expires_after_its_token_and_the_margin() {
    let server = Server::start();
    let hour = Duration::from_secs(3600);
    let store = server.builder().keep_after_end(2 * hour).build().unwrap();
    let mut look = server.look();
    let now = SystemTime::now();
    let mut generation = 0;
    let mut left = async |expiry| {
        generation += 1;
        let token = Token::new("a".into(), expiry, now).with_generation(generation);
        put(&store, &token).await;
        let name = look.name("token");
        look.ask::<i64>(&format!("PTTL {name}"))
    };
    for (expiry, hours) in [
        (Expiry::At(now + hour), Some(3)),
        (Expiry::Never, None),
        // A token that has expired is kept for its refresh token.
        (Expiry::At(now - hour), Some(2)),
        // The server's numbers would overflow.
        (Expiry::from_unix_seconds(9_000_000_000_000), None),
    ] {
        let left = left(expiry).await;
        let is_near = |hours: i64| (left - hours * 3_600_000).abs() < 60_000;
        assert!(hours.map_or(left == -1, is_near), "{expiry:?}: {left} ms");
    }
}

/// The record of another key.
const OTHER_KEYS: &str = r#"{"format":"auth-store","version":1,"key":{"vendor":"iqm","account":"other","scope":"","base_url":""},"generation":1,"token":{"access":"a","refresh":null,"expires_at_ms":null,"issued_at_ms":0,"attributes":{}}}"#;

#[tokio::test]
async fn a_record_that_cannot_be_read_is_reported_and_kept() {
    let server = Server::start();
    let store = server.store();
    let mut look = server.look();
    put(&store, &token("one", 1)).await;
    let name = look.name("token");
    let later = r#"{"format":"auth-store","version":77,"key":1}"#;
    for (record, said) in [
        (later, "record version 77"),
        ("torn", "not a record of auth-store"),
        (OTHER_KEYS, "the record of another key"),
    ] {
        let _: i64 = look.ask(&format!("HSET {name} record {record}"));
        let load = store.load(&key()).await.unwrap_err();
        let save = store.save(&key(), &token("two", 2)).await.unwrap_err();
        let list = store.list().await.unwrap_err();
        for error in [load, save, list] {
            assert_eq!(error.kind(), ErrorKind::Store);
            let shown = error.to_string();
            assert!(shown.contains(said) && shown.contains(&name), "{shown}");
        }
        assert_eq!(look.ask::<String>(&format!("HGET {name} record")), record);
    }
}

#[tokio::test]
async fn an_entry_of_another_program_under_a_name_of_the_store_is_left_alone() {
    let server = Server::start();
    let store = server.store();
    let mut look = server.look();
    put(&store, &token("one", 1)).await;
    let name = look.name("token");
    for foreign in ["SET NAME value", "HSET NAME colour red"] {
        let _: i64 = look.ask(&format!("DEL {name}"));
        let _: redis::Value = look.ask(&foreign.replace("NAME", &name));
        let before: Vec<u8> = look.ask(&format!("DUMP {name}"));
        let error = store.save(&key(), &token("two", 2)).await.unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
        assert_eq!(look.ask::<Vec<u8>>(&format!("DUMP {name}")), before);
    }
}

#[tokio::test]
async fn stores_with_two_prefixes_see_nothing_of_each_other() {
    let server = Server::start();
    let mut look = server.look();
    let [odd, even] =
        [r"o*[d]?d\:", "oxdxd:"].map(|it| server.builder().prefix(it).build().unwrap());
    for number in 0..1200 {
        let account = format!("user{number}0@iqm.com");
        let _ = odd.save(&key_of(&account), &token("one", 1)).await.unwrap();
    }
    put(&even, &token("two", 1)).await;
    let _: redis::Value = look.ask("SET unrelated 1");
    let listed = odd.list().await.unwrap();
    assert_eq!(listed.len(), 1200);
    assert!(listed.is_sorted());
    assert_eq!(even.list().await.unwrap(), [key()]);
    assert!(odd.load(&key()).await.unwrap().is_none());
    even.delete(&key()).await.unwrap();
    even.delete(&key()).await.unwrap();
    assert_eq!(even.list().await.unwrap(), []);
    assert_eq!(odd.list().await.unwrap().len(), 1200);
}

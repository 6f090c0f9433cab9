//! What stands on the server, and what is never put in its place.

use std::time::{Duration, SystemTime};

use auth_core::{ErrorKind, Expiry, SaveOutcome, Token, TokenStore as _};

use super::proxy::Proxy;
use super::server::{Server, key, key_of, token};
use auth_store::RedisStore;

#[tokio::test]
async fn a_later_token_is_kept_whatever_is_saved_after_it() {
    let server = Server::start();
    let store = server.store();
    for (token, expected) in [
        (token("one", 1), SaveOutcome::Saved),
        (token("two", 2), SaveOutcome::Saved),
        // SaveOutcome again after a lost answer.
        (token("two", 2), SaveOutcome::Saved),
        (token("one", 1), SaveOutcome::Superseded),
        // Another one of the same generation.
        (token("nine", 2), SaveOutcome::Superseded),
        // More than a Lua number can tell apart.
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
async fn of_many_who_save_at_once_the_latest_wins_and_nobody_fails() {
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
    let mut done = 0;
    for saver in savers {
        done += u32::from(saver.await.unwrap() == SaveOutcome::Saved);
    }
    assert!(done >= 1);
    let kept = stores[0].load(&key()).await.unwrap().unwrap();
    assert_eq!(kept.generation(), 200);
    assert_eq!(kept.fingerprint(), token("t200", 0).fingerprint());
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_and_nothing_happens_twice() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let store = RedisStore::builder(url.into()).build().unwrap();
    for generation in 1..=2 {
        proxy.lose_an_answer();
        let token = token(&format!("t{generation}"), generation);
        assert_eq!(
            store.save(&key(), &token).await.unwrap(),
            SaveOutcome::Saved
        );
        assert!(proxy.has_lost_it());
    }
    for fence in [3, 4] {
        proxy.lose_an_answer();
        let lease = store.lease(&key()).await.unwrap();
        assert!(proxy.has_lost_it());
        assert_eq!((lease.fence(), lease.was_abandoned()), (fence, false));
        proxy.lose_an_answer();
        lease.release().await.unwrap();
        assert!(proxy.has_lost_it());
    }
}

#[tokio::test]
async fn an_entry_ends_after_its_token_and_the_margin() {
    let server = Server::start();
    let hour = Duration::from_secs(3600);
    let store = server.builder().keep_after_end(2 * hour).build().unwrap();
    let mut look = server.look();
    let now = SystemTime::now();
    let mut generation = 0;
    let mut left = async |expiry| {
        generation += 1;
        let token = Token::new("a".into(), expiry, now).with_generation(generation);
        assert_eq!(
            store.save(&key(), &token).await.unwrap(),
            SaveOutcome::Saved
        );
        let name = look.name("token");
        look.ask::<i64>(&format!("PTTL {name}"))
    };
    let near = |left: i64, hours: i64| (left - hours * 3_600_000).abs() < 60_000;
    let one_hour = left(Expiry::At(now + hour)).await;
    assert!(near(one_hour, 3), "{one_hour}");
    assert_eq!(left(Expiry::Never).await, -1);
    // One that has ended is kept for its refresh token.
    let ended = left(Expiry::At(now - hour)).await;
    assert!(near(ended, 2), "{ended}");
    // The server's sums would overflow.
    assert_eq!(left(Expiry::from_unix_seconds(9_000_000_000_000)).await, -1);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_kept() {
    let server = Server::start();
    let store = server.store();
    let mut look = server.look();
    let _ = store.save(&key(), &token("one", 1)).await.unwrap();
    let name = look.name("token");
    let later = r#"{"format":"auth-store","version":77,"key":1}"#;
    for (record, said) in [
        (later, "record version 77"),
        ("torn", "no record of auth-store"),
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
async fn what_somebody_else_keeps_under_a_name_of_ours_is_left_alone() {
    let server = Server::start();
    let store = server.store();
    let mut look = server.look();
    let _ = store.save(&key(), &token("one", 1)).await.unwrap();
    let name = look.name("token");
    for theirs in ["SET NAME theirs", "HSET NAME colour red"] {
        let _: i64 = look.ask(&format!("DEL {name}"));
        let _: redis::Value = look.ask(&theirs.replace("NAME", &name));
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
        let account = format!("someone{number}@iqm.com");
        let _ = odd.save(&key_of(&account), &token("one", 1)).await.unwrap();
    }
    let _ = even.save(&key(), &token("two", 1)).await.unwrap();
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

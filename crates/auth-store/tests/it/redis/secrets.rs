//! No secret of the URL or of a token appears in an error, in `Debug` or, if encrypted, on the server.

use std::error::Error as _;

use auth_core::{Error, ErrorKind, TokenStore as _};
use auth_store::RedisStore;

use super::server::Server;
use crate::samples::{key, put, token};

fn shown(error: &Error) -> String {
    format!("{error} {error:?} {:?}", error.source())
}

#[tokio::test]
async fn the_password_shows_nowhere() {
    let password = "correct-horse-battery-staple";
    let server = Server::start_with(&["--requirepass", password]);
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}/3", server.port);
    let builder = RedisStore::builder(url(password).into());
    assert!(!format!("{builder:?}").contains(password), "{builder:?}");
    let store = builder.build().unwrap();
    assert!(store.load(&key()).await.unwrap().is_none());
    assert!(!format!("{store:?}").contains(password), "{store:?}");
    let wrong = "wrong-horse-battery-staple";
    for url in [url(wrong), server.url()] {
        let store = RedisStore::builder(url.into()).build().unwrap();
        let error = store.load(&key()).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("refuses the user or the password"),
            "{error}"
        );
        assert!(!shown(&error).contains(wrong), "{error:?}");
    }
    for bad in [
        "redis://:PASSWORD@127.0.0.1:port",
        "redis://:PASSWORD@host/db",
        "http://:PASSWORD@host",
    ] {
        let url = bad.replace("PASSWORD", password);
        let error = RedisStore::builder(url.into()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!shown(&error).contains(password), "{error:?}");
    }
}

#[tokio::test]
async fn a_password_that_is_corrected_on_the_server_is_used_from_then_on() {
    let server = Server::start_with(&["--requirepass", "old"]);
    let url = format!("redis://:new@127.0.0.1:{}", server.port);
    let store = RedisStore::builder(url.into()).build().unwrap();
    store.load(&key()).await.unwrap_err();
    let url = format!("redis://:old@127.0.0.1:{}", server.port);
    let mut admin = redis::Client::open(url).unwrap().get_connection().unwrap();
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("requirepass").arg("new");
    let _: String = set.query(&mut admin).unwrap();
    assert!(store.load(&key()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_rights_that_the_documentation_names_are_enough_and_needed() {
    let server = Server::start();
    let mut look = server.look();
    let rights = "~auth-store:* &auth-store:* +@connection +@scripting +@read +@write +@pubsub";
    let _: String = look.ask(&format!("ACL SETUSER worker on >pass {rights}"));
    let url = format!("redis://worker:pass@127.0.0.1:{}", server.port);
    let store = RedisStore::builder(url.clone().into()).build().unwrap();
    let lease = store.lease(&key()).await.unwrap();
    put(&store, &token("one", 5)).await;
    assert_eq!(store.list().await.unwrap(), [key()]);
    lease.release().await.unwrap();
    let other = RedisStore::builder(url.into())
        .prefix("other:")
        .build()
        .unwrap();
    let error = other.save(&key(), &token("one", 5)).await.unwrap_err();
    assert!(
        error.to_string().contains("does not let this user"),
        "{error}"
    );
    assert!(!shown(&error).contains("refresh-one"), "{error:?}");
}

#[cfg(feature = "encryption")]
#[tokio::test]
async fn an_encrypted_store_shows_the_server_no_token_and_names_a_wrong_key() {
    use auth_store::EncryptionKey;
    let server = Server::start();
    let key_of = |byte| EncryptionKey::new(Box::new([byte; 32]).into());
    let store = server.builder().encrypt_with(key_of(1)).build().unwrap();
    let access = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
    put(&store, &token(access, 1)).await;
    let mut look = server.look();
    let name = look.name("token");
    let all = look
        .ask::<Vec<String>>(&format!("HGETALL {name}"))
        .join(" ");
    assert!(all.contains("sealed") && !all.contains(access), "{all}");
    assert!(!all.contains("refresh-"), "{all}");
    for other in [
        server.builder().encrypt_with(key_of(2)).build().unwrap(),
        server.store(),
    ] {
        let load = other.load(&key()).await.unwrap_err();
        let save = other.save(&key(), &token("two", 2)).await.unwrap_err();
        for error in [load, save] {
            assert!(error.to_string().contains("encrypted"), "{error}");
        }
    }
    let kept = store.load(&key()).await.unwrap().unwrap();
    assert_eq!(kept.fingerprint(), token(access, 1).fingerprint());
}

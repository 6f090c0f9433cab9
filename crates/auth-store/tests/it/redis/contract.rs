//! The Redis store keeps the contract of all stores.

use std::time::Duration;

use auth_store::testing::contract;

use super::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_redis_store_keeps_the_contract() {
    let server = Server::start();
    contract(async || {
        let builder = server.builder().lease_wait(Duration::from_millis(300));
        builder.build().unwrap()
    })
    .await;
    // The entries that are left serve workers that were interrupted, and expire by themselves.
    let mut look = server.look();
    for name in look.ask::<Vec<String>>("KEYS *") {
        assert!(
            !name.ends_with(":token") && !name.ends_with(":lease"),
            "{name}"
        );
        assert!(look.ask::<i64>(&format!("PTTL {name}")) > 0, "{name}");
    }
}

#[cfg(feature = "encryption")]
#[tokio::test]
async fn the_redis_store_keeps_the_contract_with_encryption() {
    let server = Server::start();
    contract(async || {
        let key = auth_store::EncryptionKey::new(Box::new([7; 32]).into());
        let builder = server.builder().encrypt_with(key);
        builder
            .lease_wait(Duration::from_millis(300))
            .build()
            .unwrap()
    })
    .await;
}

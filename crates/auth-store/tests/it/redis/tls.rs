//! The store over TLS: the server's certificate is checked.

use auth_core::TokenStore as _;
use auth_store::RedisStore;
use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::server::Server;
use crate::samples::{key, put, token};

#[tokio::test]
async fn a_trusted_server_is_used_over_tls_and_another_is_refused() {
    let names = vec!["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("cert.pem"), cert.pem()).unwrap();
    std::fs::write(path("key.pem"), signing_key.serialize_pem()).unwrap();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let (cert_path, key_path, port) = (path("cert.pem"), path("key.pem"), port.to_string());
    let _server = Server::start_with(&[
        "--tls-port",
        &port,
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        &cert_path,
        "--tls-key-file",
        &key_path,
    ]);
    let builder = || RedisStore::builder(format!("rediss://localhost:{port}").into());
    let store = builder().root_certificates(cert.pem()).build().unwrap();
    put(&store, &token("one", 1)).await;
    assert!(store.load(&key()).await.unwrap().is_some());
    let distrustful = builder().build().unwrap();
    let error = distrustful.load(&key()).await.unwrap_err();
    assert!(error.to_string().contains("redis"), "{error}");
    let plain = RedisStore::builder(format!("redis://localhost:{port}").into())
        .build()
        .unwrap();
    let error = plain.load(&key()).await.unwrap_err();
    assert!(error.to_string().contains("TLS (rediss://)"), "{error}");
}

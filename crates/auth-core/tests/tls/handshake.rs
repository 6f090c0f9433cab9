//! Real handshakes with whichever backend the features chose.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Error, ErrorKind, HttpBuilder, HttpClientBuilder, Operation, Request, Response, RetryPolicy,
    operation,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const A_MOMENT: Duration = Duration::from_millis(50);

const READ: Operation = operation!("test.read");

/// A server with a certificate for `localhost`, and the authority that signed it.
fn server() -> (u16, CertificateDer<'static>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes a certificate whose subject and issuer are the same for self-signed.
    authority
        .distinguished_name
        .push(DnType::CommonName, "the test's authority");
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            // A client that refuses the certificate makes this fail, which is its right.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
                );
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (port, root.der().clone())
}

async fn call(
    host: &str,
    port: u16,
    adjust: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder + Send + 'static,
) -> Result<Response, Error> {
    call_within(Duration::from_secs(30), host, port, adjust).await
}

async fn call_within(
    connect_timeout: Duration,
    host: &str,
    port: u16,
    adjust: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder + Send + 'static,
) -> Result<Response, Error> {
    let base = format!("https://{host}:{port}");
    let http = HttpBuilder::new(base, "test")
        .retry(RetryPolicy::never())
        .connect_timeout(connect_timeout)
        .customize(adjust)
        .build()?;
    http.send(Request::get(READ, "thing")).await
}

#[tokio::test]
async fn a_server_with_a_root_certificate_of_the_callers_is_trusted() {
    let (port, root) = server();
    let response = call("localhost", port, move |builder| {
        builder.tls_certs_merge([reqwest::Certificate::from_der(&root).unwrap()])
    });
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_refused_whatever_the_builder_says() {
    let (port, _) = server();
    let error = call("localhost", port, |builder| {
        builder.tls_danger_accept_invalid_certs(true)
    });
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let reason = "no connection could be made: the server's certificate is from an unknown issuer";
    assert_eq!(error.to_string(), reason, "{error:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_whatever_the_builder_says() {
    let (port, root) = server();
    let error = call("127.0.0.1", port, move |builder| {
        builder
            .tls_certs_only([reqwest::Certificate::from_der(&root).unwrap()])
            .tls_danger_accept_invalid_hostnames(true)
    });
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let reason = "no connection could be made: the server's certificate is for another host name";
    assert_eq!(error.to_string(), reason, "{error:?}");
}

/// A server that answers whatever it is sent with `answer`, or with nothing.
fn plain_server(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            if answer.is_empty() {
                silent.push(stream);
            } else if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(answer);
            }
        }
    });
    port
}

#[tokio::test]
async fn the_reason_why_no_connection_was_made_is_named_without_an_address() {
    let begin = "no connection could be made: ";
    let proxied = |port: u16| {
        move |builder: HttpClientBuilder| {
            let proxy = reqwest::Proxy::all(format!("http://sue:sesame@127.0.0.1:{port}"));
            builder.proxy(proxy.unwrap())
        }
    };
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let asks =
        plain_server(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    let refuses = plain_server(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let speaks_http = plain_server(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let is_silent = plain_server(b"");
    let unresolved = |builder: HttpClientBuilder| builder.dns_resolver(NoNames);
    let host = "api.example.com";
    for (outcome, reason) in [
        (
            call("localhost", unused, |it| it).await,
            "connection refused",
        ),
        (
            call(host, 443, proxied(unused)).await,
            "the proxy cannot be reached",
        ),
        (
            call(host, 443, proxied(asks)).await,
            "the proxy asks for a log-in (status 407)",
        ),
        (
            call(host, 443, proxied(refuses)).await,
            "the proxy refused to connect to the host",
        ),
        (
            call(host, 443, unresolved).await,
            "the host name cannot be resolved",
        ),
        (
            call("localhost", speaks_http, |it| it).await,
            "the server does not speak tls",
        ),
        (
            call_within(A_MOMENT, "localhost", is_silent, |it| it).await,
            "no answer within the time limit",
        ),
    ] {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.to_string(), format!("{begin}{reason}"), "{error:?}");
    }
}

/// Knows no name.
struct NoNames;

impl reqwest::dns::Resolve for NoNames {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(std::future::ready(Err(
            format!("no {}", name.as_str()).into()
        )))
    }
}

//! How `authctl proxy` reaches the vendor: encrypted, and through the proxy of a network.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, mpsc};

use auth_store::FileStore;
use edgeiq_auth::{ApiToken, Client};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::machine::wait;

const TOKEN: &str = "a-token-of-the-test";

/// What comes to a port: the heads of all requests, before TLS and within.
struct Vendor {
    port: u16,
    heads: mpsc::Receiver<String>,
    /// The file with the certificate of the authority that the vendor's is of.
    authority: tempfile::NamedTempFile,
}

fn head(stream: &mut impl std::io::Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

impl Vendor {
    /// A vendor whose certificate is for this name, behind a proxy that gives this answer, if any.
    fn start(name: &str, proxy: Option<&'static str>) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&authority_key).unwrap();
        let mut authority = tempfile::NamedTempFile::new().unwrap();
        authority.write_all(root.pem().as_bytes()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap();
        let leaf = leaf
            .signed_by(&key, &Issuer::new(params, authority_key))
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
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
        let (sender, heads) = mpsc::channel();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serve(stream.unwrap(), proxy, &config, &sender);
            }
        });
        Self {
            port,
            heads,
            authority,
        }
    }

    /// A call of `url` by way of `authctl proxy`: the status, and the heads that came here.
    fn call(&self, base: &str, set: &[(&str, &str)]) -> (String, Vec<String>) {
        let home = tempfile::tempdir().unwrap();
        log_in(home.path(), base);
        let script = "curl --silent --write-out '%{http_code}' \"$AUTHCTL_PROXY_URL/v1/things\"";
        let output = Command::new(env!("CARGO_BIN_EXE_authctl"))
            .args(["proxy", "--", "sh", "-c", script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .env("SSL_CERT_FILE", self.authority.path())
            .envs(set.iter().copied())
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{:?}", output.stderr);
        (printed, self.heads.try_iter().collect())
    }
}

/// One connection, to the end of its first request.
fn serve(
    mut stream: TcpStream,
    proxy: Option<&str>,
    config: &Arc<ServerConfig>,
    heads: &mpsc::Sender<String>,
) -> Option<()> {
    if let Some(answer) = proxy {
        heads.send(head(&mut stream)?).ok()?;
        write!(stream, "HTTP/1.1 {answer}\r\n\r\n").ok()?;
    }
    let connection = ServerConnection::new(Arc::clone(config)).ok()?;
    let mut stream = StreamOwned::new(connection, stream);
    heads.send(head(&mut stream)?).ok()?;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    stream.write_all(answer.as_bytes()).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

/// A profile of a user of the vendor at `base`, whose token has no end.
fn log_in(home: &Path, base: &str) {
    let store = home.join("tokens");
    std::fs::create_dir(home.join("authctl")).unwrap();
    let config = format!(
        "[profiles.work]\nvendor = \"edgeiq\"\naccount = \"a@b.test\"\nbase-url = \"{base}\"\n\
         store = \"file\"\nstore-path = \"{}\"\n",
        store.display()
    );
    std::fs::write(home.join("authctl/config.toml"), config).unwrap();
    let client = Client::builder().base_url(base).build().unwrap();
    let token = ApiToken::new(TOKEN).with_account("a@b.test");
    let session = client.session(token).store(FileStore::at(store));
    wait(session.build().unwrap().save()).unwrap();
}

#[test]
fn the_vendor_is_called_in_tls_and_its_certificate_is_checked() {
    let vendor = Vendor::start("localhost", None);
    let base = format!("https://localhost:{}/", vendor.port);
    let (status, heads) = vendor.call(&base, &[]);
    assert_eq!(status, "ok200");
    assert!(heads[0].starts_with("GET /v1/things HTTP/1.1\r\n") && heads[0].contains(TOKEN));

    let other = Vendor::start("localhost", None);
    for (base, authority) in [
        // Of another authority than those that this machine knows.
        (base.as_str(), other.authority.path()),
        // A certificate for another name.
        (
            &format!("https://127.0.0.1:{}/", vendor.port),
            vendor.authority.path(),
        ),
    ] {
        let authority = authority.to_str().unwrap();
        let (answer, heads) = vendor.call(base, &[("SSL_CERT_FILE", authority)]);
        assert!(answer.ends_with("502"), "{answer}");
        assert!(answer.contains("no connection to the vendor"), "{answer}");
        assert!(heads.is_empty(), "{heads:?}");
    }
}

#[test]
fn a_proxy_of_the_network_carries_the_call_to_the_vendor_and_learns_nothing_of_it() {
    let vendor = Vendor::start("api.vendor.test", Some("200 OK"));
    let base = "https://api.vendor.test/";
    let proxy = format!("http://sue:pass%40word@127.0.0.1:{}", vendor.port);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let (status, heads) = vendor.call(base, &[(name, &proxy)]);
        assert_eq!(status, "ok200");
        let [to_proxy, to_vendor] = &heads[..] else {
            panic!("{heads:?}")
        };
        assert!(
            to_proxy.starts_with("CONNECT api.vendor.test:443 HTTP/1.1\r\n"),
            "{to_proxy}"
        );
        assert!(
            to_proxy.contains("Basic c3VlOnBhc3NAd29yZA=="),
            "{to_proxy}"
        );
        assert!(!to_proxy.contains(TOKEN), "{to_proxy}");
        assert!(
            to_vendor.contains("host: api.vendor.test\r\n"),
            "{to_vendor}"
        );
        assert!(to_vendor.contains(TOKEN), "{to_vendor}");
    }
    let (answer, heads) = vendor.call(
        base,
        &[("HTTPS_PROXY", &proxy), ("NO_PROXY", ".vendor.test")],
    );
    assert!(
        answer.ends_with("502") && heads.is_empty(),
        "{answer} {heads:?}"
    );

    let closed = Vendor::start("api.vendor.test", Some("407 Proxy Authentication Required"));
    let proxy = format!("http://127.0.0.1:{}", closed.port);
    let (answer, heads) = closed.call(base, &[("HTTPS_PROXY", &proxy)]);
    assert!(answer.ends_with("502"), "{answer}");
    assert_eq!(heads.len(), 1, "{heads:?}");
}

//! TLS by the features: `cargo xtask test` runs this with each alone, and once without any.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[cfg(any(feature = "ring", feature = "aws-lc-rs", feature = "native-tls"))]
mod handshake;

/// Set in a process that is to be as a program that uses these crates.
const STEP: &str = "AUTH_CORE_TLS_STEP";

#[test]
fn what_a_program_does_with_reqwest_and_rustls_by_itself_works_as_without_these_crates() {
    let name =
        "what_a_program_does_with_reqwest_and_rustls_by_itself_works_as_without_these_crates";
    #[allow(
        clippy::disallowed_methods,
        reason = "the test starts itself as a program"
    )]
    let step = std::env::var(STEP);
    if let Ok(step) = step {
        return program(&step);
    }
    for step in [
        "calls nothing",
        "made a builder",
        "called the one line",
        "chose a provider",
    ] {
        let mut this = std::process::Command::new(std::env::current_exe().unwrap());
        let output = this
            .args(["--exact", name, "--nocapture"])
            .env(STEP, step)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{step}: {text}");
    }
}

/// A program's own first client and, where a provider was chosen, its own TLS settings.
fn program(step: &str) {
    use rustls::crypto::CryptoProvider;
    let needs_a_provider = cfg!(all(
        feature = "ring",
        not(any(feature = "aws-lc-rs", feature = "native-tls"))
    ));
    let has_rustls = cfg!(any(feature = "ring", feature = "aws-lc-rs"));
    match step {
        "calls nothing" => {
            // The limit of what reqwest's features allow: see `install_crypto_provider`.
            let made = std::panic::catch_unwind(reqwest::Client::new);
            assert_eq!(made.is_err(), needs_a_provider);
            return;
        }
        "made a builder" => drop(auth_core::HttpBuilder::new("http://localhost", "test")),
        "called the one line" => auth_core::http::install_crypto_provider(),
        _ => {
            let chosen = rustls::crypto::ring::default_provider();
            let first = chosen.cipher_suites[..1].to_vec();
            let chosen = CryptoProvider {
                cipher_suites: first,
                ..chosen
            };
            chosen.install_default().unwrap();
            auth_core::http::install_crypto_provider();
            assert!(
                auth_core::HttpBuilder::new("http://localhost", "test")
                    .build()
                    .is_ok()
            );
            assert_eq!(
                CryptoProvider::get_default().unwrap().cipher_suites.len(),
                1
            );
        }
    }
    drop(reqwest::Client::new());
    if has_rustls {
        drop(rustls::ClientConfig::builder());
    }
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs", feature = "native-tls")))]
#[test]
fn without_a_tls_feature_https_is_refused_and_the_features_are_named() {
    use auth_core::{ErrorKind, HttpBuilder};
    let build = |url| HttpBuilder::new(url, "test").build();
    let error = build("https://localhost").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("`ring`"), "{error}");
    assert!(build("http://localhost").is_ok());
}

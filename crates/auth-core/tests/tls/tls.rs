//! TLS by the features: `cargo xtask test` runs this with each alone, and once without any.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[cfg(any(feature = "ring", feature = "aws-lc-rs", feature = "native-tls"))]
mod handshake;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs", feature = "native-tls")))]
#[test]
fn without_a_tls_feature_https_is_refused_and_the_features_are_named() {
    use auth_core::{BaseUrl, ErrorKind, HttpBuilder};
    let build = |url| HttpBuilder::new(url, "test").build();
    let error = build("https://localhost").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("`ring`"), "{error}");
    assert!(build("http://localhost").is_ok());
}

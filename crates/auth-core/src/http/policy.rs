//! What no setting of the HTTP library can weaken.

use reqwest::ClientBuilder;

use crate::Error;
use crate::hosts::BaseUrl;

/// Puts the SDKs' policy onto a builder that a caller may have changed.
pub(super) fn enforce(builder: ClientBuilder, base: &BaseUrl) -> Result<ClientBuilder, Error> {
    let loopback = base.is_loopback();
    let builder = builder
        .https_only(!loopback)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // It would write every byte, tokens included, to the log.
        .connection_verbose(false);
    // A proxy is not the loopback interface.
    let builder = if loopback {
        builder.no_proxy()
    } else {
        builder
    };
    tls::enforce(builder, base.as_url().scheme() == "http")
}

/// What is the process's choice stays so.
pub(super) fn install_crypto_provider() {
    #[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        #[cfg(feature = "aws-lc-rs")]
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(not(feature = "aws-lc-rs"))]
        let provider = rustls::crypto::ring::default_provider();
        // It fails only if another thread was faster: then there is a default as well.
        let _ = provider.install_default();
    }
}

#[cfg(any(feature = "ring", feature = "aws-lc-rs", feature = "native-tls"))]
mod tls {
    //! Certificates are checked, whatever the caller's builder says.

    use reqwest::ClientBuilder;

    use crate::Error;

    // One signature for builds with and without TLS.
    #[allow(clippy::unnecessary_wraps, reason = "a build without TLS fails here")]
    pub(super) fn enforce(builder: ClientBuilder, plain: bool) -> Result<ClientBuilder, Error> {
        // Where no connection is encrypted the machine's root certificates are not needed: a
        // container may have none, and reading them takes longer than the whole log-in.
        let builder = if plain {
            builder.tls_certs_only([])
        } else {
            builder
        };
        let builder = builder
            .tls_danger_accept_invalid_certs(false)
            .tls_danger_accept_invalid_hostnames(false)
            .tls_version_min(reqwest::tls::Version::TLS_1_2);
        Ok(backend(builder))
    }

    #[cfg(feature = "native-tls")]
    fn backend(builder: ClientBuilder) -> ClientBuilder {
        builder.tls_backend_native()
    }

    /// Rustls with the process's cryptography provider, which the builder has seen to.
    #[cfg(not(feature = "native-tls"))]
    fn backend(builder: ClientBuilder) -> ClientBuilder {
        builder.tls_backend_rustls().tls_sslkeylogfile(false)
    }
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs", feature = "native-tls")))]
mod tls {
    //! Without TLS only a loopback host can be reached.

    use reqwest::ClientBuilder;

    use crate::{Error, ErrorKind};

    pub(super) fn enforce(builder: ClientBuilder, plain: bool) -> Result<ClientBuilder, Error> {
        if plain {
            return Ok(builder);
        }
        let message = "https needs one of the features `ring`, `aws-lc-rs` and `native-tls`";
        Err(Error::new(ErrorKind::InvalidConfig, message))
    }
}

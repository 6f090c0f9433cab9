//! The one way in which the tools speak HTTP.

use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};

/// Trusts whom the machine trusts, as cargo does: a company's proxy has an authority of its own.
///
/// A refusal is an answer like any other: what is wrong stands in it.
pub(crate) fn agent(time_limit: Duration) -> ureq::Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(time_limit))
        .http_status_as_error(false)
        .build()
        .into()
}

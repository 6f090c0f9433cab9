//! The sandbox as a client sees it, over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap in a test is a failed test"
)]

mod alone;
mod caller;
mod clock;
mod edgeiq_password;
mod edgeiq_session;
mod edgeiq_strictness;
mod eqworks_failures;
mod eqworks_login;
mod eqworks_token;
mod faults;
mod identityx_failures;
mod identityx_graphql;
mod identityx_login;
mod identityx_org;
mod identityx_token;
mod inbox;
mod iqm_log_in;
mod iqm_mfa;
mod iqm_password;
mod iqm_profile;
mod life;
mod log;
#[cfg(feature = "server")]
mod server;
mod strictness;
mod tokens;
mod vendors;

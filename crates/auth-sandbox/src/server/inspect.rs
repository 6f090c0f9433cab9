//! What the program shows and changes of a vendor's memory, beside what a handle does.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::sandbox::Sandbox;
use crate::{edgeiq, eqworks, identityx, iqm};

/// The memory of one vendor.
pub(crate) trait Inspect {
    /// As operations begin.
    fn vendor(&self) -> &'static str;

    /// All tokens that are remembered, in no order.
    fn tokens(&self) -> Vec<Token>;
}

/// The vendors of a sandbox, in the order of the list.
pub(super) fn vendors(sandbox: &Sandbox) -> [&dyn Inspect; 4] {
    [
        sandbox.vendor::<iqm::State>(),
        sandbox.vendor::<edgeiq::State>(),
        sandbox.vendor::<eqworks::State>(),
        sandbox.vendor::<identityx::State>(),
    ]
}

/// A token that a vendor has issued.
pub(crate) struct Token {
    pub(crate) value: String,
    /// Such as `access` or `session`.
    pub(crate) kind: &'static str,
    /// The e-mail address of its user.
    pub(crate) owner: String,
    pub(crate) state: TokenState,
    /// By the vendor's wall clock, as the next.
    pub(crate) begins_at: Option<SystemTime>,
    /// `None`: it does not end by the clock.
    pub(crate) ends_at: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenState {
    Valid,
    Expired,
    Revoked,
    /// Rotated away.
    Spent,
    /// Waits for the second factor.
    Pending,
}

/// A short name of a token, which tells nothing about it.
pub(crate) fn token_id(value: &str) -> String {
    let digest = Sha256::digest(value.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest[..9])
}

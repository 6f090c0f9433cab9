//! The encrypted part of a record.

use serde::{Deserialize, Serialize};

/// The nonce and the ciphertext are Base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    /// The algorithm's name.
    pub(crate) cipher: String,
    pub(crate) nonce: String,
    pub(crate) ciphertext: String,
}

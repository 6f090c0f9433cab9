//! A hash of a key, for names: one short text for each key, however odd or long the key is.

use std::fmt::Write as _;

use auth_core::StoreKey;
use sha2::{Digest as _, Sha256};

/// How many characters a [`digest`] has.
#[cfg(feature = "file")]
pub(crate) const DIGITS: usize = 64;

/// A hash of the key, in lower-case hexadecimal digits. It is part of names that appear in errors
/// and logs, so it shows no e-mail address.
pub(crate) fn digest(key: &StoreKey) -> String {
    let mut hash = Sha256::new();
    for part in [&key.vendor, &key.account, &key.scope, &key.base_url] {
        // Each part with its length, so that no two keys give the same text.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a `String` does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

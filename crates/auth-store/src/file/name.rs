//! What the files of one key are called.

use auth_core::StoreKey;

use crate::digest::{DIGITS, digest};

/// How much of a vendor's name is shown.
const VENDOR: usize = 32;

const RECORD: &str = ".token";
const UNFINISHED: &str = ".new";

/// The part that the files of one key have in common: `iqm-` and a hash of the key.
///
/// No e-mail address: names stand in errors and logs. The hash makes one name of each key,
/// however odd or long, on file systems that know no capitals, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn of(key: &StoreKey) -> Self {
        let mut name: String = key
            .vendor
            .chars()
            .take(VENDOR)
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
            .collect();
        name.push('-');
        name.push_str(&digest(key));
        Self(name)
    }

    /// The name out of that of a record's file, if it is one.
    pub(super) fn of_record(file: &str) -> Option<Self> {
        Self::before(file, RECORD)
    }

    /// The name out of that of a file that was never put in its place.
    pub(super) fn of_unfinished(file: &str) -> Option<Self> {
        Self::before(file, UNFINISHED)
    }

    fn before(file: &str, ending: &str) -> Option<Self> {
        let name = file.strip_suffix(ending)?;
        let (_, hash) = name.rsplit_once('-')?;
        let is_hash = hash.len() == DIGITS
            && hash
                .bytes()
                .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        is_hash.then(|| Self(name.to_owned()))
    }

    /// As it is, where there are no files.
    #[cfg(feature = "keyring")]
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Whether it is one.
    #[cfg(feature = "keyring")]
    pub(super) fn is(text: &str) -> bool {
        Self::before(text, "").is_some()
    }

    pub(super) fn record(&self) -> String {
        format!("{}{RECORD}", self.0)
    }

    pub(super) fn unfinished(&self) -> String {
        format!("{}{UNFINISHED}", self.0)
    }

    pub(super) fn lease(&self) -> String {
        format!("{}.lease", self.0)
    }

    /// Sixteen for the whole directory: few files, and few keys wait for each other.
    pub(super) fn write_lock(&self) -> String {
        let stripe = self.0.chars().next_back().unwrap_or_default();
        format!("write-{stripe}.lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: [&str; 4]) -> StoreKey {
        let [vendor, account, scope, base_url] = parts.map(str::to_owned);
        StoreKey {
            vendor,
            account,
            scope,
            base_url,
        }
    }

    #[test]
    fn a_key_has_the_name_that_it_always_had() {
        let name = Name::of(&key(["iqm", "user1@iqm.com", "", "https://api.iqm.com/"]));
        let hash = "e30ff00e66ee2e7dab4fa0c8a590c819c68c59f91239bf4081a6fac9c4599aca";
        assert_eq!(name.record(), format!("iqm-{hash}.token"));
        assert_eq!(name.lease(), format!("iqm-{hash}.lease"));
        assert_eq!(name.write_lock(), format!("write-{}.lock", &hash[63..]));
        assert_eq!(Name::of_record(&name.record()), Some(name.clone()));
        assert_eq!(Name::of_unfinished(&name.unfinished()), Some(name));
    }

    #[test]
    fn no_two_keys_have_one_name() {
        let mut names: Vec<_> = [
            ["a", "b", "c", "d"],
            ["ab", "", "c", "d"],
            ["", "ab", "c", "d"],
            ["a", "b", "", "cd"],
            ["A", "b", "c", "d"],
            ["a\0", "b", "c", "d"],
            ["a", "\0b", "c", "d"],
            ["é", "b", "c", "d"],
            ["e\u{301}", "b", "c", "d"],
        ]
        .map(|parts| Name::of(&key(parts)).record().to_lowercase())
        .into();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_hostile_key_has_a_harmless_name() {
        for odd in ["../../etc/passwd", "..", ".", "\0", "/", "con", "🦀", ""] {
            let name = Name::of(&key([odd, odd, odd, &odd.repeat(10_000)])).record();
            assert!(name.len() < 120, "{name}");
            assert!(!name.starts_with('.'), "{name}");
            assert!(!name.contains(['/', '\\', '\0', ':']), "{name}");
        }
    }

    #[test]
    fn what_is_called_otherwise_is_none_of_ours() {
        let hash = "0".repeat(DIGITS);
        for file in [
            format!("iqm-{hash}"),
            format!("iqm-{hash}.tokens"),
            format!("iqm{hash}.token"),
            format!("iqm-{} .token", &hash[1..]),
            format!("iqm-{}A.token", &hash[1..]),
            ".token".to_owned(),
        ] {
            assert_eq!(Name::of_record(&file), None, "{file}");
        }
    }
}

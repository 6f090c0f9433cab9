//! The name of one key's files, and of its entry in a keyring.

use auth_core::StoreKey;

use crate::digest::{DIGITS, digest};

/// How many characters of the vendor's name are shown.
const VENDOR: usize = 32;

const RECORD: &str = ".token";
const UNFINISHED: &str = ".new";

/// What the names of one key's files have in common: `iqm-` and a hash of the key.
///
/// It holds no e-mail address, because names appear in errors and logs. The hash gives each key a
/// name of its own, however odd or long the key is, even on a case-insensitive file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn of(key: &StoreKey) -> Self {
        let vendor = key.vendor.chars().take(VENDOR);
        let vendor: String = vendor
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
            .collect();
        Self(format!("{vendor}-{}", digest(key)))
    }

    /// `text` as a name, if it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (_, hash) = text.rsplit_once('-')?;
        let is_digit = |it| matches!(it, b'0'..=b'9' | b'a'..=b'f');
        let is_name = hash.len() == DIGITS && hash.bytes().all(is_digit);
        is_name.then(|| Self(text.to_owned()))
    }

    /// The name in the file name of a record.
    pub(crate) fn of_record(file: &str) -> Option<Self> {
        Self::parse(file.strip_suffix(RECORD)?)
    }

    /// The name in the file name of a record that is still being written.
    pub(crate) fn of_unfinished(file: &str) -> Option<Self> {
        Self::parse(file.strip_suffix(UNFINISHED)?)
    }

    #[cfg(feature = "keyring")]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn record(&self) -> String {
        format!("{}{RECORD}", self.0)
    }

    pub(crate) fn unfinished(&self) -> String {
        format!("{}{UNFINISHED}", self.0)
    }

    /// A record that cannot be read, and that another one has replaced.
    pub(crate) fn damaged(&self) -> String {
        format!("{}.damaged", self.0)
    }

    pub(crate) fn lease(&self) -> String {
        format!("{}.lease", self.0)
    }

    /// A file that is made under the lease to find out whether one can be made.
    pub(crate) fn trial(&self) -> String {
        format!("{}.trial", self.0)
    }

    /// One of sixteen in the whole directory, so there are few files and few keys share one.
    pub(crate) fn write_lock(&self) -> String {
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
    fn a_file_with_another_name_is_no_record() {
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

//! The names of the entries of one store on the server.

use auth_core::StoreKey;

use crate::digest::digest;

/// The end of the name of a token's entry.
const TOKEN: &str = ":token";

/// A node with half of the slots serves so many names by a chance that is nothing.
const PROBES: u32 = 64;

/// The names of the entries of one store.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The hash that holds the record and its generation.
    pub(super) fn token(&self, key: &StoreKey) -> String {
        format!("{}{TOKEN}", self.tagged(key))
    }

    /// The owner of the lease, for as long as no other worker may take it.
    pub(super) fn lease(&self, key: &StoreKey) -> String {
        format!("{}:lease", self.tagged(key))
    }

    /// The number of the last lease.
    pub(super) fn fence(&self, key: &StoreKey) -> String {
        format!("{}:fence", self.tagged(key))
    }

    /// The last owner of the lease, until that owner gives it back.
    pub(super) fn holder(&self, key: &StoreKey) -> String {
        format!("{}:holder", self.tagged(key))
    }

    /// The channel that gets the generation of each saved token.
    pub(super) fn channel(&self, key: &StoreKey) -> String {
        format!("{}:saved", self.tagged(key))
    }

    /// The pattern of [`Names::token`] for all keys.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for character in self.prefix.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        format!("{pattern}{{*}}{TOKEN}")
    }

    /// Names of no entry, all over the slots of a cluster.
    pub(super) fn probes(&self) -> impl Iterator<Item = String> {
        (0..PROBES).map(|number| format!("{}{{{number}}}:probe", self.prefix))
    }

    /// The beginning of all names of one key. The braces keep them in one slot of a cluster.
    fn tagged(&self, key: &StoreKey) -> String {
        format!("{}{{{}}}", self.prefix, digest(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(account: &str, scope: &str) -> StoreKey {
        StoreKey {
            vendor: "iqm".to_owned(),
            account: account.to_owned(),
            scope: scope.to_owned(),
            base_url: "https://api.iqm.com".to_owned(),
        }
    }

    #[test]
    fn no_two_keys_share_a_name_and_no_name_shows_the_account() {
        let names = Names::new("auth:".to_owned());
        let one = names.token(&key("user1@iqm.com", "a"));
        assert_ne!(one, names.token(&key("user1@iqm.coma", "")));
        assert!(!one.contains("iqm.com"), "{one}");
        assert!(
            one.starts_with("auth:{") && one.ends_with("}:token"),
            "{one}"
        );
    }

    #[test]
    fn the_pattern_takes_the_prefix_literally() {
        let names = Names::new(r"a*b[c]?\".to_owned());
        assert_eq!(names.pattern(), r"a\*b\[c\]\?\\{*}:token");
    }
}

//! From names of GraphQL to names of Rust, which never collide.

use std::collections::{HashMap, HashSet};

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Strict and reserved keywords of every edition.
const KEYWORDS: &str = " Self abstract as async await become box break const continue crate do dyn \
    else enum extern false final fn for gen if impl in let loop macro match mod move mut override \
    priv pub ref return self static struct super trait true try type typeof union unsafe unsized \
    use virtual where while yield ";

/// The name of a type or a variant.
pub(crate) fn type_name(graphql: &str) -> String {
    legal(graphql.to_upper_camel_case(), "Underscore")
}

/// The name of a field, a variable or a module.
pub(crate) fn field_name(graphql: &str) -> String {
    legal(graphql.to_snake_case(), "underscore")
}

/// A keyword ends with `_`.
fn legal(name: String, empty: &str) -> String {
    match name.chars().next() {
        None => empty.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        _ if is_keyword(&name) => format!("{name}_"),
        _ => name,
    }
}

fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&format!(" {name} "))
}

/// Whether the text is a path in Rust, such as `::chrono::NaiveDate`.
pub(crate) fn is_path(text: &str) -> bool {
    let is_word = |word: &str| {
        let is_root = ["crate", "self", "super"].contains(&word);
        word.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
            && word
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || it == '_')
            && (is_root || !is_keyword(word))
    };
    let words = text.strip_prefix("::").unwrap_or(text);
    words.split("::").all(is_word)
}

/// The names that are taken in one scope. The next to want one gets a number: `On`, `On2`, `On3`.
#[derive(Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
    last: HashMap<String, usize>,
}

impl Names {
    pub(crate) fn claim(&mut self, wanted: String) -> String {
        if self.taken.insert(wanted.clone()) {
            return wanted;
        }
        let number = self.last.entry(wanted.clone()).or_insert(1);
        loop {
            *number += 1;
            let name = format!("{wanted}{number}");
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_graphql_becomes_an_identifier() {
        for (graphql, of_type, of_field) in [
            ("givenName", "GivenName", "given_name"),
            ("NOT_SO_HAPPY", "NotSoHappy", "not_so_happy"),
            ("photoURL", "PhotoUrl", "photo_url"),
            ("self", "Self_", "self_"),
            ("Self", "Self_", "self_"),
            ("gen", "Gen", "gen_"),
            ("_", "Underscore", "underscore"),
            ("__typename", "Typename", "typename"),
            ("_1st", "_1st", "_1st"),
        ] {
            assert_eq!(type_name(graphql), of_type);
            assert_eq!(field_name(graphql), of_field);
        }
    }

    #[test]
    fn names_are_kept_apart_by_numbers_in_the_order_of_their_claims() {
        let mut names = Names::default();
        let claimed = ["On", "On2", "On", "On", "Off"].map(|name| names.claim(name.to_owned()));
        assert_eq!(claimed, ["On", "On2", "On3", "On4", "Off"]);
    }

    #[test]
    fn only_a_path_is_a_path() {
        for path in ["crate", "::a::B", "a", "crate::graphql::Date", "_a1"] {
            assert!(is_path(path), "{path}");
        }
        for text in [
            "",
            "::",
            "a::",
            "1",
            "a b",
            "Clone; Debug",
            "type",
            "a:b",
            "a::<B>",
            "é",
        ] {
            assert!(!is_path(text), "{text}");
        }
    }
}

//! Rules: what each Rust file begins with, how long it is, and how it is called.

use super::Finding;
use super::source::{Source, word_at};
use super::tree::Tree;

/// The most lines of a file, its unit tests aside.
const MOST_LINES: usize = 400;

/// Names that say nothing about the content.
const EMPTY_NAMES: [&str; 4] = ["utils", "common", "helpers", "prelude"];

pub(crate) fn say_what_they_are_for(tree: &Tree) -> Vec<Finding> {
    tree.sources()
        .filter(|source| !begins_with_docs(source))
        .map(|source| {
            Finding::new(
                &source.path,
                1,
                "no `//!` line at the top",
                "say in one sentence what the file is for",
            )
        })
        .collect()
}

fn begins_with_docs(source: &Source) -> bool {
    let mut open_brackets = 0;
    for (index, (text, code)) in source.text.lines().zip(source.code.lines()).enumerate() {
        let text = text.trim();
        let is_attribute = text.starts_with("#![");
        if open_brackets == 0 {
            if let Some(said) = text.strip_prefix("//!") {
                return !said.trim().is_empty();
            }
            let is_readme = text.starts_with("#![doc = include_str!")
                || text.starts_with("#![cfg_attr(not(doctest), doc = include_str!");
            if is_readme && source.path.ends_with("/lib.rs") {
                return true;
            }
            let is_shebang = index == 0 && text.starts_with("#!");
            if !(text.is_empty() || is_attribute || is_shebang) {
                return false;
            }
        }
        if is_attribute || open_brackets > 0 {
            open_brackets += code.matches('[').count();
            open_brackets = open_brackets.saturating_sub(code.matches(']').count());
        }
    }
    false
}

pub(crate) fn are_short(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources().filter(|source| !source.is_for_tests()) {
        let lines = source.lines_without_tests();
        if lines > MOST_LINES {
            findings.push(Finding::new(
                &source.path,
                MOST_LINES + 1,
                format!("{lines} lines without the tests, and {MOST_LINES} are the most"),
                "make two files of it",
            ));
        }
    }
    findings
}

pub(crate) fn have_telling_names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let path = source.path.as_str();
        if path.ends_with("/mod.rs") {
            let folder = path.trim_end_matches("/mod.rs");
            findings.push(Finding::new(
                path,
                1,
                "a file called mod.rs",
                format!("call it {folder}.rs, beside the folder"),
            ));
        }
        for name in EMPTY_NAMES {
            let advice = "name it after what it holds";
            if path
                .split('/')
                .any(|part| part.strip_suffix(".rs").unwrap_or(part) == name)
            {
                findings.push(Finding::new(
                    path,
                    1,
                    format!("`{name}` says nothing"),
                    advice,
                ));
            }
            for (line, code) in source.code_lines() {
                // `mod utils;` has a file, which is found by its path.
                if word_at(code, &format!("mod {name} {{")).is_some() {
                    let what = format!("a module `{name}`");
                    findings.push(Finding::new(path, line, what, advice));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_file_begins_with_what_it_is_for() {
        let rule = |path, text| check(say_what_they_are_for, path, text);
        assert_eq!(rule("crates/a/src/b.rs", "//! Does b.\nfn b() {}\n"), 0);
        assert_eq!(
            rule("crates/a/src/b.rs", "#!/usr/bin/env x\n\n//! Does b.\n"),
            0
        );
        assert_eq!(
            rule("crates/a/src/b.rs", "#![cfg(\n  unix\n)]\n//! Does b.\n"),
            0
        );
        assert_eq!(rule("crates/a/src/generated/b.rs", "fn b() {}\n"), 0);

        assert_eq!(rule("crates/a/src/b.rs", "fn b() {}\n//! Does b.\n"), 1);
        assert_eq!(rule("crates/a/src/b.rs", "/// Does b.\nfn b() {}\n"), 1);
        assert_eq!(rule("crates/a/src/b.rs", "//!\nfn b() {}\n"), 1);
        assert_eq!(
            rule("crates/a/src/b.rs", "#![cfg(\n  unix\n)]\nfn b() {}\n"),
            1
        );
        assert_eq!(rule("crates/a/src/b.rs", ""), 1);
    }

    #[test]
    fn the_readme_is_the_docs_of_a_library_and_of_no_other_file() {
        for text in [
            "#![doc = include_str!(\"../README.md\")]\n",
            "#![cfg_attr(not(doctest), doc = include_str!(\"../README.md\"))]\n",
        ] {
            assert_eq!(check(say_what_they_are_for, "crates/a/src/lib.rs", text), 0);
            assert_eq!(check(say_what_they_are_for, "crates/a/src/b.rs", text), 1);
        }
    }

    #[test]
    fn a_file_has_400_lines_at_most_without_its_tests() {
        let long = "fn a() {}\n".repeat(MOST_LINES);
        let tests = format!("{long}#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(check(are_short, "crates/a/src/b.rs", &tests), 0);
        let longer = format!("{long}\n");
        assert_eq!(check(are_short, "crates/a/src/b.rs", &longer), 1);
        assert_eq!(check(are_short, "crates/a/tests/it/b.rs", &longer), 0);
        assert_eq!(check(are_short, "crates/a/src/generated/b.rs", &longer), 0);
    }

    #[test]
    fn a_name_says_something() {
        let rule = |path: &str, text: &str| check(have_telling_names, path, text);
        assert_eq!(
            rule(
                "crates/a/src/wire.rs",
                "mod common_fields {}\nuse x::utils;\n"
            ),
            0
        );
        assert_eq!(rule("crates/a/src/wire/mod.rs", ""), 1);
        for name in EMPTY_NAMES {
            assert_eq!(rule(&format!("crates/a/src/{name}.rs"), ""), 1);
            assert_eq!(rule(&format!("crates/a/tests/it/{name}/b.rs"), ""), 1);
            assert_eq!(
                rule(
                    "crates/a/src/b.rs",
                    &format!("pub(crate) mod {name} {{\n}}\n")
                ),
                1
            );
        }
    }
}

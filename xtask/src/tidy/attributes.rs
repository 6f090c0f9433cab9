//! Rules: attributes that let code off a check.

use super::Finding;
use super::source::{Source, word_at};
use super::tree::Tree;

pub(crate) fn exceptions_have_reasons(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        for (line, attribute) in attributes(source) {
            for word in ["allow(", "expect("] {
                // Also finds those inside `cfg_attr`.
                if word_at(attribute, word).is_some() && !attribute.contains("reason =") {
                    findings.push(Finding::new(
                        &source.path,
                        line,
                        format!("an exception without its reason: `{word}…)`"),
                        "add `reason = \"…\"`",
                    ));
                }
            }
        }
    }
    findings
}

pub(crate) fn no_test_is_ignored(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        for (line, attribute) in attributes(source) {
            let name: String = attribute
                .chars()
                .take_while(|c| c.is_alphanumeric())
                .collect();
            if name == "ignore" {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "an ignored test",
                    "make it run everywhere, or delete it",
                ));
            }
        }
    }
    findings
}

/// What stands between the brackets of each attribute, and on which line it begins.
fn attributes(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let code = source.code.as_str();
    code.match_indices('#').filter_map(move |(at, _)| {
        let rest = &code[at + 1..];
        let inside = rest.strip_prefix('!').unwrap_or(rest).strip_prefix('[')?;
        let mut depth = 1;
        let end = inside.find(|character| {
            match character {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        Some((source.line_at(at), inside[..end].trim_start()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No line; typed, since JSON's numbers compare with ours, too.
    const NOWHERE: [usize; 0] = [];

    fn check(rule: fn(&Tree) -> Vec<Finding>, text: &str) -> Vec<usize> {
        let tree = Tree::of(&[("crates/a/src/b.rs", text)]);
        rule(&tree)
            .into_iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn an_exception_says_its_reason() {
        let rule = |text| check(exceptions_have_reasons, text);
        assert_eq!(
            rule("#[allow(dead_code, reason = \"a [b\")]\nfn a() {}\n"),
            NOWHERE
        );
        assert_eq!(
            rule("#![allow(\n    dead_code,\n    reason = \"b\"\n)]\n"),
            NOWHERE
        );
        assert_eq!(
            rule("// #[allow(dead_code)]\nfn a(#[b] c: u8) {}\n"),
            NOWHERE
        );
        assert_eq!(
            rule("fn b() {}\n#[allow(dead_code)]\nfn reason() {}\n"),
            [2]
        );
        assert_eq!(rule("#![allow(\n    dead_code\n)]\n"), [1]);
        assert_eq!(rule("#[expect(dead_code)]\nfn a() {}\n"), [1]);
        assert_eq!(
            rule("#[cfg_attr(unix, allow(dead_code))]\nfn a() {}\n"),
            [1]
        );
    }

    #[test]
    fn an_ignored_test_is_found() {
        let rule = |text| check(no_test_is_ignored, text);
        assert_eq!(
            rule("#[test]\nfn a() {}\n// #[ignore]\n#[ignored]\n"),
            NOWHERE
        );
        assert_eq!(rule("#[test]\n#[ignore]\nfn a() {}\n"), [2]);
        assert_eq!(rule("#[test]\n#[ignore = \"slow\"]\nfn a() {}\n"), [2]);
    }
}

//! Rules: a crate's README is its front page on crates.io and docs.rs, where nothing else is.

use super::Finding;
use super::markdown::Markdown;
use super::tree::Tree;

/// Where a file of the repository is read by somebody who has a crate alone.
const REPOSITORY: &str = "https://github.com/auth-sdks/auth-sdks/blob/main/";

pub(crate) fn show_whole_code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in front_pages(tree) {
        for fence in Markdown::parse(text).fences {
            if fence.info.is_empty() || fence.info.starts_with("no_run") {
                findings.push(Finding::new(
                    path,
                    fence.line,
                    "code in no language",
                    "name it: `rust`, `rust,no_run`, `toml`, `text`; nobody colours the rest",
                ));
            }
            let hidden = |line: &&str| line.trim() == "#" || line.trim().starts_with("# ");
            let hidden = fence.code.iter().position(hidden);
            if let Some(at) = hidden.filter(|_| fence.info.starts_with("rust")) {
                findings.push(Finding::new(
                    path,
                    fence.line + at + 1,
                    "a line that rustdoc hides, and crates.io and GitHub show",
                    "show what compiles by itself: a small `fn` that takes what it needs",
                ));
            }
        }
    }
    findings
}

pub(crate) fn link_to_what_a_stranger_finds(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in front_pages(tree) {
        for link in Markdown::parse(text).links() {
            let target = link.target.split('#').next().unwrap_or_default();
            let wrong = if let Some(file) = target.strip_prefix(REPOSITORY) {
                !tree.holds(file)
            } else {
                !(target.is_empty() || target.starts_with("https://"))
            };
            if wrong {
                findings.push(Finding::new(
                    path,
                    link.line,
                    format!("{} leads nowhere from crates.io", link.target),
                    format!("link to https://docs.rs/…, or to a file by {REPOSITORY}…"),
                ));
            }
        }
    }
    findings
}

pub(crate) fn of_vendors_have_the_same_sections(tree: &Tree) -> Vec<Finding> {
    let pages: Vec<_> = tree
        .vendors()
        .iter()
        .filter_map(|vendor| {
            let path = format!("crates/{vendor}/README.md");
            let text = tree.text(&path)?;
            Some((path, Markdown::parse(text).sections()))
        })
        .collect();
    let Some(((first, wanted), others)) = pages.split_first() else {
        return Vec::new();
    };
    let titles = |sections: &[(usize, &str)]| -> Vec<String> {
        sections
            .iter()
            .map(|(_, title)| (*title).to_owned())
            .collect()
    };
    let mut findings = Vec::new();
    for (path, sections) in others {
        let (have, want) = (titles(sections), titles(wanted));
        if have == want {
            continue;
        }
        let at = have.iter().zip(&want).take_while(|(a, b)| a == b).count();
        let expected = want.get(at).map_or("nothing more", String::as_str);
        findings.push(Finding::new(
            path,
            sections.get(at).map_or(1, |(line, _)| *line),
            format!("the sections are not those of {first}, which has here: {expected}"),
            "give all vendor crates the same sections in the same order",
        ));
    }
    findings
}

fn front_pages(tree: &Tree) -> Vec<(&str, &str)> {
    tree.documents()
        .filter(|(path, _)| {
            path.strip_prefix("crates/")
                .and_then(|path| path.split_once('/'))
                .is_some_and(|(_, file)| file == "README.md")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "crates/iqm-auth/README.md";

    fn lines(rule: fn(&Tree) -> Vec<Finding>, text: &str) -> Vec<usize> {
        rule(&Tree::of(&[(PAGE, text), ("SECURITY.md", "")]))
            .into_iter()
            .map(|finding| finding.line)
            .collect()
    }

    const NOWHERE: [usize; 0] = [];

    #[test]
    fn code_has_a_language_and_no_hidden_line() {
        let rule = |text| lines(show_whole_code, text);
        assert_eq!(rule("```rust\n#[derive(Debug)]\nlet a;\n```\n"), NOWHERE);
        assert_eq!(rule("```toml\n# a comment\n```\n"), NOWHERE);
        assert_eq!(rule("a\n```\nlet a;\n```\n"), [2]);
        assert_eq!(rule("```no_run\nlet a;\n```\n"), [1]);
        assert_eq!(rule("```rust\nlet a;\n# let b;\n```\n"), [3]);
        assert_eq!(rule("```rust,no_run\n    # let b;\n```\n"), [2]);
        assert_eq!(rule("```rust\n#\n```\n"), [2]);
        assert_eq!(
            show_whole_code(&Tree::of(&[("docs/a.md", "```\n```\n")])),
            [],
            "other documents are read in the repository"
        );
    }

    #[test]
    fn links_are_absolute_and_files_of_the_repository_exist() {
        let rule = |text: &str| lines(link_to_what_a_stranger_finds, text);
        assert_eq!(rule("[a](https://docs.rs/a) [b](#errors)\n"), NOWHERE);
        assert_eq!(rule(&format!("[a]({REPOSITORY}SECURITY.md#x)\n")), NOWHERE);
        assert_eq!(rule(&format!("\n[a]({REPOSITORY}OTHER.md)\n")), [2]);
        assert_eq!(rule("[a](../auth-store)\n"), [1]);
        assert_eq!(rule("[a](http://docs.rs/a)\n"), [1]);
    }

    #[test]
    fn the_sections_of_vendors_are_the_same_in_the_same_order() {
        let check = |other: &str| {
            of_vendors_have_the_same_sections(&Tree::of(&[
                ("crates/edgeiq-auth/Cargo.toml", ""),
                ("crates/edgeiq-auth/README.md", "## A\n## B\n"),
                ("crates/iqm-auth/Cargo.toml", ""),
                (PAGE, other),
                ("crates/auth-core/Cargo.toml", ""),
                ("crates/auth-core/README.md", "## C\n"),
            ]))
        };
        assert_eq!(check("text\n## A\n### more\n## B\n"), []);
        for (other, line) in [
            ("## B\n## A\n", 1),
            ("## A\n", 1),
            ("## A\n## B\n## C\n", 3),
        ] {
            let found = check(other);
            assert_eq!(found.len(), 1, "{other}");
            assert_eq!((&*found[0].path, found[0].line), (PAGE, line), "{other}");
        }
    }
}

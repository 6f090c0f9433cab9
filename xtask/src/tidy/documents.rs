//! Rules: what documents name is there.

use regex::Regex;

use super::{Findings, Tree};

/// Where a file of the repository is read by a person who has a crate alone.
const REPOSITORY: &str = "https://github.com/auth-sdks/auth-sdks/blob/main/";

/// The lines outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!is_fence && !in_code).then_some((index + 1, line))
    })
}

/// The links of a text: line, label and target.
fn links(text: &str) -> Vec<(usize, String, String)> {
    let link = Regex::new(r"\[([^\]]*)\](?:\(|: )([^)\s]+)").ok();
    let of_line = |(number, line)| {
        let found = link.iter().flat_map(move |link| link.captures_iter(line));
        found.map(move |it| (number, it[1].to_owned(), it[2].to_owned()))
    };
    prose(text).flat_map(of_line).collect()
}

pub(super) fn promises_name_their_proof(tree: &Tree) -> Findings {
    let text = tree.text("SECURITY.md");
    let mut findings = Vec::new();
    let mut tests = links(text);
    tests.retain(|(.., target)| target.strip_suffix(".rs").is_some());
    for (line, label, target) in &tests {
        let name = label.trim_matches('`');
        // In a trait whose tests run for every vendor, a macro marks the functions.
        let mark =
            if target.contains("crates/vendor-tests/") { "" } else { r"#\[[\w:]*test\b.*\n" };
        let function = format!(r"{mark}(?:\s*#\[.*\n)*\s*(?:pub )?(?:async )?fn {name}\(");
        let function = Regex::new(&format!(r"(?m)^\s*{function}")).ok();
        if !function.is_some_and(|it| it.is_match(tree.text(target))) {
            findings.push(format!("SECURITY.md:{line}: there is no test {name} in {target}"));
        }
    }
    let is_row = |line: &str| line.starts_with("| **");
    for (number, line) in prose(text).filter(|(_, line)| is_row(line)) {
        let others = ["by inspection", "by the compiler"].iter().any(|it| line.contains(it));
        if !others && !tests.iter().any(|test| test.0 == number) {
            let hint = "link its test, or say `by inspection` of what";
            findings.push(format!("SECURITY.md:{number}: a promise without a proof; {hint}"));
        }
    }
    findings
}

/// And each has its diagram.
pub(super) fn vendors_have_the_same_sections(tree: &Tree) -> Findings {
    let sections = |vendor: &str| -> Vec<&str> {
        let text = tree.text(&format!("crates/{vendor}/README.md"));
        prose(text).filter_map(|(_, line)| line.strip_prefix("## ")).collect()
    };
    let vendors = tree.vendors();
    let diagrams = tree.text("docs/authentication.md");
    let mut findings = Vec::new();
    for vendor in &vendors {
        let wanted = sections(vendors[0]);
        if sections(vendor) != wanted {
            findings.push(format!("crates/{vendor}/README.md:1: not the sections {wanted:?}"));
        }
        if !diagrams.contains(&format!(" as {vendor}\n")) {
            findings.push(format!("docs/authentication.md:1: no diagram has {vendor} in it"));
        }
    }
    findings
}

/// A crate's README is its front page on crates.io, where nothing else of the repository is.
pub(super) fn links_lead_somewhere(tree: &Tree) -> Findings {
    let mut findings = Vec::new();
    for (path, text) in tree.ending(".md") {
        let is_front_page = path.starts_with("crates/") && path.ends_with("/README.md");
        for (line, _, target) in links(text) {
            let target = target.split('#').next().unwrap_or_default();
            let mut place: Vec<_> = path.split('/').collect();
            place.pop();
            for part in target.split('/').filter(|part| *part != ".") {
                if part == ".." { place.truncate(place.len() - 1) } else { place.push(part) }
            }
            let leads = match target.strip_prefix(REPOSITORY) {
                _ if target.is_empty() => true,
                Some(file) => tree.holds(file),
                None if is_front_page => target.starts_with("https://"),
                None => target.contains("://") || tree.holds(&place.join("/")),
            };
            if !leads {
                findings.push(format!("{path}:{line}: {target} leads nowhere from there"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_names_a_test_that_exists() {
        let file = "crates/a/tests/it/b.rs";
        let source = "#[tokio::test]\nasync fn it_holds() {}\n\nfn it_helps() {}\n\n#[test]\n\
            #[cfg(unix)]\nfn it_holds_on_unix() {}\n// #[test]\nfn commented() {}\n";
        let check = |cell: &str| {
            let text = format!("| p | t |\n| --- | --- |\n| **It is safe.** | {cell} |\n");
            promises_name_their_proof(&Tree::of([("SECURITY.md", &*text), (file, source)])).len()
        };
        let names = ["it_holds", "it_holds_on_unix", "it_hold", "it_helps", "commented", "gone"];
        let counts = names.map(|name| check(&format!("[`{name}`]({file})")));
        assert_eq!(counts, [0, 0, 1, 1, 1, 1]);
        assert_eq!(check("[`it_holds`](crates/a/tests/it/c.rs)"), 1);
        assert_eq!([check("by inspection of the types"), check("trust us")], [0, 1]);
    }

    #[test]
    fn links_lead_to_what_is_there() {
        let page = "crates/a/README.md";
        let on_github = format!("[a]({REPOSITORY}README.md#x) [b]({REPOSITORY}OTHER.md)");
        for (path, text, count) in [
            ("SECURITY.md", "[a](crates/a) [b](./README.md#x) [c](https://d.test) [e](#f)", 0),
            ("SECURITY.md", "```\n[x](y)\n```\n", 0),
            ("docs/a.md", "[a](../README.md)\n[b]: ../crates/a/src/b.rs\n", 0),
            ("docs/a.md", "[a](README.md) [b](../crates/ab)\n[c]: gone\n", 3),
            (page, "[a](https://docs.rs/a) [b](#errors)", 0),
            (page, "[a](../auth-store) [b](http://docs.rs/a)", 2),
            (page, &on_github, 1),
        ] {
            let tree = Tree::of([(path, text), ("crates/a/src/b.rs", ""), ("README.md", "")]);
            assert_eq!(links_lead_somewhere(&tree).len(), count, "{path}: {text}");
        }
    }

    #[test]
    fn vendors_have_the_same_sections_and_a_diagram_each() {
        let check = |readme: &str, diagram: &str| {
            let files = [
                ("crates/a-auth/Cargo.toml", ""),
                ("crates/b-auth/Cargo.toml", ""),
                ("crates/a-auth/README.md", "## A\n## B\n"),
                ("crates/b-auth/README.md", readme),
                ("docs/authentication.md", diagram),
            ];
            vendors_have_the_same_sections(&Tree::of(files)).len()
        };
        let both = "participant a as a-auth\nparticipant b as b-auth\n";
        assert_eq!(check("text\n## A\n### more\n## B\n", both), 0);
        assert_eq!(check("## B\n## A\n", both), 1);
        assert_eq!(check("## A\n", "participant a as a-auth\n"), 2);
    }
}

//! Rules: what the repository's documents name is there.

use super::Finding;
use super::markdown::Markdown;
use super::source::{Source, word_at};
use super::tree::{Tree, is_rust};

const SECURITY: &str = "SECURITY.md";
const AUTHENTICATION: &str = "docs/authentication.md";

/// What stands in the place of a test where none can be.
const BY_INSPECTION: &str = "by inspection";

pub(crate) fn promises_name_their_tests(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(SECURITY) else {
        return Vec::new();
    };
    let document = Markdown::parse(text);
    let mut findings = Vec::new();
    let links = document.links();
    let tests: Vec<_> = links.iter().filter(|link| is_rust(link.target)).collect();
    for link in &tests {
        let name = link.label.trim_matches('`');
        let source = tree
            .all_sources()
            .iter()
            .find(|source| source.path == link.target);
        let what = match source {
            None => format!("there is no {}", link.target),
            Some(source) if !has_test(source, name) => {
                format!("there is no test {name} in {}", link.target)
            }
            Some(_) => continue,
        };
        let mend = "name the test that proves the promise, or write it";
        findings.push(Finding::new(SECURITY, link.line, what, mend));
    }
    for &(line, text) in rows(&document) {
        let proved = tests.iter().any(|link| link.line == line) || text.contains(BY_INSPECTION);
        if !proved {
            findings.push(Finding::new(
                SECURITY,
                line,
                "a promise without a test",
                format!("link the test that proves it, or say `{BY_INSPECTION}` and of what"),
            ));
        }
    }
    findings
}

/// The rows of tables, without their heads.
fn rows<'a>(document: &'a Markdown<'a>) -> impl Iterator<Item = &'a (usize, &'a str)> {
    let lines = &document.prose;
    let is_rule = |at: usize| {
        lines
            .get(at)
            .is_some_and(|(_, text)| text.starts_with("| ---"))
    };
    lines
        .iter()
        .enumerate()
        .filter(move |(at, (_, text))| text.starts_with('|') && !is_rule(*at) && !is_rule(at + 1))
        .map(|(_, line)| line)
}

/// Whether a function of that name is marked as a test.
fn has_test(source: &Source, name: &str) -> bool {
    let lines: Vec<_> = source.code.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let is_attribute = |line: &&&str| line.starts_with("#[") || line.is_empty();
    let marks = |line: &&str| line.contains("test]") || line.contains("test(");
    lines.iter().enumerate().any(|(at, line)| {
        word_at(line, &head).is_some()
            && lines[..at].iter().rev().take_while(is_attribute).any(marks)
    })
}

pub(crate) fn links_lead_somewhere(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.documents() {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in Markdown::parse(text).links() {
            let target = link.target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            if !tree.holds(&joined(folder, target)) {
                findings.push(Finding::new(
                    path,
                    link.line,
                    format!("{target} is not there"),
                    "link to what is",
                ));
            }
        }
    }
    findings
}

/// `target` as seen from `folder`, from the root.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

pub(crate) fn every_vendor_has_its_diagram(tree: &Tree) -> Vec<Finding> {
    let vendors = tree.vendors();
    let document = Markdown::parse(tree.text(AUTHENTICATION).unwrap_or_default());
    let mut findings = Vec::new();
    let mut finding = |line, what: String, mend: &str| {
        findings.push(Finding::new(AUTHENTICATION, line, what, mend));
    };
    let diagrams: Vec<_> = document
        .fences
        .iter()
        .filter(|fence| fence.info == "mermaid")
        .collect();
    for diagram in &diagrams {
        let mut lines = diagram.code.iter().map(|line| line.trim());
        let mut lines = lines.by_ref().filter(|line| !line.is_empty());
        if lines.next() != Some("sequenceDiagram") || lines.next().is_none() {
            finding(
                diagram.line,
                "a diagram that is empty, or not a sequenceDiagram".to_owned(),
                "begin it with `sequenceDiagram`, and look at the picture",
            );
        }
    }
    for vendor in vendors {
        let takes_part = |line: &&str| line.trim().ends_with(&format!(" as {vendor}"));
        if !diagrams
            .iter()
            .any(|diagram| diagram.code.iter().any(takes_part))
        {
            finding(
                1,
                format!("no diagram has {vendor} as a participant"),
                "draw how its vendor authenticates, and say where its documents disagree",
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: (&str, &str) = (
        "crates/a/tests/it/b.rs",
        "#[tokio::test]\nasync fn it_holds() {}\n\nfn it_helps() {}\n\n#[cfg(unix)]\n\
         #[test]\nfn it_holds_on_unix() {}\n// #[test]\nfn commented() {}\n",
    );

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }

    const NOWHERE: [usize; 0] = [];

    #[test]
    fn a_promise_names_a_test_that_exists() {
        let check = |text: &str| {
            let tree = Tree::of(&[(SECURITY, text), TEST]);
            lines(&promises_name_their_tests(&tree))
        };
        let table = |cell: &str| format!("| p | t |\n| --- | --- |\n| It is safe | {cell} |\n");
        let link = |name: &str| table(&format!("[`{name}`](crates/a/tests/it/b.rs)"));
        assert_eq!(check(&link("it_holds")), NOWHERE);
        assert_eq!(check(&link("it_holds_on_unix")), NOWHERE);
        assert_eq!(check(&table("by inspection of the types")), NOWHERE);
        for name in ["it_hold", "holds", "it_helps", "commented", "gone"] {
            assert_eq!(check(&link(name)), [3], "{name}");
        }
        assert_eq!(check(&table("[`it_holds`](crates/a/tests/it/c.rs)")), [3]);
        assert_eq!(check(&table("trust us")), [3]);
        assert_eq!(check("[`gone`](crates/a/tests/it/b.rs)\n"), [1]);
    }

    #[test]
    fn links_lead_to_files_and_folders_that_exist() {
        let check = |path: &str, text: &str| {
            let tree = Tree::of(&[(path, text), TEST, ("README.md", "")]);
            lines(&links_lead_somewhere(&tree))
        };
        let fine = "[a](crates/a) [b](./README.md#x) [c](https://d.test) [e](#f)\n";
        assert_eq!(check("SECURITY.md", fine), NOWHERE);
        assert_eq!(check("docs/a.md", "[a](../README.md)\n"), NOWHERE);
        assert_eq!(check("docs/a.md", "\n[a](README.md)\n"), [2]);
        assert_eq!(check("SECURITY.md", "[a](crates/ab)\n"), [1]);
    }

    #[test]
    fn every_vendor_takes_part_in_a_diagram_that_is_one() {
        let check = |text: &str| {
            let vendor = ("crates/iqm-auth/Cargo.toml", "");
            let tree = Tree::of(&[(AUTHENTICATION, text), vendor]);
            lines(&every_vendor_has_its_diagram(&tree))
        };
        let whole = "\n```mermaid\nsequenceDiagram\n    participant a as iqm-auth\n```\n";
        assert_eq!(check(whole), NOWHERE);
        assert_eq!(check(&whole.replace("sequenceDiagram", "graph TD")), [2]);
        assert_eq!(check(&format!("{whole}```mermaid\n```\n")), [6]);
        assert_eq!(
            check(&format!("{whole}```mermaid\nsequenceDiagram\n\n```\n")),
            [6]
        );
        assert_eq!(check(&whole.replace("iqm-auth", "iqm")), [1]);
        assert_eq!(check("iqm-auth\n"), [1]);
    }
}

//! Rules: what documents name is there.

use regex::Regex;

use super::{Findings, Tree};

/// Where a file of the repository is read by a person who has a crate alone.
const REPOSITORY: &str = "https://github.com/auth-sdks/auth-sdks/blob/main/";

/// A link of a document: its line, its label and its target.
struct Link<'a> {
    line: usize,
    label: &'a str,
    target: &'a str,
}

/// The lines outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!is_fence && !in_code).then_some((index + 1, line))
    })
}

fn links<'a>(text: &'a str) -> Vec<Link<'a>> {
    let Ok(link) = Regex::new(r"\[([^\]]*)\]\(([^)\s]+)\)|^\[([^\]]+)\]: (\S+)") else {
        return Vec::new();
    };
    let of_line = |(line, text)| {
        let part = |found: &regex::Captures<'a>, one, other| {
            found
                .get(one)
                .or(found.get(other))
                .map_or("", |it| it.as_str())
        };
        link.captures_iter(text)
            .map(|it| Link {
                line,
                label: part(&it, 1, 3),
                target: part(&it, 2, 4),
            })
            .collect::<Vec<_>>()
    };
    prose(text).flat_map(of_line).collect()
}

pub(super) fn promises_name_their_proof(tree: &Tree) -> Findings {
    let text = tree.text("SECURITY.md").unwrap_or_default();
    let mut findings = Vec::new();
    let links = links(text);
    let tests: Vec<_> = links
        .iter()
        .filter(|link| link.target.ends_with(".rs"))
        .collect();
    for Link {
        line,
        label,
        target,
    } in &tests
    {
        let name = label.trim_matches('`');
        let test = format!(
            r"(?m)^\s*#\[(?:\w+::)?test.*\]\n(?:\s*#\[.*\]\n)*\s*(?:pub )?(?:async )?fn {name}\("
        );
        let is_there = |source: &str| Regex::new(&test).is_ok_and(|test| test.is_match(source));
        // In a trait whose tests run for every vendor, a macro marks the functions.
        let is_listed = |source: &str| {
            source.contains(&format!("fn {name}(")) && target.contains("crates/vendor-tests/")
        };
        if !tree
            .text(target)
            .is_some_and(|source| is_there(source) || is_listed(source))
        {
            findings.push(format!("SECURITY.md:{line}: there is no test {name} in {target}; name the one that proves it"));
        }
    }
    let is_row = |line: &str| {
        line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| promise")
    };
    for (line, text) in prose(text).filter(|(_, line)| is_row(line)) {
        let by_other_means = ["by inspection", "by the compiler"]
            .iter()
            .any(|means| text.contains(means));
        if !by_other_means && !tests.iter().any(|link| link.line == line) {
            findings.push(format!("SECURITY.md:{line}: a promise without a proof; link its test, or say `by inspection` of what"));
        }
    }
    findings
}

pub(super) fn vendors_have_the_same_sections(tree: &Tree) -> Findings {
    let sections = |vendor: &str| -> Vec<&str> {
        let text = tree
            .text(&format!("crates/{vendor}/README.md"))
            .unwrap_or_default();
        prose(text)
            .filter_map(|(_, line)| line.strip_prefix("## "))
            .collect()
    };
    let vendors = tree.vendors();
    let mut findings = Vec::new();
    for vendor in vendors.iter().skip(1) {
        let (have, want) = (sections(vendor), sections(vendors[0]));
        if have != want {
            findings.push(format!(
                "crates/{vendor}/README.md:1: the sections are not those of {}: {want:?}",
                vendors[0]
            ));
        }
    }
    findings
}

/// A crate's README is its front page on crates.io, where nothing else of the repository is.
pub(super) fn links_lead_somewhere(tree: &Tree) -> Findings {
    let mut findings = Vec::new();
    for (path, text) in tree.ending(".md") {
        let is_front_page = path.starts_with("crates/") && path.ends_with("/README.md");
        for Link { line, target, .. } in links(text) {
            let target = target.split('#').next().unwrap_or_default();
            let mut place: Vec<_> = path.split('/').collect();
            place.pop();
            for part in target
                .trim_start_matches(REPOSITORY)
                .split('/')
                .filter(|part| *part != ".")
            {
                if part == ".." {
                    place.pop().map(drop)
                } else {
                    Some(place.push(part))
                };
            }
            let leads = match target {
                "" => true,
                _ if target.starts_with(REPOSITORY) => tree.holds(&target[REPOSITORY.len()..]),
                _ if is_front_page => target.starts_with("https://"),
                _ => target.contains("://") || tree.holds(&place.join("/")),
            };
            if !leads {
                let hint = if is_front_page {
                    "link to https://docs.rs/…, or to a file of the repository on GitHub"
                } else {
                    "link to what is"
                };
                findings.push(format!("{path}:{line}: {target} leads nowhere; {hint}"));
            }
        }
    }
    findings
}

pub(super) fn every_vendor_has_its_diagram(tree: &Tree) -> Findings {
    let text = tree.text("docs/authentication.md").unwrap_or_default();
    let diagrams: Vec<_> = text
        .split("```mermaid\nsequenceDiagram\n")
        .skip(1)
        .filter_map(|it| it.split("```").next())
        .collect();
    let is_drawn = |vendor: &&str| {
        let ends = |line: &str| line.trim().ends_with(&format!(" as {vendor}"));
        diagrams.iter().any(|diagram| diagram.lines().any(ends))
    };
    let missing = tree
        .vendors()
        .into_iter()
        .filter(|vendor| !is_drawn(vendor));
    missing
        .map(|vendor| {
            format!("docs/authentication.md:1: no sequenceDiagram has {vendor} in it; draw one")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_names_a_test_that_exists() {
        let source = "#[tokio::test]\nasync fn it_holds() {}\n\nfn it_helps() {}\n\n#[cfg(unix)]\n#[test]\n\
            fn it_holds_on_unix() {}\n// #[test]\nfn commented() {}\n";
        let check = |cell: &str| {
            let text = format!("| promise | t |\n| --- | --- |\n| It is safe | {cell} |\n");
            let file = "crates/a/tests/it/b.rs";
            promises_name_their_proof(&Tree::of(&[("SECURITY.md", &text), (file, source)])).len()
        };
        let link = |name: &str| check(&format!("[`{name}`](crates/a/tests/it/b.rs)"));
        assert_eq!(
            [
                link("it_holds"),
                link("it_holds_on_unix"),
                check("by inspection of the types")
            ],
            [0; 3]
        );
        for name in ["it_hold", "holds", "it_helps", "commented", "gone"] {
            assert_eq!(link(name), 1, "{name}");
        }
        assert_eq!(
            [
                check("[`it_holds`](crates/a/tests/it/c.rs)"),
                check("trust us")
            ],
            [1, 1]
        );
    }

    #[test]
    fn links_lead_to_what_is_there() {
        let check = |path: &str, text: &str| {
            links_lead_somewhere(&Tree::of(&[
                (path, text),
                ("crates/a/src/b.rs", ""),
                ("README.md", ""),
            ]))
            .len()
        };
        assert_eq!(
            check(
                "SECURITY.md",
                "[a](crates/a) [b](./README.md#x) [c](https://d.test) [e](#f)\n```\n[x](y)\n```\n"
            ),
            0
        );
        assert_eq!(
            check(
                "docs/a.md",
                "[a](../README.md)\n[b]: ../crates/a/src/b.rs\n"
            ),
            0
        );
        assert_eq!(
            check("docs/a.md", "[a](README.md) [b](../crates/ab)\n[c]: gone\n"),
            3
        );
        let page = "crates/a/README.md";
        assert_eq!(
            check(
                page,
                &format!("[a](https://docs.rs/a) [b](#errors) [c]({REPOSITORY}README.md#x)\n")
            ),
            0
        );
        assert_eq!(
            check(
                page,
                &format!("[a]({REPOSITORY}OTHER.md) [b](../auth-store) [c](http://docs.rs/a)\n")
            ),
            3
        );
    }

    #[test]
    fn vendors_have_the_same_sections_and_a_diagram_each() {
        let diagram = "```mermaid\nsequenceDiagram\n    participant a as a-auth\n    participant b as b-auth\n```\n";
        let check = |readme: &str, diagram: &str| {
            let manifests =
                ["crates/a-auth/Cargo.toml", "crates/b-auth/Cargo.toml"].map(|path| (path, ""));
            let pages = [
                ("crates/a-auth/README.md", "## A\n## B\n"),
                ("crates/b-auth/README.md", readme),
            ];
            let tree = Tree::of(
                &[
                    &manifests[..],
                    &pages,
                    &[("docs/authentication.md", diagram)],
                ]
                .concat(),
            );
            [
                vendors_have_the_same_sections(&tree).len(),
                every_vendor_has_its_diagram(&tree).len(),
            ]
        };
        assert_eq!(check("text\n## A\n### more\n## B\n", diagram), [0, 0]);
        assert_eq!(
            check("## B\n## A\n", &diagram.replace("b-auth", "b")),
            [1, 1]
        );
        assert_eq!(
            check("## A\n", &diagram.replace("sequenceDiagram", "graph TD")),
            [1, 2]
        );
    }
}

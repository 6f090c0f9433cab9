//! Rules: where code lies, and forms that it has nowhere.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::{Findings, Tree};

/// What every vendor crate has.
const FILES: [&str; 10] = [
    "src/lib.rs",
    "src/client.rs",
    "src/builder.rs",
    "src/renew.rs",
    "src/types.rs",
    "src/wire.rs",
    "src/error.rs",
    "README.md",
    "CHANGELOG.md",
    "tests/it/main.rs",
];

/// The most sources beyond the common ones, one for the vendor's peculiar step.
const MOST_EXTRAS: usize = 1;

/// The most lines of a file without its unit tests.
const MOST_LINES: usize = 400;

/// The most items that a vendor crate exports. Issue 11 makes 26 of it.
const MOST_ITEMS: usize = 69;

/// Names that say nothing about the content.
const EMPTY_NAMES: [&str; 4] = ["utils", "common", "helpers", "prelude"];

pub(super) fn vendors_have_the_same_files(tree: &Tree) -> Findings {
    let vendors = tree.vendors();
    let mut holders: BTreeMap<&str, BTreeSet<&str>> =
        FILES.iter().map(|file| (*file, BTreeSet::new())).collect();
    for vendor in &vendors {
        for (path, _) in tree.sources() {
            let Some(file) = path.strip_prefix(&*format!("crates/{vendor}/")) else {
                continue;
            };
            // Of the sources, those at the top; a test may lie deeper.
            if file
                .strip_prefix("src/")
                .map_or(file.starts_with("tests/it/"), |file| !file.contains('/'))
            {
                holders.entry(file).or_default().insert(vendor);
            }
        }
    }
    let architecture = tree.text("ARCHITECTURE.md").unwrap_or_default();
    let mut findings = Vec::new();
    for (file, holders) in &holders {
        let is_named = !FILES.contains(file) && architecture.contains(&format!("`{file}`"));
        for vendor in vendors.iter().filter(|_| !is_named) {
            if !tree.holds(&format!("crates/{vendor}/{file}")) {
                let others: Vec<_> = holders.iter().copied().collect();
                findings.push(format!(
                    "crates/{vendor}/{file}:1: missing: {} has it; write it, or name `{file}` in ARCHITECTURE.md",
                    if others.is_empty() { "every vendor crate".to_owned() } else { others.join(" and ") }
                ));
            }
        }
    }
    findings
}

pub(super) fn extra_sources_are_few_and_named(tree: &Tree) -> Findings {
    let architecture = tree.text("ARCHITECTURE.md").unwrap_or_default();
    let mut findings = Vec::new();
    for vendor in tree.vendors() {
        let folder = format!("crates/{vendor}/");
        let sources: Vec<_> = tree
            .sources()
            .filter_map(|(path, _)| path.strip_prefix(&*folder))
            .collect();
        let of_one = |file: &str| {
            let is_named = architecture.contains(&format!("`{file}`"));
            file.starts_with("src/") && !FILES.contains(&file) && is_named
        };
        let extras: Vec<_> = sources
            .iter()
            .copied()
            .filter(|file| of_one(file))
            .collect();
        if extras.len() > MOST_EXTRAS {
            findings.push(format!(
                "{folder}src:1: {} are more than {MOST_EXTRAS} extra; merge them",
                extras.join(", ")
            ));
        }
        let folders: BTreeSet<_> = sources
            .iter()
            .filter_map(|file| file.strip_prefix("src/")?.split_once('/'))
            .collect();
        let folders: BTreeSet<_> = folders.into_iter().map(|(folder, _)| folder).collect();
        for lone in folders
            .into_iter()
            .filter(|it| !tree.holds(&format!("{folder}src/{it}.rs")))
        {
            findings.push(format!(
                "{folder}src/{lone}:1: a folder without {lone}.rs; put that beside it"
            ));
        }
    }
    findings
}

pub(super) fn public_roots_are_small(tree: &Tree) -> Findings {
    let (Ok(comment), Ok(exported)) = (
        Regex::new("//.*"),
        Regex::new(
            r"(?m)^pub use [^;{]*(?:\{([^;]*)\})?;|^pub (?:const|fn|mod|struct|enum|trait|type) ",
        ),
    ) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for vendor in tree.vendors() {
        let path = format!("crates/{vendor}/src/lib.rs");
        let text = comment.replace_all(tree.text(&path).unwrap_or_default(), "");
        let count = |list: &str| {
            list.split(',')
                .filter(|item| !item.trim().is_empty())
                .count()
        };
        let items: usize = exported
            .captures_iter(&text)
            .map(|it| it.get(1).map_or(1, |list| count(list.as_str())))
            .sum();
        if items > MOST_ITEMS {
            findings.push(format!("{path}:1: {items} public items, and {MOST_ITEMS} are the most; make a module of some"));
        }
    }
    findings
}

pub(super) fn files_are_short_and_have_telling_names(tree: &Tree) -> Findings {
    let mut findings = Vec::new();
    for (path, text) in tree.sources() {
        let is_for_tests = ["/tests/", "/benches/", "/tests.rs"]
            .iter()
            .any(|part| path.contains(part));
        let tests = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
        let lines = text[..tests].lines().count();
        if lines > MOST_LINES && !is_for_tests {
            findings.push(format!("{path}:{MOST_LINES}: {lines} lines without tests, and {MOST_LINES} are the most; split it"));
        }
        if let Some(name) = path
            .split('/')
            .map(|it| it.trim_end_matches(".rs"))
            .find(|it| EMPTY_NAMES.contains(it))
        {
            findings.push(format!(
                "{path}:1: `{name}` says nothing; name it after what it holds"
            ));
        }
    }
    findings
}

/// Where it matters, what must not be there, and what to do instead.
const FORBIDDEN: [(&str, &str, &str); 3] = [
    (
        "",
        r"(?m)^\s*pub(?:\([a-z]+\))? use [^;]*\*",
        "a glob re-export; re-export item by item",
    ),
    (
        "",
        r"(?m)^\s*#\[ignore",
        "an ignored test; make it run everywhere, or delete it",
    ),
    (
        "/tests/",
        r"\btime::sleep|[^.:\w]sleep(?:_until)?\(\w",
        "a test sleeps; move the clock, or wait for the event itself",
    ),
];

pub(super) fn code_has_no_forbidden_form(tree: &Tree) -> Findings {
    let mut findings = Vec::new();
    for (place, pattern, what) in FORBIDDEN {
        let Ok(pattern) = Regex::new(pattern) else {
            continue;
        };
        for (path, text) in tree
            .sources()
            .filter(|(path, _)| path.starts_with("crates/") && path.contains(place))
        {
            for found in pattern
                .find_iter(text)
                .filter(|found| !found.as_str().contains("fn "))
            {
                let line = text[..found.end()].lines().count();
                let before = text[..found.start()]
                    .rsplit('\n')
                    .next()
                    .unwrap_or_default();
                if !before.contains("//") && !before.ends_with("fn") {
                    findings.push(format!("{path}:{line}: {what}"));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole vendor crates, with these files more and less.
    fn tree(vendors: &[&str], more: &[(&str, &str)], less: &str) -> Tree {
        let mut paths: Vec<String> = Vec::new();
        for vendor in vendors {
            paths.push(format!("crates/{vendor}/Cargo.toml"));
            paths.extend(
                FILES
                    .iter()
                    .chain(&["tests/it/session.rs"])
                    .map(|file| format!("crates/{vendor}/{file}")),
            );
        }
        paths.retain(|path| path != less);
        let mut files: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        files.extend(more);
        Tree::of(&files)
    }

    const BOTH: [&str; 2] = ["edgeiq-auth", "iqm-auth"];

    #[test]
    fn each_file_that_a_vendor_crate_lacks_is_found() {
        assert_eq!(vendors_have_the_same_files(&tree(&BOTH, &[], "")), [""; 0]);
        for file in FILES.iter().chain(&["tests/it/session.rs"]) {
            let path = format!("crates/iqm-auth/{file}");
            let found = vendors_have_the_same_files(&tree(&BOTH, &[], &path));
            assert!(
                found.len() == 1 && found[0].starts_with(&format!("{path}:1: missing")),
                "{found:?}"
            );
        }
        // All may have another file, such as login.rs.
        let login = [
            "crates/edgeiq-auth/src/login.rs",
            "crates/iqm-auth/src/login.rs",
        ]
        .map(|path| (path, ""));
        assert_eq!(
            vendors_have_the_same_files(&tree(&BOTH, &login, "")),
            [""; 0]
        );
        let found = vendors_have_the_same_files(&tree(&BOTH, &login[..1], ""));
        assert!(
            found[0].contains("iqm-auth/src/login.rs:1: missing: edgeiq-auth has it"),
            "{found:?}"
        );
    }

    #[test]
    fn one_file_of_a_vendors_own_is_named_in_the_architecture() {
        let check = |more: &[(&str, &str)]| {
            let tree = tree(&BOTH, more, "");
            [
                vendors_have_the_same_files(&tree),
                extra_sources_are_few_and_named(&tree),
            ]
            .map(|it| it.len())
        };
        let (one, two) = (
            ("crates/iqm-auth/src/limiter.rs", ""),
            ("crates/iqm-auth/src/quirk.rs", ""),
        );
        assert_eq!(check(&[one]), [1, 0]);
        assert_eq!(
            check(&[one, ("ARCHITECTURE.md", "`src/limiter.rs`")]),
            [0, 0]
        );
        assert_eq!(
            check(&[
                one,
                two,
                ("ARCHITECTURE.md", "`src/limiter.rs` `src/quirk.rs`")
            ]),
            [0, 1]
        );
        assert_eq!(
            check(&[
                ("crates/iqm-auth/src/wire/a.rs", ""),
                ("crates/iqm-auth/src/generated/a.rs", "")
            ]),
            [0, 0]
        );
        assert_eq!(check(&[("crates/iqm-auth/src/quirk/a.rs", "")]), [0, 1]);
    }

    #[test]
    fn the_items_of_a_public_root_are_counted() {
        let check = |items: usize| {
            let list: Vec<_> = (0..items - 3).map(|item| format!("A{item}")).collect();
            let root = format!(
                "/// One, two.\npub use a::{{\n    {}, // three, four\n}};\npub use b::C;\npub mod d;\npub const E: u8 = 1;\nuse f::{{G, H}};\n",
                list.join(",\n    ")
            );
            public_roots_are_small(&Tree::of(&[
                ("crates/a-auth/src/lib.rs", &root),
                ("crates/a-auth/Cargo.toml", ""),
            ]))
            .len()
        };
        assert_eq!([check(MOST_ITEMS), check(MOST_ITEMS + 1)], [0, 1]);
    }

    #[test]
    fn a_file_is_short_and_its_name_says_something() {
        let check = |path: &str, text: &str| {
            files_are_short_and_have_telling_names(&Tree::of(&[(path, text)])).len()
        };
        let long = "fn a() {}\n".repeat(MOST_LINES);
        let longer = format!("{long}\n");
        assert_eq!(
            check(
                "crates/a/src/b.rs",
                &format!("{long}#[cfg(test)]\nmod tests {{\n{long}}}\n")
            ),
            0
        );
        assert_eq!(check("crates/a/src/b.rs", &longer), 1);
        assert_eq!(check("crates/a/tests/it/b.rs", &longer), 0);
        assert_eq!(check("crates/a/src/generated/b.rs", &longer), 0);
        for name in EMPTY_NAMES {
            assert_eq!(check(&format!("crates/a/src/{name}.rs"), ""), 1);
            assert_eq!(check(&format!("crates/a/tests/it/{name}/b.rs"), ""), 1);
        }
    }

    #[test]
    fn forbidden_forms_are_found_where_they_matter() {
        let check =
            |path: &str, text: &str| code_has_no_forbidden_form(&Tree::of(&[(path, text)])).len();
        for (text, in_source, in_test) in [
            ("pub use a::*;", 1, 1),
            ("pub(crate) use a::{\n    b::*,\n};", 1, 1),
            ("use super::*;\npub use a::{b, c};\nlet x = a * b;", 0, 0),
            ("#[test]\n#[ignore = \"slow\"]\nfn a() {}", 1, 1),
            ("// #[ignore]", 0, 0),
            ("tokio::time::sleep(day).await;", 0, 1),
            ("    sleep(day).await;", 0, 1),
            (
                "clock.sleep(day).await;\nfn sleep(a: u8) {}\nClock::sleep(&c); // sleep(day)",
                0,
                0,
            ),
        ] {
            assert_eq!(check("crates/a/src/b.rs", text), in_source, "{text}");
            assert_eq!(check("crates/a/tests/it/b.rs", text), in_test, "{text}");
        }
    }
}

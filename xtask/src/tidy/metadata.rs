//! Rule: every crate says on crates.io what it is.

use super::Finding;
use super::tree::Tree;

const KEYS: [&str; 6] = [
    "description",
    "keywords",
    "categories",
    "readme",
    "license",
    "repository",
];

pub(crate) fn every_crate_describes_itself(tree: &Tree) -> Vec<Finding> {
    // A root manifest that cannot be read has a rule of its own.
    let workspace = tree.workspace_dependencies().unwrap_or_default();
    let mut findings = Vec::new();
    for member in tree.members() {
        let stays_here = member.package.contains_key("publish");
        if stays_here || !member.path.starts_with("crates/") {
            continue;
        }
        for key in KEYS {
            let is_there = member
                .package
                .get(key)
                .is_some_and(|inherits| !inherits || workspace.has_package_key(key));
            if !is_there {
                findings.push(Finding::new(
                    &member.path,
                    1,
                    format!("no {key} in [package]"),
                    "add it: crates.io and docs.rs show it",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.package]\nlicense = \"MIT\"\n";
    const WHOLE: &str = "[package]\nname = \"a\"\ndescription = \"A\"\nkeywords = []\n\
        categories = []\nreadme = \"README.md\"\nlicense.workspace = true\nrepository = \"r\"\n";

    fn check(path: &str, text: &str) -> Vec<Finding> {
        every_crate_describes_itself(&Tree::of(&[("Cargo.toml", ROOT), (path, text)]))
    }

    #[test]
    fn a_crate_with_all_keys_is_clean() {
        assert_eq!(check("crates/a/Cargo.toml", WHOLE), []);
        assert_eq!(
            check("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
            []
        );
        let private = "[package]\nname = \"b\"\npublish = false\n";
        assert_eq!(check("crates/a/tests/b/Cargo.toml", private), []);
    }

    #[test]
    fn each_key_that_is_missing_is_found() {
        for key in KEYS {
            let kept: Vec<_> = WHOLE
                .lines()
                .filter(|line| !line.starts_with(key))
                .collect();
            let found = check("crates/a/Cargo.toml", &kept.join("\n"));
            assert_eq!(found.len(), 1, "{key}");
            assert!(found[0].what.contains(key), "{found:?}");
        }
    }

    #[test]
    fn a_key_from_a_workspace_that_has_none_is_missing() {
        let text = WHOLE.replace("repository = \"r\"", "repository.workspace = true");
        assert_eq!(check("crates/a/Cargo.toml", &text).len(), 1);
    }
}

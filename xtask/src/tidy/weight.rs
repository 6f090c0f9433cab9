//! Rule: what a user of a vendor crate compiles stays small.

use super::Finding;
use crate::graph::Node;

/// How many crates a vendor crate's normal tree may have, itself included; vendor crates without
/// an entry are counted by `cargo xtask weigh` and not limited yet.
const LIMITS: [(&str, usize); 4] = [
    ("iqm-auth", 99),
    ("edgeiq-auth", 99),
    ("eqworks-auth", 99),
    // And graphql_client.
    ("identityx-auth", 100),
];

/// What the default features do not bring in, and which vendor crate is let off.
const ABSENT: [(&str, Option<&str>); 7] = [
    ("axum", None),
    ("aws-lc-rs", None),
    ("aws-lc-sys", None),
    ("native-tls", None),
    ("openssl", None),
    ("openssl-sys", None),
    ("graphql_client", Some("identityx-auth")),
];

/// What must not be there in two versions: each is large, and the types of one do not fit the other.
const SINGLE: [&str; 4] = ["http", "hyper", "reqwest", "rustls"];

/// The most crates that this vendor crate may bring in, if a limit is set.
pub(crate) fn limit(vendor: &str) -> Option<usize> {
    LIMITS
        .iter()
        .find(|(name, _)| *name == vendor)
        .map(|&(_, limit)| limit)
}

/// Checks the normal tree of one vendor crate.
pub(crate) fn findings(vendor: &str, tree: &[Node]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |what: String, mend: String| {
        findings.push(Finding::new(
            &format!("crates/{vendor}/Cargo.toml"),
            1,
            what,
            mend,
        ));
    };
    if let Some(limit) = limit(vendor)
        && tree.len() > limit
    {
        find(
            format!(
                "{} crates in the normal tree, and {limit} are the most",
                tree.len()
            ),
            format!("find the new ones with `cargo tree -p {vendor} -e normal`"),
        );
    }
    for (name, exempt) in ABSENT {
        if exempt != Some(vendor) && tree.iter().any(|node| node.name == name) {
            find(
                format!("{name} in the tree of the default features"),
                format!("see who brings it with `cargo tree -p {vendor} -e normal -i {name}`"),
            );
        }
    }
    for name in SINGLE {
        let versions: Vec<_> = tree
            .iter()
            .filter(|node| node.name == name)
            .map(|node| node.version.as_str())
            .collect();
        if versions.len() > 1 {
            find(
                format!("{name} in several versions: {}", versions.join(", ")),
                format!("see who brings them with `cargo tree -p {vendor} -e normal -d`"),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(crates: &[(&str, &str)]) -> Vec<Node> {
        let node = |&(name, version): &(&str, &str)| Node {
            name: name.to_owned(),
            version: version.to_owned(),
            features: Vec::new(),
        };
        crates.iter().map(node).collect()
    }

    #[test]
    fn a_light_tree_is_clean() {
        let light = tree(&[
            ("iqm-auth", "0.1.0"),
            ("reqwest", "0.13.5"),
            ("openssl-probe", "0.2.0"),
        ]);
        assert_eq!(findings("iqm-auth", &light), []);
    }

    #[test]
    fn one_crate_above_the_limit_is_found() {
        let limit = limit("iqm-auth").unwrap();
        let versions: Vec<_> = (0..=limit).map(|number| format!("1.{number}.0")).collect();
        let crates: Vec<_> = versions
            .iter()
            .map(|version| ("a", version.as_str()))
            .collect();
        assert_eq!(findings("iqm-auth", &tree(&crates[..limit])), []);
        assert_eq!(findings("iqm-auth", &tree(&crates)).len(), 1);
        assert_eq!(findings("another-auth", &tree(&crates)), []);
    }

    #[test]
    fn each_crate_that_must_be_absent_is_found() {
        for (name, exempt) in ABSENT {
            let heavy = tree(&[(name, "1.0.0")]);
            assert_eq!(findings("iqm-auth", &heavy).len(), 1, "{name}");
            let expected = usize::from(exempt.is_none());
            assert_eq!(findings("identityx-auth", &heavy).len(), expected, "{name}");
        }
    }

    #[test]
    fn two_versions_of_a_large_crate_are_found() {
        for name in SINGLE {
            assert_eq!(
                findings("iqm-auth", &tree(&[(name, "1.0.0"), (name, "2.0.0")])).len(),
                1
            );
        }
        assert_eq!(
            findings("iqm-auth", &tree(&[("syn", "2.0.0"), ("syn", "3.0.0")])),
            []
        );
    }
}

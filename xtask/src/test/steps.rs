//! What is checked, in order: the cheap and the likely to fail first.

use std::path::Path;

use anyhow::Result;

use super::call::{Call, run_calls};
use crate::{cargo, codegen, msrv, packages, tidy, tools};

/// One check.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Compiles the workspace, and so needs more than the Rust toolchain.
    pub(crate) compiles: bool,
    pub(crate) run: fn(&Path) -> Result<()>,
}

pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "the formatting is rustfmt's",
        compiles: false,
        run: |root| run_calls(root, &[Call::new("fmt --all --check")]),
    },
    Step {
        name: "typos",
        about: "words are spelt as others spell them",
        compiles: false,
        run: |root| run_calls(root, &[Call::of("typos", "")]),
    },
    Step {
        name: "codegen",
        about: "generated code is up to date",
        compiles: false,
        run: codegen::check,
    },
    Step {
        name: "tidy",
        about: "the house rules",
        compiles: false,
        run: tidy::run,
    },
    Step {
        name: "deny",
        about: "licences, bans and sources of all dependencies",
        compiles: false,
        run: |root| run_calls(root, &[deny()]),
    },
    Step {
        name: "shear",
        about: "no dependency is unused",
        compiles: false,
        run: |root| run_calls(root, &[Call::of("cargo-shear", "")]),
    },
    Step {
        name: "clippy",
        about: "no lint warns, in any target with all features",
        compiles: true,
        run: |root| run_calls(root, &[clippy()]),
    },
    Step {
        name: "tests",
        about: "unit and integration tests, and the proofs of releases",
        compiles: true,
        run: |root| {
            tools::require(&tools::for_testing())?;
            run_calls(root, &[tests(has_nextest(root))])
        },
    },
    Step {
        name: "tls",
        about: "handshakes with each other TLS feature alone, and with none",
        compiles: true,
        run: |root| run_calls(root, &handshakes(has_nextest(root))),
    },
    Step {
        name: "doctests",
        about: "the examples in the docs",
        compiles: true,
        run: |root| run_calls(root, &[doctests()]),
    },
    Step {
        name: "docs",
        about: "the docs build without a warning",
        compiles: true,
        run: |root| run_calls(root, &[docs()]),
    },
    Step {
        name: "features",
        about: "every set of TLS features builds, and each other feature alone",
        compiles: true,
        run: |root| run_calls(root, &features()),
    },
    Step {
        name: "packages",
        about: "each crate compiles from its package alone, with the oldest versions it allows",
        compiles: true,
        run: packages::check,
    },
    Step {
        name: "msrv",
        about: "the oldest Rust that is promised is enough, as far as can be known here",
        compiles: true,
        run: msrv::check,
    },
];

/// The features of which a user picks any set, the empty one included.
pub(crate) const TLS: [&str; 3] = ["ring", "aws-lc-rs", "native-tls"];

/// All features but those of TLS. Of these one takes effect, whatever is on, and the handshakes try
/// each; the one that would is slow: it reads the system's certificates for every client.
const RING_AND_ALL_STORES: &str = "--features auth-core-tls/ring,iqm-auth/rate-limit,\
    auth-store/encryption,auth-store/file,auth-store/keyring,auth-store/redis,\
    auth-store/redis-tls,auth-store/testing";

fn deny() -> Call {
    Call::of(
        "cargo-deny",
        "--log-level error check --hide-inclusion-graph licenses bans sources",
    )
}

fn clippy() -> Call {
    Call::new("clippy --workspace --all-targets --all-features -- -D warnings")
}

/// `--examples`, of which there are none, has the dependencies resolved as clippy has them: so they
/// need not be compiled again.
fn docs() -> Call {
    let docs = Call::new("doc --workspace --all-features --no-deps --lib --bins --examples");
    docs.with("RUSTDOCFLAGS", "-D warnings")
}

fn tests(nextest: bool) -> Call {
    let runner = if nextest {
        "nextest run"
    } else {
        "test --lib --bins --tests --examples"
    };
    Call::new(&format!("{runner} --workspace {RING_AND_ALL_STORES}"))
}

/// With the features of the tests, for whom everything is compiled already.
fn doctests() -> Call {
    Call::new(&format!("test --workspace {RING_AND_ALL_STORES} --doc"))
}

/// What the tests, which run with ring, do not try: none, and the others alone.
fn handshakes(nextest: bool) -> Vec<Call> {
    let runner = if nextest { "nextest run" } else { "test" };
    let others = TLS.iter().filter(|&&feature| feature != "ring");
    std::iter::once(String::new())
        .chain(others.map(|feature| format!(" --features {feature}")))
        .map(|features| Call::new(&format!("{runner} --package auth-core-tls{features}")))
        .collect()
}

fn has_nextest(root: &Path) -> bool {
    cargo::output(cargo::command(root).args(["nextest", "--version"])).is_ok()
}

/// Every set of auth-core's features, which are those of TLS, and each feature of the other crates
/// that have some: the vendor crates pass those of TLS on.
fn features() -> [Call; 2] {
    let hack = |line: &str| Call::of("cargo-hack", &format!("hack check {line}"));
    [
        hack("--package auth-core --feature-powerset --exclude-features default"),
        hack(
            "--workspace --exclude auth-core --exclude auth-core-tls --exclude auth-sandbox \
             --exclude identityx-codegen --exclude examples --exclude xtask \
             --each-feature --exclude-features default --exclude-all-features",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn steps_are_told_apart_by_their_names() {
        let names: BTreeSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn without_nextest_the_tests_run_under_cargo_and_doctests_stay_apart() {
        assert!(tests(true).to_string().starts_with("cargo nextest run "));
        let plain = tests(false).to_string();
        assert!(
            plain.starts_with("cargo test ") && plain.contains("--lib"),
            "{plain}"
        );
        assert!(doctests().to_string().ends_with(" --doc"));
    }

    #[test]
    fn the_tests_leave_out_no_feature_but_those_of_tls() {
        let crates = cargo::root().join("crates");
        for entry in std::fs::read_dir(crates).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let text = std::fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
            let manifest: toml_edit::DocumentMut = text.parse().unwrap();
            let features = manifest.get("features").and_then(toml_edit::Item::as_table);
            for (feature, _) in features.into_iter().flatten() {
                let is_tested = RING_AND_ALL_STORES.contains(&format!("{name}/{feature}"));
                let is_tls = feature == "default" || TLS.contains(&feature);
                assert!(is_tested || is_tls, "{name}/{feature}");
            }
        }
    }

    #[test]
    fn handshakes_are_tried_with_each_tls_feature_alone_and_with_none() {
        let lines: Vec<_> = handshakes(true).iter().map(Call::to_string).collect();
        assert!(!lines[0].contains("--features"), "{}", lines[0]);
        for feature in TLS {
            let is_tried = lines
                .iter()
                .any(|line| line.ends_with(&format!("--features {feature}")));
            let by_tests = tests(true)
                .to_string()
                .contains(&format!("auth-core-tls/{feature},"));
            assert!(is_tried != by_tests, "{feature}");
        }
    }
}

//! The one test command: every check, in order, until the first that fails; the cheap and the likely to fail first.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cargo::{self, note, run as call, say};
use crate::release::crates::Crates;
use crate::{codegen, oldest, tidy, tools};

/// One check: its name, what it checks, and how.
type Step = (&'static str, &'static str, fn(&Path) -> Result<()>);

const STEPS: &[Step] = &[
    ("fmt", "the formatting is rustfmt's", |root| {
        cargo(root, "fmt --all --check")
    }),
    ("typos", "words are spelt as others spell them", |root| {
        tool(root, "typos", "")
    }),
    ("codegen", "generated code is up to date", codegen::check),
    ("tidy", "the rules of this repository", tidy::run),
    (
        "deny",
        "licences, bans and sources of all dependencies",
        |root| {
            tool(
                root,
                "cargo-deny",
                "--log-level error check --hide-inclusion-graph licenses bans sources",
            )
        },
    ),
    ("shear", "no dependency is unused", |root| {
        tool(root, "cargo-shear", "")
    }),
    (
        "clippy",
        "no lint warns, in any target with all features",
        |root| {
            tools::require_for(false)?;
            cargo(
                root,
                "clippy --workspace --all-targets --all-features -- -D warnings",
            )
        },
    ),
    (
        "tests",
        "unit and integration tests, and the proofs of releases",
        |root| {
            tools::require_for(true)?;
            let unit = if has_nextest(root) {
                "nextest run"
            } else {
                "test --lib --bins --tests --examples"
            };
            cargo(root, &format!("{unit} --workspace {RING_AND_ALL_STORES}"))
        },
    ),
    (
        "tls",
        "handshakes with each other TLS feature alone, and with none",
        |root| {
            tools::require_for(false)?;
            let runner = if has_nextest(root) {
                "nextest run"
            } else {
                "test"
            };
            for features in ["", "--features aws-lc-rs", "--features native-tls"] {
                cargo(
                    root,
                    &format!("{runner} --package auth-core-tls {features}"),
                )?;
            }
            Ok(())
        },
    ),
    ("doctests", "the examples in the docs", |root| {
        cargo(
            root,
            &format!("test --workspace {RING_AND_ALL_STORES} --doc"),
        )
    }),
    // `--examples`, of which there are none, has the dependencies resolved as clippy has them: so they need not be
    // compiled again.
    ("docs", "the docs build without a warning", |root| {
        let mut docs = cargo::cargo(
            root,
            "doc --workspace --all-features --no-deps --lib --bins --examples",
        );
        call(docs.env("RUSTDOCFLAGS", "-D warnings"))
    }),
    // Every set of auth-core's features, which are those of TLS, and each feature of the other crates that have some:
    // the vendor crates pass those of TLS on.
    (
        "features",
        "every set of TLS features builds, and each other feature alone",
        |root| {
            tools::require_for(false)?;
            tool(
                root,
                "cargo-hack",
                "hack check --package auth-core --feature-powerset --exclude-features default",
            )?;
            tool(
                root,
                "cargo-hack",
                "hack check --workspace --exclude auth-core --exclude auth-core-tls --exclude auth-sandbox --exclude \
             identityx-codegen --exclude examples --exclude xtask --each-feature --exclude-features default \
             --exclude-all-features",
            )
        },
    ),
    (
        "packages",
        "each crate compiles from its package alone, with the oldest versions it allows",
        oldest::check,
    ),
    (
        "msrv",
        "the oldest Rust that is promised is enough, as far as can be known here",
        oldest_rust,
    ),
];

/// The features of which a user picks any set, the empty one included.
pub(crate) const TLS: [&str; 3] = ["ring", "aws-lc-rs", "native-tls"];

/// All features but those of TLS. Of these one takes effect, whatever is on, and the handshakes try each; the one that
/// would is slow: it reads the system's certificates for every client.
const RING_AND_ALL_STORES: &str = "--features auth-core-tls/ring,iqm-auth/rate-limit,\
    auth-store/encryption,auth-store/file,auth-store/keyring,auth-store/redis,\
    auth-store/redis-tls,auth-store/testing";

/// Runs the steps named, or all of them.
pub(crate) fn run(root: &Path, list: bool, only: &[String]) -> Result<()> {
    if list {
        STEPS
            .iter()
            .for_each(|(name, about, _)| say(format_args!("{name:<10}{about}")));
        return Ok(());
    }
    let names: Vec<_> = STEPS.iter().map(|(name, ..)| *name).collect();
    if let Some(unknown) = only.iter().find(|step| !names.contains(&step.as_str())) {
        bail!(
            "there is no step `{unknown}`; there are: {}",
            names.join(", ")
        );
    }
    let steps: Vec<_> = STEPS
        .iter()
        .filter(|(name, ..)| only.is_empty() || only.iter().any(|it| it == name))
        .collect();
    let started = Instant::now();
    let mut times = Vec::new();
    for (number, (name, about, check)) in steps.iter().enumerate() {
        note(format_args!(
            "\n==> [{}/{}] {name}: {about}",
            number + 1,
            steps.len()
        ));
        let began = Instant::now();
        let outcome = check(root);
        let took = seconds(began.elapsed());
        outcome.with_context(|| {
            format!(
                "step `{name}` failed after {took}; to run it alone: cargo xtask test --only {name}"
            )
        })?;
        note(format_args!("<== {name} passed in {took}"));
        times.push(format!("{name} {took}"));
    }
    note(format_args!(
        "\nall {} steps passed in {}: {}",
        times.len(),
        seconds(started.elapsed()),
        times.join(", ")
    ));
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn cargo(root: &Path, line: &str) -> Result<()> {
    call(&mut cargo::cargo(root, line))
}

fn tool(root: &Path, name: &str, line: &str) -> Result<()> {
    call(cargo::program(tools::pinned(root, name)?, root).args(line.split_whitespace()))
}

fn has_nextest(root: &Path) -> bool {
    cargo::output(&mut cargo::cargo(root, "nextest --version")).is_ok()
}

/// With the oldest Rust at hand the crates are compiled with it. Without, cargo says whether a dependency declares a
/// later one, and clippy's `incompatible_msrv` what the crates use of the standard library.
fn oldest_rust(root: &Path) -> Result<()> {
    let crates = Crates::load(root)?;
    let Some(version) = crates
        .sorted
        .first()
        .and_then(|one| one.package["rust_version"].as_str())
    else {
        bail!("no crate promises a Rust version");
    };
    let mut words = vec![
        "check",
        "--locked",
        "--all-features",
        "--target-dir",
        "target/msrv",
    ];
    words.extend(
        crates
            .sorted
            .iter()
            .flat_map(|one| ["--package", &one.name]),
    );
    let probe = cargo::output(Command::new("rustup").args(["run", version, "cargo", "--version"]));
    if probe.is_ok() {
        return call(
            cargo::program("rustup", root)
                .args(["run", version, "cargo"])
                .args(words),
        );
    }
    say(format_args!(
        "Rust {version} is not installed (`rustup toolchain install {version}`): nothing is compiled with it"
    ));
    let later = later_than(root, version, &crates)?;
    anyhow::ensure!(
        later.is_empty(),
        "these want a later Rust than {version}:\n  {}",
        later.join("\n  ")
    );
    Ok(())
}

/// Dependencies of what is published that declare a later Rust.
fn later_than(root: &Path, promised: &str, crates: &Crates) -> Result<Vec<String>> {
    let parse = |text: &str| -> Vec<u32> {
        text.split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    let mut tree = cargo::cargo(
        root,
        "tree --all-features --edges normal,build --target all --prefix none --no-dedupe",
    );
    tree.args(["--format", "{p}"]).args(
        crates
            .sorted
            .iter()
            .flat_map(|one| ["--package", &one.name]),
    );
    let used = cargo::output(&mut tree)?;
    let metadata = cargo::output(&mut cargo::cargo(
        root,
        "metadata --format-version=1 --locked",
    ))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let mut later = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let name = format!("{} v{}", text("name"), text("version"));
        let is_used = used
            .lines()
            .any(|line| line.trim_end_matches(" (proc-macro)").trim_end() == name);
        if is_used && parse(text("rust_version")) > parse(promised) {
            later.push(format!("{name} wants {}", text("rust_version")));
        }
    }
    Ok(later)
}

/// The matrix of faults, which tests of `examples` print.
pub(crate) fn faults(root: &Path) -> Result<()> {
    let mut faults = cargo::cargo(
        root,
        "test --package examples --test faults -- --nocapture --test-threads 1",
    );
    call(faults.env("AUTH_FAULTS_TABLE", "1"))
}

/// The long tests at full size. By cargo itself, one after the other: what is measured has the machine to itself.
pub(crate) fn soak(root: &Path) -> Result<()> {
    tools::require_for(true)?;
    let mut fleet = cargo::cargo(
        root,
        "test --package examples --test fleet -- --nocapture --test-threads 1",
    );
    call(fleet.env("AUTH_SOAK", "1"))?;
    cargo(
        root,
        "bench --package auth-store --features file --bench many_records",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_refused_with_the_steps_that_exist() {
        let refusal = run(Path::new("."), false, &["clipy".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            refusal.contains("`clipy`") && refusal.contains("clippy, tests, tls"),
            "{refusal}"
        );
    }

    #[test]
    fn the_tests_leave_out_no_feature_but_those_of_tls() {
        for one in Crates::load(&cargo::root()).unwrap().sorted {
            for (feature, _) in one.package["features"].as_object().unwrap() {
                let is_tested = RING_AND_ALL_STORES.contains(&format!("{}/{feature}", one.name));
                let is_tls = feature == "default" || TLS.contains(&feature.as_str());
                assert!(is_tested || is_tls, "{}/{feature}", one.name);
            }
        }
    }

    #[test]
    fn a_dependency_that_declares_a_later_rust_is_named() {
        let root = cargo::root();
        let crates = Crates::load(&root).unwrap();
        let later = later_than(&root, "1.0", &crates).unwrap();
        assert!(
            later.iter().any(|it| it.starts_with("reqwest v")),
            "{later:?}"
        );
        assert!(later_than(&root, "9.0", &crates).unwrap().is_empty());
    }
}

//! The one test command: every check, in order, until the first that fails; the cheap and the
//! likely to fail first.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, cargo as command, note, run as call, say};
use crate::release::crates::{Crates, list, text};
use crate::{oldest, tidy, tools};

/// One check: its name, what it checks, and how.
type Step = (&'static str, &'static str, fn(&Path) -> Result<()>);

const STEPS: &[Step] = &[
    ("fmt", "the formatting is rustfmt's", |root| call(&mut command(root, "fmt --all --check"))),
    ("typos", "words are spelt as others spell them", |root| tool(root, "typos", "")),
    ("tidy", "the rules that no tool has", tidy::run),
    ("deny", "licences and sources of all dependencies, and who may depend on whom", |root| {
        tool(root, "cargo-deny", "--log-level error check licenses bans sources")
    }),
    ("shear", "no dependency is unused", |root| tool(root, "cargo-shear", "")),
    ("msrv", "no dependency wants a later Rust than is promised", |root| oldest_rust(root, None)),
    ("clippy", "no lint warns, in any target with all features", |root| {
        let words = "clippy --workspace --all-targets --all-features -- -D warnings";
        call(&mut command(root, words))
    }),
    ("tests", "unit and integration tests, and the proofs of releases", |root| {
        test(root, &format!("--workspace {RING_AND_ALL_STORES}"))
    }),
    ("tls", "handshakes with each other TLS feature alone, and with none", |root| {
        // The other packages have features of third parties resolved as the tests have them, so that
        // these need not be compiled again. None of them asks auth-core for TLS.
        let packages = "--package auth-core-tls --package auth-sandbox --package auth-store \
            --package xtask --features xtask/graphql,auth-store/redis-tls,auth-store/keyring,\
            auth-store/testing,auth-store/file,auth-store/encryption";
        let features = ["", ",auth-core-tls/aws-lc-rs", ",auth-core-tls/native-tls"];
        features.iter().try_for_each(|it| test(root, &format!("{packages}{it} --test tls")))
    }),
    ("doctests", "the examples in the docs", |root| {
        call(&mut command(root, &format!("test --doc --workspace {RING_AND_ALL_STORES}")))
    }),
    ("docs", "the docs build without a warning", |root| {
        // `--examples`, of which there are none, has the dependencies resolved as clippy has them:
        // so they need not be compiled again.
        let words = "doc --workspace --all-features --no-deps --lib --bins --examples";
        call(command(root, words).env("RUSTDOCFLAGS", "-D warnings"))
    }),
    ("packages", "each compiles alone, by feature, with the oldest versions", oldest::check),
];

/// The features of which a user picks any set, the empty one included.
pub(crate) const TLS: [&str; 3] = ["ring", "aws-lc-rs", "native-tls"];

/// All features but those of TLS. Of these one takes effect, whatever is on, and the handshakes try
/// each; the one that would is slow: it reads the system's certificates for every client.
const RING_AND_ALL_STORES: &str = "--features auth-core-tls/ring,auth-core/middleware,auth-core/tower,\
    iqm-auth/middleware,iqm-auth/tower,edgeiq-auth/middleware,edgeiq-auth/tower,\
    eqworks-auth/middleware,eqworks-auth/tower,identityx-auth/middleware,identityx-auth/tower,\
    iqm-auth/rate-limit,xtask/graphql,examples/clients,examples/live,examples/redis,examples/sqlite,auth-store/encryption,\
    auth-store/file,auth-store/keyring,auth-store/record,auth-store/redis,auth-store/redis-tls,auth-store/testing";

pub(crate) fn run(root: &Path, list: bool, only: &[String]) -> Result<()> {
    if list {
        STEPS.iter().map(|(name, about, _)| format!("{name:<10}{about}")).for_each(say);
        return Ok(());
    }
    let names: Vec<_> = STEPS.iter().map(|(name, ..)| *name).collect();
    if let Some(unknown) = only.iter().find(|step| !names.contains(&step.as_str())) {
        bail!("there is no step `{unknown}`; there are: {}", names.join(", "));
    }
    let is_meant = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    let steps: Vec<_> = STEPS.iter().filter(|(name, ..)| is_meant(name)).collect();
    tools::require(&tools::NEEDS)?;
    let (started, mut times) = (Instant::now(), Vec::new());
    for (number, (name, about, check)) in steps.iter().enumerate() {
        note(format_args!("\n==> [{}/{}] {name}: {about}", number + 1, steps.len()));
        let began = Instant::now();
        let hint = format!("`{name}` failed; to run it alone: cargo xtask test --only {name}");
        check(root).context(hint)?;
        times.push(format!("{name} {:.1?}", began.elapsed()));
        note(format_args!("<== passed: {name} {:.1?}", began.elapsed()));
    }
    let (count, times) = (times.len(), times.join(", "));
    note(format_args!("\nall {count} steps passed in {:.1?}: {times}", started.elapsed()));
    Ok(())
}

fn tool(root: &Path, name: &str, words: &str) -> Result<()> {
    call(&mut cargo::program(tools::pinned(root, name)?, root, words))
}

fn test(root: &Path, words: &str) -> Result<()> {
    let has_nextest = cargo::output(&mut command(root, "nextest --version")).is_ok();
    let runner = if has_nextest { "nextest run" } else { "test --lib --bins --tests" };
    call(&mut command(root, &format!("{runner} {words}")))
}

/// No locked dependency declares a later Rust than the crates here. What these use of the standard
/// library, clippy's `incompatible_msrv` knows.
fn oldest_rust(root: &Path, promise: Option<&str>) -> Result<()> {
    let parse = |text: &str| -> Vec<u32> {
        text.split('.').flat_map(str::parse).chain([0; 3]).take(3).collect()
    };
    let metadata = cargo::metadata(root, "--locked --all-features")?;
    let crates = Crates::load(root)?.sorted;
    let promised = crates.iter().map(|one| text(&one.package, "rust_version")).min();
    let promised = parse(promise.or(promised).unwrap_or_default());
    let wants = |it: &&serde_json::Value| parse(text(it, "rust_version")) > promised;
    let later = list(&metadata, "packages").iter().filter(wants);
    let line = |it| format!("{} {}: {}", text(it, "name"), text(it, "version"), it["rust_version"]);
    let later: Vec<_> = later.map(line).collect();
    ensure!(later.is_empty(), "these want a later Rust:\n  {}", later.join("\n  "));
    Ok(())
}

/// The matrix of faults, which tests of `examples` print.
pub(crate) fn faults(root: &Path) -> Result<()> {
    let words = "test --package examples --test faults -- --nocapture --test-threads 1";
    call(command(root, words).env("AUTH_FAULTS_TABLE", "1"))
}

/// The long tests at full size, one after the other: what is measured has the machine to itself.
pub(crate) fn soak(root: &Path) -> Result<()> {
    tools::require(&tools::NEEDS)?;
    let words = "test --package examples --features redis --test fleet -- --nocapture \
        --test-threads 1";
    call(command(root, words).env("AUTH_SOAK", "1"))?;
    call(&mut command(root, "bench --package auth-store --features file --bench many_records"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_refused_with_the_steps_that_exist() {
        let refusal = run(Path::new("."), false, &["clipy".to_owned()]).unwrap_err().to_string();
        assert!(refusal.contains("`clipy`") && refusal.contains("clippy, tests"), "{refusal}");
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
    fn a_dependency_that_wants_a_later_rust_is_named() {
        let later = oldest_rust(&cargo::root(), Some("1.2")).unwrap_err().to_string();
        assert!(later.contains("\n  reqwest "), "{later}");
    }
}

//! The one test command: every check until one fails, the cheap and the likely to fail first.

use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{panic, thread};

use anyhow::{Context, Result, bail, ensure};
use semver::VersionReq;

use crate::cargo::{self, cargo as command, note, run as call, say};
use crate::release::crates::{Crates, features, list, text};
use crate::{oldest, tidy, tools};

/// Its name, when (equal tens beside each other, equal numbers in a line), what it checks, and how.
type Step = (&'static str, u8, &'static str, fn(&Path) -> Result<()>);

const STEPS: &[Step] = &[
    ("fmt", 10, "formatted by rustfmt", |root| call(&mut command(root, "fmt --all --check"))),
    ("typos", 11, "words are spelt as others spell them", |root| tool(root, "typos", "")),
    ("tidy", 12, "the rules that no tool has", tidy::run),
    ("deny", 13, "licences and sources of all dependencies, and who may depend on whom", |root| {
        tool(root, "cargo-deny", "--log-level error check licenses bans sources")
    }),
    ("shear", 13, "no dependency is unused", |root| tool(root, "cargo-shear", "")),
    ("msrv", 13, "no dependency wants a later Rust than promised", |root| oldest_rust(root, None)),
    ("clippy", 20, "everything compiles, and no lint warns", |root| {
        let words = "test --quiet --no-run --tests --bench *";
        call(&mut linted(root, &format!("{words} {}", ring(root)?)))
    }),
    ("tests", 30, "all tests, and the proofs of releases", |root| test(root, &ring(root)?)),
    ("tls", 31, "handshakes with each other TLS feature alone, and with none", |root| {
        // Third parties have the features that the tests have compiled them with. A program has *ring*.
        let words = "--workspace --exclude authctl --no-default-features --test tls";
        let words = format!("{words} {}", all_but_tls(root)?);
        let features =
            ["", " --features auth-core-tls/aws-lc-rs", " --features auth-core-tls/native-tls"];
        features.iter().try_for_each(|it| test(root, &format!("{words}{it}")))
    }),
    ("packages", 31, "each compiles alone, by feature, with the oldest versions", oldest::check),
    ("docs", 32, "the docs build without a warning, and their examples work", |root| {
        let mut docs = linted(root, &format!("test --doc {}", ring(root)?));
        docs.env("RUSTDOC", root.join("xtask/rustdoc.sh"));
        call(docs.env("DOCS", cargo::target(root)?.join("doc")))
    }),
];

/// Everything with *ring*. Of the features of TLS one takes effect, whatever is on, and the
/// handshakes try each; the one that would is slow: it reads the system's certificates each time.
fn ring(root: &Path) -> Result<String> {
    Ok(format!("--workspace {} --features auth-core-tls/ring,examples/live", all_but_tls(root)?))
}

fn all_but_tls(root: &Path) -> Result<String> {
    let metadata = cargo::metadata(root, "--no-deps")?;
    let all = list(&metadata, "packages").iter().flat_map(|package| {
        let name = text(package, "name");
        features(package).into_iter().map(move |feature| format!("{name}/{feature}"))
    });
    let all: Vec<_> = all.filter(|it| it != "examples/live").collect();
    Ok(format!("--features {}", all.join(",")))
}

pub(crate) fn run(root: &Path, list: bool, only: &[String]) -> Result<()> {
    if list {
        STEPS.iter().map(|(name, _, about, _)| format!("{name:<10}{about}")).for_each(say);
        return Ok(());
    }
    let names: Vec<_> = STEPS.iter().map(|(name, ..)| *name).collect();
    if let Some(unknown) = only.iter().find(|step| !names.contains(&step.as_str())) {
        bail!("there is no step `{unknown}`; there are: {}", names.join(", "));
    }
    let is_meant = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    let steps: Vec<_> = STEPS.iter().filter(|(name, ..)| is_meant(name)).collect();
    tools::require(&tools::NEEDS)?;
    let started = Instant::now();
    let one = |(name, _, about, check): &&Step| {
        note(format_args!("\n==> {name}: {about}"));
        let began = Instant::now();
        let hint = format!("`{name}` failed; to run it alone: cargo xtask test --only {name}");
        check(root).context(hint)?;
        note(format_args!("<== passed: {name} {:.1?}", began.elapsed()));
        Ok(format!("{name} {:.1?}", began.elapsed()))
    };
    let all = |steps: &[&Step]| steps.iter().map(one).collect::<Result<Vec<_>>>();
    let mut times = Vec::new();
    for stage in steps.chunk_by(|one, next| one.1 / 10 == next.1 / 10) {
        let lanes = stage.chunk_by(|one, next| one.1 == next.1);
        thread::scope(|scope| {
            for lane in lanes.map(|lane| scope.spawn(|| all(lane))).collect::<Vec<_>>() {
                times.extend(lane.join().unwrap_or_else(|it| panic::resume_unwind(it))?);
            }
            anyhow::Ok(())
        })?;
    }
    note(format_args!("\nall steps passed in {:.1?}: {}", started.elapsed(), times.join(", ")));
    Ok(())
}

fn tool(root: &Path, name: &str, words: &str) -> Result<()> {
    call(&mut cargo::program(tools::pinned(root, name)?, root, words))
}

/// Compiles by clippy, which is the compiler with more lints: so nothing is compiled for it apart.
fn linted(root: &Path, words: &str) -> Command {
    let mut command = command(root, words);
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    command.env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    command
}

fn test(root: &Path, words: &str) -> Result<()> {
    let has_nextest = cargo::output(&mut command(root, "nextest --version")).is_ok();
    // Most tests wait: for a time limit, a server, another process.
    let threads = thread::available_parallelism().map_or(4, |it| 2 * it.get());
    let nextest = format!("nextest run --test-threads {threads}");
    let runner = if has_nextest { &nextest } else { "test --lib --bins --tests" };
    call(&mut linted(root, &format!("{runner} {words}")))
}

/// No locked dependency declares a later Rust than the crates here. What these use of the standard
/// library, clippy's `incompatible_msrv` knows.
fn oldest_rust(root: &Path, promise: Option<&str>) -> Result<()> {
    let metadata = cargo::metadata(root, "--locked --all-features")?;
    let crates = Crates::load(root)?.sorted;
    let promised = crates.iter().map(|one| text(&one.package, "rust_version")).min();
    let promised = format!("{}.0", promise.or(promised).unwrap_or_default()).parse()?;
    let later = list(&metadata, "packages").iter().filter(|it| {
        let required = VersionReq::parse(&format!(">={}", text(it, "rust_version")));
        required.is_ok_and(|it| !it.matches(&promised))
    });
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
    let words = "test --package examples --features redis --test fleet --test short_lived \
        -- --nocapture --test-threads 1";
    call(command(root, words).env("AUTH_SOAK", "1"))?;
    call(&mut command(root, "bench -p auth-store -p authctl -F auth-store/file --bench *"))
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
    fn a_dependency_that_wants_a_later_rust_is_named() {
        let later = oldest_rust(&cargo::root(), Some("1.2")).unwrap_err().to_string();
        assert!(later.contains("\n  reqwest "), "{later}");
    }
}

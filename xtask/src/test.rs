//! The one test command: every check, in order, until the first that fails.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tidy::manifest::Manifest;
use crate::{cargo, codegen, tidy, tools};

struct Step {
    name: &'static str,
    about: &'static str,
    /// Compiles the workspace, and so needs more than the Rust toolchain.
    compiles: bool,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "the formatting is rustfmt's",
        compiles: false,
    },
    Step {
        name: "codegen",
        about: "generated code is up to date",
        compiles: false,
    },
    Step {
        name: "clippy",
        about: "no lint warns, in any target with all features",
        compiles: true,
    },
    Step {
        name: "tests",
        about: "unit and integration tests",
        compiles: true,
    },
    Step {
        name: "tls",
        about: "handshakes with each TLS feature alone, and with none",
        compiles: true,
    },
    Step {
        name: "doctests",
        about: "the examples in the docs",
        compiles: true,
    },
    Step {
        name: "docs",
        about: "the docs build without a warning",
        compiles: true,
    },
    Step {
        name: "features",
        about: "every set of TLS features builds, and each store alone",
        compiles: true,
    },
    Step {
        name: "tidy",
        about: "the house rules",
        compiles: false,
    },
];

/// The features of which a user picks any set, the empty one included.
pub(crate) const TLS: [&str; 3] = ["ring", "aws-lc-rs", "native-tls"];

/// One call of cargo.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    arguments: Vec<String>,
    variable: Option<(&'static str, &'static str)>,
}

impl Call {
    pub(crate) fn new(line: &str) -> Self {
        Self {
            arguments: line.split_whitespace().map(str::to_owned).collect(),
            variable: None,
        }
    }

    /// The same call, with this variable in its environment.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variable = Some((name, value));
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, value)) = self.variable {
            write!(f, "{name}=\"{value}\" ")?;
        }
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

/// Prints the names of the steps.
pub(crate) fn list() {
    for Step { name, about, .. } in STEPS {
        println!("{name:<10}{about}");
    }
}

/// Refuses a step that does not exist, and says which do.
pub(crate) fn check_name(step: &str) -> Result<()> {
    if STEPS.iter().all(|known| known.name != step) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step `{step}`; there are: {}", names.join(", "));
    }
    Ok(())
}

/// Runs the steps named, or all of them.
pub(crate) fn run(root: &Path, only: &[String]) -> Result<()> {
    let steps: Vec<_> = STEPS
        .iter()
        .filter(|step| only.is_empty() || only.iter().any(|name| name == step.name))
        .collect();
    let started = Instant::now();
    let mut times = Vec::new();
    let mut tools_are_there = false;
    for (number, step) in steps.iter().enumerate() {
        if step.compiles && !tools_are_there {
            tools::require(&tools::for_compiling())?;
            tools_are_there = true;
        }
        if step.name == "tests" {
            tools::require(&tools::for_testing())?;
        }
        eprintln!(
            "\n==> [{}/{}] {}: {}",
            number + 1,
            steps.len(),
            step.name,
            step.about
        );
        let began = Instant::now();
        let outcome = run_step(root, step);
        let took = seconds(began.elapsed());
        outcome.with_context(|| {
            format!(
                "step `{name}` failed after {took}; to run it alone: cargo xtask test --only {name}",
                name = step.name
            )
        })?;
        eprintln!("<== {} passed in {took}", step.name);
        times.push((step.name, took));
    }
    let times: Vec<_> = times
        .iter()
        .map(|(name, took)| format!("{name} {took}"))
        .collect();
    eprintln!(
        "\nall {} steps passed in {}: {}",
        times.len(),
        seconds(started.elapsed()),
        times.join(", ")
    );
    Ok(())
}

fn run_step(root: &Path, step: &Step) -> Result<()> {
    match step.name {
        "codegen" => codegen::check(root),
        "tidy" => tidy::run(root),
        "tests" => run_calls(root, &[tests(has_nextest(root))]),
        "tls" => run_calls(root, &handshakes(has_nextest(root))),
        "features" => {
            run_calls(root, &features(&tls_features(root)?))?;
            run_calls(root, &stores())
        }
        name => run_calls(root, &[whole_workspace(name)?]),
    }
}

pub(crate) fn run_calls(root: &Path, calls: &[Call]) -> Result<()> {
    for call in calls {
        eprintln!("    {call}");
        let status = cargo::command(root)
            .args(&call.arguments)
            .envs(call.variable)
            .stdin(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!("`{call}` ended with {status}");
        }
    }
    Ok(())
}

fn whole_workspace(step: &str) -> Result<Call> {
    Ok(match step {
        "fmt" => Call::new("fmt --all --check"),
        "clippy" => Call::new("clippy --workspace --all-targets --all-features -- -D warnings"),
        "doctests" => Call::new("test --workspace --all-features --doc"),
        "docs" => {
            let docs = Call::new("doc --workspace --all-features --no-deps");
            docs.with("RUSTDOCFLAGS", "-D warnings")
        }
        other => bail!("step `{other}` has nothing to run"),
    })
}

/// All tests, with all features but those of TLS. Of these one takes effect, whatever is on, and
/// the handshakes try each; the one that would is slow: it reads the system's certificates for
/// every client.
fn tests(nextest: bool) -> Call {
    let runner = if nextest {
        "nextest run"
    } else {
        "test --lib --bins --tests --examples"
    };
    let stores = STORES.join(",auth-store/");
    Call::new(&format!(
        "{runner} --workspace --features auth-core/ring{stores}"
    ))
}

/// All features together choose one backend, so the others are tried alone.
fn handshakes(nextest: bool) -> Vec<Call> {
    let runner = if nextest { "nextest run" } else { "test" };
    let alone = TLS.map(|feature| format!(" --features {feature}"));
    std::iter::once(String::new())
        .chain(alone)
        .map(|features| {
            Call::new(&format!(
                "{runner} --package auth-core --no-default-features{features} --test it tls::"
            ))
        })
        .collect()
}

fn has_nextest(root: &Path) -> bool {
    cargo::output(cargo::command(root).args(["nextest", "--version"])).is_ok()
}

/// The TLS features of auth-core and of each vendor crate, by crate.
fn tls_features(root: &Path) -> Result<BTreeMap<String, Vec<&'static str>>> {
    let mut crates = cargo::vendors(root)?;
    crates.push("auth-core".to_owned());
    let mut found = BTreeMap::new();
    for name in crates {
        let path = root.join("crates").join(&name).join("Cargo.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let manifest =
            Manifest::parse(&path.to_string_lossy(), &text).map_err(anyhow::Error::msg)?;
        let features = TLS
            .into_iter()
            .filter(|tls| manifest.features.iter().any(|have| have == tls));
        found.insert(name, features.collect());
    }
    Ok(found)
}

/// What a token store may be built with; each alone must do, and none.
const STORES: [&str; 7] = [
    "",
    "file",
    "keyring",
    "redis",
    "redis-tls",
    "encryption",
    "testing",
];

fn stores() -> Vec<Call> {
    STORES
        .iter()
        .map(|set| {
            let features = if set.is_empty() {
                String::new()
            } else {
                format!(" --features {set}")
            };
            Call::new(&format!("check --package auth-store{features}"))
        })
        .collect()
}

/// One check for each set of auth-core's TLS features, and for each that a vendor crate passes on.
fn features(crates: &BTreeMap<String, Vec<&'static str>>) -> Vec<Call> {
    let mut calls = Vec::new();
    for (name, features) in crates {
        let sets = if name == "auth-core" {
            subsets(features)
        } else {
            let alone = features.iter().map(|&feature| vec![feature]);
            std::iter::once(Vec::new()).chain(alone).collect()
        };
        for set in sets {
            let mut line = format!("check --package {name} --no-default-features");
            if !set.is_empty() {
                line.push_str(" --features ");
                line.push_str(&set.join(","));
            }
            calls.push(Call::new(&line));
        }
    }
    calls
}

fn subsets<'a>(items: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut subsets = vec![Vec::new()];
    for &item in items {
        for index in 0..subsets.len() {
            let mut larger = subsets[index].clone();
            larger.push(item);
            subsets.push(larger);
        }
    }
    subsets
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_something_to_run() {
        for step in STEPS {
            if !matches!(step.name, "codegen" | "tidy" | "tests" | "tls" | "features") {
                assert!(whole_workspace(step.name).is_ok(), "{}", step.name);
            }
        }
    }

    #[test]
    fn every_set_of_the_tls_features_is_checked_where_they_are_chosen_from() {
        let crates = BTreeMap::from([
            ("auth-core".to_owned(), TLS.to_vec()),
            ("iqm-auth".to_owned(), TLS.to_vec()),
        ]);
        let mut lines: Vec<_> = features(&crates).iter().map(Call::to_string).collect();
        assert_eq!(lines.len(), 8 + 4);
        assert_eq!(
            lines[0],
            "cargo check --package auth-core --no-default-features"
        );
        assert!(
            lines.contains(
                &"cargo check --package auth-core --no-default-features --features ring,native-tls"
                    .to_owned()
            )
        );
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), 8 + 4, "no set is checked twice");
    }

    #[test]
    fn only_the_tls_features_that_a_crate_has_are_combined() {
        let root = tempfile::tempdir().unwrap();
        for (name, features) in [("auth-core", "ring = []\nother = []"), ("iqm-auth", "")] {
            let folder = root.path().join("crates").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            let text = format!("[package]\nname = \"{name}\"\n[features]\n{features}\n");
            std::fs::write(folder.join("Cargo.toml"), text).unwrap();
        }
        let found = tls_features(root.path()).unwrap();
        assert_eq!(found["auth-core"], ["ring"]);
        assert!(found["iqm-auth"].is_empty());
    }

    #[test]
    fn a_call_prints_as_a_line_for_a_shell() {
        let docs = whole_workspace("docs").unwrap().to_string();
        assert!(
            docs.starts_with("RUSTDOCFLAGS=\"-D warnings\" cargo doc "),
            "{docs}"
        );
    }

    #[test]
    fn without_nextest_the_tests_run_under_cargo_and_doctests_stay_apart() {
        assert!(tests(true).to_string().starts_with("cargo nextest run "));
        let plain = tests(false).to_string();
        assert!(
            plain.starts_with("cargo test ") && plain.contains("--lib"),
            "{plain}"
        );
        let features = " --features auth-core/ring,auth-store/file,auth-store/keyring,";
        assert!(plain.contains(features), "{plain}");
    }

    #[test]
    fn handshakes_are_tried_with_each_tls_feature_alone_and_with_none() {
        let lines: Vec<_> = handshakes(true).iter().map(Call::to_string).collect();
        assert_eq!(lines.len(), 1 + TLS.len());
        assert!(!lines[0].contains("--features"), "{}", lines[0]);
        for (line, feature) in lines[1..].iter().zip(TLS) {
            assert!(line.contains(&format!("--features {feature} ")), "{line}");
        }
    }

    #[test]
    fn a_failing_call_stops_the_step_and_is_named() {
        let calls = [Call::new("no-such-command-here"), Call::new("--version")];
        let error = run_calls(Path::new("."), &calls).unwrap_err();
        assert!(
            error.to_string().contains("cargo no-such-command-here"),
            "{error}"
        );
    }
}

//! What a vendor crate costs its users: crates to compile, and the CPU time that this takes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cargo;
use crate::graph::{self, Node};
use crate::tidy::weight;

/// The vendor crate whose build is measured. The four are parallel; one measurement is enough.
const MEASURED: &str = "iqm-auth";
/// The most that a build of it may cost, as a multiple of reqwest's.
const MOST: f64 = 1.15;

/// Prints the table; with `runs`, also builds, and fails if a build costs too much.
pub(crate) fn run(root: &Path, runs: Option<u32>) -> Result<()> {
    println!("{:<16}{:>8}{:>8}", "crate", "crates", "limit");
    for vendor in cargo::vendors(root)? {
        let limit =
            weight::limit(&vendor).map_or_else(|| "–".to_owned(), |limit| limit.to_string());
        println!(
            "{vendor:<16}{:>8}{limit:>8}",
            graph::normal(root, &vendor)?.len()
        );
    }
    match runs {
        Some(runs) => compare(root, runs),
        None => Ok(()),
    }
}

fn compare(root: &Path, runs: u32) -> Result<()> {
    let nodes = graph::normal(root, MEASURED)?;
    let folder = root.join("crates").join(MEASURED);
    let ours = format!("{MEASURED} = {{ path = '{}' }}\n", folder.display());
    let ours = least_cost(root, "ours", &ours, runs)?;
    let theirs = least_cost(root, "reqwest", &bare_reqwest(&nodes)?, runs)?;
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("\ncold release build, CPU time (user and system), the least of {runs}:");
    println!("{MEASURED:<16}{:>8.1} s", ours.as_secs_f64());
    println!("{:<16}{:>8.1} s", "bare reqwest", theirs.as_secs_f64());
    println!("{:<16}{ratio:>8.3}   (at most {MOST})", "ratio");
    if ratio > MOST {
        bail!("{MEASURED} costs {ratio:.3} times what reqwest costs, and {MOST} is the most");
    }
    Ok(())
}

/// The dependencies of a program that has reqwest alone: as resolved for us, feature by feature.
fn bare_reqwest(nodes: &[Node]) -> Result<String> {
    let mut lines = Vec::new();
    // With `rustls-no-provider`, reqwest needs a provider from rustls beside it.
    for name in ["reqwest", "rustls"] {
        let node = nodes
            .iter()
            .find(|node| node.name == name)
            .with_context(|| format!("{MEASURED} does not depend on {name}"))?;
        let features: Vec<_> = node
            .features
            .iter()
            .map(|feature| format!("\"{feature}\""))
            .collect();
        lines.push(format!(
            "{name} = {{ version = \"={}\", default-features = false, features = [{}] }}\n",
            node.version,
            features.join(", ")
        ));
    }
    Ok(lines.concat())
}

fn least_cost(root: &Path, name: &str, dependencies: &str, runs: u32) -> Result<Duration> {
    // Outside the workspace: neither its profiles nor its .cargo/config.toml may have a say.
    let project = tempfile::tempdir().context("cannot make a temporary project")?;
    fs::create_dir(project.path().join("src"))?;
    fs::write(project.path().join("src/lib.rs"), "")?;
    fs::write(project.path().join("Cargo.toml"), manifest(dependencies))?;
    fs::copy(root.join("Cargo.lock"), project.path().join("Cargo.lock"))
        .context("cannot copy Cargo.lock, which makes both build the same versions")?;
    // What is downloaded here is not paid for below.
    run_quietly(cargo::command(project.path()).arg("fetch"))?;

    let target = root.join("target").join("weigh").join(name);
    let mut least = Duration::MAX;
    for run in 1..=runs {
        if target.exists() {
            fs::remove_dir_all(&target)
                .with_context(|| format!("cannot empty {}", target.display()))?;
        }
        eprintln!("==> building {name}, {run} of {runs}");
        let mut build = cargo::command(project.path());
        build
            .args(["build", "--release", "--offline", "--target-dir"])
            .arg(&target);
        // A cache would make the second build free.
        build
            .env_remove("RUSTC_WRAPPER")
            .env_remove("CARGO_BUILD_RUSTC_WRAPPER");
        least = least.min(cpu_time(&mut build)?);
    }
    Ok(least)
}

fn manifest(dependencies: &str) -> String {
    format!(
        "[package]\nname = \"weighed\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[dependencies]\n{dependencies}"
    )
}

fn run_quietly(command: &mut Command) -> Result<()> {
    cargo::output(command).map(drop)
}

/// The CPU time of a command and of everything that it started and waited for.
fn cpu_time(command: &mut Command) -> Result<Duration> {
    let before = children()?;
    let status = command
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("the build ended with {status}");
    }
    Ok(children()?.saturating_sub(before))
}

#[cfg(unix)]
fn children() -> Result<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeVal;

    let duration = |time: TimeVal| -> Result<Duration> {
        Ok(Duration::from_secs(u64::try_from(time.tv_sec())?)
            + Duration::from_micros(u64::try_from(time.tv_usec())?))
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot ask for the CPU time")?;
    Ok(duration(usage.user_time())? + duration(usage.system_time())?)
}

#[cfg(not(unix))]
fn children() -> Result<Duration> {
    bail!("`weigh --build` measures CPU time on Unix only")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, features: &[&str]) -> Node {
        Node {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
        }
    }

    #[test]
    fn bare_reqwest_has_the_versions_and_features_that_we_resolve() {
        let nodes = [
            node("reqwest", &["json", "rustls-no-provider"]),
            node("rustls", &["ring"]),
        ];
        let text = bare_reqwest(&nodes).unwrap();
        assert_eq!(
            text,
            "reqwest = { version = \"=1.2.3\", default-features = false, \
             features = [\"json\", \"rustls-no-provider\"] }\n\
             rustls = { version = \"=1.2.3\", default-features = false, features = [\"ring\"] }\n"
        );
        assert!(toml::de::DeTable::parse(&manifest(&text)).is_ok());
    }

    #[test]
    fn a_tree_without_reqwest_has_nothing_to_compare_with() {
        assert!(bare_reqwest(&[node("rustls", &[])]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_cpu_time_of_a_child_is_counted() {
        let mut busy = Command::new("sh");
        busy.args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"]);
        assert!(cpu_time(&mut busy).unwrap() > Duration::from_millis(1));
        assert!(cpu_time(&mut Command::new("false")).is_err());
    }
}

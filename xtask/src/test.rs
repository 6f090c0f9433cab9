//! The one test command: every check, in order, until the first that fails.

mod call;
mod steps;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools;
use steps::{STEPS, Step};

pub(crate) use call::{Call, run_calls};
pub(crate) use steps::TLS;

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
        eprintln!(
            "\n==> [{}/{}] {}: {}",
            number + 1,
            steps.len(),
            step.name,
            step.about
        );
        let began = Instant::now();
        let outcome = (step.run)(root);
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

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

//! The long tests at full size, with their figures.

use std::path::Path;

use anyhow::Result;

use crate::test::{Call, run_calls};
use crate::tools;

/// Runs all of them.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut needed = tools::for_compiling();
    needed.extend(tools::for_testing());
    tools::require(&needed)?;
    run_calls(root, &calls())
}

fn calls() -> [Call; 2] {
    // By cargo itself, one after the other: what is measured has the machine to itself.
    let fleet = "test --package examples --test fleet -- --nocapture --test-threads 1";
    let records = "bench --package auth-store --features file --bench many_records";
    [Call::new(fleet).with("AUTH_SOAK", "1"), Call::new(records)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fleet_runs_at_full_size_and_shows_its_figures() {
        let fleet = calls()[0].to_string();
        assert!(fleet.starts_with("AUTH_SOAK=\"1\" cargo test "), "{fleet}");
        assert!(fleet.contains("--nocapture"), "{fleet}");
    }
}

//! What a session tells an operator is what `docs/observability.md` says. A binary of its own, since a
//! recorder of metrics is the process's.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a test that ends like this has failed, which is what it is for"
)]

mod events;
mod life;
#[cfg(feature = "metrics")]
mod metrics;
#[allow(dead_code, reason = "the other tests use the rest of it")]
#[path = "../it/moody.rs"]
mod moody;
#[allow(dead_code, reason = "the other tests use the rest of it")]
#[path = "../it/vendor.rs"]
mod vendor;

const DOCUMENT: &str = include_str!("../../../../docs/observability.md");

/// The rows of the document's table whose first column has this name, as cells.
fn table(first: &str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| -> Vec<&'static str> {
        let line = line.trim_matches('|');
        line.split('|').map(str::trim).collect()
    };
    let mut lines = DOCUMENT.lines();
    let is_head = |line: &str| line.starts_with(&format!("| {first} |"));
    assert!(lines.any(is_head), "there is no table of {first}");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(cells).collect()
}

/// What stands in backquotes in `cell`.
fn quoted(cell: &str) -> Vec<&str> {
    if let Some(one) = cell.strip_prefix("``") {
        return vec![one.trim_end_matches('`')];
    }
    cell.split('`').skip(1).step_by(2).collect()
}

//! The names of operations, as tests write them.

/// The operation of a request that belongs to none.
pub(crate) const UNKNOWN: &str = "unknown";

/// Panics unless there is an operation of this name.
#[track_caller]
#[allow(
    clippy::panic,
    reason = "an assertion: a misspelt name makes a test that cannot fail"
)]
pub(crate) fn assert_known(operation: &str, known: &[&str]) {
    if operation != UNKNOWN && !known.contains(&operation) {
        let known = known.join(", ");
        panic!("the sandbox has no operation {operation:?}; there are: {known}, {UNKNOWN}");
    }
}

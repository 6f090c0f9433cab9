//! The store in a real keyring: a Secret Service of a test's own, on a bus of its own.

mod refusals;
mod session;
mod tokens;

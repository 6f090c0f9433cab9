//! The store in a real keyring: a Secret Service for each test, on a bus of its own.

mod refusals;
mod runtimes;
mod session;
mod tokens;

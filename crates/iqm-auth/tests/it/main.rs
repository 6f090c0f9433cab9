//! iqm-auth from the outside: against the sandbox, and against the vendor's published samples.

mod builder;
mod contract;
mod faults;
#[cfg(feature = "rate-limit")]
mod limiter;
mod redaction;
mod session;
mod set_up;
mod wire;

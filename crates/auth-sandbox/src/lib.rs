#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod clock;
mod fault;
mod iqm;
mod log;
mod operation;
mod rate_limit;
mod request;
mod sandbox;
mod server;
mod tokens;

pub use answer::HINT_HEADER;
pub use clock::SandboxClock;
pub use fault::{Fault, Gate};
pub use iqm::{Iqm, IqmAccount, IqmUser, TokenEnvelope};
pub use log::{Entry, RequestLog};
pub use sandbox::{Sandbox, SandboxBuilder};

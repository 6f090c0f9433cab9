//! The sandbox as a program: the vendors, a JSON API and a page, on one port.
//!
//! A test in Rust starts a [`Sandbox`](crate::Sandbox) and needs none of this.

mod api;
mod app;
mod copy;
mod events;
mod greeting;
mod guard;
mod inspect;
mod mask;
mod options;
mod page;
mod run;
mod seed;
mod snapshot;
mod space;
mod state;
mod step;
mod why;

pub(crate) use api::Span;
pub(crate) use inspect::{
    Act, Code, Fields, Inspect, Mint, Records, Token, TokenChange, TokenState, exact_time,
    load_secret, merged, secret_text,
};
pub use run::main;

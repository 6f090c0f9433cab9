//! The sandbox as a program: the vendors, a JSON API and a page, on one port.
//!
//! A test in Rust starts a [`Sandbox`](crate::Sandbox) and needs none of this.

mod api;
mod app;
mod events;
mod guard;
mod inspect;
mod options;
mod page;
mod run;
mod space;

pub(crate) use inspect::{Inspect, Token, TokenState};
pub use run::main;

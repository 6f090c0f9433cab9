//! Tests that look into a session.

mod model;
mod threads;

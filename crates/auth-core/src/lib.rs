//! What the auth SDKs share.

mod clock;

pub use clock::{BoxFuture, Clock, Moment, SystemClock};

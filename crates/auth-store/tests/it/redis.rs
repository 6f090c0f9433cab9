//! The Redis store, with a real server for each test.

#[cfg(feature = "testing")]
mod contract;
mod entries;
mod fork;
mod lease;
mod outage;
mod proxy;
mod refusals;
mod runtimes;
mod secrets;
mod server;
mod session;
#[cfg(feature = "redis-tls")]
mod tls;
mod watch;

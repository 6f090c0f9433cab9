//! Tokens in Redis or Valkey, for workers on many machines.

mod builder;
mod entries;
mod failure;
mod lease;
mod link;
mod names;
mod scripts;
mod store;
mod watch;

pub use builder::RedisStoreBuilder;
pub use store::RedisStore;

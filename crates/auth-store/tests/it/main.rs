//! Everything that needs a disk, a server or a process of its own.

#[cfg(feature = "redis")]
mod redis;

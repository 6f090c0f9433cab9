//! The sandbox and its settings. What belongs to one vendor is in that vendor's folder.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::http::Extensions;
use tokio::sync::oneshot;

use crate::clock::SandboxClock;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::inbox::{Inbox, Post};
use crate::log::{Keep, RequestLog};
use crate::vendor::{RunningVendor, Vendor};
use crate::vendor_clock::Skew;

/// The vendors, emulated on a free port of the loopback interface until this value is dropped.
///
/// A sandbox has a thread and a Tokio runtime of its own, so that it can be started and dropped
/// anywhere: in a test of any runtime, in a doctest, in a `main` without a runtime. It shares
/// nothing with any other sandbox: each has its users, tokens, clock, faults and log.
///
/// # Example
///
/// ```
/// use auth_sandbox::Sandbox;
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let iqm = sandbox.iqm();
/// assert_eq!(iqm.base_url().host_str(), Some("127.0.0.1"));
/// sandbox.log().assert_count("iqm.refresh", 0);
/// # Ok(())
/// # }
/// ```
pub struct Sandbox {
    pub(crate) address: SocketAddr,
    pub(crate) post: Post,
    pub(crate) exchange: Arc<Exchange>,
    /// Dropping it stops the thread.
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// A sandbox with other settings.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The sandbox's time, for the test to move and for the client under test to share.
    pub fn clock(&self) -> SandboxClock {
        self.exchange.clock.clone()
    }

    /// The requests that arrived.
    pub fn log(&self) -> RequestLog {
        self.exchange.log.clone()
    }

    /// Queues a fault for the next calls.
    pub fn fault(&self, fault: Fault) {
        self.exchange.faults.push(fault);
    }

    /// Removes the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.exchange.faults.clear();
    }

    /// How many faults have not happened yet, or not as often as they were meant to. A fault with
    /// [`Fault::always`] counts until it is cleared.
    pub fn pending_faults(&self) -> usize {
        self.exchange.faults.len()
    }

    /// The e-mails that the vendors have sent to this address.
    pub fn inbox(&self, address: impl AsRef<str>) -> Inbox<'_> {
        Inbox::new(address.as_ref(), &self.post)
    }

    /// What a vendor remembers, for its handle.
    #[allow(
        clippy::expect_used,
        reason = "a vendor that is not in the list fails in the first test that calls its handle"
    )]
    pub(crate) fn vendor<V: Vendor>(&self) -> &V {
        let mut vendors = self.exchange.vendors.iter();
        let found = vendors.find_map(RunningVendor::state);
        found.expect("each vendor with a handle is in the list of vendors")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // The thread waits for nothing of the caller's, so this takes no longer than it needs
            // to close its sockets: inside an async task, too.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The settings of a [`Sandbox`], all of them optional.
#[derive(Debug, Default)]
pub struct SandboxBuilder {
    pub(crate) clock: SandboxClock,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) skew: Skew,
    pub(crate) keep: Keep,
    /// By their type.
    pub(crate) vendor_settings: Extensions,
}

impl SandboxBuilder {
    /// The clock of the sandbox. Default: a new [`SandboxClock::new`].
    pub fn clock(mut self, clock: SandboxClock) -> Self {
        self.clock = clock;
        self
    }

    /// How many requests a minute each vendor accepts. The others get a 429 with `Retry-After`.
    /// Default: `None`, no limit, because most tests are not about it.
    ///
    /// The minute is a sliding one by the sandbox's clock, and a refused request does not count.
    pub fn rate_limit(mut self, requests_a_minute: Option<u32>) -> Self {
        self.rate_limit = requests_a_minute;
        self
    }

    /// The vendors' wall clock is ahead of the sandbox's clock. `Date` headers, ends of sessions and
    /// JWTs show the former.
    pub fn server_ahead_by(mut self, ahead: Duration) -> Self {
        self.skew = Skew {
            ahead,
            behind: Duration::ZERO,
        };
        self
    }

    /// The vendors' wall clock is behind the sandbox's clock. `Date` headers, ends of sessions and
    /// JWTs show the former.
    pub fn server_behind_by(mut self, behind: Duration) -> Self {
        self.skew = Skew {
            ahead: Duration::ZERO,
            behind,
        };
        self
    }

    /// Changes the settings of the vendor that has these.
    pub(crate) fn set<S>(mut self, change: impl FnOnce(&mut S)) -> Self
    where
        S: Clone + Default + Send + Sync + 'static,
    {
        change(self.vendor_settings.get_or_insert_default());
        self
    }
}

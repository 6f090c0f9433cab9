//! The sandbox itself: a thread with a server in it, for as long as the value lives.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use url::Url;

use crate::clock::SandboxClock;
use crate::edgeiq::{self, EdgeIq, EdgeIqRefusals, SessionExpiresAt};
use crate::eqworks::{self, EqWorks};
use crate::fault::{Fault, Queue};
use crate::identityx::{self, IdentityX};
use crate::inbox::{Inbox, Post};
use crate::iqm::{self, Iqm, TokenEnvelope};
use crate::log::RequestLog;
use crate::operation::{self, Routers};
use crate::route::limited;
use crate::server::{self, Server};
use crate::tokens::Policy;
use crate::vendor_clock::{Skew, VendorClock};

/// The vendors, emulated on a free port of the loopback interface; gone when dropped.
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
    address: SocketAddr,
    iqm_url: Url,
    iqm: Arc<iqm::State>,
    edgeiq_url: Url,
    edgeiq: Arc<edgeiq::State>,
    eqworks: Arc<eqworks::State>,
    identityx: Arc<identityx::State>,
    post: Post,
    server: Arc<Server>,
    /// Dropping it stops the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox with the defaults of [`SandboxBuilder`].
    ///
    /// # Errors
    ///
    /// If there is no free port, or the operating system refuses another thread.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// A sandbox with other settings.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// The operations of all vendors, as [`Fault::on`] and [`RequestLog::count`] take them: for a
    /// test that wants to miss none.
    pub fn operations() -> Vec<&'static str> {
        operation::all()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The sandbox's time, for the test to move and for the client under test to share.
    pub fn clock(&self) -> SandboxClock {
        self.server.clock.clone()
    }

    /// What arrived.
    pub fn log(&self) -> RequestLog {
        self.server.log.clone()
    }

    /// Queues a fault for the next calls.
    pub fn fault(&self, fault: Fault) {
        self.server.faults.push(fault);
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.server.faults.clear();
    }

    /// How many faults have not happened yet (or not as often as they were meant to); one with
    /// [`Fault::always`] counts until it is cleared.
    pub fn pending_faults(&self) -> usize {
        self.server.faults.len()
    }

    /// IQM: its address, its client credentials, and the strings to pull behind its back.
    pub fn iqm(&self) -> Iqm<'_> {
        Iqm::new(&self.iqm_url, &self.iqm)
    }

    /// EdgeIQ: its address, its users, and the strings to pull behind its back.
    pub fn edgeiq(&self) -> EdgeIq<'_> {
        EdgeIq::new(&self.edgeiq_url, &self.edgeiq)
    }

    /// EQ Works: its address, its users, and the strings to pull behind its back.
    pub fn eqworks(&self) -> EqWorks<'_> {
        EqWorks::new(&self.eqworks)
    }

    /// IdentityX: its endpoint, its applications and people, and the strings to pull behind its back.
    pub fn identityx(&self) -> IdentityX<'_> {
        IdentityX::new(&self.identityx)
    }

    /// The e-mails that the vendors have sent to this address.
    pub fn inbox(&self, address: impl AsRef<str>) -> Inbox<'_> {
        Inbox::new(address.as_ref(), &self.post)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // The thread waits for nothing of the caller's, so this takes no longer than it needs
            // to close its sockets: inside an async task too.
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
#[derive(Debug)]
pub struct SandboxBuilder {
    clock: SandboxClock,
    policy: Policy,
    rate_limit: Option<u32>,
    envelope: TokenEnvelope,
    edgeiq: edgeiq::Settings,
    skew: Skew,
}

/// `expires_in` in IQM's samples.
const TOKEN_LIFETIME: Duration = Duration::from_secs(35_999);
/// IQM's limit, in requests a minute.
const VENDOR_RATE_LIMIT: u32 = 20;

impl Default for SandboxBuilder {
    fn default() -> Self {
        Self {
            clock: SandboxClock::new(),
            policy: Policy {
                rotate: false,
                access_lifetime: TOKEN_LIFETIME,
                refresh_lifetime: None,
            },
            rate_limit: None,
            envelope: TokenEnvelope::default(),
            edgeiq: edgeiq::Settings::default(),
            skew: Skew::default(),
        }
    }
}

impl SandboxBuilder {
    /// The clock to live by. Default: a new [`SandboxClock::new`].
    pub fn clock(mut self, clock: SandboxClock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether every refresh at IQM gives a new refresh token. Using an old one again then revokes the
    /// whole family of tokens: those that descend from the same log-in (reuse detection, as RFC
    /// 9700 recommends). Default: `false`, as in the vendor's samples, where a refresh gives back
    /// the refresh token that was sent.
    pub fn rotate_refresh_tokens(mut self, rotate: bool) -> Self {
        self.policy.rotate = rotate;
        self
    }

    /// How long IQM's access tokens live. Default: 35 999 s, as in its samples.
    ///
    /// `expires_in` is in whole seconds, rounded down.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.policy.access_lifetime = lifetime;
        self
    }

    /// How long IQM's refresh tokens live. Default: `None`, until they are revoked.
    pub fn refresh_token_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.policy.refresh_lifetime = lifetime;
        self
    }

    /// How many requests a minute each vendor lets through; those above it get a 429 with `Retry-After`.
    /// Default: `None`, no limit, because most tests are not about it.
    ///
    /// The minute is a sliding one by the sandbox's clock, and what is refused does not count.
    pub fn rate_limit(mut self, requests_a_minute: Option<u32>) -> Self {
        self.rate_limit = requests_a_minute;
        self
    }

    /// The limit that IQM documents: 20 requests a minute.
    pub fn vendor_rate_limit(self) -> Self {
        self.rate_limit(Some(VENDOR_RATE_LIMIT))
    }

    /// How IQM's token endpoint wraps its answer to the password grant. Default:
    /// [`TokenEnvelope::Enveloped`].
    pub fn envelope(mut self, envelope: TokenEnvelope) -> Self {
        self.envelope = envelope;
        self
    }

    /// What EdgeIQ says about the end of a session. Default: [`SessionExpiresAt::Given`].
    pub fn edgeiq_session_expires_at(mut self, form: SessionExpiresAt) -> Self {
        self.edgeiq.session_expires_at = form;
        self
    }

    /// The form in which EdgeIQ says "not authorized". Default: [`EdgeIqRefusals::Mixed`].
    pub fn edgeiq_refusals(mut self, form: EdgeIqRefusals) -> Self {
        self.edgeiq.refusals = form;
        self
    }

    /// The vendors' wall clock, as their `Date` headers, ends of sessions and JWTs show it, is
    /// ahead of the sandbox's clock.
    pub fn server_ahead_by(mut self, ahead: Duration) -> Self {
        self.skew = Skew {
            ahead,
            behind: Duration::ZERO,
        };
        self
    }

    /// The vendors' wall clock, as their `Date` headers, ends of sessions and JWTs show it, is
    /// behind the sandbox's clock.
    pub fn server_behind_by(mut self, behind: Duration) -> Self {
        self.skew = Skew {
            ahead: Duration::ZERO,
            behind,
        };
        self
    }

    /// Starts the sandbox. When this returns, it listens.
    ///
    /// # Errors
    ///
    /// If there is no free port, or the operating system refuses another thread.
    pub fn start(self) -> io::Result<Sandbox> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let url =
            |path: &str| Url::parse(&format!("http://{address}{path}")).map_err(io::Error::other);

        let (clock, post) = (self.clock, Post::default());
        let vendor = VendorClock::new(clock.clone(), self.skew);
        let iqm = iqm::State::new(vendor.clone(), post.clone(), self.policy, self.envelope);
        let iqm = Arc::new(iqm);
        let edgeiq = edgeiq::State::new(vendor.clone(), post.clone(), self.edgeiq);
        let edgeiq = Arc::new(edgeiq);
        let eqworks = eqworks::State::new(vendor.clone(), post.clone(), url(eqworks::PREFIX)?);
        let eqworks = Arc::new(eqworks);
        let identityx =
            identityx::State::new(vendor.clone(), post.clone(), url(identityx::PREFIX)?);
        let identityx = Arc::new(identityx);
        let limit = self.rate_limit;
        let routers = Routers {
            iqm: limited(iqm::router(&iqm), limit, &vendor, iqm::too_many),
            edgeiq: limited(edgeiq::router(&edgeiq), limit, &vendor, edgeiq::too_many),
            eqworks: limited(eqworks::router(&eqworks), limit, &vendor, eqworks::too_many),
            identityx: limited(
                identityx::router(&identityx),
                limit,
                &vendor,
                identityx::too_many,
            ),
        };
        let server = Arc::new(Server {
            clock,
            vendor_clock: vendor,
            log: RequestLog::new(),
            faults: Queue::default(),
            routers,
        });

        let (stop, stopped) = oneshot::channel();
        let thread = spawn(listener, Arc::clone(&server), stopped)?;
        Ok(Sandbox {
            address,
            iqm_url: url(iqm::PREFIX)?,
            iqm,
            edgeiq_url: url(edgeiq::PREFIX)?,
            edgeiq,
            eqworks,
            identityx,
            post,
            server,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

fn spawn(
    listener: TcpListener,
    server: Arc<Server>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    let (report, started) = mpsc::channel();
    let run = move || {
        // Built here and not by the caller, so that it is dropped here too, where blocking is allowed.
        let runtime = match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
        runtime.block_on(async move {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    let _ = report.send(Ok(()));
                    tokio::select! {
                        _ = stopped => {}
                        () = server::serve(listener, server) => {}
                    }
                }
                Err(error) => drop(report.send(Err(error))),
            }
        });
    };
    let thread = std::thread::Builder::new()
        .name("auth-sandbox".to_owned())
        .spawn(run)?;
    started.recv().map_err(io::Error::other)??;
    Ok(thread)
}

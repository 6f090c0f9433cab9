//! The headers of one token, built once and cloned for each call.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::clock::{Moment, nanos, wall_nanos};
use crate::{Error, ErrorKind, Expiry, Fingerprint, Token};

/// More copies than this cost memory and cache without making anything faster.
const MOST_COPIES: usize = 8;

/// One header that a vendor wants on every authorised call.
#[derive(Clone)]
pub struct Header {
    name: HeaderName,
    value: Zeroizing<Box<[u8]>>,
}

impl Header {
    /// A header whose value is all of `secret`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if a header cannot carry the value: a token with a line break in it, for example.
    pub fn new(name: HeaderName, secret: &SecretString) -> Result<Self, Error> {
        Self::with_scheme(name, "", secret)
    }

    /// A header whose value is `scheme` (with the space that follows it), then `secret`.
    ///
    /// # Errors
    ///
    /// As [`Header::new`].
    pub fn with_scheme(
        name: HeaderName,
        scheme: &str,
        secret: &SecretString,
    ) -> Result<Self, Error> {
        let secret = secret.expose_secret();
        let mut value = Zeroizing::new(Vec::with_capacity(scheme.len() + secret.len()));
        value.extend_from_slice(scheme.as_bytes());
        value.extend_from_slice(secret.as_bytes());
        if secret.is_empty() || HeaderValue::from_bytes(&value).is_err() {
            let what = if secret.is_empty() {
                "is empty"
            } else {
                "holds control characters"
            };
            let message = format!("the value of header {name} {what}, so it cannot be sent");
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        let value = Zeroizing::new(std::mem::take(&mut *value).into_boxed_slice());
        Ok(Self { name, value })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: [redacted]", self.name)
    }
}

/// The bytes of all header values, one behind the other, wiped when the last reference is dropped.
///
/// `Bytes::from_owner` puts its reference count beside this, so the alignment gives every count
/// its own pair of cache lines (128 bytes: x86 fetches lines in pairs).
#[repr(align(128))]
struct Padded(Arc<Zeroizing<Box<[u8]>>>);

impl AsRef<[u8]> for Padded {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// One full set of headers. Threads use different sets, since every use counts references up and
/// down: on one shared count two threads are slower than one.
#[repr(align(128))]
struct HeaderSet(Box<[(HeaderName, HeaderValue)]>);

impl HeaderSet {
    /// `values` are those of all `headers`. One thread uses one set, so its values share one count.
    fn new(headers: &[Header], values: &Arc<Zeroizing<Box<[u8]>>>) -> Self {
        let mut rest = Bytes::from_owner(Padded(Arc::clone(values)));
        let header = |header: &Header| {
            let value = rest.split_to(header.value.len());
            // It was checked when the header was made.
            let value = HeaderValue::from_maybe_shared(value);
            let mut value = value.unwrap_or_else(|_| unreachable!());
            value.set_sensitive(true);
            (header.name.clone(), value)
        };
        Self(headers.iter().map(header).collect())
    }
}

/// All headers of one token, prebuilt, sensitive, and swapped as one unit: what belongs to two
/// log-ins can never mix.
///
/// A cheap clone. A program keeps the one that it used for a call, to report a 401 by
/// [`Session::invalidate`](crate::Session::invalidate).
#[derive(Clone)]
pub struct AuthHeaders(pub(crate) Arc<Current>);

/// What a session swaps: the headers, and when they are due.
pub(crate) struct Current {
    /// From when on a renewal is due: the end of the token, or earlier. Written when a renewal
    /// starts or fails, which is rare; read on every use.
    renew_at: Deadline<AtomicU64>,
    ends: Deadline<u64>,
    copies: Box<[HeaderSet]>,
    id: u64,
    token: Token,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A moment on both clocks; whichever comes first counts.
#[derive(Debug, Default)]
struct Deadline<T> {
    wall: T,
    monotonic: T,
}

impl AuthHeaders {
    /// The headers of `token`, for calls without a session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if there are no headers.
    pub fn new(token: &Token, headers: &[Header]) -> Result<Self, Error> {
        // Only sessions ask whether the token has ended.
        Self::due(
            token,
            headers,
            Moment::new(token.issued_at(), Duration::ZERO),
        )
    }

    /// The headers of a session's token, with no renewal due before its end.
    pub(crate) fn due(token: &Token, headers: &[Header], now: Moment) -> Result<Self, Error> {
        if headers.is_empty() {
            let message = "a token without headers authorizes nothing";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        let length = headers.iter().map(|header| header.value.len()).sum();
        // With room for all of them, so that no part is left behind.
        let mut values = Zeroizing::new(Vec::with_capacity(length));
        for header in headers {
            values.extend_from_slice(&header.value);
        }
        let values = std::mem::take(&mut *values).into_boxed_slice();
        let values = Arc::new(Zeroizing::new(values));
        let copies = (0..copies()).map(|_| HeaderSet::new(headers, &values));
        let copies = copies.collect();
        let ends = Deadline::of(token, now);
        Ok(Self(Arc::new(Current {
            renew_at: Deadline {
                wall: AtomicU64::new(ends.wall),
                monotonic: AtomicU64::new(ends.monotonic),
            },
            ends,
            copies,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            token: token.clone(),
        })))
    }

    /// Puts the headers into `headers`, replacing what stood under their names.
    #[inline]
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.0.apply(headers);
    }

    /// The headers in a map of their own.
    pub fn headers(&self) -> HeaderMap {
        self.0.headers()
    }

    /// When the token ends.
    pub fn expiry(&self) -> Expiry {
        self.0.token.expiry()
    }

    /// The token behind the headers.
    pub fn token(&self) -> &Token {
        &self.0.token
    }

    /// A short text that tells the token from others and reveals nothing of it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.token.fingerprint()
    }

    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl fmt::Debug for AuthHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("AuthHeaders");
        if let Some(copy) = self.0.copies.first() {
            let names: Vec<_> = copy.0.iter().map(|(name, _)| name.as_str()).collect();
            out.field("headers", &names);
        }
        out.field("token", &self.0.token).finish()
    }
}

impl Current {
    #[inline]
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in self.copy() {
            headers.insert(name, value.clone());
        }
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.copy().len());
        self.apply(&mut headers);
        headers
    }

    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    #[inline]
    fn copy(&self) -> &[(HeaderName, HeaderValue)] {
        // The count of copies is a power of two, so the mask keeps the index in bounds.
        &self.copies[thread_slot() & (self.copies.len() - 1)].0
    }

    /// Whether the token is valid and nothing is due.
    #[inline]
    pub(crate) fn is_fresh(&self, now: Moment) -> bool {
        now.wall_nanos() < self.renew_at.wall.load(Ordering::Relaxed)
            && now.monotonic_nanos() < self.renew_at.monotonic.load(Ordering::Relaxed)
    }

    /// Whether the token is valid by both clocks.
    pub(crate) fn is_valid(&self, now: Moment) -> bool {
        now.wall_nanos() < self.ends.wall && now.monotonic_nanos() < self.ends.monotonic
    }

    /// How long until a renewal is due; `None` if none ever is.
    pub(crate) fn due_in(&self, now: Moment) -> Option<Duration> {
        let due = Deadline {
            wall: self.renew_at.wall.load(Ordering::Relaxed),
            monotonic: self.renew_at.monotonic.load(Ordering::Relaxed),
        };
        due.after(now)
    }

    /// Makes the next renewal due `window` before the end.
    pub(crate) fn renew_before_the_end(&self, window: Duration) {
        if !self.ends.is_never() {
            let window = nanos(window);
            self.set_renewal(
                self.ends.wall.saturating_sub(window),
                self.ends.monotonic.saturating_sub(window),
            );
        }
    }

    /// Makes the next renewal due `pause` after `now`, at the token's end at the latest.
    pub(crate) fn renew_after(&self, now: Moment, pause: Duration) {
        let pause = nanos(pause);
        self.set_renewal(
            self.ends.wall.min(now.wall_nanos().saturating_add(pause)),
            self.ends
                .monotonic
                .min(now.monotonic_nanos().saturating_add(pause)),
        );
    }

    // The two halves are not written as one. A reader in between sees one clock's old deadline
    // beside the other's new one and takes the slow path, or the fast one once more: both are
    // right, since neither lets a token be used after its end.
    fn set_renewal(&self, wall: u64, monotonic: u64) {
        self.renew_at.wall.store(wall, Ordering::Relaxed);
        self.renew_at.monotonic.store(monotonic, Ordering::Relaxed);
    }
}

impl Deadline<u64> {
    /// The token's end on both clocks.
    ///
    /// What is left by the wall clock is never more than the token's whole life: had the wall
    /// clock been set back since the token was issued, the token would seem to last longer.
    fn of(token: &Token, now: Moment) -> Self {
        match (token.expiry(), token.lifetime()) {
            (Expiry::At(end), Some(lifetime)) => {
                let end = wall_nanos(end);
                let left = end.saturating_sub(now.wall_nanos()).min(nanos(lifetime));
                // Below MAX, which means never.
                let cap = u64::MAX - 1;
                Self {
                    wall: end.min(cap),
                    monotonic: now.monotonic_nanos().saturating_add(left).min(cap),
                }
            }
            _ => Self {
                wall: u64::MAX,
                monotonic: u64::MAX,
            },
        }
    }

    fn is_never(&self) -> bool {
        self.monotonic == u64::MAX
    }

    /// How long after `now` the first of the two comes; `None` if neither ever does.
    fn after(&self, now: Moment) -> Option<Duration> {
        let wall = self.wall.saturating_sub(now.wall_nanos());
        let monotonic = self.monotonic.saturating_sub(now.monotonic_nanos());
        (!self.is_never()).then(|| Duration::from_nanos(wall.min(monotonic)))
    }
}

/// How many copies there are: one for each thread that can run at once, in
/// powers of two.
fn copies() -> usize {
    // The system reads files for its answer. Asked once, and without a lock: a fork may come at any time.
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    let known = COPIES.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    let copies = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .next_power_of_two()
        .min(MOST_COPIES);
    COPIES.store(copies, Ordering::Relaxed);
    copies
}

/// A small number that differs between threads.
#[inline]
fn thread_slot() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SLOT: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    // The thread's end is the one time at which its locals are gone.
    SLOT.try_with(|slot| {
        if slot.get() == usize::MAX {
            slot.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        slot.get()
    })
    .unwrap_or(0)
}

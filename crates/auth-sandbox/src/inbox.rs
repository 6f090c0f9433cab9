//! The e-mails that the vendors send, for a test to read.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;
use url::Url;

use crate::vendor_clock::VendorClock;

/// What an e-mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailKind {
    /// A link to set a new password with.
    PasswordReset,
    /// A passcode to log in with, and no link.
    Passcode,
    /// A link to log in with, and the passcode or token that is in it.
    MagicLink,
}

/// An e-mail that a vendor has sent.
///
/// [`Debug`](fmt::Debug) shows neither the code nor the link.
#[derive(Clone)]
pub struct Mail {
    pub(crate) vendor: &'static str,
    pub(crate) kind: MailKind,
    pub(crate) code: Option<String>,
    pub(crate) link: Option<Url>,
    pub(crate) link_text: Option<String>,
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) subject: Option<String>,
    pub(crate) greeting: Option<String>,
    pub(crate) from_address: Option<String>,
}

impl Mail {
    pub(crate) fn new(vendor: &'static str, kind: MailKind) -> Self {
        Self {
            vendor,
            kind,
            code: None,
            link: None,
            link_text: None,
            expires_at: None,
            subject: None,
            greeting: None,
            from_address: None,
        }
    }

    /// The vendor that sent it, as operations begin: `"iqm"`, for instance.
    pub fn vendor(&self) -> &str {
        self.vendor
    }

    /// Its purpose.
    pub fn kind(&self) -> MailKind {
        self.kind
    }

    /// The secret in it: a passcode, the token of a login link, or the token or hash of a password
    /// reset.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The link in it. `None` also for a link that is no URL, which `IdentityX` sends if the request
    /// asks for it.
    pub fn link(&self) -> Option<&Url> {
        self.link.as_ref()
    }

    /// The text of the link, as a person copies it out of the e-mail.
    pub fn link_text(&self) -> Option<&str> {
        let url = || self.link.as_ref().map(Url::as_str);
        self.link_text.as_deref().or_else(url)
    }

    /// When code and link end, by the vendor's wall clock.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// The subject that the request asked for. `None` for the vendor's own.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The greeting that the request asked for. `None` for the vendor's own.
    pub fn greeting(&self) -> Option<&str> {
        self.greeting.as_deref()
    }

    /// The sender that the request asked for. `None` for the vendor's own.
    pub fn from_address(&self) -> Option<&str> {
        self.from_address.as_deref()
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("vendor", &self.vendor)
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The e-mails that all vendors sent to one address.
///
/// # Example
///
/// ```
/// use auth_sandbox::Sandbox;
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let inbox = sandbox.inbox(sandbox.edgeiq().user().email);
/// assert_eq!(inbox.count(), 0);
/// assert!(inbox.latest().is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Inbox<'a> {
    address: String,
    post: &'a Post,
}

impl<'a> Inbox<'a> {
    pub(crate) fn new(address: &str, post: &'a Post) -> Self {
        Self {
            address: normal(address),
            post,
        }
    }

    /// The latest e-mail.
    pub fn latest(&self) -> Option<Mail> {
        let sent = self.post.lock();
        let mut own = sent.iter().filter(|sent| sent.to == self.address);
        own.next_back().map(|sent| sent.mail.clone())
    }

    /// All e-mails in the order in which they were sent.
    pub fn all(&self) -> Vec<Mail> {
        let sent = self.post.lock();
        let own = sent.iter().filter(|sent| sent.to == self.address);
        own.map(|sent| sent.mail.clone()).collect()
    }

    /// How many e-mails there are.
    pub fn count(&self) -> usize {
        let sent = self.post.lock();
        sent.iter().filter(|sent| sent.to == self.address).count()
    }
}

impl fmt::Debug for Inbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("address", &self.address)
            .field("mails", &self.all())
            .finish()
    }
}

/// An e-mail on its way to an address.
#[derive(Clone)]
pub(crate) struct Sent {
    /// Counts the e-mails of a sandbox. The first is 1.
    pub(crate) id: u64,
    pub(crate) to: String,
    /// By the vendor's wall clock.
    pub(crate) at: SystemTime,
    pub(crate) mail: Mail,
}

/// The e-mails of all vendors of one sandbox. Clones share them.
#[derive(Clone)]
pub(crate) struct Post {
    clock: VendorClock,
    sent: Arc<Mutex<Vec<Sent>>>,
    /// The number of the latest e-mail.
    latest: watch::Sender<u64>,
}

impl Post {
    pub(crate) fn new(clock: VendorClock) -> Self {
        Self {
            clock,
            sent: Arc::default(),
            latest: watch::Sender::new(0),
        }
    }

    pub(crate) fn send(&self, to: &str, mail: Mail) {
        let (to, at) = (normal(to), self.clock.wall());
        self.latest.send_modify(|latest| {
            *latest += 1;
            let id = *latest;
            self.lock().push(Sent { id, to, at, mail });
        });
    }

    /// Changes when an e-mail is sent.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address in any case names the same mailbox.
pub(crate) fn normal(address: &str) -> String {
    address.trim().to_lowercase()
}

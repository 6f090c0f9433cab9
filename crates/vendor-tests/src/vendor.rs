//! What a vendor crate supplies.

use std::fmt::Debug;
use std::time::Duration;

use auth_core::{
    AuthError, AuthHeaders, ErrorKind, HttpBuilder, MemoryStore, Renew, StoreKey, Token,
};
use auth_sandbox::Sandbox;
use http::{HeaderMap, Request};
use url::Url;

/// A session of the vendor.
pub type Session<V> = auth_core::Session<<V as Vendor>::Renewer>;

/// What all tests need: the vendor's types, and the ways to a client, a token and a session.
pub trait Vendor: Sized + 'static {
    type Client: Clone + Debug;
    type ClientBuilder;
    type Token: Clone + From<Token> + Into<Token>;
    type Error: AuthError;
    type Renewer: Renew<Error = Self::Error> + Debug;

    /// The operation by which a session renews, or asks whether its token is valid.
    const RENEWAL: &'static str;
    /// Whether that operation is a log-in with the password.
    const RENEWS_BY_LOG_IN: bool = false;
    /// The age of its token at which the callers of a session get a new one: after its end, or when
    /// it is due where a token that has ended cannot be renewed.
    const RENEWS_AT: Duration;

    /// Whether the vendor says of a token at which moment it ends, rather than in how many seconds.
    const ENDS_AT_A_MOMENT: bool = false;

    /// The address of the vendor in the sandbox.
    fn base_url(sandbox: &Sandbox) -> Url;

    /// A builder of a client of the sandbox that goes by the sandbox's clock, and pauses between
    /// attempts only if the vendor asks for it.
    fn builder(sandbox: &Sandbox) -> Self::ClientBuilder;

    /// The address of the sandbox's user.
    fn email(sandbox: &Sandbox) -> &'static str;

    /// Logs the sandbox's user in.
    async fn log_in(sandbox: &Sandbox) -> Self::Token {
        Self::log_in_by(sandbox, &Self::client(sandbox)).await
    }

    /// The same, by this client.
    async fn log_in_by(sandbox: &Sandbox, client: &Self::Client) -> Self::Token;

    /// A session of the sandbox's user that renews when it is first used (if it can at all) and
    /// after [`Vendor::RENEWS_AT`].
    fn session(sandbox: &Sandbox) -> Session<Self>;

    /// A session of the sandbox's user whose token is the one in `store`.
    fn session_in_store(sandbox: &Sandbox, store: MemoryStore) -> Session<Self>;

    /// Where a store keeps the token of the sandbox's user.
    fn key(sandbox: &Sandbox) -> StoreKey;

    // What `vendor_methods!` writes: methods that every vendor crate has, and its name.
    const PACKAGE: &'static str;
    fn with_base_url(builder: Self::ClientBuilder, base_url: &str) -> Self::ClientBuilder;
    fn with_allowed_host(builder: Self::ClientBuilder, host: &str) -> Self::ClientBuilder;
    fn with_http(
        builder: Self::ClientBuilder,
        adjust: impl FnOnce(HttpBuilder) -> HttpBuilder,
    ) -> Self::ClientBuilder;
    fn build(builder: Self::ClientBuilder) -> Result<Self::Client, Self::Error>;
    fn auth_headers(token: &Self::Token) -> Result<AuthHeaders, Self::Error>;
    fn session_with_token(
        client: &Self::Client,
        token: Self::Token,
    ) -> Result<Session<Self>, Self::Error>;

    /// The client of [`Vendor::builder`].
    fn client(sandbox: &Sandbox) -> Self::Client {
        Self::build(Self::builder(sandbox)).unwrap()
    }
}

/// What [`builder!`](macro@crate::builder) needs.
pub trait Settings: Vendor {
    /// The vendor's `DEFAULT_BASE_URL`.
    const DEFAULT_BASE_URL: &'static str;
    /// The operation of [`Settings::send_mail`].
    const SEND_MAIL: &'static str;
    /// The path of [`Settings::send_mail`] at the sandbox.
    const SEND_MAIL_PATH: &'static str;

    /// A builder of a client for the vendor's own system.
    fn live() -> Self::ClientBuilder;

    /// A token that no sandbox issued.
    fn token() -> Self::Token;

    /// A token that was kept as text, by the vendor's own function for that.
    fn kept(text: &str) -> Result<Token, Self::Error>;

    /// A call without a token that is never repeated.
    async fn send_mail(client: &Self::Client, email: &str) -> Result<(), Self::Error>;
}

/// One call of a row of the table "What may be repeated".
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The operation, by which the test's vendor knows the call.
    pub operation: &'static str,
    /// How often it is sent if every attempt may have had its effect.
    pub most_attempts: usize,
    /// What the caller is told if no attempt got a response.
    pub lost: ErrorKind,
    /// What the caller is told if every response was a server error.
    pub broken: ErrorKind,
}

impl Call {
    /// A row: the operation, the attempts, and the errors of lost and of broken ones.
    pub const fn new(
        operation: &'static str,
        most_attempts: usize,
        lost: ErrorKind,
        broken: ErrorKind,
    ) -> Self {
        Self {
            operation,
            most_attempts,
            lost,
            broken,
        }
    }
}

/// What [`faults!`](macro@crate::faults) needs.
pub trait Calls: Vendor {
    /// What the calls need: a client and its tokens.
    type Ready: Clone + Send + Sync + 'static;

    /// One call of each row of the table "What may be repeated".
    const CALLS: &'static [Call];
    /// Those of them whose response is read when they succeed.
    const READ: &'static [Call] = Self::CALLS;
    /// The fields without which the responses to those are none, by the operation: the ends of their paths.
    const NEEDED: &'static [(&'static str, &'static [&'static str])];

    /// Gets what the calls need, before anything goes wrong. Of that, nothing is in the log.
    async fn ready(sandbox: &Sandbox, client: Self::Client) -> Self::Ready;

    /// Makes the call of this operation.
    fn call(
        ready: &Self::Ready,
        operation: &str,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What [`redaction!`](macro@crate::redaction) needs.
pub trait Secrets: Vendor {
    /// The operations of [`Secrets::failing_calls`].
    const FAILING: &'static [&'static str];
    /// What stands in nothing but the addresses of these.
    const PLACES: &'static [&'static str];
    /// The operations by which a session renews, the last resort at the end.
    const RENEWING: &'static [&'static str];

    /// A builder of a client of the sandbox, with the secrets of [`Secrets::own_secrets`].
    fn own_builder(sandbox: &Sandbox) -> Self::ClientBuilder {
        Self::builder(sandbox)
    }

    /// The secrets of [`Secrets::own_builder`].
    fn own_secrets() -> Vec<String> {
        Vec::new()
    }

    /// Whether an error shows the vendor's text of a response with this status.
    fn has_words(error: &Self::Error, status: u16) -> bool;

    /// The errors of calls that carry the secrets of [`Secrets::sent`].
    async fn failing_calls(client: &Self::Client) -> Vec<Self::Error>;

    /// The secrets that those calls carry.
    fn sent() -> Vec<String>;

    /// A session that sends secrets when it renews, and these.
    fn session_of_secrets(sandbox: &Sandbox) -> (Session<Self>, Vec<String>);

    /// The parts of a token that must not be seen.
    fn secrets_of(token: impl Into<Token>) -> Vec<String>;

    /// What else a session or a client of the sandbox keeps.
    fn held(_sandbox: &Sandbox) -> Vec<String> {
        Vec::new()
    }
}

/// What [`session!`](macro@crate::session) needs.
pub trait Sessions: Vendor {
    /// The access token in a session's headers, which are checked.
    fn access_in(headers: &HeaderMap) -> &str;

    /// A call that the vendor refuses if the token is dead.
    async fn check(client: &Self::Client, auth_headers: &AuthHeaders) -> Result<(), Self::Error>;

    /// Such a call as a request, still without its headers.
    fn request(sandbox: &Sandbox) -> Request<String>;

    /// Checks what the vendor knows of a log-out, and what the log shows.
    fn assert_logged_out(sandbox: &Sandbox, access: &str);

    /// Whether the vendor accepts an access token.
    fn accepts(sandbox: &Sandbox, access: &str) -> bool;
}

/// What [`renewed_session!`](macro@crate::renewed_session) needs: the vendor gives a new token for an old
/// one, or logs in again.
pub trait Renewals: Sessions {
    /// How long the sandbox's tokens live.
    const LIFETIME: Duration;
    /// The operation by which a session gets its first token, where it does so by itself.
    const FIRST: Option<&'static str>;
    /// An age of its token at which a session surely does not renew yet.
    const NOT_YET_DUE: Duration;
    /// An age of its token at which a session surely renews, while its callers keep the old one.
    const DUE: Duration;
    /// How long after a renewal that failed, with an hour to wait, a session surely tries again.
    const NEXT_TRY: Duration;

    /// The vendor at its strictest: one whose refresh tokens work once, say.
    fn strict_sandbox() -> Sandbox {
        crate::sandbox()
    }

    /// Makes the session's token one that the vendor refuses, where a session asks the vendor before it
    /// believes that.
    fn end_reported_token(_sandbox: &Sandbox) {}

    /// A session that can renew by [`Vendor::RENEWAL`] alone.
    async fn session_with_one_way(sandbox: &Sandbox) -> Session<Self> {
        Self::session(sandbox)
    }
}

/// What [`password_session!`](macro@crate::password_session) needs: the vendor has a log-in with a
/// password, by which a session can renew after the end of its token.
pub trait PasswordLogin: Renewals {
    /// The operation of that log-in.
    const LOG_IN: &'static str;

    /// A session that logs in with this password.
    fn session_with_password(client: &Self::Client, email: &str, password: &str) -> Session<Self>;

    /// Makes the vendor end the user's access tokens before their time.
    fn end_tokens(sandbox: &Sandbox);

    /// Gives the user another password, and makes everything else useless.
    fn change_password(sandbox: &Sandbox);
}

/// What [`login_session!`](macro@crate::login_session) needs: the vendor's log-in needs a person.
pub trait InteractiveLogin: Sessions {
    /// A session without a token.
    fn session_without_token(sandbox: &Sandbox) -> Session<Self>;

    /// Whether the error is the vendor's `LoginRequired`.
    fn is_login_required(error: &Self::Error) -> bool;

    /// Checks that a stored token names the sandbox's user.
    fn assert_users(sandbox: &Sandbox, token: Token);
}

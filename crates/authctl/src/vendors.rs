//! The one place that knows which vendors there are. Each module below makes the session of a profile.

pub(crate) mod edgeiq;
pub(crate) mod eqworks;
pub(crate) mod identityx;
pub(crate) mod iqm;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use auth_core::{
    AuthError, AuthHeaders, Authorizer, BoxFuture, HttpBuilder, MemoryStore, Renew, SecretString,
    Session, SessionBuilder, State, StoreKey, Token,
};

use clap::Args;

use crate::context::Context;
use crate::error::Failure;
use crate::input::Input;
use crate::profile::Profile;
use crate::store::Store;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Iqm,
    EdgeIq,
    EqWorks,
    IdentityX,
}

impl Vendor {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        match name {
            "iqm" => Some(Self::Iqm),
            "edgeiq" => Some(Self::EdgeIq),
            "eqworks" => Some(Self::EqWorks),
            "identityx" => Some(Self::IdentityX),
            _ => None,
        }
    }

    /// As in commands and settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Iqm => "iqm",
            Self::EdgeIq => "edgeiq",
            Self::EqWorks => "eqworks",
            Self::IdentityX => "identityx",
        }
    }

    /// As the vendor writes it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Iqm => "IQM",
            Self::EdgeIq => "EdgeIQ",
            Self::EqWorks => "EQ Works",
            Self::IdentityX => "IdentityX",
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether the vendor will be called.
///
/// A client that calls nobody does without the system's root certificates: to read them takes longer
/// than everything else that a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Offline,
    /// For a command: a renewal that is due happens before the headers are returned.
    Online,
    /// For a proxy, which renews in the background.
    Serving,
}

/// What a session of a profile is made from.
pub(crate) struct Parts<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) store: &'a Store,
    /// The client secret, where the vendor has one.
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) network: Network,
}

impl Parts<'_> {
    /// The settings of a vendor's client that all vendors have.
    pub(crate) fn http(&self, builder: HttpBuilder) -> HttpBuilder {
        let profile = self.profile;
        let builder = match profile.get("base-url") {
            Some(base_url) => builder.base_url(base_url),
            None => builder,
        };
        let hosts = profile.get("allow-hosts").unwrap_or_default();
        let builder = hosts
            .split_whitespace()
            .fold(builder, HttpBuilder::allow_host);
        match self.network {
            Network::Online | Network::Serving => builder,
            Network::Offline => builder.customize(|client| client.tls_certs_only([])),
        }
    }
}

impl Parts<'_> {
    /// The session on the profile's store.
    pub(crate) fn session<R: Renew>(
        &self,
        builder: SessionBuilder<R>,
    ) -> Result<Arc<dyn AnySession>, Failure> {
        let builder = builder.store(Arc::clone(self.store));
        let builder = match self.network {
            Network::Serving => builder,
            Network::Offline | Network::Online => builder.renew_in_foreground(),
        };
        let session = builder.build().map_err(|error| Failure::auth(&error))?;
        Ok(Arc::new(session))
    }
}

/// The session of a profile, whichever vendor's.
pub(crate) struct Opened {
    pub(crate) session: Arc<dyn AnySession>,
    /// Where the store keeps its token.
    pub(crate) key: StoreKey,
    /// The vendor's address.
    pub(crate) base_url: String,
    /// Asks the vendor whether the headers are good; returns who the vendor says it is.
    pub(crate) ask:
        Box<dyn Fn(AuthHeaders) -> BoxFuture<'static, Result<String, Failure>> + Send + Sync>,
    /// What a log-out does at the vendor.
    pub(crate) log_out: LogOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogOut {
    /// The vendor ends the token.
    Ends,
    /// The vendor has no call for it: the token lives until its own end.
    Lives,
    /// The token never ends by itself, and the vendor has no call for it.
    LivesForever,
}

/// The session of the profile. Sends nothing.
pub(crate) fn open(parts: &Parts<'_>) -> Result<Opened, Failure> {
    match parts.profile.vendor {
        Vendor::Iqm => iqm::open(parts),
        Vendor::EdgeIq => edgeiq::open(parts),
        Vendor::EqWorks => eqworks::open(parts),
        Vendor::IdentityX => identityx::open(parts),
    }
}

/// Asks for the settings that a log-in needs and nothing has named.
pub(crate) fn complete(profile: &mut Profile, input: &Input<'_>) -> Result<(), Failure> {
    match profile.vendor {
        Vendor::Iqm => iqm::complete(profile, input),
        Vendor::EdgeIq => input.fill(profile, "account", "the e-mail address", "--email ADDRESS"),
        Vendor::EqWorks => eqworks::complete(profile, input),
        Vendor::IdentityX => identityx::complete(profile, input),
    }
}

/// Settings of a client that all vendors have.
#[derive(Debug, Args)]
pub(crate) struct Address {
    /// Another address of the vendor: a test system
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Another host that the headers may go to; may be repeated
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
}

impl Address {
    pub(crate) fn apply(&self, profile: &mut Profile) {
        profile.set_if("base-url", self.base_url.as_deref());
        let hosts = Some(self.allow_host.join(" "));
        profile.set_if("allow-hosts", hosts.filter(|hosts| !hosts.is_empty()));
    }
}

/// For calls that need no token: the vendor's profile, if there is one, with what the command line says.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The user's e-mail address [default: the profile's]
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    address: Address,
}

impl Whose {
    pub(crate) fn profile(&self, vendor: Vendor, context: &Context) -> Result<Profile, Failure> {
        let mut profile = match context.profile_of(vendor)? {
            Some(profile) => profile,
            None => Profile::new(vendor.name(), vendor)?,
        };
        profile.set_if("account", self.email.as_deref().map(str::trim));
        if profile.get("account").is_none() {
            let what = "the e-mail address is missing";
            return Err(Failure::usage(what).hint("name it: `--email ADDRESS`"));
        }
        self.address.apply(&mut profile);
        Ok(profile)
    }
}

/// A store that such calls never use.
pub(crate) fn no_store() -> Store {
    Arc::new(MemoryStore::new())
}

/// What this program does with a session, without the vendor's types.
pub(crate) trait AnySession: Authorizer {
    /// Whether a token from the store is to be renewed before it is used again.
    fn is_due(&self, token: &Token) -> bool;

    /// The headers of a token from the store, valid or not.
    fn headers_of(&self, token: &Token) -> Result<AuthHeaders, Failure>;

    /// The headers of a valid token, renewed where that is necessary.
    fn auth_headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Failure>>;

    /// Renews the token whether that is due or not.
    fn renew(&self) -> BoxFuture<'_, Result<AuthHeaders, Failure>>;

    /// Keeps the token of a log-in, here and in the store.
    fn set_token(&self, token: Token) -> BoxFuture<'_, Result<(), Failure>>;

    /// Forgets the token, here and in the store.
    fn forget(&self) -> BoxFuture<'_, Result<(), Failure>>;

    /// Tells the vendor that the token is not wanted any more.
    fn revoke(&self, headers: AuthHeaders) -> BoxFuture<'_, Result<(), Failure>>;
}

impl<R: Renew> AnySession for Session<R>
where
    R::Error: AuthError,
{
    fn is_due(&self, token: &Token) -> bool {
        let window = token.lifetime().map(|life| self.renewer().window(life));
        let left = token.expiry().left(SystemTime::now());
        left.is_some_and(|left| left <= window.unwrap_or_default())
    }

    fn headers_of(&self, token: &Token) -> Result<AuthHeaders, Failure> {
        let headers = self.renewer().headers(token);
        let headers = headers.map_err(|error| Failure::auth(&error))?;
        Ok(AuthHeaders::new(token, &headers)?)
    }

    fn auth_headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Failure>> {
        Box::pin(async {
            self.auth_headers()
                .await
                .map_err(|error| Failure::auth(&error))
        })
    }

    fn renew(&self) -> BoxFuture<'_, Result<AuthHeaders, Failure>> {
        Box::pin(async { self.renew().await.map_err(|error| Failure::auth(&error)) })
    }

    fn set_token(&self, token: Token) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            let set = self.set_token(token).await;
            set.map_err(|error| Failure::auth(&error))?;
            match Session::state(self) {
                State::Unsaved { reason } => Err(Failure::new(reason.kind(), reason.to_string())),
                _ => Ok(()),
            }
        })
    }

    fn forget(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            let forgotten = self.log_out().await;
            forgotten.map_err(|error| Failure::auth(&error))
        })
    }

    fn revoke(&self, headers: AuthHeaders) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let revoked = self.renewer().revoke(&headers).await;
            revoked.map_err(|error| Failure::auth(&error))
        })
    }
}

//! The one place that knows which vendors there are. Each module below makes the session of a profile.

pub(crate) mod edgeiq;
pub(crate) mod eqworks;
pub(crate) mod identityx;
pub(crate) mod iqm;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use auth_core::{
    AuthError, AuthHeaders, Authorizer, BoxFuture, HttpBuilder, Renew, SecretString, Session,
    StoreKey, Token,
};

use crate::error::Failure;
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
    Online,
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
            Network::Online => builder,
            Network::Offline => builder.customize(|client| client.tls_certs_only([])),
        }
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

/// What this program does with a session, without the vendor's types.
pub(crate) trait AnySession: Authorizer {
    /// The headers of a token from the store, if it is valid and not due for a renewal.
    fn fresh(&self, token: &Token) -> Result<Option<AuthHeaders>, Failure>;

    /// The headers of a valid token, renewed where that is necessary.
    fn auth_headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Failure>>;

    /// Renews the token whether that is due or not.
    fn renew(&self) -> BoxFuture<'_, Result<AuthHeaders, Failure>>;

    /// Forgets the token, and tells the vendor.
    fn log_out(&self) -> BoxFuture<'_, Result<(), Failure>>;
}

impl<R: Renew> AnySession for Session<R>
where
    R::Error: AuthError,
{
    fn fresh(&self, token: &Token) -> Result<Option<AuthHeaders>, Failure> {
        let window = token.lifetime().map_or(std::time::Duration::ZERO, |life| {
            self.renewer().window(life)
        });
        if token
            .expiry()
            .left(SystemTime::now())
            .is_some_and(|left| left <= window)
        {
            return Ok(None);
        }
        let headers = self.renewer().headers(token);
        let headers = headers.map_err(|error| Failure::auth(&error))?;
        Ok(Some(AuthHeaders::new(token, &headers)?))
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

    fn log_out(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async { self.log_out().await.map_err(|error| Failure::auth(&error)) })
    }
}

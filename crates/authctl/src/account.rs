//! The account of a profile: its session, whichever vendor's, on the profile's store.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use auth_core::{AuthHeaders, Authorizer, ErrorKind, SecretString, StoreKey, Token};

use crate::error::Failure;
use crate::profile::Profile;
use crate::store::{self, Store};
use crate::vendors::{self, AnySession, LogOut, Network, Opened, Parts, Vendor};

/// The client secret, where it is not kept in the store.
const CLIENT_SECRET: &str = "AUTHCTL_CLIENT_SECRET";

/// An account, ready to use. Opening it asks no vendor.
pub(crate) struct Account {
    pub(crate) profile: Profile,
    pub(crate) store: Store,
    client_secret: Option<SecretString>,
    /// Serves what needs no network.
    offline: Opened,
    /// The one that calls the vendor, made when that is necessary.
    online: OnceLock<Opened>,
}

impl Account {
    /// Opens the account of `profile` on its store.
    pub(crate) async fn open(profile: Profile) -> Result<Self, Failure> {
        let store = store::open(&profile).await?;
        let client_secret = client_secret(&profile, &store).await?;
        Self::with(profile, store, client_secret)
    }

    pub(crate) fn with(
        profile: Profile,
        store: Store,
        client_secret: Option<SecretString>,
    ) -> Result<Self, Failure> {
        let offline = vendors::open(&Parts {
            profile: &profile,
            store: &store,
            client_secret: None,
            network: Network::Offline,
        })?;
        Ok(Self {
            profile,
            store,
            client_secret,
            offline,
            online: OnceLock::new(),
        })
    }

    /// What a client of the vendor is made from.
    pub(crate) fn parts(&self, network: Network) -> Parts<'_> {
        Parts {
            profile: &self.profile,
            store: &self.store,
            client_secret: self.client_secret.clone(),
            network,
        }
    }

    /// The session that may call the vendor.
    fn online(&self) -> Result<&Opened, Failure> {
        if self.online.get().is_none() {
            let _ = self
                .online
                .set(vendors::open(&self.parts(Network::Online))?);
        }
        self.online
            .get()
            .ok_or_else(|| Failure::usage("the account is not open"))
    }

    /// A session that renews in the background, for a proxy or whatever else puts headers on requests.
    pub(crate) fn authorizer(&self) -> Result<Arc<dyn Authorizer>, Failure> {
        let opened = vendors::open(&self.parts(Network::Serving))?;
        Ok(opened.session)
    }

    /// The headers of a valid token, from the store or renewed before this returns.
    pub(crate) async fn auth_headers(&self) -> Result<AuthHeaders, Failure> {
        let Some(token) = self.stored().await? else {
            return Err(self.person_must_log_in("logged out"));
        };
        if !self.is_due(&token) {
            return self.offline.session.headers_of(&token);
        }
        // Known without waiting for the processes that find out the same.
        if needs_a_person(&token) {
            return Err(self.person_must_log_in("the token has expired, and cannot be renewed"));
        }
        let session = &self.online()?.session;
        self.finished(session, session.auth_headers().await).await
    }

    fn person_must_log_in(&self, what: &str) -> Failure {
        let name = &self.profile.name;
        let what = format!("profile {name}: {what}");
        Failure::new(ErrorKind::InteractionRequired, what).for_profile(name)
    }

    /// Ends a command's use of the session: nothing is under way when the process exits.
    async fn finished<T>(
        &self,
        session: &Arc<dyn AnySession>,
        outcome: Result<T, Failure>,
    ) -> Result<T, Failure> {
        session.settled().await;
        outcome.map_err(|failure| failure.for_profile(&self.profile.name))
    }

    /// Renews the token although it is not due. `stored` is the token that the store had.
    pub(crate) async fn renew(&self, stored: Option<&Token>) -> Result<AuthHeaders, Failure> {
        let session = &self.online()?.session;
        let renewed = async {
            // A session that has not read its store yet would take what is there for new.
            let headers = session.auth_headers().await?;
            let is_new = stored.is_none_or(|it| it.fingerprint() != headers.fingerprint());
            if is_new {
                Ok(headers)
            } else {
                session.renew().await
            }
        };
        self.finished(session, renewed.await).await
    }

    /// Whether the token is to be renewed before it is used again.
    pub(crate) fn is_due(&self, token: &Token) -> bool {
        self.offline.session.is_due(token)
    }

    /// Asks the vendor whether it accepts the token; returns who the vendor says it is.
    pub(crate) async fn ask(&self, token: &Token) -> Result<String, Failure> {
        let headers = self.offline.session.headers_of(token)?;
        (self.online()?.ask)(headers).await
    }

    /// Forgets the token, and then tells the vendor. `None` if there was none; else what the vendor said.
    pub(crate) async fn log_out(&self) -> Result<Option<Result<(), Failure>>, Failure> {
        let stored = self.stored().await?;
        self.offline.session.forget().await?;
        let Some(token) = stored else {
            return Ok(None);
        };
        if token.expiry().has_passed(SystemTime::now()) {
            return Ok(Some(Ok(())));
        }
        let headers = self.offline.session.headers_of(&token)?;
        let revoked = match self.online() {
            Ok(online) => online.session.revoke(headers).await,
            Err(failure) => Err(failure),
        };
        Ok(Some(revoked))
    }

    /// What a log-out does at the vendor.
    pub(crate) fn at_log_out(&self) -> LogOut {
        self.offline.log_out
    }

    /// Keeps the token of a log-in.
    pub(crate) async fn set_token(&self, token: Token) -> Result<(), Failure> {
        self.offline.session.set_token(token).await
    }

    /// Whether the headers may go to `url`.
    pub(crate) fn check(&self, url: &str) -> Result<(), Failure> {
        Ok(self.offline.session.check(url)?)
    }

    /// The token as the store has it, valid or not.
    pub(crate) async fn stored(&self) -> Result<Option<Token>, Failure> {
        Ok(self.store.load(&self.offline.key).await?)
    }

    /// The vendor's address, or the one that the profile names instead.
    pub(crate) fn base_url(&self) -> &str {
        &self.offline.base_url
    }

    /// Where the store keeps the token.
    pub(crate) fn key(&self) -> &StoreKey {
        &self.offline.key
    }
}

/// Whether the token has ended, and a person must log in. Vendors without refresh tokens renew valid
/// tokens at the most, and no password is kept here.
pub(crate) fn needs_a_person(token: &Token) -> bool {
    token.expiry().has_passed(SystemTime::now()) && token.refresh().is_none()
}

/// The client secret of a vendor that has one: from the environment, else from the store.
pub(crate) async fn client_secret(
    profile: &Profile,
    store: &Store,
) -> Result<Option<SecretString>, Failure> {
    if profile.vendor != Vendor::Iqm {
        return Ok(None);
    }
    if let Ok(secret) = std::env::var(CLIENT_SECRET) {
        return Ok(Some(secret.into()));
    }
    let kept = store.load(&client_secret_key(profile)?).await?;
    Ok(kept.map(|token| token.access().clone()))
}

/// Where the store keeps the client secret.
pub(crate) fn client_secret_key(profile: &Profile) -> Result<StoreKey, Failure> {
    Ok(store::own_key(profile.need("client-id")?, "client-secret"))
}

//! The account of a profile: its session, whichever vendor's, on the profile's store.

use std::sync::{Arc, OnceLock};

use auth_core::{AuthHeaders, Authorizer, SecretString, StoreKey, Token, TokenStore as _};

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

    /// The session that may call the vendor.
    fn online(&self) -> Result<&Opened, Failure> {
        if self.online.get().is_none() {
            let opened = vendors::open(&Parts {
                profile: &self.profile,
                store: &self.store,
                client_secret: self.client_secret.clone(),
                network: Network::Online,
            })?;
            let _ = self.online.set(opened);
        }
        self.online
            .get()
            .ok_or_else(|| Failure::usage("the account is not open"))
    }

    /// The session, for a proxy or whatever else puts headers on requests.
    pub(crate) fn authorizer(&self) -> Result<Arc<dyn Authorizer>, Failure> {
        let session: Arc<dyn AnySession> = Arc::clone(&self.online()?.session);
        Ok(session)
    }

    /// The headers of a valid token, from the store or renewed before this returns.
    pub(crate) async fn auth_headers(&self) -> Result<AuthHeaders, Failure> {
        if let Some(token) = self.stored().await?
            && let Some(headers) = self.offline.session.fresh(&token)?
        {
            return Ok(headers);
        }
        let headers = self.online()?.session.auth_headers().await;
        headers.map_err(|failure| failure.for_profile(&self.profile.name))
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

/// The client secret of a vendor that has one: from the environment, else from the store.
async fn client_secret(profile: &Profile, store: &Store) -> Result<Option<SecretString>, Failure> {
    if profile.vendor != Vendor::Iqm {
        return Ok(None);
    }
    if let Ok(secret) = std::env::var(CLIENT_SECRET) {
        return Ok(Some(secret.into()));
    }
    let key = store::own_key(profile.need("client-id")?, "client-secret");
    let kept = store.load(&key).await?;
    Ok(kept.map(|token| token.access().clone()))
}

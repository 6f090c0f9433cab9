//! The tokens that the vendor has issued: refreshed, rotated, expired, revoked.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::settings::Settings;

/// What an issuing call returns.
pub(super) struct Issued {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) expires_in: u64,
    /// The log-in still waits for its second factor.
    pub(super) pending: bool,
}

/// Why a token is not accepted. The hint gives the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    Unknown,
    Expired,
    Revoked,
    Reused,
    Pending,
}

impl Rejected {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "was never issued by this sandbox",
            Self::Expired => "has expired by the sandbox's clock",
            Self::Revoked => "was revoked",
            Self::Reused => {
                "was rotated away and used again: its whole family is revoked (reuse detection)"
            }
            Self::Pending => "waits for its second factor",
        }
    }
}

pub(super) struct Entry {
    pub(super) owner: String,
    pub(super) begins: Duration,
    /// All tokens that descend from one log-in.
    pub(super) family: u64,
    pub(super) ends: Option<Duration>,
    pub(super) revoked: bool,
    /// Rotated away. Only a refresh token can be.
    pub(super) spent: bool,
    /// Of a log-in that waits for its second factor.
    pub(super) pending: bool,
}

impl Entry {
    fn new(
        owner: &str,
        family: u64,
        now: Duration,
        lives: Option<Duration>,
        pending: bool,
    ) -> Self {
        Self {
            owner: owner.to_owned(),
            begins: now,
            family,
            ends: lives.map(|lives| now.saturating_add(lives)),
            revoked: false,
            spent: false,
            pending,
        }
    }

    pub(super) fn check(&self, now: Duration) -> Result<(), Rejected> {
        if self.revoked {
            Err(Rejected::Revoked)
        } else if self.spent {
            Err(Rejected::Reused)
        } else if self.ends.is_some_and(|ends| now >= ends) {
            Err(Rejected::Expired)
        } else {
            Ok(())
        }
    }
}

/// All tokens. Times are the vendor's: time passed since the sandbox's clock began.
pub(super) struct Ledger {
    settings: Settings,
    pub(super) access: BTreeMap<String, Entry>,
    pub(super) refresh: BTreeMap<String, Entry>,
    families: u64,
    issued: usize,
    reuse_detected: usize,
}

impl Ledger {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
            families: 0,
            issued: 0,
            reuse_detected: 0,
        }
    }

    /// An access token and a refresh token of a new family.
    pub(super) fn issue(&mut self, owner: &str, now: Duration, pending: bool) -> Issued {
        self.families += 1;
        let mut issued = self.new_access(owner, self.families, now, pending);
        issued.refresh = Some(self.new_refresh(owner, self.families, now, pending));
        issued
    }

    /// An access token of a new family, which nothing can renew.
    pub(super) fn issue_access_only(&mut self, owner: &str, now: Duration) -> Issued {
        self.families += 1;
        self.new_access(owner, self.families, now, false)
    }

    /// Exchanges a refresh token. The access tokens issued before stay valid until they expire.
    pub(super) fn refresh(&mut self, token: &str, now: Duration) -> Result<Issued, Rejected> {
        let entry = self.refresh.get_mut(token).ok_or(Rejected::Unknown)?;
        let (owner, family, pending) = (entry.owner.clone(), entry.family, entry.pending);
        if let Err(rejected) = entry.check(now) {
            if rejected == Rejected::Reused {
                self.reuse_detected += 1;
                self.revoke(|entry| entry.family == family, true, true);
            }
            return Err(rejected);
        }
        let next = if self.settings.rotate_refresh_tokens {
            entry.spent = true;
            self.new_refresh(&owner, family, now, pending)
        } else {
            token.to_owned()
        };
        let mut issued = self.new_access(&owner, family, now, pending);
        issued.refresh = Some(next);
        Ok(issued)
    }

    /// Whose access token this is.
    pub(super) fn owner(&self, access: &str, now: Duration) -> Result<&str, Rejected> {
        let owner = self.owner_even_if_pending(access, now)?;
        let is_pending = self.access.get(access).is_some_and(|entry| entry.pending);
        if is_pending {
            Err(Rejected::Pending)
        } else {
            Ok(owner)
        }
    }

    /// Whose access token this is, even if its log-in waits for the second factor.
    pub(super) fn owner_even_if_pending(
        &self,
        access: &str,
        now: Duration,
    ) -> Result<&str, Rejected> {
        let entry = self.access.get(access).ok_or(Rejected::Unknown)?;
        entry.check(now)?;
        Ok(&entry.owner)
    }

    pub(super) fn revoke_owner(&mut self, owner: &str, access: bool, refresh: bool) {
        self.revoke(|entry| entry.owner == owner, access, refresh);
    }

    /// Revokes all tokens of the log-in that this access token descends from.
    pub(super) fn revoke_family_of(&mut self, access: &str) {
        if let Some(family) = self.access.get(access).map(|entry| entry.family) {
            self.revoke(|entry| entry.family == family, true, true);
        }
    }

    pub(super) fn issued(&self) -> usize {
        self.issued
    }

    pub(super) fn reuse_detected(&self) -> usize {
        self.reuse_detected
    }

    fn revoke(&mut self, which: impl Fn(&Entry) -> bool, access: bool, refresh: bool) {
        let access = self.access.values_mut().filter(|_| access);
        let refresh = self.refresh.values_mut().filter(|_| refresh);
        for entry in access.chain(refresh).filter(|entry| which(entry)) {
            entry.revoked = true;
        }
    }

    fn new_access(&mut self, owner: &str, family: u64, now: Duration, pending: bool) -> Issued {
        let access = Uuid::new_v4().to_string();
        let lives = Some(self.settings.token_lifetime);
        let entry = Entry::new(owner, family, now, lives, pending);
        self.access.insert(access.clone(), entry);
        self.issued += 1;
        Issued {
            access,
            refresh: None,
            expires_in: self.settings.token_lifetime.as_secs(),
            pending,
        }
    }

    fn new_refresh(&mut self, owner: &str, family: u64, now: Duration, pending: bool) -> String {
        let refresh = Uuid::new_v4().to_string();
        let lives = self.settings.refresh_token_lifetime;
        let entry = Entry::new(owner, family, now, lives, pending);
        self.refresh.insert(refresh.clone(), entry);
        refresh
    }
}

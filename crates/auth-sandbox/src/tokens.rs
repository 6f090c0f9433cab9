//! The book of tokens that a vendor keeps: issued, refreshed, rotated, expired, revoked.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

/// How long tokens live and whether refresh tokens rotate; the same for all tokens of a sandbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) rotate: bool,
    pub(crate) access_lifetime: Duration,
    pub(crate) refresh_lifetime: Option<Duration>,
}

/// What an issuing call hands out.
pub(crate) struct Issued {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) expires_in: u64,
}

/// Why a token is not accepted; [`Dead::reason`] goes into the hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dead {
    Unknown,
    Expired,
    Revoked,
    Reused,
}

impl Dead {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "was never issued by this sandbox",
            Self::Expired => "has expired by the sandbox's clock",
            Self::Revoked => "was revoked",
            Self::Reused => {
                "was rotated away and used again: its whole family is revoked (reuse detection)"
            }
        }
    }
}

struct Entry {
    owner: String,
    /// All tokens that descend from one log-in.
    family: u64,
    ends: Option<Duration>,
    revoked: bool,
    /// Rotated away. Only a refresh token can be.
    spent: bool,
}

impl Entry {
    fn new(owner: &str, family: u64, ends: Option<Duration>) -> Self {
        Self {
            owner: owner.to_owned(),
            family,
            ends,
            revoked: false,
            spent: false,
        }
    }

    fn check(&self, now: Duration) -> Result<(), Dead> {
        if self.revoked {
            Err(Dead::Revoked)
        } else if self.spent {
            Err(Dead::Reused)
        } else if self.ends.is_some_and(|ends| now >= ends) {
            Err(Dead::Expired)
        } else {
            Ok(())
        }
    }
}

/// The book itself. Times are the vendor's: time passed since the sandbox's clock began.
pub(crate) struct Ledger {
    policy: Policy,
    access: HashMap<String, Entry>,
    refresh: HashMap<String, Entry>,
    families: u64,
    issued: usize,
    reuse_detected: usize,
}

impl Ledger {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            access: HashMap::new(),
            refresh: HashMap::new(),
            families: 0,
            issued: 0,
            reuse_detected: 0,
        }
    }

    /// An access token and a refresh token of a new family.
    pub(crate) fn issue(&mut self, owner: &str, now: Duration) -> Issued {
        let mut issued = self.issue_access_only(owner, now);
        issued.refresh = Some(self.new_refresh(owner, self.families, now));
        issued
    }

    /// An access token of a new family, which nothing can renew.
    pub(crate) fn issue_access_only(&mut self, owner: &str, now: Duration) -> Issued {
        self.families += 1;
        self.new_access(owner, self.families, now)
    }

    /// Trades a refresh token. The access tokens issued before stay valid until they expire.
    pub(crate) fn refresh(&mut self, token: &str, now: Duration) -> Result<Issued, Dead> {
        let entry = self.refresh.get_mut(token).ok_or(Dead::Unknown)?;
        let (owner, family) = (entry.owner.clone(), entry.family);
        if let Err(dead) = entry.check(now) {
            if dead == Dead::Reused {
                self.reuse_detected += 1;
                self.revoke(|entry| entry.family == family, true, true);
            }
            return Err(dead);
        }
        let next = if self.policy.rotate {
            entry.spent = true;
            self.new_refresh(&owner, family, now)
        } else {
            token.to_owned()
        };
        let mut issued = self.new_access(&owner, family, now);
        issued.refresh = Some(next);
        Ok(issued)
    }

    /// Whose access token this is.
    pub(crate) fn owner(&self, access: &str, now: Duration) -> Result<&str, Dead> {
        let entry = self.access.get(access).ok_or(Dead::Unknown)?;
        entry.check(now)?;
        Ok(&entry.owner)
    }

    pub(crate) fn revoke_owner(&mut self, owner: &str, access: bool, refresh: bool) {
        self.revoke(|entry| entry.owner == owner, access, refresh);
    }

    /// Revokes all tokens of the log-in that this access token descends from.
    pub(crate) fn revoke_family_of(&mut self, access: &str) {
        if let Some(family) = self.access.get(access).map(|entry| entry.family) {
            self.revoke(|entry| entry.family == family, true, true);
        }
    }

    pub(crate) fn issued(&self) -> usize {
        self.issued
    }

    pub(crate) fn reuse_detected(&self) -> usize {
        self.reuse_detected
    }

    fn revoke(&mut self, which: impl Fn(&Entry) -> bool, access: bool, refresh: bool) {
        let access = self.access.values_mut().filter(|_| access);
        let refresh = self.refresh.values_mut().filter(|_| refresh);
        for entry in access.chain(refresh).filter(|entry| which(entry)) {
            entry.revoked = true;
        }
    }

    fn new_access(&mut self, owner: &str, family: u64, now: Duration) -> Issued {
        let access = Uuid::new_v4().to_string();
        let ends = Some(now.saturating_add(self.policy.access_lifetime));
        self.access
            .insert(access.clone(), Entry::new(owner, family, ends));
        self.issued += 1;
        Issued {
            access,
            refresh: None,
            expires_in: self.policy.access_lifetime.as_secs(),
        }
    }

    fn new_refresh(&mut self, owner: &str, family: u64, now: Duration) -> String {
        let refresh = Uuid::new_v4().to_string();
        let ends = self
            .policy
            .refresh_lifetime
            .map(|lifetime| now.saturating_add(lifetime));
        self.refresh
            .insert(refresh.clone(), Entry::new(owner, family, ends));
        refresh
    }
}

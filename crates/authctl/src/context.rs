//! What every command starts from: its options, the configuration, and a way to wait.

use std::future::Future;

use auth_core::ErrorKind;

use crate::account::Account;
use crate::cli::Global;
use crate::error::{Failure, Kind};
use crate::profile::{Config, Profile};
use crate::vendors::Vendor;

#[derive(Debug)]
pub(crate) struct Context {
    /// The profile that the command line or the environment names.
    pub(crate) named: Option<String>,
    pub(crate) json: bool,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        let from_environment = || std::env::var("AUTHCTL_PROFILE").ok();
        let named = global.profile.clone().or_else(from_environment);
        Self {
            named: named.filter(|name| !name.is_empty()),
            json: global.json,
        }
    }

    /// The profile to use.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        Config::load()?.select(self.named.as_deref())
    }

    /// The account of the profile to use, with its store. Asks no vendor.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        let profile = self.profile()?;
        self.block_on(Account::open(profile))?
    }

    /// The account of the profile to use at this vendor: the one that is named, the default one, or the
    /// vendor's only one.
    pub(crate) fn account_of(&self, vendor: Vendor) -> Result<Account, Failure> {
        let profile = self.profile_of(vendor)?.ok_or_else(|| {
            let what = format!("there is no profile of {}", vendor.title());
            Failure::new(ErrorKind::InteractionRequired, what)
                .hint(format!("log in first: `authctl login {vendor}`"))
        })?;
        self.block_on(Account::open(profile))?
    }

    /// The profile to use at this vendor, if there is one.
    pub(crate) fn profile_of(&self, vendor: Vendor) -> Result<Option<Profile>, Failure> {
        let config = Config::load()?;
        if let Some(named) = &self.named {
            let profile = config.select(Some(named))?;
            if profile.vendor != vendor {
                let what = format!("the profile {named} is of {}", profile.vendor.title());
                return Err(Failure::usage(what).hint(format!("name one of {}", vendor.title())));
            }
            return Ok(Some(profile));
        }
        let mut of_vendor = Vec::new();
        for name in config.names() {
            let profile = config.select(Some(&name))?;
            if profile.vendor == vendor && config.default_profile() == Some(&name) {
                return Ok(Some(profile));
            }
            of_vendor.extend(Some(profile).filter(|profile| profile.vendor == vendor));
        }
        if of_vendor.len() > 1 {
            let there_are: Vec<_> = of_vendor.iter().map(|it| it.name.as_str()).collect();
            let what = format!("there are several profiles of {}", vendor.title());
            return Err(Failure::usage(what).hint(format!(
                "name one: `--profile NAME`; there are: {}",
                there_are.join(", ")
            )));
        }
        Ok(of_vendor.pop())
    }

    /// Waits for `future` on this thread. The SDKs need no timers and no sockets of a runtime.
    #[allow(clippy::unused_self, reason = "commands wait by their context")]
    pub(crate) fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime =
            runtime.map_err(|error| Failure::new(Kind::Other, format!("cannot start: {error}")))?;
        Ok(runtime.block_on(future))
    }
}

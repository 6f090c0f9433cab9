//! Log-ins that wait for a mail: what was asked for, so that another process can continue.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::error::Failure;
use crate::profile::{Config, Profile, state_directory};

/// A log-in whose mail was sent, or may have been sent. Holds no secret.
pub(crate) struct Pending {
    pub(crate) profile: Profile,
    sent_at: SystemTime,
}

impl Pending {
    /// How long ago the mail was asked for.
    pub(crate) fn age(&self) -> Duration {
        self.sent_at.elapsed().unwrap_or_default()
    }

    /// Notes, before a mail is asked for, which log-in it will be for.
    pub(crate) fn note(profile: &Profile) -> Result<(), Failure> {
        forget(&profile.name);
        Config::at(path(&profile.name)?)?.put(profile)
    }

    /// The log-in of this name, if it waits; else the only one.
    pub(crate) fn find(named: Option<&str>) -> Result<Self, Failure> {
        let hint = "start one: `authctl login eqworks` or `authctl login identityx`";
        if let Some(name) = named {
            let what = format!("no log-in of the profile {name} waits for a mail");
            return of(name)?.ok_or_else(|| Failure::usage(what).hint(hint));
        }
        let entries = fs::read_dir(directory()?).into_iter().flatten().flatten();
        let mut waiting: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                Some(name.strip_suffix(".toml")?.to_owned())
            })
            .collect();
        waiting.sort();
        match &waiting[..] {
            [] => Err(Failure::usage("no log-in waits for a mail").hint(hint)),
            [only] => Self::find(Some(only)),
            _ => Err(
                Failure::usage("several log-ins wait for a mail").hint(format!(
                    "name one: `--profile NAME`; there are: {}",
                    waiting.join(", ")
                )),
            ),
        }
    }
}

fn of(name: &str) -> Result<Option<Pending>, Failure> {
    let path = path(name)?;
    let Ok(sent_at) = fs::metadata(&path).and_then(|file| file.modified()) else {
        return Ok(None);
    };
    let profile = Config::at(path)?.profile(name)?;
    Ok(profile.map(|profile| Pending { profile, sent_at }))
}

/// The log-in has ended, or its mail was certainly not sent.
pub(crate) fn forget(name: &str) {
    if let Ok(path) = path(name) {
        // None there is what is wanted.
        let _ = fs::remove_file(path);
    }
}

fn directory() -> Result<PathBuf, Failure> {
    Ok(state_directory()?.join("pending"))
}

fn path(name: &str) -> Result<PathBuf, Failure> {
    Ok(directory()?.join(format!("{name}.toml")))
}

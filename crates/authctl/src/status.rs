//! What is known without asking the vendor, and what the vendor says where it is asked.

use std::process::ExitCode;
use std::time::SystemTime;

use auth_core::{ErrorKind, Expiry, Token};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::account::{self, Account};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output;
use crate::profile::{Config, Profile};
use crate::store;
use crate::time;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Ask the vendor whether it accepts the token
    #[arg(long)]
    check: bool,
    /// Show all profiles
    #[arg(long)]
    all: bool,
}

/// What the store says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Valid,
    /// Valid, and the next command renews it.
    Due,
    /// It has ended, and the next command renews it.
    Renewable,
    /// It has ended, and a person must log in.
    Ended,
    Missing,
    /// The store could not be read.
    Unreadable,
}

impl Known {
    fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Due => "due",
            Self::Renewable => "expired",
            Self::Ended => "login_required",
            Self::Missing => "logged_out",
            Self::Unreadable => "store_failed",
        }
    }

    fn exit_code(self) -> u8 {
        match self {
            Self::Valid | Self::Due | Self::Renewable => 0,
            Self::Ended | Self::Missing => 4,
            Self::Unreadable => 7,
        }
    }
}

/// What the vendor said.
enum Checked {
    Accepted(String),
    Refused(Failure),
    /// An outage says nothing about the token.
    Unknown(Failure),
    /// There is no token that could be shown.
    NotAsked,
}

impl Checked {
    fn of(answer: Result<String, Failure>) -> Self {
        match answer {
            Ok(user) => Self::Accepted(user),
            Err(failure) => match failure.kind().exit_code() {
                4 | 6 => Self::Refused(failure),
                _ => Self::Unknown(failure),
            },
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Accepted(_) | Self::NotAsked => 0,
            Self::Refused(failure) | Self::Unknown(failure) => failure.kind().exit_code(),
        }
    }

    fn json(&self) -> Value {
        let (result, message) = match self {
            Self::Accepted(user) => ("accepted", Some(user.as_str())),
            Self::Refused(failure) => ("refused", Some(failure.what())),
            Self::Unknown(failure) => ("unknown", Some(failure.what())),
            Self::NotAsked => ("not_asked", None),
        };
        let kind = match self {
            Self::Refused(failure) | Self::Unknown(failure) => Some(failure.kind().name()),
            _ => None,
        };
        json!({ "result": result, "message": message, "kind": kind })
    }
}

struct Report {
    profile: Profile,
    known: Known,
    token: Option<Token>,
    /// Why the store could not be read.
    failure: Option<Failure>,
    checked: Option<Checked>,
}

impl Report {
    async fn of(profile: Profile, check: bool) -> Self {
        let account = Account::open(profile.clone()).await;
        let read = match &account {
            Ok(account) => account.stored().await.map(|token| (account, token)),
            Err(failure) => Err(failure.clone()),
        };
        let (account, token) = match read {
            Ok(read) => read,
            Err(failure) => {
                return Self {
                    profile,
                    known: Known::Unreadable,
                    token: None,
                    failure: Some(failure),
                    checked: None,
                };
            }
        };
        let known = known(account, token.as_ref());
        let checked = match (&token, known) {
            _ if !check => None,
            (Some(token), Known::Valid | Known::Due) => Some(Checked::of(account.ask(token).await)),
            _ => Some(Checked::NotAsked),
        };
        Self {
            profile,
            known,
            token,
            failure: None,
            checked,
        }
    }

    fn exit_code(&self) -> u8 {
        let known = match &self.failure {
            Some(failure) => failure.kind().exit_code(),
            None => self.known.exit_code(),
        };
        known.max(self.checked.as_ref().map_or(0, Checked::exit_code))
    }

    fn json(&self) -> Result<Value, Failure> {
        let expiry = self.token.as_ref().map(Token::expiry);
        Ok(json!({
            "profile": self.profile.name,
            "vendor": self.profile.vendor.name(),
            "account": self.profile.get("account"),
            "state": self.known.name(),
            "expires_at": expiry.and_then(time::rfc3339),
            "expires_at_epoch": expiry.and_then(time::epoch),
            "never_expires": expiry == Some(Expiry::Never),
            "renews_itself": self.token.as_ref().is_some_and(|token| token.refresh().is_some()),
            "store": store::describe(&self.profile)?,
            "failure": self.failure.as_ref().map(Failure::what),
            "check": self.checked.as_ref().map(Checked::json),
        }))
    }

    fn text(&self) -> Result<String, Failure> {
        let profile = &self.profile;
        let vendor = profile.vendor.title();
        let state = match (self.known, &self.token) {
            (Known::Missing, _) | (_, None) if self.failure.is_none() => "logged out".to_owned(),
            (_, Some(token)) => state(self.known, token),
            _ => {
                let failure = self.failure.as_ref().map_or("", Failure::what);
                format!("not known: {failure}")
            }
        };
        let mut lines = vec![
            format!(
                "{}: {vendor}, {}",
                profile.name,
                profile.get("account").unwrap_or("no account")
            ),
            format!("  token:   {state}"),
            format!("  kept in: {}", store::describe(profile)?),
        ];
        match &self.checked {
            None => {}
            Some(Checked::Accepted(user)) => {
                lines.push(format!("  check:   {vendor} accepts it, of {user}"));
            }
            Some(Checked::Refused(failure)) => {
                lines.push(format!("  check:   refused: {}", failure.what()));
            }
            Some(Checked::Unknown(failure)) => lines.push(format!(
                "  check:   not possible now, which says nothing about the token: {}",
                failure.what()
            )),
            Some(Checked::NotAsked) => lines.push("  check:   there is no valid token".to_owned()),
        }
        if self.exit_code() == 4 {
            lines.push(format!(
                "  to do:   authctl login --profile {}",
                profile.name
            ));
        }
        Ok(lines.join("\n"))
    }
}

fn state(known: Known, token: &Token) -> String {
    let until = time::until(token.expiry());
    let moment = match (time::rfc3339(token.expiry()), time::epoch(token.expiry())) {
        (Some(utc), Some(epoch)) => format!(" ({utc}, {epoch})"),
        _ => String::new(),
    };
    let renewal = match known {
        Known::Due => "; the next command renews it",
        Known::Renewable => "; the next command renews it by its refresh token",
        Known::Ended => "; it cannot be renewed",
        _ => "",
    };
    format!("valid {until}{moment}{renewal}")
}

fn known(account: &Account, token: Option<&Token>) -> Known {
    let Some(token) = token else {
        return Known::Missing;
    };
    if account::needs_a_person(token) {
        return Known::Ended;
    }
    if token.expiry().has_passed(SystemTime::now()) {
        return Known::Renewable;
    }
    if account.is_due(token) {
        Known::Due
    } else {
        Known::Valid
    }
}

pub(crate) fn status(args: &StatusArgs, context: &Context) -> Result<ExitCode, Failure> {
    let profiles = if args.all {
        let config = Config::load()?;
        let names = config.names();
        let profiles = names.iter().map(|name| config.select(Some(name)));
        profiles.collect::<Result<Vec<_>, _>>()?
    } else {
        vec![context.profile()?]
    };
    let mut reports = Vec::new();
    for profile in profiles {
        reports.push(context.block_on(Report::of(profile, args.check))?);
    }
    if context.json {
        let mut values = reports
            .iter()
            .map(Report::json)
            .collect::<Result<Vec<_>, _>>()?;
        let value = if args.all {
            Value::Array(values)
        } else {
            values.pop().unwrap_or_default()
        };
        output::answer(value)?;
    } else {
        let texts = reports
            .iter()
            .map(Report::text)
            .collect::<Result<Vec<_>, _>>()?;
        output::answer(texts.join("\n"))?;
    }
    let code = reports.iter().map(Report::exit_code).max();
    Ok(ExitCode::from(code.unwrap_or(0)))
}

#[derive(Debug, Args)]
pub(crate) struct ProfilesArgs {
    #[command(subcommand)]
    command: Option<ProfilesCommand>,
}

#[derive(Debug, Subcommand)]
enum ProfilesCommand {
    /// Use this profile where none is named
    Default { name: String },
    /// Forget the settings of a profile that is logged out
    Remove { name: String },
}

pub(crate) fn profiles(args: &ProfilesArgs, context: &Context) -> Result<(), Failure> {
    let mut config = Config::load()?;
    match &args.command {
        None => list(&config, context),
        Some(ProfilesCommand::Default { name }) => {
            config.select(Some(name))?;
            config.set_default(name)
        }
        Some(ProfilesCommand::Remove { name }) => {
            let profile = config.select(Some(name))?;
            let stored =
                context.block_on(async { Account::open(profile).await?.stored().await })?;
            match stored {
                Ok(Some(_)) => Err(Failure::usage(format!("the profile {name} is logged in"))
                    .hint(format!("log out first: `authctl logout --profile {name}`"))),
                // A store that is gone for good must not keep the settings.
                Ok(None) | Err(_) => config.remove(name),
            }
        }
    }
}

fn list(config: &Config, context: &Context) -> Result<(), Failure> {
    let mut values = Vec::new();
    let mut lines = Vec::new();
    for name in config.names() {
        let profile = config.select(Some(&name))?;
        let is_default = config.default_profile() == Some(&name);
        let account = profile.get("account");
        values.push(json!({
            "profile": name,
            "vendor": profile.vendor.name(),
            "account": account,
            "store": store::describe(&profile)?,
            "default": is_default,
        }));
        let mark = if is_default { " (default)" } else { "" };
        let (vendor, account) = (profile.vendor.title(), account.unwrap_or("no account"));
        let place = store::describe(&profile)?;
        lines.push(format!(
            "{name}{mark}: {vendor}, {account}, kept in {place}"
        ));
    }
    if context.json {
        return output::answer(json!({ "config": config.path(), "profiles": values }));
    }
    if lines.is_empty() {
        let kind = Kind::Auth(ErrorKind::InteractionRequired);
        return Err(Failure::new(kind, "there is no profile yet")
            .hint("log in first: `authctl login iqm`, or edgeiq, eqworks, identityx"));
    }
    output::answer(lines.join("\n"))
}

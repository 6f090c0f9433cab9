//! Log-ins: what is asked for, in which order, and what is kept.

use std::time::Duration;

use auth_core::{ErrorKind, SecretString, Token};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::account::{self, Account};
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::input::{Input, StdinArgs, Wanted};
use crate::output;
use crate::pending::{self, Pending};
use crate::profile::{Config, Profile};
use crate::store::{self, Place, Store};
use crate::time;
use crate::vendors::{self, Network, Parts, Vendor, edgeiq, eqworks, identityx, iqm};

/// How often a person may mistype a code.
const ATTEMPTS: u32 = 5;

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[command(subcommand)]
    vendor: Option<VendorLogin>,
    /// Continue a log-in whose mail was sent already
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    stdin: StdinArgs,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum VendorLogin {
    /// With a password (and a second factor), or with a browser
    Iqm(iqm::IqmLogin),
    /// With a password, or with a permanent token
    Edgeiq(edgeiq::EdgeIqLogin),
    /// By a passcode or a link that EQ Works mails
    Eqworks(eqworks::EqWorksLogin),
    /// By a link that IdentityX mails, or with an API token
    Identityx(identityx::IdentityXLogin),
}

impl VendorLogin {
    fn vendor(&self) -> Vendor {
        match self {
            Self::Iqm(_) => Vendor::Iqm,
            Self::Edgeiq(_) => Vendor::EdgeIq,
            Self::Eqworks(_) => Vendor::EqWorks,
            Self::Identityx(_) => Vendor::IdentityX,
        }
    }

    fn apply(&self, profile: &mut Profile) {
        match self {
            Self::Iqm(args) => args.apply(profile),
            Self::Edgeiq(args) => args.apply(profile),
            Self::Eqworks(args) => args.apply(profile),
            Self::Identityx(args) => args.apply(profile),
        }
    }
}

/// What a log-in has got.
pub(crate) struct LoggedIn {
    pub(crate) token: Token,
    /// The client secret, if it was typed or piped and is to be kept.
    pub(crate) client_secret: Option<SecretString>,
}

impl From<Token> for LoggedIn {
    fn from(token: Token) -> Self {
        Self {
            token,
            client_secret: None,
        }
    }
}

pub(crate) fn run(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
    let input = Input::new(&args.stdin);
    if args.resume && args.vendor.is_some() {
        let what = "--resume continues a log-in, and names no vendor";
        return Err(Failure::usage(what)
            .hint("`authctl login --resume`, with --profile NAME if several wait"));
    }
    if args.resume {
        let pending = Pending::find(context.named.as_deref())?;
        return context.block_on(resume(pending, &input, context))?;
    }
    let mut profile = profile(args, context)?;
    vendors::complete(&mut profile, &input)?;
    args.place.apply(&mut profile);
    context.block_on(async {
        let store = store::choose(&mut profile, &input).await?;
        let logged_in = log_in(&mut profile, &store, &input).await?;
        keep(profile, store, logged_in, context).await
    })?
}

/// The profile to log in to, with what the command line says of it.
fn profile(args: &LoginArgs, context: &Context) -> Result<Profile, Failure> {
    let Some(login) = &args.vendor else {
        return context.profile();
    };
    let config = Config::load()?;
    let vendor = login.vendor();
    let name = context.named.as_deref().unwrap_or(vendor.name());
    let mut profile = match config.profile(name)? {
        Some(known) if known.vendor != vendor => {
            let what = format!("the profile {name} is of {}", known.vendor.title());
            return Err(Failure::usage(what).hint("choose another name: `--profile NAME`"));
        }
        Some(known) => known,
        None => config.inherit(Profile::new(name, vendor)?),
    };
    login.apply(&mut profile);
    Ok(profile)
}

async fn log_in(
    profile: &mut Profile,
    store: &Store,
    input: &Input<'_>,
) -> Result<LoggedIn, Failure> {
    let client_secret = match profile.vendor {
        // What was piped replaces what is kept.
        Vendor::Iqm if input.has(Wanted::ClientSecret) => None,
        _ => account::client_secret(profile, store).await?,
    };
    let is_kept = client_secret.is_some();
    let client_secret = match (profile.vendor, client_secret) {
        (Vendor::Iqm, None) => Some(input.secret(Wanted::ClientSecret, "the client secret")?),
        (_, kept) => kept,
    };
    let parts = Parts {
        profile,
        store,
        client_secret: client_secret.clone(),
        network: Network::Online,
    };
    let token = match parts.profile.vendor {
        Vendor::Iqm => iqm::log_in(&parts, input).await?,
        Vendor::EdgeIq => edgeiq::log_in(&parts, input).await?,
        Vendor::IdentityX if identityx::is_by_token(parts.profile) => {
            identityx::log_in_by_token(&parts, input).await?
        }
        Vendor::EqWorks | Vendor::IdentityX => by_mail(&parts, input).await?,
    };
    let client_secret = client_secret.filter(|_| !is_kept);
    Ok(LoggedIn {
        client_secret,
        ..token.into()
    })
}

/// Has the vendor send a mail, and waits for what is in it.
async fn by_mail(parts: &Parts<'_>, input: &Input<'_>) -> Result<Token, Failure> {
    let profile = parts.profile;
    let name = &profile.name;
    input.expect(Wanted::Link, "the link or the passcode")?;
    if let Ok(earlier) = Pending::find(Some(name)) {
        output::note(format_args!(
            "a mail for this profile was sent {} ago, too: `authctl login --resume` uses that one",
            time::words(earlier.age())
        ));
    }
    // First: a mail that nothing knows of would be sent again.
    Pending::note(profile)?;
    let sent = match profile.vendor {
        Vendor::EqWorks => eqworks::send(parts).await,
        _ => identityx::send(parts).await,
    };
    if let Err(failure) = sent {
        if failure.kind() == Kind::Auth(ErrorKind::OutcomeUnknown) {
            let again = format!("authctl login --resume --profile {name}");
            return Err(failure.hint(format!(
                "the mail may have been sent: look into the mailbox, and continue with `{again}`"
            )));
        }
        pending::forget(name);
        return Err(failure);
    }
    let account = profile.account()?;
    output::note(format_args!(
        "{} has sent a mail to {account}. What is in it is valid for {}.\n\
         Paste the passcode, the link or the whole mail. After Ctrl-C, `authctl login --resume --profile \
         {name}` continues without a second mail.",
        profile.vendor.title(),
        valid_for(profile.vendor).1,
    ));
    redeem(parts, input).await
}

/// How long what is mailed can be used, at the least and in words.
fn valid_for(vendor: Vendor) -> (Duration, &'static str) {
    match vendor {
        Vendor::EqWorks => (Duration::from_secs(600), "5 to 10 minutes"),
        _ => (Duration::from_secs(3600), "one hour"),
    }
}

/// Trades what a person pastes for a token.
async fn redeem(parts: &Parts<'_>, input: &Input<'_>) -> Result<Token, Failure> {
    let name = match parts.profile.vendor {
        Vendor::EqWorks => "the passcode or link",
        _ => "the link",
    };
    let mut attempts = 1;
    loop {
        let pasted = input.secret(Wanted::Link, name)?;
        let redeemed = match parts.profile.vendor {
            Vendor::EqWorks => eqworks::redeem(parts, &pasted).await,
            _ => identityx::redeem(parts, &pasted).await,
        };
        match redeemed {
            Err(failure)
                if failure.kind() == Kind::Auth(ErrorKind::InvalidCredentials)
                    && input.can_ask_again(Wanted::Link)
                    && attempts < ATTEMPTS =>
            {
                attempts += 1;
                output::note(format_args!("{}; paste it again", failure.what()));
            }
            Err(failure) if failure.kind() == Kind::Auth(ErrorKind::InvalidCredentials) => {
                let again = format!("authctl login --resume --profile {}", parts.profile.name);
                return Err(failure.hint(format!("paste what the mail holds: `{again}`")));
            }
            Err(failure) => return Err(failure.for_profile(&parts.profile.name)),
            Ok(token) => return Ok(token),
        }
    }
}

async fn resume(pending: Pending, input: &Input<'_>, context: &Context) -> Result<(), Failure> {
    input.expect(Wanted::Link, "the link or the passcode")?;
    let age = pending.age();
    let profile = pending.profile;
    let store = store::open_to_write(&profile).await?;
    let parts = Parts {
        profile: &profile,
        store: &store,
        client_secret: None,
        network: Network::Online,
    };
    let (at_most, words) = valid_for(profile.vendor);
    let ended = if age > at_most {
        " That is probably over: without --resume a new mail is sent."
    } else {
        ""
    };
    output::note(format_args!(
        "{} sent a mail to {} {} ago. What is in it is valid for {words}.{ended}",
        profile.vendor.title(),
        profile.account()?,
        time::words(age),
    ));
    let token = redeem(&parts, input).await?;
    keep(profile, store, token.into(), context).await
}

/// Keeps what a log-in has got: the profile first, so that the token can be found.
async fn keep(
    mut profile: Profile,
    store: Store,
    logged_in: LoggedIn,
    context: &Context,
) -> Result<(), Failure> {
    let account = logged_in.token.account().unwrap_or_default().to_owned();
    match profile.get("account") {
        // Who pasted the link of another account would be logged in as someone else.
        Some(wanted) if !wanted.eq_ignore_ascii_case(&account) => {
            let what = format!("this log-in is of {account}, and the profile of {wanted}");
            return Err(Failure::new(ErrorKind::InvalidCredentials, what)
                .hint("log in as that user, or to another profile: `--profile NAME`"));
        }
        Some(_) => {}
        None => profile.set("account", account),
    }
    Config::load()?.put(&profile)?;
    let secret = match logged_in.client_secret {
        Some(secret) => {
            store::replace(&store, &account::client_secret_key(&profile)?, &secret).await?;
            Some(secret)
        }
        None => account::client_secret(&profile, &store).await?,
    };
    let account = Account::with(profile, store, secret)?;
    account.set_token(logged_in.token).await?;
    pending::forget(&account.profile.name);
    let profile = &account.profile;
    let token = account.stored().await?;
    let expiry = token.map(|token| token.expiry());
    if context.json {
        let known = json!({
            "profile": profile.name,
            "vendor": profile.vendor.name(),
            "account": profile.account()?,
            "expires_at": expiry.and_then(time::rfc3339),
        });
        return output::answer(known);
    }
    output::note(format_args!(
        "Logged in to {} as {}, valid {}. Profile {}, kept in {}.",
        profile.vendor.title(),
        profile.account()?,
        expiry.map_or_else(|| "until further notice".to_owned(), time::until),
        profile.name,
        store::describe(profile)?,
    ));
    Ok(())
}

//! `authctl doctor`: finds out what is in the way, one line for each thing, with a remedy.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use auth_core::{ErrorKind, HttpBuilder, Request, Response, RetryPolicy, operation};
use clap::Args;
use serde_json::{Value, json};
use url::Url;

use crate::account::{Account, needs_a_person};
use crate::context::Context;
use crate::error::Failure;
use crate::profile::Config;
use crate::{output, store, time};

/// How long each thing may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a renewal of another process may hold the lease without being noticed here.
const LEASE_LIMIT: Duration = Duration::from_secs(3);

/// By how much a clock may be wrong: no vendor's token is that short.
const SKEW: Duration = Duration::from_secs(60);

const USER_AGENT: &str = concat!("authctl/", env!("CARGO_PKG_VERSION"));

/// The options of `authctl doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Do not call the vendor
    #[arg(long)]
    offline: bool,
}

/// What was found out about one thing.
struct Finding {
    check: &'static str,
    result: Result<String, Failure>,
}

impl Finding {
    fn json(&self) -> Value {
        let failure = self.result.as_ref().err();
        let message = self.result.as_deref().unwrap_or_else(Failure::what);
        json!({
            "check": self.check,
            "ok": failure.is_none(),
            "message": message,
            "remedy": failure.map(Failure::remedy),
        })
    }

    fn text(&self) -> String {
        match &self.result {
            Ok(message) => format!("ok    {:<13} {message}", self.check),
            Err(failure) => format!(
                "FAIL  {:<13} {}\n      {:<13} remedy: {}",
                self.check,
                failure.what(),
                "",
                failure.remedy()
            ),
        }
    }
}

/// Checks everything and prints what was found. The exit code is that of the first failure.
pub(crate) fn run(args: &DoctorArgs, context: &Context) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::io("cannot start", &error))?;
    let findings = runtime.block_on(examine(args, context));
    if context.json {
        let all: Vec<_> = findings.iter().map(Finding::json).collect();
        output::answer(json!({ "checks": all }))?;
    } else {
        let all: Vec<_> = findings.iter().map(Finding::text).collect();
        output::answer(all.join("\n"))?;
    }
    let first = findings.iter().find_map(|it| it.result.as_ref().err());
    Ok(first.map_or(ExitCode::SUCCESS, Failure::exit_code))
}

async fn examine(args: &DoctorArgs, context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |check, result: Result<String, Failure>| {
        let is_ok = result.is_ok();
        findings.push(Finding { check, result });
        is_ok
    };
    let profile = context.profile();
    let settings = profile
        .as_ref()
        .map(|it| format!("the profile {} of {}", it.name, it.vendor));
    let settings = settings
        .map_err(Clone::clone)
        .and_then(|text| configuration().map(|()| text));
    found("configuration", settings);
    let Ok(profile) = profile else {
        return findings;
    };
    let place = store::describe(&profile);
    let account = match Account::open(profile).await {
        Ok(account) => account,
        Err(failure) => {
            found("store", Err(failure));
            return findings;
        }
    };
    let stored = account.stored().await;
    if found("store", stored.as_ref().map_err(Clone::clone).and(place)) {
        found("lease", lease(&account).await);
        found("token", token(&account, stored.ok().flatten().as_ref()));
    }
    if !args.offline {
        let began = Instant::now();
        let answer = call(account.base_url()).await;
        let seen = answer.as_ref().map_err(Clone::clone);
        let check = seen
            .as_ref()
            .err()
            .map_or("network", |failure| check_of(failure));
        let network = seen.and_then(|response| network(response, began.elapsed()));
        found(check, network);
        if let Ok(response) = answer {
            found("clock", clock(&response));
        }
    }
    findings
}

/// Who can change the settings can have tokens sent to another host.
#[cfg(unix)]
fn configuration() -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let config = Config::load()?;
    let path = config.path();
    let metadata = std::fs::metadata(path);
    let metadata = metadata.map_err(|error| Failure::io("cannot look at the settings", &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o022 == 0 {
        return Ok(());
    }
    let path = path.display();
    let what = format!("other users can change {path} (mode {mode:04o})");
    Err(Failure::usage(what).hint(format!("chmod go-w '{path}'")))
}

#[cfg(not(unix))]
fn configuration() -> Result<(), Failure> {
    Config::load().map(|_| ())
}

/// Whether a renewal could begin now.
async fn lease(account: &Account) -> Result<String, Failure> {
    match tokio::time::timeout(LEASE_LIMIT, account.store.lease(account.key())).await {
        Ok(lease) => {
            lease?.release().await?;
            Ok("free".to_owned())
        }
        Err(_) => Err(Failure::new(
            ErrorKind::Store,
            "another process holds the lease of the token: it renews, or hangs",
        )
        .hint("look for other programs with this account (`ps ax`), and end those that hang")),
    }
}

fn token(account: &Account, token: Option<&auth_core::Token>) -> Result<String, Failure> {
    let log_in = |what: &str| {
        let failure = Failure::new(ErrorKind::InteractionRequired, what);
        Err(failure.for_profile(&account.profile.name))
    };
    let Some(token) = token else {
        return log_in("there is none");
    };
    if needs_a_person(token) {
        return log_in("it has ended");
    }
    Ok(match token.expiry().left(SystemTime::now()) {
        None => "valid, without an end".to_owned(),
        Some(left) if left.is_zero() => "ended; the next command renews it".to_owned(),
        Some(left) => format!("valid for {}", time::words(left)),
    })
}

/// Calls the vendor without a token: whatever it answers, it can be reached.
async fn call(base_url: &str) -> Result<Response, Failure> {
    let http = HttpBuilder::new(base_url, USER_AGENT)
        .connect_timeout(LIMIT)
        .timeout(LIMIT)
        .retry(RetryPolicy::never())
        .build()?;
    let response = http
        .send(Request::get(operation!("authctl.doctor"), ""))
        .await;
    response.map_err(|error| {
        let failure = Failure::from(error);
        let host = Url::parse(base_url).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let remedy = match check_of(&failure) {
            "dns" => format!("check the network, and the name: `getent hosts {host}`"),
            "proxy" => {
                format!("check HTTPS_PROXY and its log-in, or name {host} in NO_PROXY")
            }
            "tls" => format!(
                "if a proxy of your network opens connections to {host}, name a file with its \
                 certificate in SSL_CERT_FILE; else check `base-url` and the clock"
            ),
            _ => format!("check the network, a firewall, and that {host} is right"),
        };
        failure.hint(remedy)
    })
}

/// Which part of a connection failed, by the SDK's own words.
fn check_of(failure: &Failure) -> &'static str {
    let parts = [
        ("proxy", "proxy"),
        ("host name cannot be resolved", "dns"),
        ("certificate", "tls"),
        ("tls", "tls"),
    ];
    let part = parts
        .iter()
        .find(|(words, _)| failure.what().contains(words));
    part.map_or("network", |(_, check)| check)
}

fn network(response: &Response, time: Duration) -> Result<String, Failure> {
    let status = response.status();
    if status.is_server_error() || status.as_u16() == 429 {
        let what = format!(
            "the vendor can be reached, and answers with status {}",
            status.as_u16()
        );
        return Err(Failure::new(ErrorKind::Unavailable, what).hint("try again later"));
    }
    Ok(format!("the vendor answers, after {} ms", time.as_millis()))
}

/// How far the clock is from the vendor's.
fn clock(response: &Response) -> Result<String, Failure> {
    let now = SystemTime::now();
    let vendors = response.local(now);
    let (way, skew) = match now.duration_since(vendors) {
        Ok(behind) => ("behind", behind),
        Err(ahead) => ("ahead of", ahead.duration()),
    };
    if skew < SKEW {
        return Ok("right to a minute, by the vendor's".to_owned());
    }
    let what = format!(
        "this machine's clock is {} {way} the vendor's",
        time::words(skew)
    );
    Err(Failure::usage(what)
        .hint("set it: `timedatectl set-ntp true`, or ask who runs the machine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_failed_is_found_by_the_words_of_the_sdk() {
        for (reason, check) in [
            ("the proxy asks for a log-in (status 407)", "proxy"),
            ("the proxy cannot be reached", "proxy"),
            ("the host name cannot be resolved", "dns"),
            ("the server's certificate is from an unknown issuer", "tls"),
            ("the server does not speak tls", "tls"),
            ("connection refused", "network"),
        ] {
            let what = format!("no connection could be made: {reason}");
            assert_eq!(check_of(&Failure::new(ErrorKind::Unavailable, what)), check);
        }
    }
}

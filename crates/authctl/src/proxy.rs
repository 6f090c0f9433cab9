//! `authctl proxy`: a port on this machine that adds the headers to what is sent to it.
//!
//! `access` decides who may call and where a call goes, `forward` makes the call, `server` has the
//! connections of callers, `upstream` those to the vendor, `child` is the program beside the proxy.

mod access;
mod child;
mod forward;
#[cfg(test)]
mod load;
mod server;
#[cfg(test)]
mod tests;
mod upstream;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::future::Future;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use self::access::{Access, SECRET_HEADER};
#[cfg(not(unix))]
pub(crate) use self::child::exit_code;
pub(crate) use self::child::{BesideArgs, beside};
use self::forward::Forwarder;
use crate::account::Account;
use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output;

/// The options of `authctl proxy`.
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// The port on 127.0.0.1; 0 is a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A program to run: it finds the proxy in `AUTHCTL_PROXY_URL`, and the proxy ends with it
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Serves until it is told to end, or until its program ends.
pub(crate) fn run(args: &ProxyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account()?;
    // What needs a person is said before the first call.
    context.block_on(account.auth_headers())??;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::io("cannot start", &error))?;
    let code = runtime.block_on(serve(args, &account, context));
    // The requests of a program that has ended are of no use.
    runtime.shutdown_background();
    code
}

async fn serve(
    args: &ProxyArgs,
    account: &Account,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let base = Url::parse(account.base_url());
    let base = base.map_err(|_| Failure::usage("the profile's `base-url` is no address"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await;
    let address = listener.and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
    let (port, listener) = address.map_err(|error| {
        let what = format!("cannot listen on port {}", args.port);
        Failure::io(what, &error).hint("choose another port, or leave `--port` out for a free one")
    })?;
    let session = account.authorizer()?;
    let renewed_ahead = session.refresh_in_background()?;
    let secret = secret()?;
    let access = Access::new(&secret, port, &base);
    let url = access.url();
    let upstream = upstream::client(&base, auth_core::DEFAULT_CONNECT_TIMEOUT)?;
    let forwarder = Arc::new(Forwarder::new(access, Arc::clone(&session), upstream));

    let code = if let Some(mut command) = child::command(&args.command) {
        command.env("AUTHCTL_PROXY_URL", &url);
        command.env("AUTHCTL_PROXY_SECRET", &secret);
        command.env("AUTHCTL_PROFILE", &account.profile.name);
        command.envs(child::unproxied());
        tokio::spawn(server::serve(listener, forwarder, std::future::pending()));
        let ended = child::run(command).await;
        let code = ended.map(child::exit_code);
        code.map_err(|error| Failure::io("cannot run the program", &error))?
    } else {
        announce(&url, &secret, account, &base, context)?;
        server::serve(listener, forwarder, told_to_end()?).await;
        ExitCode::SUCCESS
    };
    // What the last call began is saved before the process ends.
    drop(renewed_ahead);
    session.settled().await;
    Ok(code)
}

/// Tells the caller how to reach the proxy.
fn announce(
    url: &str,
    secret: &str,
    account: &Account,
    base: &Url,
    context: &Context,
) -> Result<(), Failure> {
    let origin = base.origin().ascii_serialization();
    let profile = &account.profile.name;
    if context.json {
        return output::answer(json!({
            "url": url,
            "secret": secret,
            "header": SECRET_HEADER.as_str(),
            "origin": origin,
            "profile": profile,
        }));
    }
    output::note(format_args!(
        "serving the profile {profile}: use this address in the place of {origin}"
    ));
    output::note(format_args!("  {url}"));
    Ok(())
}

/// The secret of this run: 128 random bits.
fn secret() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes)
        .map_err(|_| Failure::new(Kind::Other, "the system gives no random numbers"))?;
    let mut secret = String::new();
    for byte in bytes {
        let _ = write!(secret, "{byte:02x}");
    }
    Ok(secret)
}

/// Completes when a user or a supervisor asks this process to end.
#[cfg(unix)]
fn told_to_end() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| Failure::io("cannot listen for signals", &error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as on Unix")]
fn told_to_end() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

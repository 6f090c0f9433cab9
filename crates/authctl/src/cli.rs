//! The command line. No option takes a secret: other users can read the arguments of a process.

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::vendors::{edgeiq, eqworks, identityx, iqm};
use crate::{
    completions, credential_helper, doctor, env, exec, header, login, proxy, session, status,
};

/// Log in to IQM, EdgeIQ, EQ Works or IdentityX once, and give any program valid headers.
///
/// Exit codes: 0 done, 1 anything else, 2 usage, 4 a person must log in, 5 unavailable or limited (try
/// later), 6 denied or not found, 7 the token store failed, 8 it may have happened.
#[derive(Debug, Parser)]
#[command(name = "authctl", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The profile to use [env: `AUTHCTL_PROFILE`; else the default one, else the only one]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Print JSON, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say what happens; -vv and -vvv say more. No secret is shown
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub(crate) enum Command {
    /// Log in, and keep the token in the profile's store
    Login(login::LoginArgs),
    /// Show the state of a profile, without asking the vendor
    Status(status::StatusArgs),
    /// Print a valid access token
    Token,
    /// Print the headers of a valid token
    Header(header::HeaderArgs),
    /// Print the headers as variables of a shell
    Env(env::EnvArgs),
    /// Run a program with the headers in its environment
    Exec(exec::ExecArgs),
    /// Serve a port on this machine that adds the headers to what is sent to it
    Proxy(proxy::ProxyArgs),
    /// How the proxy starts its program
    #[command(hide = true)]
    BesideTheProxy(proxy::BesideArgs),
    /// Answer in the credential-helper protocol of Bazel and others
    CredentialHelper(credential_helper::CredentialHelperArgs),
    /// Renew the token if that is due
    Refresh(session::RefreshArgs),
    /// Forget the token, and tell the vendor where it has a call for that
    Logout,
    /// List the profiles, or change the default one
    Profiles(status::ProfilesArgs),
    /// Check the store, the clock, the network and the vendor
    Doctor(doctor::DoctorArgs),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write all of them into a directory
    Man(completions::ManArgs),
    /// Calls about an account at IQM
    #[command(subcommand)]
    Iqm(iqm::IqmCommand),
    /// Calls about an account at EdgeIQ
    #[command(subcommand)]
    Edgeiq(edgeiq::EdgeIqCommand),
    /// Calls about an account at EQ Works
    #[command(subcommand)]
    Eqworks(eqworks::EqWorksCommand),
    /// Calls about an account at IdentityX
    #[command(subcommand)]
    Identityx(identityx::IdentityXCommand),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

//! What the command line says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::SystemTime;

use lexopt::{Arg, Parser, ValueExt as _};
use url::Url;

use super::api::parse_date;
use crate::log::Keep;

const MIB: usize = 1024 * 1024;

pub(super) const HELP: &str = "\
auth-sandbox: IQM, EdgeIQ, EQ Works and IdentityX, emulated on one port

Usage: auth-sandbox [options]

  --port PORT           the port; 0 for a free one (default: 4010)
  --listen ADDRESS      the interface (default: 127.0.0.1)
  --i-know-it-is-open   required to listen where other machines can connect
  --public-url URL      the address in magic links and settings (default: http://localhost:PORT)
  --allow-host NAME     a further name that requests may be sent to, such as a container's; repeatable
  --seed FILE           users, tokens, faults and settings to begin with: TOML, or JSON (*.json)
  --state FILE          restores everything from the file, and keeps it there
  --frozen-clock TIME   the clock stands still at a time like 2030-01-01T00:00:00Z
  --log-size NUMBER     how many requests are kept for each namespace (default: 10000)
  --log-memory MIB      how much memory they may take for each namespace (default: 32)
  --namespaces NUMBER   how many there may be beside the default one (default: 100)
  --help, --version
";

/// The settings of the program.
pub(super) struct Options {
    pub(super) listen: SocketAddr,
    pub(super) public_url: Option<Url>,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) seed: Option<PathBuf>,
    pub(super) state: Option<PathBuf>,
    pub(super) frozen_at: Option<SystemTime>,
    pub(super) keep: Keep,
    pub(super) namespaces: usize,
}

pub(super) enum Command {
    Run(Box<Options>),
    Help,
    Version,
}

pub(super) fn parse(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 4010));
    let mut is_known_to_be_open = false;
    let (mut public_url, mut allowed_hosts) = (None, Vec::new());
    let (mut seed, mut state, mut frozen_at, mut namespaces) = (None, None, None, 100);
    let mut keep = Keep {
        entries: 10_000,
        mails: 10_000,
        bytes: 32 * MIB,
        body: 64 * 1024,
        answers: true,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("port") => listen.set_port(parser.value()?.parse()?),
            Arg::Long("listen") => listen.set_ip(parser.value()?.parse::<IpAddr>()?),
            Arg::Long("i-know-it-is-open") => is_known_to_be_open = true,
            Arg::Long("public-url") => public_url = Some(parser.value()?.parse_with(origin)?),
            Arg::Long("allow-host") => allowed_hosts.push(parser.value()?.string()?),
            Arg::Long("seed") => seed = Some(parser.value()?.into()),
            Arg::Long("state") => state = Some(parser.value()?.into()),
            Arg::Long("frozen-clock") => frozen_at = Some(parser.value()?.parse_with(parse_date)?),
            Arg::Long("log-size") => keep.entries = parser.value()?.parse()?,
            Arg::Long("log-memory") => {
                keep.bytes = parser.value()?.parse::<usize>()?.saturating_mul(MIB);
            }
            Arg::Long("namespaces") => namespaces = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Version),
            other => return Err(other.unexpected()),
        }
    }
    if !listen.ip().is_loopback() && !is_known_to_be_open {
        let ip = listen.ip();
        return Err(format!(
            "other machines can connect to {ip}, and the sandbox keeps no secret; say \
             --i-know-it-is-open if that is meant"
        )
        .into());
    }
    Ok(Command::Run(Box::new(Options {
        listen,
        public_url,
        allowed_hosts,
        seed,
        state,
        frozen_at,
        keep,
        namespaces,
    })))
}

fn origin(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    if is_web && url.query().is_none() && url.fragment().is_none() {
        Ok(url)
    } else {
        Err("it has to be like http://localhost:4010".to_owned())
    }
}

//! What the command line says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use lexopt::{Arg, Parser, ValueExt as _};
use url::Url;

pub(super) const HELP: &str = "\
auth-sandbox: IQM, EdgeIQ, EQ Works and IdentityX, emulated on one port

Usage: auth-sandbox [options]

  --port PORT           the port; 0 for a free one (default: 4010)
  --listen ADDRESS      the interface (default: 127.0.0.1)
  --i-know-it-is-open   required to listen where other machines can connect
  --public-url URL      the address in magic links and settings (default: http://localhost:PORT)
  --allow-host NAME     a further name that requests may be sent to, such as a container's; repeatable
  --help, --version
";

/// The settings of the program.
pub(super) struct Options {
    pub(super) listen: SocketAddr,
    pub(super) public_url: Option<Url>,
    pub(super) allowed_hosts: Vec<String>,
}

pub(super) enum Command {
    Run(Options),
    Help,
    Version,
}

pub(super) fn parse(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 4010));
    let mut is_known_to_be_open = false;
    let (mut public_url, mut allowed_hosts) = (None, Vec::new());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("port") => listen.set_port(parser.value()?.parse()?),
            Arg::Long("listen") => listen.set_ip(parser.value()?.parse::<IpAddr>()?),
            Arg::Long("i-know-it-is-open") => is_known_to_be_open = true,
            Arg::Long("public-url") => public_url = Some(parser.value()?.parse_with(origin)?),
            Arg::Long("allow-host") => allowed_hosts.push(parser.value()?.string()?),
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
    Ok(Command::Run(Options {
        listen,
        public_url,
        allowed_hosts,
    }))
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

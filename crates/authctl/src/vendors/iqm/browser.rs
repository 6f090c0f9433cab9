//! A log-in with a browser: it is sent to IQM, and comes back to a port on this machine with a code.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use auth_core::{ErrorKind, ExposeSecret as _, SecretString};
use iqm_auth::{Client, Token};
use url::{Url, form_urlencoded};

use crate::error::Failure;
use crate::output;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long one connection may take.
const CONNECTION: Duration = Duration::from_secs(5);

/// The longest request that is read.
const LONGEST: u64 = 16 * 1024;

const PATH: &str = "/callback";

pub(super) async fn log_in(client: &Client, port: u16) -> Result<Token, Failure> {
    let failed = |error| Failure::io(format!("cannot listen on port {port}"), &error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let redirect = format!("http://127.0.0.1:{port}{PATH}");
    let request = client.authorization_request(&redirect)?;
    let page = page(request.url());
    output::note(format_args!(
        "Log in with the browser. If none opens, open this address on this machine:\n{}",
        request.url()
    ));
    if let Some(page) = &page {
        open(page.path());
    }
    let code = wait(&listener, request.state())?;
    // Until here the browser may read it.
    drop(page);
    Ok(client.exchange_code(&code, &redirect, None).await?)
}

/// A page that leads to the address. The address itself holds the log-in's state, which others could read
/// among the arguments of the browser.
fn page(url: &str) -> Option<tempfile::NamedTempFile> {
    let mut page = tempfile::Builder::new()
        .prefix("authctl-")
        .suffix(".html")
        .tempfile()
        .ok()?;
    let url = url.replace('&', "&amp;").replace('"', "&quot;");
    let text = format!(
        "<!doctype html><meta charset=utf-8><meta name=referrer content=no-referrer>\
         <meta http-equiv=refresh content=\"0;url={url}\"><a href=\"{url}\">Log in to IQM</a>\n"
    );
    page.write_all(text.as_bytes()).ok()?;
    Some(page)
}

fn open(page: &std::path::Path) {
    let program = match std::env::var_os("BROWSER") {
        Some(program) => program,
        None if cfg!(target_os = "macos") => "open".into(),
        None if cfg!(windows) => "explorer".into(),
        None => "xdg-open".into(),
    };
    let quiet = Stdio::null;
    // Where there is no browser, the address was printed.
    let _ = Command::new(program)
        .arg(page)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
}

/// Waits until a browser comes back with this state.
fn wait(listener: &TcpListener, state: &SecretString) -> Result<SecretString, Failure> {
    let failed = |error| Failure::io("cannot wait for the browser", &error);
    let end = Instant::now() + PATIENCE;
    listener.set_nonblocking(true).map_err(failed)?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                // A connection that breaks is not the one that is waited for.
                if let Ok(Some(outcome)) = serve(stream, state) {
                    return outcome;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= end {
                    let what = "the browser did not come back within 10 minutes";
                    return Err(Failure::new(ErrorKind::InteractionRequired, what));
                }
                std::thread::park_timeout(Duration::from_millis(50));
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

type Outcome = Result<SecretString, Failure>;

/// Answers one request; returns what it brings if it is the one that is waited for.
fn serve(mut stream: TcpStream, state: &SecretString) -> io::Result<Option<Outcome>> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(CONNECTION))?;
    stream.set_write_timeout(Some(CONNECTION))?;
    let mut lines = BufReader::new(stream.try_clone()?).take(LONGEST);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut rest = String::new();
    while lines.read_line(&mut rest)? > 2 {}
    let outcome = outcome(&first, state);
    let (status, text) = match &outcome {
        Some(Ok(_)) => ("200 OK", "You are logged in. This window can be closed."),
        Some(Err(_)) => (
            "200 OK",
            "The log-in was refused. This window can be closed.",
        ),
        None => (
            "404 Not Found",
            "This is not the log-in that is waited for.",
        ),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncache-control: no-store\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )?;
    Ok(outcome)
}

fn outcome(request_line: &str, state: &SecretString) -> Option<Outcome> {
    let target = request_line.strip_prefix("GET ")?.split(' ').next()?;
    let url = Url::parse("http://127.0.0.1").ok()?.join(target).ok()?;
    let value = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(url.query().unwrap_or_default().as_bytes());
        pairs.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
    };
    // Anyone can send a browser here.
    let is_own = url.path() == PATH && value("state").as_deref() == Some(state.expose_secret());
    if !is_own {
        return None;
    }
    if let Some(error) = value("error") {
        let what = format!("iqm refused the log-in with the browser: {error}");
        return Some(Err(Failure::new(ErrorKind::Denied, what)));
    }
    value("code").map(|code| Ok(code.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_request_with_the_own_state_ends_the_wait() {
        let state = SecretString::from("s1");
        let code = |line: &str| {
            let code = outcome(line, &state)?.ok()?;
            Some(code.expose_secret().to_owned())
        };
        assert_eq!(
            code("GET /callback?code=a%2Bb&state=s1 HTTP/1.1").as_deref(),
            Some("a+b")
        );
        for line in [
            "",
            "GET / HTTP/1.1",
            "GET /favicon.ico HTTP/1.1",
            "POST /callback?code=a&state=s1 HTTP/1.1",
            "GET /callback?code=a HTTP/1.1",
            "GET /callback?code=a&state=s2 HTTP/1.1",
            "GET /callback?state=s1 HTTP/1.1",
            "GET /other?code=a&state=s1 HTTP/1.1",
        ] {
            assert!(outcome(line, &state).is_none(), "{line}");
        }
        let refused = outcome(
            "GET /callback?error=access_denied&state=s1 HTTP/1.1",
            &state,
        );
        assert_eq!(refused.unwrap().unwrap_err().kind().exit_code(), 6);
    }

    #[test]
    fn the_page_keeps_the_state_out_of_the_arguments() {
        let page = page("https://app.iqm.com/oauth/authorize?a=b&state=s1").unwrap();
        assert!(!page.path().to_string_lossy().contains("s1"));
        let text = std::fs::read_to_string(page.path()).unwrap();
        assert!(text.contains("?a=b&amp;state=s1\""), "{text}");
    }
}

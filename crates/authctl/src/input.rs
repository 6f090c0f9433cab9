//! What a person types, or a program pipes. Secrets come hidden from the terminal or by stdin, never by an
//! argument.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use auth_core::SecretString;
use clap::Args;
#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::error::Failure;
use crate::output;
use crate::profile::Profile;

/// How long a pipe may take to turn out to be empty.
const PEEK: Duration = Duration::from_millis(300);

/// What is read from stdin in place of the terminal. Several are read in this order, a line each.
#[derive(Clone, Debug, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option")]
pub(crate) struct StdinArgs {
    /// Read the client secret from stdin, one line
    #[arg(long, global = true)]
    pub(crate) client_secret_stdin: bool,
    /// Read the password from stdin, one line
    #[arg(long, global = true)]
    pub(crate) password_stdin: bool,
    /// Read the new password from stdin, one line
    #[arg(long, global = true)]
    pub(crate) new_password_stdin: bool,
    /// Read a permanent token from stdin, one line
    #[arg(long, global = true)]
    pub(crate) token_stdin: bool,
    /// Read the code or the passcode from stdin, one line
    #[arg(long, global = true)]
    pub(crate) code_stdin: bool,
    /// Read the mailed link, or the whole mail, from stdin to its end
    #[arg(long, global = true)]
    pub(crate) link_stdin: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    ClientSecret,
    Password,
    NewPassword,
    Token,
    Code,
    /// A link from a mail, or a passcode.
    Link,
}

impl Wanted {
    /// The options that read it from stdin.
    fn options(self) -> &'static str {
        match self {
            Self::ClientSecret => "--client-secret-stdin",
            Self::Password => "--password-stdin",
            Self::NewPassword => "--new-password-stdin",
            Self::Token => "--token-stdin",
            Self::Code => "--code-stdin",
            Self::Link => "--link-stdin or --code-stdin",
        }
    }
}

/// Where input comes from.
pub(crate) struct Input<'a> {
    from: &'a StdinArgs,
}

impl<'a> Input<'a> {
    pub(crate) fn new(from: &'a StdinArgs) -> Self {
        Self { from }
    }

    /// Whether a person is there to be asked.
    pub(crate) fn is_interactive() -> bool {
        io::stdin().is_terminal()
    }

    fn is_piped(&self, secret: Wanted) -> bool {
        match secret {
            Wanted::ClientSecret => self.from.client_secret_stdin,
            Wanted::Password => self.from.password_stdin,
            Wanted::NewPassword => self.from.new_password_stdin,
            Wanted::Token => self.from.token_stdin,
            Wanted::Code => self.from.code_stdin,
            Wanted::Link => self.from.link_stdin || self.from.code_stdin,
        }
    }

    /// Whether a program was told to pipe this secret.
    pub(crate) fn has(&self, secret: Wanted) -> bool {
        self.is_piped(secret)
    }

    /// A secret can be asked for again only where a person types it.
    pub(crate) fn can_ask_again(&self, secret: Wanted) -> bool {
        !self.is_piped(secret) && Self::is_interactive()
    }

    /// Fails, before a mail is sent for example, where it is certain that this secret will not come.
    pub(crate) fn expect(&self, secret: Wanted, name: &str) -> Result<(), Failure> {
        if !self.is_piped(secret) {
            return if Self::is_interactive() {
                Ok(())
            } else {
                Err(no_terminal(secret, name))
            };
        }
        let (sender, receiver) = mpsc::channel();
        // Reading a pipe that is open and empty blocks: the program may fill it later.
        thread::spawn(move || {
            let is_at_end = io::stdin().lock().fill_buf().is_ok_and(<[u8]>::is_empty);
            let _ = sender.send(is_at_end);
        });
        match receiver.recv_timeout(PEEK) {
            Ok(true) => Err(ended(secret, name)),
            _ => Ok(()),
        }
    }

    /// Reads a secret: from stdin if an option says so, else hidden from the terminal.
    pub(crate) fn secret(&self, secret: Wanted, name: &str) -> Result<SecretString, Failure> {
        let failed = |error: io::Error| Failure::io(format!("cannot read {name}"), &error);
        let text: SecretString = if self.is_piped(secret) {
            let mut text = String::new();
            let mut stdin = io::stdin().lock();
            if secret == Wanted::Link && self.from.link_stdin {
                stdin.read_to_string(&mut text).map_err(failed)?;
            } else {
                stdin.read_line(&mut text).map_err(failed)?;
            }
            let line = text.trim_end_matches(['\r', '\n']);
            text.truncate(line.len());
            text.into()
        } else if Self::is_interactive() {
            let question = format!("{}: ", capital(name));
            hidden(&question).map_err(failed)?.into()
        } else {
            return Err(no_terminal(secret, name));
        };
        if auth_core::ExposeSecret::expose_secret(&text)
            .trim()
            .is_empty()
        {
            return Err(ended(secret, name));
        }
        Ok(text)
    }

    /// Reads a new password, twice where it is typed.
    pub(crate) fn new_password(&self) -> Result<SecretString, Failure> {
        use auth_core::ExposeSecret as _;
        let new = self.secret(Wanted::NewPassword, "the new password")?;
        if self.can_ask_again(Wanted::NewPassword) {
            let again = self.secret(Wanted::NewPassword, "the new password again")?;
            if again.expose_secret() != new.expose_secret() {
                return Err(Failure::usage("the two passwords differ").hint("type it again"));
            }
        }
        Ok(new)
    }

    /// Reads something that is no secret from the terminal.
    pub(crate) fn text(name: &str, option: &str) -> Result<String, Failure> {
        if !Self::is_interactive() {
            let what = format!("{name} is missing, and there is no terminal to ask for it");
            return Err(Failure::usage(what).hint(format!("name it: `{option}`")));
        }
        output::ask(format_args!("{}: ", capital(name)));
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        read.map_err(|error| Failure::io(format!("cannot read {name}"), &error))?;
        match line.trim() {
            "" => Err(Failure::usage(format!("{name} is missing"))
                .hint(format!("type it, or name it: `{option}`"))),
            text => Ok(text.to_owned()),
        }
    }

    /// Fills a setting of the profile that nothing has named.
    pub(crate) fn fill(
        profile: &mut Profile,
        key: &str,
        name: &str,
        option: &str,
    ) -> Result<(), Failure> {
        if profile.get(key).is_none() {
            let text = Self::text(name, option)?;
            profile.set(key, text);
        }
        Ok(())
    }
}

fn no_terminal(secret: Wanted, name: &str) -> Failure {
    let what = format!("{name} is missing, and there is no terminal to ask for it");
    Failure::usage(what).hint(format!("pipe it to stdin: `{}`", secret.options()))
}

fn ended(secret: Wanted, name: &str) -> Failure {
    let what = format!("{name} is empty");
    Failure::usage(what).hint(format!(
        "type it, or pipe it to stdin: {}",
        secret.options()
    ))
}

fn capital(name: &str) -> String {
    let name = name.strip_prefix("the ").unwrap_or(name);
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Reads what is typed without showing it.
fn hidden(question: &str) -> io::Result<String> {
    // Before the question: a program that waits for it types at once.
    #[cfg(unix)]
    let _silent = Silent::start();
    output::ask(question);
    rpassword::read_password()
}

/// The terminal does not show what is typed, until this is dropped.
#[cfg(unix)]
struct Silent(File, Termios);

#[cfg(unix)]
impl Silent {
    fn start() -> Option<Self> {
        let terminal = File::open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &silent).ok()?;
        Some(Self(terminal, before))
    }
}

#[cfg(unix)]
impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that has gone away needs no echo.
        let _ = tcsetattr(&self.0, OptionalActions::Now, &self.1);
    }
}

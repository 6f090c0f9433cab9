//! `authctl env`: the headers as variables, in the language of a shell.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::ExitCode;

use auth_core::AuthHeaders;
use clap::{Args, ValueEnum};

use crate::context::Context;
use crate::error::Failure;
use crate::{header, output};

/// The options of `authctl env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// The shell that will evaluate the output
    #[arg(long, value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// bash, dash and every other shell of POSIX: eval "$(authctl env --shell bash)"
    Bash,
    /// eval "$(authctl env --shell zsh)"
    Zsh,
    /// authctl env --shell fish | source
    Fish,
    /// authctl env --shell powershell | Out-String | Invoke-Expression
    Powershell,
    /// A step of GitHub Actions: masks the values in its log, then sets them for the steps after it
    Github,
    /// Lines as in a file `.env`
    Dotenv,
}

/// A variable of the environment, and whether its value is a secret.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    is_secret: bool,
}

/// The prefix of the variables that hold a header each.
pub(crate) const HEADER_PREFIX: &str = "AUTHCTL_HEADER_";

/// What the README documents, in this order.
pub(crate) fn variables(headers: &AuthHeaders, base_url: &str) -> Result<Vec<Variable>, Failure> {
    let variable = |name: &str, value: String, is_secret| Variable {
        name: name.to_owned(),
        value,
        is_secret,
    };
    let pairs = header::pairs(headers)?;
    let end = headers.expiry().at().and_then(auth_core::format_date_time);
    let token = auth_core::ExposeSecret::expose_secret(headers.token().access()).to_owned();
    let mut variables = vec![
        variable("AUTHCTL_BASE_URL", base_url.to_owned(), false),
        // Empty and not absent: an earlier token's end would stay.
        variable("AUTHCTL_EXPIRES_AT", end.unwrap_or_default(), false),
        variable("AUTHCTL_TOKEN", token, true),
        variable(
            "AUTHCTL_HEADERS",
            header::json_object(&pairs).to_string(),
            true,
        ),
    ];
    for (name, value) in pairs {
        let name = name.to_ascii_uppercase().replace('-', "_");
        variables.push(variable(&format!("{HEADER_PREFIX}{name}"), value, true));
    }
    Ok(variables)
}

/// Prints the variables, or sets them for the workflow.
pub(crate) fn run(args: &EnvArgs, context: &Context) -> Result<ExitCode, Failure> {
    let file = match args.shell {
        Shell::Github => Some(workflow_file()?),
        _ => None,
    };
    let account = context.account()?;
    let headers = context.block_on(account.auth_headers())??;
    let variables = variables(&headers, account.base_url())?;
    let line = |variable| args.shell.line(variable);
    let lines = variables.iter().map(line).collect::<Vec<_>>().join("\n");
    let Some(file) = file else {
        output::answer(lines)?;
        return Ok(ExitCode::SUCCESS);
    };
    // The runner reads this before anything can show the values.
    output::answer(masks(&variables).trim_end())?;
    let write = |file| {
        let mut file = OpenOptions::new().append(true).create(true).open(file)?;
        writeln!(file, "{lines}")
    };
    write(file).map_err(|error| Failure::io("cannot write the file of GITHUB_ENV", &error))?;
    Ok(ExitCode::SUCCESS)
}

/// The file from which a workflow's next steps get their variables.
fn workflow_file() -> Result<OsString, Failure> {
    std::env::var_os("GITHUB_ENV")
        .filter(|file| !file.is_empty())
        .ok_or_else(|| {
            Failure::usage(
                "`--shell github` is for steps of GitHub Actions, and GITHUB_ENV is not set",
            )
            .hint("choose the shell that will evaluate the output, as in `--shell bash`")
        })
}

impl Shell {
    /// The line that sets a variable.
    fn line(self, Variable { name, value, .. }: &Variable) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("export {name}='{}'", value.replace('\'', r"'\''")),
            Self::Fish => {
                let value = value.replace('\\', r"\\").replace('\'', r"\'");
                format!("set -gx {name} '{value}'")
            }
            Self::Powershell => format!("$env:{name} = '{}'", powershell(value)),
            Self::Github => format!("{name}={value}"),
            Self::Dotenv => format!("{name}={}", dotenv(value)),
        }
    }
}

/// PowerShell takes typographic quotes for quotes. Each is doubled.
fn powershell(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        out.push(c);
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            out.push(c);
        }
    }
    out
}

/// Without quotes where none are needed: not every reader of such files removes them. In single
/// quotes, which all that do take literally; in double quotes where the value has a single one.
fn dotenv(value: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if value.chars().all(is_plain) {
        return value.into();
    }
    if !value.contains('\'') {
        return format!("'{value}'").into();
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        if matches!(c, '\\' | '"' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out.into()
}

/// The commands that keep the values out of the log of a workflow.
fn masks(variables: &[Variable]) -> String {
    let mut out = String::new();
    for variable in variables.iter().filter(|variable| variable.is_secret) {
        let value = variable.value.replace('%', "%25");
        let _ = writeln!(out, "::add-mask::{value}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(value: &str) -> Variable {
        Variable {
            name: "V".to_owned(),
            value: value.to_owned(),
            is_secret: true,
        }
    }

    #[test]
    fn each_shell_has_its_own_quotes() {
        let value = "a'b\\c\"$d";
        for (shell, line) in [
            (Shell::Bash, r#"export V='a'\''b\c"$d'"#),
            (Shell::Zsh, r#"export V='a'\''b\c"$d'"#),
            (Shell::Fish, r#"set -gx V 'a\'b\\c"$d'"#),
            (Shell::Powershell, r#"$env:V = 'a''b\c"$d'"#),
            (Shell::Github, r#"V=a'b\c"$d"#),
            (Shell::Dotenv, r#"V="a'b\\c\"\$d""#),
        ] {
            assert_eq!(shell.line(&variable(value)), line, "{shell:?}");
        }
    }

    #[test]
    fn powershell_gets_its_typographic_quotes_twice() {
        assert_eq!(
            powershell("\u{2018}a\u{201b}"),
            "\u{2018}\u{2018}a\u{201b}\u{201b}"
        );
    }

    #[test]
    fn a_file_of_variables_has_quotes_only_where_they_are_needed() {
        assert_eq!(
            dotenv("https://api.example.com/v1?a=b"),
            "'https://api.example.com/v1?a=b'"
        );
        assert_eq!(dotenv("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z");
        assert_eq!(dotenv(r#"{"a":"b\\"}"#), r#"'{"a":"b\\"}'"#);
        assert_eq!(dotenv(""), "");
    }

    #[test]
    fn only_secrets_are_masked_and_their_percent_signs_stay() {
        let mut open = variable("https://api.example.com");
        open.is_secret = false;
        assert_eq!(masks(&[open, variable("a%b")]), "::add-mask::a%25b\n");
    }
}

//! `authctl header`: the headers of a valid token, in the form that a program reads.

use std::process::ExitCode;

use auth_core::AuthHeaders;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::{Failure, Kind};
use crate::output;

/// The options of `authctl header`.
#[derive(Debug, Args)]
pub(crate) struct HeaderArgs {
    /// How to write the headers
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The address that will be called: refused if the headers must not go there
    #[arg(long)]
    url: Option<String>,
}

/// How headers are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line for each, as in `Name: value`
    Text,
    /// A configuration file of curl, for `curl -K -`
    Curl,
    /// An object of names and values
    Json,
    /// An object of names and lists of values
    JsonLists,
    /// A session file of `HTTPie`, for `http --session-read-only`
    Httpie,
}

/// Prints the headers.
pub(crate) fn run(args: &HeaderArgs, context: &Context) -> Result<ExitCode, Failure> {
    let account = context.account()?;
    if let Some(url) = &args.url {
        account.check(url)?;
    }
    let headers = context.block_on(account.auth_headers())??;
    output::answer(args.format.write(&pairs(&headers)?))?;
    Ok(ExitCode::SUCCESS)
}

/// The names and values of `headers`.
pub(crate) fn pairs(headers: &AuthHeaders) -> Result<Vec<(String, String)>, Failure> {
    let headers = headers.headers();
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        // A token is text, so its header is as well.
        let value = String::from_utf8(value.as_bytes().to_vec());
        let value = value.map_err(|_| Failure::new(Kind::Other, "a header is no text"))?;
        Ok((name.as_str().to_owned(), value))
    };
    headers.iter().map(pair).collect()
}

/// As an object of names and values.
pub(crate) fn json_object(pairs: &[(String, String)]) -> Value {
    let pair = |(name, value): &(String, String)| (name.clone(), Value::from(value.as_str()));
    Value::Object(pairs.iter().map(pair).collect::<Map<_, _>>())
}

/// As an object of names and lists of values.
pub(crate) fn json_lists(pairs: &[(String, String)]) -> Value {
    let pair = |(name, value): &(String, String)| (name.clone(), json!([value]));
    Value::Object(pairs.iter().map(pair).collect::<Map<_, _>>())
}

impl Format {
    fn write(self, pairs: &[(String, String)]) -> String {
        let lines = |line: fn(&str, &str) -> String| {
            let lines: Vec<_> = pairs
                .iter()
                .map(|(name, value)| line(name, value))
                .collect();
            lines.join("\n")
        };
        match self {
            Self::Text => lines(|name, value| format!("{name}: {value}")),
            Self::Curl => lines(|name, value| {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                format!("header = \"{name}: {value}\"")
            }),
            Self::Json => json_object(pairs).to_string(),
            Self::JsonLists => json_lists(pairs).to_string(),
            Self::Httpie => {
                let header =
                    |(name, value): &(String, String)| json!({"name": name, "value": value});
                let headers: Vec<_> = pairs.iter().map(header).collect();
                json!({
                    "__meta__": {"about": "HTTPie session file", "httpie": "3.2.0"},
                    "auth": {"type": null, "username": null, "password": null},
                    "cookies": [],
                    "headers": headers,
                })
                .to_string()
            }
        }
    }
}

//! `authctl credential-helper`: the protocol by which Bazel and other tools ask for headers.

use std::io::Read as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Failure;
use crate::{header, output};

/// The longest request that is read, in bytes.
const LONGEST_REQUEST: u64 = 64 * 1024;

/// The options of `authctl credential-helper`.
#[derive(Debug, Args)]
pub(crate) struct CredentialHelperArgs {
    /// What is asked of the helper
    #[arg(value_enum)]
    action: Action,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Reads `{"uri": …}` and prints the headers for a call to it
    Get,
}

/// Answers one request.
pub(crate) fn run(args: &CredentialHelperArgs, context: &Context) -> Result<ExitCode, Failure> {
    let Action::Get = args.action;
    let mut request = String::new();
    let read = std::io::stdin()
        .take(LONGEST_REQUEST)
        .read_to_string(&mut request);
    read.map_err(|error| Failure::io("cannot read the request", &error))?;
    let address = address(&request)?;
    let account = context.account()?;
    if account.check(&address).is_err() {
        // No error: the tool asks for every address, and calls the others without headers.
        output::answer(json!({"headers": {}}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let headers = context.block_on(account.auth_headers())??;
    let mut answer = json!({"headers": header::json_lists(&header::pairs(&headers)?)});
    if let Some(end) = headers.expiry().at().and_then(auth_core::format_date_time) {
        answer["expires"] = end.into();
    }
    output::answer(answer)?;
    Ok(ExitCode::SUCCESS)
}

/// The address in a request.
fn address(request: &str) -> Result<String, Failure> {
    let request: Option<Value> = serde_json::from_str(request).ok();
    let address = request.as_ref().and_then(|request| request["uri"].as_str());
    // Not repeated: an address may hold a secret.
    address.map(str::to_owned).ok_or_else(|| {
        Failure::usage("the standard input holds no request of the credential-helper protocol")
            .hint(r#"a request is one JSON object, as in {"uri":"https://api.example.com/"}"#)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_an_object_with_an_address() {
        let request = r#"{"uri":"https://a.example/x","more":1}"#;
        assert_eq!(address(request).unwrap(), "https://a.example/x");
        for bad in [
            "",
            "{}",
            r#"{"uri":1}"#,
            r#""https://a.example/hunter22""#,
            "hunter22",
        ] {
            let failure = address(bad).unwrap_err();
            assert_eq!(failure.kind().exit_code(), 2, "{bad}");
            assert!(!failure.text().contains("hunter22"), "{bad}");
        }
    }
}

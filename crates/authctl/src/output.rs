//! What is printed: stdout holds the answer alone, stderr everything else.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::Value;

use crate::context::Context;
use crate::error::Failure;

/// Prints the answer.
pub(crate) fn answer(text: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::io("cannot write the answer", &error))
}

/// Prints one record: as JSON, or a line for each of its fields.
pub(crate) fn record(context: &Context, record: &Value) -> Result<ExitCode, Failure> {
    if context.json {
        answer(record)?;
        return Ok(ExitCode::SUCCESS);
    }
    let fields = record.as_object().into_iter().flatten();
    let lines = fields.filter(|(_, value)| !value.is_null());
    let lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}: {}", plain(value)))
        .collect();
    answer(lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints records: as JSON, or a line for each, with tabs between these columns.
pub(crate) fn records(
    context: &Context,
    columns: &[&str],
    records: Vec<Value>,
) -> Result<ExitCode, Failure> {
    if context.json {
        answer(Value::Array(records))?;
        return Ok(ExitCode::SUCCESS);
    }
    let cell = |name: &str, value: &Value| match value {
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => name.to_owned(),
        value => plain(value),
    };
    let line = |record: &Value| {
        let cells = columns.iter().map(|name| cell(name, &record[name]));
        cells.collect::<Vec<_>>().join("\t")
    };
    let lines: Vec<_> = records
        .iter()
        .map(|record| line(record).trim_end().to_owned())
        .collect();
    if lines.is_empty() {
        note("There are none.");
        return Ok(ExitCode::SUCCESS);
    }
    answer(lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// A vendor's text, without what a terminal would obey.
fn plain(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Tells the user something beside the answer. A closed stderr is no failure.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Asks for something, without a line break. A closed stderr is no failure.
pub(crate) fn ask(text: impl Display) {
    let mut err = anstream::stderr().lock();
    let _ = write!(err, "{text}").and_then(|()| err.flush());
}

/// Prints why the command failed, as JSON where that was asked for.
pub(crate) fn failure(failure: &Failure, json: bool) {
    if json {
        return note(failure.json());
    }
    let text = failure.text();
    let red = anstyle::AnsiColor::Red.on_default().bold();
    match text.strip_prefix("error:") {
        Some(rest) => note(format_args!("{red}error:{red:#}{rest}")),
        None => note(text),
    }
}

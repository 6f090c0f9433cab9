//! What is printed: stdout holds the answer alone, stderr everything else.

use std::fmt::Display;
use std::io::{self, Write as _};

use crate::error::Failure;

/// Prints the answer.
pub(crate) fn answer(text: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::io("cannot write the answer", &error))
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

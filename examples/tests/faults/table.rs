//! The matrix as a table for a terminal: a row for each fault, a column for each call.

use std::env;

use auth_core::ErrorKind;

use crate::matrix::{Cell, Vendor};
use crate::rules::Outcome;
use crate::sending::{Got, Sent};
use crate::trouble::TROUBLES;

/// Set by `cargo xtask faults`.
const WANTED: &str = "AUTH_FAULTS_TABLE";

const LABEL: usize = 19;
const COLUMN: usize = 10;

const LEGEND: &str = "\
Every attempt of a call meets the fault. A cell is the kind of the error, and how often it was sent.
In the last column the program makes a call of its own: the status that it got, or the kind of the error.

ok         it succeeded                     Rejected   TokenRejected: renew, or log in again
Unavail    Unavailable: try later           Credent    InvalidCredentials: ask the user again
Unknown    OutcomeUnknown: it may have      Person     InteractionRequired: a person must log in
           happened                         Denied     not allowed, whatever the credentials
RateLim    RateLimited: wait                NotFound   no such user or thing
Protocol   an undocumented response           none       it panicked or hung
Config     InvalidConfig: fix the code      !          not as documented; the test says how
";

/// Prints the vendor's part of the matrix, if that is wanted.
pub(crate) fn print<V: Vendor>(cells: &[Cell], sent: &[Result<Sent, String>]) {
    if env::var_os(WANTED).is_some_and(|it| it == "1") {
        print!("{}", render::<V>(cells, sent));
    }
}

fn render<V: Vendor>(cells: &[Cell], sent: &[Result<Sent, String>]) -> String {
    let count = cells.len() + sent.len();
    let mut text = format!("\n{}: {count} cells\n\n{LEGEND}\n", V::NAME);
    let names = V::CALLS.iter().map(|call| call.name);
    for line in heading(names.chain(["session.send"])) {
        text.push_str(&line);
    }
    let rows = cells.chunks(V::CALLS.len()).zip(sent);
    for (trouble, (row, sent)) in TROUBLES.iter().zip(rows) {
        let row: String = row.iter().map(shown).chain([shown_sent(sent)]).collect();
        let line = format!("{:<LABEL$}{row}", trouble.to_string());
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The names, each broken to fit its column: at its underscores, where it can be.
fn heading<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<Vec<String>> = names.map(broken).collect();
    let height = names.iter().map(Vec::len).max().unwrap_or_default();
    let line = |number: usize| {
        let parts = names.iter().map(|name| name.get(number));
        let parts = parts.map(|part| column(part.map_or("", String::as_str)));
        let line = format!("{:<LABEL$}{}", "", parts.collect::<String>());
        format!("{}\n", line.trim_end())
    };
    let rule = "-".repeat(LABEL + (COLUMN + 1) * names.len());
    (0..height).map(line).chain([format!("{rule}\n")]).collect()
}

fn broken(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split_inclusive(['_', ' ']) {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() <= COLUMN => line.push_str(word),
            _ if word.len() <= COLUMN => lines.push(word.to_owned()),
            _ => {
                let (first, rest) = word.split_at(COLUMN - 1);
                lines.extend([format!("{first}-"), rest.to_owned()]);
            }
        }
    }
    lines
}

fn column(text: &str) -> String {
    format!("{text:<COLUMN$} ")
}

/// As wide as a column; the mark takes the place of the blank behind it.
fn shown(cell: &Cell) -> String {
    let text = match cell.outcome {
        None => "none".to_owned(),
        Some(Outcome { kind, sent }) => format!("{}×{sent}", abbreviated(kind)),
    };
    let mark = if cell.complaint.is_some() { '!' } else { ' ' };
    format!("{text:<COLUMN$}{mark}")
}

fn shown_sent(cell: &Result<Sent, String>) -> String {
    match cell {
        Ok(Sent {
            got: Got::Response(status),
            sent,
        }) => column(&format!("{status}×{sent}")),
        Ok(Sent {
            got: Got::Failed(kind),
            sent,
        }) => column(&format!("{}×{sent}", abbreviated(Some(*kind)))),
        Err(_) => column("!"),
    }
}

fn abbreviated(kind: Option<ErrorKind>) -> &'static str {
    match kind {
        None => "ok",
        Some(ErrorKind::InvalidConfig) => "Config",
        Some(ErrorKind::InvalidCredentials) => "Credent",
        Some(ErrorKind::TokenRejected) => "Rejected",
        Some(ErrorKind::InteractionRequired) => "Person",
        Some(ErrorKind::Denied) => "Denied",
        Some(ErrorKind::NotFound) => "NotFound",
        Some(ErrorKind::RateLimited { .. }) => "RateLim",
        Some(ErrorKind::Unavailable) => "Unavail",
        Some(ErrorKind::OutcomeUnknown) => "Unknown",
        Some(ErrorKind::Protocol) => "Protocol",
        Some(ErrorKind::Store) => "Store",
        Some(_) => "other",
    }
}

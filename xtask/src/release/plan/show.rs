//! The plan as a table for people, and as JSON for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Entry, State};
use crate::release::changes::Changes;
use crate::release::commits::{Bump, Change};
use crate::release::git::tag_name;
use crate::release::semver_checks::{INSTALL, Verdict};

/// More of them are counted and not shown.
const MOST_REASONS: usize = 3;

/// One line for each crate, and what holds for all of them.
pub(crate) fn table(entries: &[Entry], tool: Option<&str>) -> String {
    let head = ["crate", "now", "last tag", "commits", "release", "next"].map(str::to_owned);
    let rows: Vec<_> = entries.iter().map(row).collect();
    let mut widths = head.clone().map(|cell| cell.len());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let line = |cells: &[String; 6], why: &str| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        line.push_str(why);
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&head, "why");
    for (row, entry) in rows.iter().zip(entries) {
        let mut why = entry.reasons.clone();
        if why.len() > MOST_REASONS {
            let more = why.len() - MOST_REASONS;
            why.truncate(MOST_REASONS);
            why.push(format!("and {more} more"));
        }
        let mut why = why.iter().map(String::as_str);
        text.push_str(&line(row, why.next().unwrap_or_default()));
        for why in why {
            text.push_str(&line(&Default::default(), why));
        }
    }
    text.push('\n');
    text.push_str(&conclusion(entries));
    if tool.is_none() {
        text.push_str(
            "cargo-semver-checks is not installed: versions follow the commits' words alone.\n",
        );
        text.extend(["  ", INSTALL, "\n"]);
    }
    text
}

fn row(entry: &Entry) -> [String; 6] {
    let none = || "–".to_owned();
    [
        entry.name.clone(),
        entry.version.to_string(),
        entry.last.as_ref().map_or_else(none, ToString::to_string),
        entry.commits.map_or_else(none, |number| number.to_string()),
        match entry.state {
            State::FirstRelease => "first release".to_owned(),
            state => name(state).to_owned(),
        },
        match entry.state {
            State::Unchanged => none(),
            _ => entry.next.to_string(),
        },
    ]
}

fn conclusion(entries: &[Entry]) -> String {
    let released: Vec<_> = entries
        .iter()
        .filter(|entry| entry.is_released())
        .map(|entry| entry.name.as_str())
        .collect();
    if released.is_empty() {
        return "Nothing has changed that users notice.\n".to_owned();
    }
    let mut text = format!("To publish, in this order: {}.\n", released.join(", "));
    for entry in entries.iter().filter(|it| !it.followed_by.is_empty()) {
        let names = entry.followed_by.join(", ");
        text.extend([&entry.name, " is followed by ", &names, ".\n"]);
    }
    text
}

fn name(state: State) -> &'static str {
    match state {
        State::FirstRelease => "first-release",
        State::Unchanged => "unchanged",
        State::Needs(bump) => bump.name(),
        State::Prepared => "prepared",
    }
}

/// The fields are described in CONTRIBUTING.md; none is ever renamed or left out.
pub(crate) fn json(entries: &[Entry], changes: &[Changes], tool: Option<&str>) -> Value {
    let crates: Vec<_> = entries
        .iter()
        .zip(changes)
        .map(|(entry, changes)| {
            let since = changes.since.as_ref();
            let follows = entry.follows.iter().map(|(name, _)| name.as_str());
            json!({
                "name": entry.name,
                "version": entry.version.to_string(),
                "last_tag": entry.last.as_ref().map(|last| tag_name(&entry.name, last)),
                "commits": entry.commits,
                "state": name(entry.state),
                "bump": entry.bump.map(Bump::name),
                "next": entry.is_released().then(|| entry.next.to_string()),
                "reasons": entry.reasons,
                "follows": follows.collect::<Vec<_>>(),
                "followed_by": entry.followed_by,
                "api": since.and_then(|since| since.api.as_ref()).map(api),
            })
        })
        .collect();
    json!({
        "crates": crates,
        "semver_checks": { "installed": tool, "install": INSTALL },
    })
}

fn api(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Asks(Change::Fix, _) => "same",
        Verdict::Asks(Change::Addition, _) => "more",
        Verdict::Asks(Change::Breaking, _) => "breaks",
        Verdict::Silent(_) => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::plan::decide;
    use crate::release::plan::tests::changed;

    #[test]
    fn the_table_has_a_line_for_each_crate_and_says_the_order() {
        let entries = decide(&changed(&[("auth-core", Change::Breaking)]));
        let table = table(&entries, Some("0.51.0"));
        let expected = "\
crate              now    last tag  commits  release    next   why
auth-core          0.1.0  0.1.0     0        minor      0.2.0  it has changed
edgeiq-auth        0.1.0  0.1.0     0        minor      0.2.0  follows auth-core 0.2.0, which ^0.1.0 does not accept
identityx-codegen  0.1.0  0.1.0     0        unchanged  –
iqm-auth           0.1.0  0.1.0     0        minor      0.2.0  follows auth-core 0.2.0, which ^0.1.0 does not accept

To publish, in this order: auth-core, edgeiq-auth, iqm-auth.
auth-core is followed by edgeiq-auth, iqm-auth.
";
        assert_eq!(table, expected);
    }

    #[test]
    fn many_reasons_are_counted_and_a_missing_tool_is_named_once() {
        let entries = decide(&changed(&[("iqm-auth", Change::Fix); 5]));
        let table = table(&entries, None);
        assert_eq!(table.matches("it has changed").count(), MOST_REASONS);
        assert!(table.contains(" and 2 more\n"), "{table}");
        assert_eq!(table.matches(INSTALL).count(), 1);
    }

    #[test]
    fn json_has_every_field_of_every_crate() {
        let mut changes = changed(&[("auth-core", Change::Breaking)]);
        changes[2].since = None;
        let json = json(&decide(&changes), &changes, None);
        assert_eq!(
            json["crates"][0],
            json!({
                "name": "auth-core",
                "version": "0.1.0",
                "last_tag": "auth-core-v0.1.0",
                "commits": 0,
                "state": "minor",
                "bump": "minor",
                "next": "0.2.0",
                "reasons": ["it has changed"],
                "follows": [],
                "followed_by": ["edgeiq-auth", "iqm-auth"],
                "api": null,
            })
        );
        assert_eq!(json["crates"][2]["state"], "first-release");
        assert_eq!(json["crates"][2]["last_tag"], Value::Null);
        assert_eq!(json["crates"][3]["follows"], json!(["auth-core"]));
        assert_eq!(json["semver_checks"]["installed"], Value::Null);
    }
}

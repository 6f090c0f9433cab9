//! What a service says of its schema: stored, or compared with what identityx-auth uses.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use identityx_codegen::{Document, INTROSPECTION, Options, compare, generate};

use crate::cargo::say;
use crate::codegen;
use crate::flags::SchemaCmd;

/// Where an introspection result is stored unless the command line says otherwise.
const STORED: &str = "schemas/identityx.introspection.json";

pub(crate) fn run(root: &Path, command: SchemaCmd) -> Result<()> {
    match command {
        SchemaCmd::Fetch(it) => fetch(&it.url, &it.out.unwrap_or_else(|| root.join(STORED))),
        SchemaCmd::Diff(it) => diff(root, &it.against),
    }
}

/// Asks a service for its schema and stores the answer.
fn fetch(url: &str, out: &Path) -> Result<()> {
    let answer = introspect(url)?;
    fs::write(out, answer.text()).with_context(|| format!("cannot write {}", out.display()))?;
    say(format_args!("schema: stored {}", out.display()));
    Ok(())
}

/// Says what has changed of the things that identityx-auth uses; an error if one of them breaks.
fn diff(root: &Path, against: &str) -> Result<()> {
    let is_url = against.starts_with("https://") || against.starts_with("http://");
    let theirs = if is_url { introspect(against)? } else { Document::read(against)? };
    let (ours, operations) = codegen::identityx(root)?;
    let changes = compare(&ours, &operations, &theirs)?;
    changes.iter().for_each(say);
    let breaking = changes.iter().filter(|change| change.breaks).count();
    ensure!(breaking == 0, "{against} breaks what is used here in {breaking} places; see above");
    let (fit, harmless) = (operations.len(), changes.len());
    say(format_args!("schema: {fit} operations fit {against}; {harmless} harmless changes"));
    Ok(())
}

/// The service's answer, laid out line by line, once it is known to be a schema.
fn introspect(url: &str) -> Result<Document> {
    let words = "--silent --show-error --max-time 60 --write-out %{http_code} \
        --header content-type:application/json --data";
    let body = serde_json::json!({ "query": INTROSPECTION }).to_string();
    let mut curl = Command::new("curl");
    let output = curl.args(words.split_whitespace()).args([&body, url]).output();
    let output = output.context("cannot start curl")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cannot ask {url}: {}", said.trim());
    // A refusal is an answer like any other: what is wrong stands in it.
    let (text, status) = output.stdout.split_at(output.stdout.len().saturating_sub(3));
    let status = String::from_utf8_lossy(status);
    let answer: serde_json::Value = serde_json::from_slice(text)
        .with_context(|| format!("{url} answered {status} with something that is not JSON"))?;
    if let Some(message) = answer["errors"][0]["message"].as_str() {
        bail!("{url} answered {status} with an error: {message}");
    }
    let document = Document::new(url, format!("{answer:#}\n"));
    generate(&document, &[], &Options::new())?;
    Ok(document)
}

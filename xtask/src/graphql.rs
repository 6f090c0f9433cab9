//! What identityx-codegen is used for here: the generated code of this repository, written or checked,
//! and what a service says of its schema, stored or compared with what identityx-auth uses.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Error, Result, bail, ensure};
use identityx_codegen::{
    Document, Error as CodegenError, Generated, INTROSPECTION, Options, compare, generate,
};

use crate::cargo::{output, say};
use crate::flags::SchemaCmd;

fn identityx(root: &Path) -> Result<(Document, Vec<Document>)> {
    let folder = root.join("crates/identityx-auth/graphql");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("cannot list {}", folder.display()))?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "graphql"));
    paths.sort();
    ensure!(!paths.is_empty(), "no operation in {}", folder.display());
    let operations = paths.iter().map(Document::read).collect::<Result<_, _>>()?;
    Ok((Document::read(root.join("schemas/identityx.graphql"))?, operations))
}

/// Writes the generated files, or fails if one is not up to date and names its first line that differs.
pub(crate) fn codegen(root: &Path, check: bool) -> Result<()> {
    // These types are private, and each derive costs compile time.
    let private = Options::new().runtime("crate").response_derives("Clone").variables_derives("");
    let (schema, operations) = identityx(root)?;
    let generated = generate(&schema, &operations, &private)?;
    let sources = "crates/identityx-auth/src";
    let run = if check { Generated::check } else { Generated::write_to };
    run(&generated, &root.join(sources)).map_err(|error| match error {
        CodegenError::OutOfDate(_) => {
            Error::new(error).context("generated code is out of date: run `cargo xtask codegen`")
        }
        error => error.into(),
    })?;
    say(format_args!("codegen: {sources} is up to date"));
    Ok(())
}

/// Says what has changed of the things that identityx-auth uses; an error if one of them breaks.
pub(crate) fn schema(root: &Path, command: SchemaCmd) -> Result<()> {
    let against = match command {
        SchemaCmd::Diff(it) => it.against,
        SchemaCmd::Fetch(it) => {
            let out = it.out.unwrap_or(root.join("schemas/identityx.introspection.json"));
            let answer = introspect(&it.url)?;
            fs::write(&out, answer.text()).context(format!("cannot write {}", out.display()))?;
            say(format_args!("schema: stored {}", out.display()));
            return Ok(());
        }
    };
    let is_url = against.starts_with("https://") || against.starts_with("http://");
    let theirs = if is_url { introspect(&against)? } else { Document::read(&against)? };
    let (ours, operations) = identityx(root)?;
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
    let output = output(curl.args(words.split_whitespace()).args([&body, url]))?;
    // A refusal is an answer like any other: what is wrong stands in it.
    let (text, status) = output.split_at(output.len().saturating_sub(3));
    let answer: serde_json::Value = serde_json::from_str(text)
        .with_context(|| format!("{url} answered {status} with something that is not JSON"))?;
    if let Some(message) = answer["errors"][0]["message"].as_str() {
        bail!("{url} answered {status} with an error: {message}");
    }
    let document = Document::new(url, format!("{answer:#}\n"));
    generate(&document, &[], &Options::new())?;
    Ok(document)
}

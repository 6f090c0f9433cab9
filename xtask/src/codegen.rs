//! The generated code of this repository: written, or checked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Error, Result, ensure};
use identityx_codegen::{Document, Error as CodegenError, Generated, Options, generate};

use crate::cargo::say;

/// The schema and the operations of identityx-auth.
pub(crate) fn identityx(root: &Path) -> Result<(Document, Vec<Document>)> {
    inputs(root, "schemas/identityx.graphql", "crates/identityx-auth/graphql")
}

/// Writes the generated files.
pub(crate) fn write(root: &Path) -> Result<()> {
    each(root, |generated, folder| generated.write_to(folder))
}

/// Fails if a generated file is not up to date, and names it with the first line that differs.
pub(crate) fn check(root: &Path) -> Result<()> {
    each(root, |generated, folder| generated.check(folder))
}

fn each(root: &Path, run: fn(&Generated, &Path) -> Result<(), CodegenError>) -> Result<()> {
    // These types are private, and each derive costs compile time.
    let private = Options::new().runtime("crate").response_derives("Clone").variables_derives("");
    // The tests of identityx-codegen write answers again and read variables, to compare them.
    let [read, write] = ["Deserialize", "Serialize"]
        .map(|name| format!("Clone, Debug, PartialEq, ::identityx_auth::graphql::serde::{name}"));
    let compared = Options::new().response_derives(write).variables_derives(read);
    let tests = "crates/identityx-codegen/tests";
    let zoo = inputs(root, &format!("{tests}/zoo/zoo.graphql"), &format!("{tests}/zoo/operations"));
    for (input, options, sources) in [
        (identityx(root), private, "crates/identityx-auth/src"),
        (zoo, compared, "crates/identityx-codegen/tests/it"),
    ] {
        let (schema, operations) = input?;
        let generated = generate(&schema, &operations, &options)?;
        run(&generated, &root.join(sources)).map_err(|error| match error {
            CodegenError::OutOfDate(_) => Error::new(error)
                .context("generated code is out of date: run `cargo xtask codegen`"),
            error => error.into(),
        })?;
        say(format_args!("codegen: {sources} is up to date"));
    }
    Ok(())
}

fn inputs(root: &Path, schema: &str, operations: &str) -> Result<(Document, Vec<Document>)> {
    let folder = root.join(operations);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("cannot list {}", folder.display()))?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "graphql"));
    paths.sort();
    ensure!(!paths.is_empty(), "no operation in {}", folder.display());
    let operations = paths.iter().map(Document::read).collect::<Result<_, _>>()?;
    Ok((Document::read(root.join(schema))?, operations))
}

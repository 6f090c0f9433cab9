//! The generated code of this repository: written, or checked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Error, Result, ensure};
use identityx_codegen::{Document, Error as CodegenError, Generated, Options, generate};

/// Code that is generated from one schema.
struct Target {
    schema: &'static str,
    operations: &'static str,
    sources: &'static str,
    options: fn() -> Options,
}

const TARGETS: [Target; 2] = [
    Target {
        schema: "schemas/identityx.graphql",
        operations: "crates/identityx-auth/graphql",
        sources: "crates/identityx-auth/src",
        // These types are private, and each derive costs compile time.
        options: || Options::new().runtime("crate").response_derives("Clone").variables_derives(""),
    },
    // The tests of identityx-codegen write answers again and read variables, to compare them.
    Target {
        schema: "crates/identityx-codegen/tests/zoo/zoo.graphql",
        operations: "crates/identityx-codegen/tests/zoo/operations",
        sources: "crates/identityx-codegen/tests/it",
        options: || {
            let [read, write] = ["Deserialize", "Serialize"].map(|name| {
                format!("Clone, Debug, PartialEq, ::identityx_auth::graphql::serde::{name}")
            });
            Options::new().response_derives(write).variables_derives(read)
        },
    },
];

/// Writes the generated files.
pub(crate) fn write(root: &Path) -> Result<()> {
    each(root, |generated, folder| generated.write_to(folder))
}

/// Fails if a generated file is not up to date, and names it with the first line that differs.
pub(crate) fn check(root: &Path) -> Result<()> {
    each(root, |generated, folder| generated.check(folder))
}

/// The schema and the operations of identityx-auth.
pub(crate) fn identityx(root: &Path) -> Result<(Document, Vec<Document>)> {
    inputs(root, &TARGETS[0])
}

fn each(root: &Path, run: fn(&Generated, &Path) -> Result<(), CodegenError>) -> Result<()> {
    for target in &TARGETS {
        let (schema, operations) = inputs(root, target)?;
        let generated = generate(&schema, &operations, &(target.options)())?;
        run(&generated, &root.join(target.sources)).map_err(|error| match error {
            CodegenError::OutOfDate(_) => Error::new(error)
                .context("generated code is out of date: run `cargo xtask codegen`"),
            error => error.into(),
        })?;
        println!("codegen: {} is up to date", target.sources);
    }
    Ok(())
}

fn inputs(root: &Path, target: &Target) -> Result<(Document, Vec<Document>)> {
    let folder = root.join(target.operations);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("cannot list {}", folder.display()))?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "graphql"));
    paths.sort();
    ensure!(!paths.is_empty(), "no operation in {}", folder.display());
    let operations = paths.iter().map(Document::read).collect::<Result<_, _>>()?;
    Ok((Document::read(root.join(target.schema))?, operations))
}

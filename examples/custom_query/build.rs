//! Generates the Rust of the GraphQL operations of this package.

use std::error::Error;
use std::fs;
use std::path::Path;

use identityx_codegen::{Document, Options, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let operations = [
        Document::read("graphql/change.graphql")?,
        Document::read("graphql/who_am_i.graphql")?,
    ];
    // The schema comes along.
    let schema = Document::identityx_schema();
    let generated = generate(&schema, &operations, &Options::new())?;
    #[allow(
        clippy::disallowed_methods,
        reason = "cargo tells a build script by the environment"
    )]
    let out = std::env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("operations.rs"), generated.to_string())?;
    println!("cargo::rerun-if-changed=graphql");
    Ok(())
}

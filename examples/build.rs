//! Generates the Rust of the examples' own GraphQL operations.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use identityx_codegen::{Document, Options, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let operations = [Document::read("graphql/who_am_i.graphql")?];
    // The schema comes along: nobody has to look for it.
    let schema = Document::identityx_schema();
    let generated = generate(&schema, &operations, &Options::new())?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("operations.rs"), generated.to_string())?;
    println!("cargo::rerun-if-changed=graphql");
    Ok(())
}

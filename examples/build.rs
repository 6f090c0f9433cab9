//! Generates the Rust of the examples' own GraphQL operations, and of their tests'.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use identityx_codegen::{Document, Options, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let of_examples = ["graphql/who_am_i.graphql"];
    let of_tests = [
        "graphql/who_am_i.graphql",
        "tests/faults/graphql/change.graphql",
    ];
    write("operations.rs", &of_examples)?;
    write("faults.rs", &of_tests)?;
    println!("cargo::rerun-if-changed=graphql");
    println!("cargo::rerun-if-changed=tests/faults/graphql");
    Ok(())
}

fn write(file: &str, operations: &[&str]) -> Result<(), Box<dyn Error>> {
    let operations = operations.iter().map(Document::read);
    let operations = operations.collect::<Result<Vec<_>, _>>()?;
    // The schema comes along, so it need not be found.
    let schema = Document::identityx_schema();
    let generated = generate(&schema, &operations, &Options::new())?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join(file), generated.to_string())?;
    Ok(())
}

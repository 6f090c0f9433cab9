//! `src/operations.rs` is what identityx-codegen makes of `graphql/`.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]

use std::fs;

use identityx_codegen::{Document, Error, Options, generate};

#[test]
fn the_generated_operations_are_up_to_date() -> Result<(), Error> {
    let operations = ["graphql/change.graphql", "graphql/who_am_i.graphql"].map(Document::read);
    let operations: Vec<_> = operations.into_iter().collect::<Result<_, _>>()?;
    // The schema comes along.
    let generated = generate(&Document::identityx_schema(), &operations, &Options::new())?;
    if std::env::var_os("UPDATE").is_some() {
        fs::write("src/operations.rs", generated.to_string()).unwrap();
    }
    let now = fs::read_to_string("src/operations.rs").unwrap();
    assert!(
        now == generated.to_string(),
        "out of date: UPDATE=1 cargo test -p examples operations"
    );
    Ok(())
}

//! `src/operations.rs` and `src/shop.rs` are what identityx-codegen makes of `graphql/`.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]

use std::fs;

use identityx_codegen::{Document, Error, Options, generate};

#[test]
fn the_generated_operations_are_up_to_date() -> Result<(), Error> {
    // The schema comes along.
    let identityx = Document::identityx_schema();
    let shop = Document::read("graphql/shop/schema.graphql")?;
    let operations = ["graphql/change.graphql", "graphql/who_am_i.graphql"].as_slice();
    for (schema, operations, path) in [
        (identityx, operations, "src/operations.rs"),
        (shop, &["graphql/shop/products.graphql"], "src/shop.rs"),
    ] {
        let operations: Vec<_> = operations
            .iter()
            .map(Document::read)
            .collect::<Result<_, _>>()?;
        let generated = generate(&schema, &operations, &Options::new())?.to_string();
        if std::env::var_os("UPDATE").is_some() {
            fs::write(path, &generated).unwrap();
        }
        let now = fs::read_to_string(path).unwrap_or_default();
        assert!(
            now == generated,
            "{path} is out of date: UPDATE=1 cargo test -p examples operations"
        );
    }
    Ok(())
}

//! Operations for the SDK's own schema, and schemas for an operation: code or an error, no panic.
#![no_main]

use identityx_codegen::{Document, Options, SCHEMA, compare, generate};
use libfuzzer_sys::fuzz_target;

const OPERATION: &str = "query Q { activeUser { id } }";

fuzz_target!(|text: &str| {
    let own = Document::new("schema.graphql", SCHEMA);
    let other = Document::new("other.graphql", text);
    let operations = [Document::new("operation.graphql", text)];
    let _ = generate(&own, &operations, &Options::new());
    let operations = [Document::new("operation.graphql", OPERATION)];
    let _ = generate(&other, &operations, &Options::new());
    let _ = compare(&own, &operations, &other);
});

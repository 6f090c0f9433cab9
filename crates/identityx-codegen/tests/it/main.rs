//! Generated code, refusals, and comparisons of schemas.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap in a test is a failed test"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the environment says how many cases a long run has"
)]

mod command;
mod comparison;
mod introspection;
mod limits;
mod refusals;

use identityx_codegen::Document;

/// The schema of `tests/zoo`.
fn zoo() -> Document {
    Document::new("zoo.graphql", include_str!("../zoo/zoo.graphql"))
}

/// The response of a service with this schema to an introspection query.
fn introspected(sdl: &str) -> String {
    let sdl = format!("{sdl} directive @oneOf on INPUT_OBJECT");
    let schema = apollo_compiler::Schema::parse_and_validate(sdl, "service.graphql").unwrap();
    let query = include_str!("../../src/introspection.graphql");
    let document =
        apollo_compiler::ExecutableDocument::parse_and_validate(&schema, query, "query.graphql")
            .unwrap();
    let response = apollo_compiler::introspection::partial_execute(
        &schema,
        &schema.implementers_map(),
        &document,
        document.operations.get(None).unwrap(),
        &apollo_compiler::request::coerce_variable_values(
            &schema,
            document.operations.get(None).unwrap(),
            &apollo_compiler::response::JsonMap::new(),
        )
        .unwrap(),
    )
    .unwrap();
    serde_json::to_string(&response).unwrap()
}

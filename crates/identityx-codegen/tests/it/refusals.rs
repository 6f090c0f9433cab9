//! Refusals before code is generated, and their messages.

use identityx_codegen::{Document, Error, Options, generate};

use crate::zoo;

/// The refusal of this operation, in a file `op.graphql`.
fn refusal(operation: &str) -> String {
    refusal_with(&zoo(), &[Document::new("op.graphql", operation)])
}

fn refusal_with(schema: &Document, operations: &[Document]) -> String {
    generate(schema, operations, &Options::new())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_mistake_is_reported_with_file_line_and_reason() {
    for (operation, place, words) in [
        ("query Q {\n  nope\n}", "op.graphql:2:3: ", "`nope`"),
        (
            "query Q($a: Int) {\n  picture(id: 1)\n}",
            "op.graphql:1:9: ",
            "unused variable",
        ),
        (
            "query Q {\n  find(id: 1)\n}",
            "op.graphql:2:3: ",
            "subselection",
        ),
        ("query Q {\n  picture\n}", "op.graphql:2:3: ", "(id:)"),
        (
            "query Q {\n  picture(id: 1, of: 2)\n}",
            "op.graphql:2:18: ",
            "`of`",
        ),
        (
            "query Q($i: Float!) {\n  picture(id: $i)\n}",
            "op.graphql:2:",
            "`$i`",
        ),
        (
            "query Q {\n  picture(id: 1)\n",
            "op.graphql:",
            "syntax error",
        ),
        ("query Q {\n  ...Gone\n}", "op.graphql:2:3: ", "`Gone`"),
    ] {
        let refusal = refusal(operation);
        assert!(refusal.starts_with(place), "{operation}: {refusal}");
        assert!(refusal.contains(words), "{operation}: {refusal}");
    }
}

#[test]
fn all_mistakes_of_all_files_are_reported_at_once() {
    let one = Document::new("one.graphql", "query Q { nope nor }");
    let two = Document::new("two.graphql", "{ picture(id: 1) }");
    let refusal = refusal_with(&zoo(), &[one, two]);
    let lines: Vec<_> = refusal.lines().collect();
    assert_eq!(lines.len(), 3, "{refusal}");
    assert!(lines[0].starts_with("one.graphql:1:11: ") && lines[0].contains("`nope`"));
    assert!(lines[1].starts_with("one.graphql:1:16: ") && lines[1].contains("`nor`"));
    assert!(lines[2].starts_with("two.graphql: ") && lines[2].contains("no name"));
}

#[test]
fn a_file_without_an_operation_is_refused() {
    let refusal = refusal("fragment A on Cat { lives }");
    assert!(refusal.contains("op.graphql"), "{refusal}");
}

#[test]
fn an_invalid_schema_is_reported_with_its_place() {
    let schema = Document::new("schema.graphql", "type Query {\n  a: Nope\n}");
    let operation = Document::new("op.graphql", "query Q { a }");
    let refusal = refusal_with(&schema, &[operation]);
    assert!(refusal.starts_with("schema.graphql:2:6: "), "{refusal}");
    assert!(refusal.contains("`Nope`"), "{refusal}");
}

#[test]
fn operations_that_cannot_be_expressed_in_rust_are_refused_without_a_panic() {
    for (schema, operation, words) in [
        (
            "type Query { a: Int }",
            "query GetA { a } query get_a { a }",
            "the same module `get_a`",
        ),
        (
            "type Query { a: Int }",
            "query Type { a }",
            "`type` is not a Rust identifier",
        ),
        ("type Query { a: Int }", "query _ { a }", "`_`"),
        (
            "type Query { aB: Int a_b: Int }",
            "query Q { aB a_b }",
            "`a_b` twice",
        ),
        (
            "type Query { a: E } enum E { ON On }",
            "query Q { a }",
            "`On` twice",
        ),
        (
            "type Query { a: E } enum E { OTHER }",
            "query Q { a }",
            "`Other` twice",
        ),
        (
            "type Query { a: A } type A { b: Int }",
            "query Q { a { ...ResponseData } } fragment ResponseData on A { b }",
            "have the name `ResponseData`",
        ),
        ("type Query { _: Int }", "query Q { _ }", "Q"),
        ("type Query { a: E } enum E { self }", "query Q { a }", "Q"),
        (
            "type Query { a: A } interface A { b: Int } type B implements A { b: Int }",
            "query Q { a { b } }",
            "__typename",
        ),
    ] {
        let schema = Document::new("schema.graphql", schema);
        let operation_document = Document::new("op.graphql", operation);
        let error = generate(&schema, &[operation_document], &Options::new()).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        let refusal = error.to_string();
        assert!(
            refusal.starts_with("op.graphql: cannot generate code: "),
            "{refusal}"
        );
        assert!(refusal.contains(words), "{operation}: {refusal}");
    }
}

#[test]
fn a_panic_of_the_generator_does_not_affect_the_next_call() {
    let schema = Document::new("s", "type Query { _: Int a: Int }");
    let bad = Document::new("bad", "query Q { _ }");
    let good = Document::new("good", "query Q { a }");
    assert!(generate(&schema, &[bad], &Options::new()).is_err());
    assert!(generate(&schema, &[good], &Options::new()).is_ok());
}

#[test]
fn options_that_are_not_valid_rust_are_refused() {
    let operation = Document::new("op.graphql", "query Q { picture(id: 1) }");
    for (options, word) in [
        (Options::new().runtime("my crate"), "my crate"),
        (
            Options::new().response_derives("Clone; Debug"),
            "Clone; Debug",
        ),
        (Options::new().variables_derives("1"), "`1`"),
    ] {
        let refusal = generate(&zoo(), std::slice::from_ref(&operation), &options)
            .unwrap_err()
            .to_string();
        assert!(refusal.contains(word), "{refusal}");
    }
}

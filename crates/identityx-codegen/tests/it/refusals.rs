//! Refusals before code is generated, and their messages.

use identityx_codegen::{Document, Options, generate};

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
fn a_mistake_is_reported_with_its_place_the_line_and_what_to_do() {
    for (operation, place, words) in [
        (
            "query Q {\n  nope\n}",
            "2:3",
            ["`nope`", "fields of `Query` are `node`"],
        ),
        (
            "query Q($a: Int) {\n  picture(id: 1)\n}",
            "1:9",
            ["unused variable", "or remove it"],
        ),
        (
            "query Q {\n  find(id: 1)\n}",
            "2:3",
            ["subselection", "select its fields"],
        ),
        (
            "query Q {\n  picture\n}",
            "2:3",
            ["(id:)", "add the argument"],
        ),
        (
            "query Q {\n  picture(id: 1, of: 2)\n}",
            "2:18",
            ["`of`", "remove the argument"],
        ),
        (
            "query Q($i: Float!) {\n  picture(id: $i)\n}",
            "2:",
            ["`$i`", "declare the variable"],
        ),
        ("query Q {\n  picture(id: 1)\n", "", ["syntax error", ""]),
        ("query Q {\n  ...Gone\n}", "2:3", ["`Gone`", "same file"]),
        ("{ picture(id: 1) }", "1:1", ["no name", "query WhoAmI"]),
    ] {
        let refusal = refusal(operation);
        let lines: Vec<_> = refusal.lines().collect();
        assert!(lines[0].starts_with("error: "), "{refusal}");
        assert!(
            lines[1].starts_with(&format!(" --> op.graphql:{place}")),
            "{refusal}"
        );
        assert!(lines[4].contains('^'), "{refusal}");
        for word in words {
            assert!(refusal.contains(word), "{operation}: {refusal}");
        }
    }
}

#[test]
fn a_mistake_is_printed_as_rustc_does() {
    let expected = "\
error: type `Cat` does not have a field `live`
 --> op.graphql:2:34
  |
2 |   find(id: 1) { __typename ...on Cat { live } }
  |                                        ^^^^
  = help: fields of `Cat` are `lives`, `id`, `name`";
    let operation = "query Q {\n  find(id: 1) { __typename ...on Cat { live } }\n}";
    assert_eq!(refusal(operation), expected.replace("2:34", "2:40"));
}

#[test]
fn a_long_line_is_shown_in_part() {
    let operation = format!(
        "query Q {{ {} nope {} }}",
        "a: __typename ".repeat(90),
        "b: __typename ".repeat(90)
    );
    let refusal = refusal(&operation);
    assert!(refusal.contains("nope"), "{refusal}");
    assert!(refusal.lines().all(|line| line.len() < 200), "{refusal}");
}

#[test]
fn all_mistakes_of_all_files_are_reported_at_once() {
    let one = Document::new("one.graphql", "query Q { nope nor }");
    let two = Document::new("two.graphql", "{ picture(id: 1) }");
    let refusal = refusal_with(&zoo(), &[one, two]);
    let places: Vec<_> = refusal
        .lines()
        .filter_map(|line| line.split_once("--> "))
        .collect();
    let places: Vec<_> = places.into_iter().map(|(_, place)| place).collect();
    assert_eq!(
        places,
        ["one.graphql:1:11", "one.graphql:1:16", "two.graphql:1:1"],
        "{refusal}"
    );
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
    assert!(refusal.contains("--> schema.graphql:2:6\n"), "{refusal}");
    assert!(refusal.contains("`Nope`"), "{refusal}");
}

#[test]
fn operations_without_types_in_rust_are_refused_with_a_way_out() {
    let pets = "type Query { a: A } interface A { b: Int } type B implements A { b: Int c: Int }";
    for (schema, operation, words) in [
        (
            "type Query { a: Int }",
            "query GetA { a } query get_a { a }",
            [
                "the same module `get_a`",
                "rename one of the operations",
                "op.graphql:1:24",
            ],
        ),
        (
            pets,
            "query Q { a { b ...on B { c } } }",
            ["which `A` it is", "add `__typename`", "op.graphql:1:11"],
        ),
        (
            pets,
            "query Q($if: Boolean!) { a { __typename @include(if: $if) ...on B { c } } }",
            ["which `A` it is", "add `__typename`", "op.graphql:1:26"],
        ),
        (
            "type Query { a: A } type A { b: Int } directive @defer on INLINE_FRAGMENT",
            "query Q { a { ... @defer { b } } }",
            ["`@defer`", "comes in parts", "remove the directive"],
        ),
    ] {
        let schema = Document::new("schema.graphql", schema);
        let refusal = refusal_with(&schema, &[Document::new("op.graphql", operation)]);
        for word in words {
            assert!(refusal.contains(word), "{operation}: {refusal}");
        }
    }
}

#[test]
fn names_that_rust_does_not_have_or_that_collide_are_kept_apart() {
    for (schema, operation, names) in [
        (
            "type Query { a: Int }",
            "query Type { a }",
            ["mod type_ ", "struct Type;"],
        ),
        (
            "type Query { a: Int }",
            "query _ { a }",
            ["mod underscore ", "struct Underscore;"],
        ),
        (
            "type Query { a: Int }",
            "query Self { a }",
            ["mod self_ ", "struct Self_;"],
        ),
        (
            "type Query { a: Int }",
            "query Variables { a }",
            ["struct Variables2;", "struct Variables;"],
        ),
        (
            "type Query { aB: Int a_b: Int }",
            "query Q { aB a_b }",
            ["pub a_b:", "pub a_b2:"],
        ),
        (
            "type Query { gen: Int _: Int }",
            "query Q { gen _ }",
            ["pub gen_:", "pub underscore:"],
        ),
        (
            "type Query { a: E } enum E { ON On }",
            "query Q { a }",
            ["    On,", "    On2,"],
        ),
        (
            "type Query { a: E } enum E { OTHER }",
            "query Q { a }",
            ["    Other2,", "    Other("],
        ),
        (
            "type Query { a: E } enum E { self SELF }",
            "query Q { a }",
            ["    Self_,", "    Self_2,"],
        ),
        (
            "type Query { a: A } type A { b: Int }",
            "query Q { a { ...ResponseData } } fragment ResponseData on A { b }",
            ["struct ResponseData {", "struct ResponseData2 {"],
        ),
    ] {
        let schema = Document::new("schema.graphql", schema);
        let operation = Document::new("op.graphql", operation);
        let text = generate(&schema, &[operation], &Options::new())
            .unwrap()
            .to_string();
        for name in names {
            assert!(text.contains(name), "{name}: {text}");
        }
    }
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

//! Introspection results as schemas.

use identityx_codegen::{Document, INTROSPECTION, Options, SCHEMA, compare, generate};

use crate::{introspected, zoo};

#[test]
fn a_schema_and_its_introspection_result_generate_the_same() {
    let operations = [
        Document::new("a", include_str!("../zoo/operations/animals.graphql")),
        Document::new("f", include_str!("../zoo/operations/find.graphql")),
    ];
    let text = |schema: &Document| {
        generate(schema, &operations, &Options::new())
            .unwrap()
            .to_string()
    };
    let response = introspected(zoo().text());
    assert!(response.contains("__schema"), "{response}");
    // Fields keep the order of the service. All else is sorted.
    assert_eq!(text(&Document::new("zoo.json", response)), text(&zoo()));
}

#[test]
fn a_schema_and_its_introspection_result_have_no_changes() {
    for (schema, operations) in [
        (
            zoo().text(),
            vec![
                include_str!("../zoo/operations/animals.graphql"),
                include_str!("../zoo/operations/find.graphql"),
            ],
        ),
        (
            SCHEMA,
            vec![
                "mutation M($i: LoginAppUserMutationInput!) { loginAppUser(input: $i) { additionalContext user { createdAt } } }",
            ],
        ),
    ] {
        let operations: Vec<_> = operations
            .iter()
            .map(|text| Document::new("op.graphql", *text))
            .collect();
        let new = Document::new("response.json", introspected(schema));
        let changes = compare(&Document::new("old", schema), &operations, &new).unwrap();
        assert_eq!(changes, []);
    }
}

#[test]
fn the_schema_is_found_with_and_without_data_around_it() {
    let whole: serde_json::Value = serde_json::from_str(&introspected(zoo().text())).unwrap();
    let operation = Document::new("f", include_str!("../zoo/operations/find.graphql"));
    for json in [
        whole.to_string(),
        whole["data"].to_string(),
        format!("\u{feff}{whole}"),
    ] {
        let schema = Document::new("zoo.json", json);
        assert!(generate(&schema, std::slice::from_ref(&operation), &Options::new()).is_ok());
    }
}

#[test]
fn json_without_a_schema_is_refused_with_the_reason() {
    for (json, words) in [
        ("{", "EOF"),
        ("{\"data\": null, \"errors\": []}", "`__schema`"),
        ("{\"data\": {\"__schema\": {}}}", "types"),
        (
            "{\"__schema\": {\"types\": [{\"kind\": \"BOX\", \"name\": \"A\"}]}}",
            "`BOX`",
        ),
        (
            "{\"__schema\": {\"types\": [{\"kind\": \"OBJECT\", \"name\": \"A\", \"fields\": [
              {\"name\": \"a\", \"type\": {\"kind\": \"LIST\"}}]}]}}",
            "deeper",
        ),
    ] {
        let schema = Document::new("response.json", json);
        let operation = Document::new("op", "query Q { a }");
        let refusal = generate(&schema, &[operation], &Options::new())
            .unwrap_err()
            .to_string();
        let start = "response.json: not an introspection result: ";
        assert!(refusal.starts_with(start), "{refusal}");
        assert!(refusal.contains(words), "{json}: {refusal}");
    }
}

#[test]
fn the_introspection_query_is_valid_in_any_schema() {
    let document = Document::new("introspection.graphql", INTROSPECTION);
    assert!(compare(&zoo(), &[document], &zoo()).unwrap().is_empty());
}

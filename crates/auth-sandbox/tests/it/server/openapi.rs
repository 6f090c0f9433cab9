//! The document that describes the API.

use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::caller::read;

/// The names in a list like "`a`, `b`, `c`", behind the unknown one.
fn names(error: &str) -> Vec<String> {
    let mut names: Vec<String> = error
        .split('`')
        .skip(3)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn path_of(described: &str) -> String {
    [
        ("{id}", "1"),
        ("{action}", "advance"),
        ("{list}", "iqm"),
        ("{vendor}", "iqm"),
        ("{name}", "none"),
    ]
    .iter()
    .fold(described.to_owned(), |path, (name, value)| {
        path.replace(name, value)
    })
}

#[tokio::test]
async fn it_has_the_methods_the_parameters_and_the_fields_that_are_read() {
    let program = Program::start(&[]);
    let document = program.json("/_sandbox/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let (mut operations, mut queries, mut bodies) = (0, 0, 0);
    for (described, item) in document["paths"].as_object().unwrap() {
        let path = path_of(described);
        for method in ["GET", "POST", "PATCH", "PUT", "DELETE"] {
            let request = |path: &str| program.request(method.parse::<Method>().unwrap(), path);
            let operation = &item[method.to_lowercase()];
            if described.ends_with("/events") && method == "GET" {
                operations += 1;
                continue;
            }
            let reply = read(request(&path).body("{\"x!\": 1}")).await;
            assert_eq!(
                reply.status == 405,
                operation.is_null(),
                "{method} {path}: {reply:?}"
            );
            if operation.is_null() {
                continue;
            }
            operations += 1;
            assert!(operation["summary"].is_string());
            assert!(!reply.text.contains("no such path"), "{path}");
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let query = parameters.iter().filter(|it| it["in"] == "query");
            let mut query: Vec<_> = query
                .map(|it| it["name"].as_str().unwrap().to_owned())
                .collect();
            query.sort();
            if !query.is_empty() {
                let reply = read(request(&format!("{path}?x%21=1"))).await;
                let mut read = names(reply.body["error"].as_str().unwrap());
                if read.is_empty() {
                    // A single name is not a list.
                    read = vec!["reveal".to_owned()];
                }
                assert_eq!(read, query, "{path}");
                queries += 1;
            }
            let changes = method != "GET";
            let header = json!("#/components/parameters/Change");
            assert_eq!(
                parameters.iter().any(|it| it["$ref"] == header),
                changes,
                "{path}"
            );
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let name = schema["$ref"]
                .as_str()
                .and_then(|it| it.strip_prefix("#/components/schemas/"));
            if let Some(name) = name {
                let known = document["components"]["schemas"][name]["properties"]
                    .as_object()
                    .unwrap();
                let error = reply.body["error"].as_str().unwrap();
                let mut read = names(error);
                if read.is_empty() {
                    read = vec!["token".to_owned()];
                }
                let mut known: Vec<_> = known.keys().cloned().collect();
                known.sort();
                assert_eq!(read, known, "{path}: {error}");
                bodies += 1;
            }
        }
    }
    assert_eq!((operations, queries, bodies), (37, 9, 6));
}

#[tokio::test]
async fn the_answers_have_the_fields_that_it_requires() {
    let program = Program::start(&[]);
    program.request_passcode("", "sue@eqworks.example").await;
    let document = program.json("/_sandbox/openapi.json").await;
    for (path, schema) in [
        ("/_sandbox/clock", "Clock"),
        ("/_sandbox/mails/latest", "Mail"),
    ] {
        let answer = program.json(path).await;
        let mut fields: Vec<_> = answer.as_object().unwrap().keys().cloned().collect();
        let required = document["components"]["schemas"][schema]["required"].clone();
        let mut required: Vec<String> = serde_json::from_value(required).unwrap();
        fields.sort();
        required.sort();
        assert_eq!(fields, required);
    }
    let schema: Value = program.json("/_sandbox/seed.schema.json").await;
    assert_eq!(schema["title"], "Seed file of auth-sandbox");
}

//! Schemas and operations that are too long, too deep, or broken: the generator ends soon, without a
//! panic.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fastrand::Rng;
use identityx_codegen::{Document, Options, compare, generate};

use crate::zoo;

/// How many cases a test has: some, or as many as the environment says.
fn count(variable: &str, normal: usize) -> usize {
    std::env::var(variable).map_or(normal, |text| text.parse().unwrap())
}

/// Generates, and returns the code or the refusal.
fn outcome(schema: &Document, operation: &str) -> String {
    let began = Instant::now();
    let operations = [Document::new("op.graphql", operation)];
    let outcome = match generate(schema, &operations, &Options::new()) {
        Ok(generated) => generated.to_string(),
        Err(error) => error.report(),
    };
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}: {operation}",
        began.elapsed()
    );
    outcome
}

/// A schema whose inputs form a chain of this length.
fn chain(length: usize, field: &str) -> Document {
    let mut schema = format!("type Query {{ a(i: I0): Int }} input I{length} {{ end: Int }}\n");
    for number in 0..length {
        let next = field.replace("NEXT", &format!("I{}", number + 1));
        let _ = writeln!(schema, "input I{number} {{ {next} }}");
    }
    Document::new("chain.graphql", schema)
}

#[test]
fn a_chain_of_inputs_takes_time_in_proportion_to_its_length() {
    let length = count("CODEGEN_CHAIN", 5_000);
    let schema = chain(length, "next: NEXT");
    let operation = "query Q($i: I0) { a(i: $i) }";
    assert_eq!(
        outcome(&schema, operation).matches("pub struct I").count(),
        length + 1
    );
    let operations = [Document::new("op.graphql", operation)];
    assert!(compare(&schema, &operations, &schema).unwrap().is_empty());
}

#[test]
fn inputs_that_need_each_other_too_deeply_are_refused() {
    let operation = "query Q($i: I0) { a(i: $i) }";
    let refusal = outcome(&chain(100, "next: NEXT!"), operation);
    assert!(
        refusal.contains("error: ") && refusal.contains("chain.graphql:"),
        "{refusal}"
    );
    // Each level doubles the paths.
    let refusal = outcome(&chain(30, "one: NEXT! other: NEXT!"), operation);
    assert!(
        refusal.contains("error: ") && refusal.contains("chain.graphql:"),
        "{refusal}"
    );
}

#[test]
fn fragments_that_double_with_each_level_are_shared_or_refused() {
    for (levels, selection, words) in [
        (20, "a: me { ...NEXT } b: me { ...NEXT }", "pub struct F1 "),
        (30, "a: me { id ...NEXT } b: me { id ...NEXT }", "error: "),
        (90, "...NEXT ...NEXT id", "pub id: "),
    ] {
        let mut text = "query Q { me { ...F0 } }\n".to_owned();
        for number in 0..levels {
            let next = selection.replace("NEXT", &format!("F{}", number + 1));
            let _ = writeln!(text, "fragment F{number} on User {{ {next} }}");
        }
        let _ = writeln!(text, "fragment F{levels} on User {{ id }}");
        let schema = Document::new(
            "s",
            "type Query { me: User } type User { id: Int me: User }",
        );
        let outcome = outcome(&schema, &text);
        assert!(outcome.contains(words), "{levels}: {outcome:.900}");
    }
}

#[test]
fn an_answer_deeper_than_serde_json_reads_is_refused() {
    let schema = Document::new(
        "s",
        "type Query { me: User } type User { id: Int me: User }",
    );
    for (levels, words) in [
        (90, "pub mod q"),
        (110, "more than 100 levels"),
        (5_000, "error: "),
    ] {
        let text = format!(
            "query Q {{ {} id {} }}",
            "me {".repeat(levels),
            "}".repeat(levels)
        );
        let outcome = outcome(&schema, &text.replacen("me {", "me{", 0));
        assert!(outcome.contains(words), "{levels}: {outcome:.900}");
    }
}

/// One to four random changes of the tokens.
fn mutated(text: &str, rng: &mut Rng) -> String {
    const POOL: [&str; 24] = [
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "!",
        "...",
        ":",
        "=",
        "@skip(if: $no)",
        "@oneOf",
        "$",
        "\"",
        "\"\"\"",
        "#",
        "\u{feff}",
        "é",
        "&",
        "|",
        "on",
        "99999999999999999999",
        "-1.5e400",
        "\0",
    ];
    let mut tokens: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let end = rest
            .find(|it| !is_word(it))
            .unwrap_or(rest.len())
            .max(first.len_utf8());
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    for _ in 0..rng.usize(1..5) {
        let (one, other) = (rng.usize(..tokens.len()), rng.usize(..tokens.len()));
        match rng.usize(..6) {
            0 => tokens[one] = "",
            1 => tokens.swap(one, other),
            2 => tokens[one] = tokens[other],
            3 => tokens.insert(one, tokens[other]),
            4 => tokens.insert(one, POOL[rng.usize(..POOL.len())]),
            _ => {
                let end = (one + rng.usize(..40)).min(tokens.len());
                let copied = tokens[one..end].to_vec();
                tokens.splice(other..other, copied);
            }
        }
    }
    tokens.concat()
}

#[test]
fn broken_operations_and_schemas_are_refused_without_a_panic() {
    let texts = [
        include_str!("../zoo/operations/abstract.graphql"),
        include_str!("../zoo/operations/conditions.graphql"),
        include_str!("../zoo/operations/fragments.graphql"),
        include_str!("../zoo/operations/inputs.graphql"),
        include_str!("../zoo/operations/names.graphql"),
    ];
    let zoo = zoo();
    let mut rng = Rng::with_seed(7);
    let mut generated = 0;
    let count = count("CODEGEN_MUTATIONS", 150);
    for number in 0..count {
        let text = texts[number % texts.len()];
        let (schema, operation) = if number % 3 == 0 {
            (
                Document::new("schema", mutated(zoo.text(), &mut rng)),
                text.to_owned(),
            )
        } else {
            (zoo.clone(), mutated(text, &mut rng))
        };
        generated += usize::from(outcome(&schema, &operation).starts_with("// @generated"));
    }
    // Some are harmless.
    assert!(generated > 0 && generated < count, "{generated} of {count}");
}

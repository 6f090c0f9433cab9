//! What is said of a schema that has changed under our operations.

use identityx_codegen::{Change, Document, SCHEMA, compare};

use crate::introspected;

const OURS: &str = "
type Query {
  me: User
  users(filter: Filter!, first: Int = 10, unused: Int): [User!]!
  found: Found
  unused: Unused
}
type Mutation { rename(name: String!, way: Way): User! }
type User { id: String! name: String mood: Mood! born: Date unused: Int }
type Robot { serial: Int! }
type Unused { a: Int }
union Found = User | Robot
enum Mood { Happy Sad }
enum Way { Fast Slow }
scalar Date
input Filter { text: String! also: Nested limit: Int! = 3 }
input Nested { deep: [String!] }
";

const OPERATIONS: [&str; 4] = [
    "query Me { me { id name mood born } }",
    "query Users($filter: Filter!) { users(filter: $filter, first: 3) { ...Who } }
     fragment Who on User { id }",
    "query Search { found { __typename ... on Robot { serial } } }",
    "mutation Rename($name: String!, $way: Way) { rename(name: $name, way: $way) { id } }",
];

fn changes(theirs: &str) -> Vec<Change> {
    let operations = OPERATIONS.map(|text| Document::new("op.graphql", text));
    let ours = Document::new("ours.graphql", OURS);
    // As a service says it, which is how it is known.
    let answer = Document::new("theirs.json", introspected(theirs));
    let changes = compare(&ours, &operations, &answer).unwrap();
    let sdl = Document::new("theirs.graphql", theirs);
    assert_eq!(changes, compare(&ours, &operations, &sdl).unwrap());
    changes
}

/// What is said where each of these texts of the schema is another.
fn said(replacements: &[(&str, &str)]) -> Vec<String> {
    let mut theirs = OURS.to_owned();
    for (from, to) in replacements {
        assert_eq!(theirs.matches(from).count(), 1, "{from} is one place");
        theirs = theirs.replace(from, to);
    }
    changes(&theirs).iter().map(Change::to_string).collect()
}

#[test]
fn the_same_schema_has_no_changes() {
    assert_eq!(said(&[]), Vec::<String>::new());
}

#[test]
fn what_is_gone_breaks_the_operations_that_use_it() {
    for (from, to, expected) in [
        ("name: String mood", "mood", "User.name is gone; used by Me"),
        (
            "{ id: String! name",
            "{ name",
            "User.id is gone; used by Me, Rename, Users",
        ),
        ("  me: User\n", "", "Query.me is gone; used by Me"),
        (
            "way: Way)",
            "w: Way)",
            "Mutation.rename(way:) is gone; used by Rename",
        ),
        ("Happy Sad", "Happy", "Mood.Sad is gone; used by Me"),
        ("Fast Slow", "Slow", "Way.Fast is gone; used by Rename"),
        ("also: Nested ", "", "Filter.also is gone; used by Users"),
        (
            "deep: [String!]",
            "flat: Int",
            "Nested.deep is gone; used by Users",
        ),
        (
            "User | Robot",
            "User",
            "Found can no longer be `Robot`; used by Search",
        ),
        (
            "serial: Int!",
            "number: Int!",
            "Robot.serial is gone; used by Search",
        ),
    ] {
        let said = said(&[(from, to)]);
        assert!(
            said.contains(&format!("breaks: {expected}")),
            "{from}: {said:?}"
        );
    }
}

#[test]
fn a_type_that_fits_no_longer_breaks() {
    for (from, to, expected) in [
        (
            "id: String!",
            "id: String",
            "User.id was `String!` and is `String`; used by Me, Rename, Users",
        ),
        (
            "id: String!",
            "id: Int!",
            "User.id was `String!` and is `Int!`; used by Me, Rename, Users",
        ),
        (
            "born: Date",
            "born: [Date]",
            "User.born was `Date` and is `[Date]`; used by Me",
        ),
        (
            "[User!]!",
            "[User]!",
            "Query.users was `[User!]!` and is `[User]!`; used by Users",
        ),
        (
            "name: String!, way: Way",
            "name: String!, way: Way!",
            "Mutation.rename(way:) was `Way` and is `Way!`; used by Rename",
        ),
        (
            "also: Nested",
            "also: Nested!",
            "Filter.also was `Nested` and is `Nested!`; used by Users",
        ),
        (
            "deep: [String!]",
            "deep: [Int!]",
            "Nested.deep was `[String!]` and is `[Int!]`; used by Users",
        ),
        (
            "scalar Date",
            "enum Date { Today }",
            "Date is another kind of type; used by Me",
        ),
        (
            "enum Mood { Happy Sad }",
            "scalar Mood",
            "Mood is another kind of type; used by Me",
        ),
    ] {
        let said = said(&[(from, to)]);
        assert_eq!(said, [format!("breaks: {expected}")], "{from}");
    }
}

#[test]
fn what_must_be_given_now_breaks() {
    for (from, to, expected) in [
        (
            "me: User",
            "me(at: Date!): User",
            "Query.me(at:) is new and must be given: `Date!`; used by Me",
        ),
        (
            "text: String!",
            "text: String! more: Int!",
            "Filter.more is new and must be given: `Int!`; used by Users",
        ),
        (
            "unused: Int)",
            "unused: Int!)",
            "Query.users(unused:) must be given now; used by Users",
        ),
    ] {
        let said = said(&[(from, to)]);
        assert_eq!(said, [format!("breaks: {expected}")], "{from}");
    }
}

#[test]
fn what_demands_less_or_promises_more_is_harmless() {
    for (from, to, expected) in [
        (
            "name: String mood",
            "name: String! mood",
            "User.name was `String` and is `String!`; used by Me",
        ),
        (
            "filter: Filter!",
            "filter: Filter",
            "Query.users(filter:) was `Filter!` and is `Filter`; used by Users",
        ),
        (
            "text: String!",
            "text: String",
            "Filter.text was `String!` and is `String`; used by Users",
        ),
        (
            "limit: Int! = 3",
            "limit: Int",
            "Filter.limit was `Int!` and is `Int`; used by Users",
        ),
        (
            "first: Int = 10",
            "first: Int! = 10",
            "Query.users(first:) was `Int` and is `Int!`; used by Users",
        ),
        (
            "me: User",
            "me(at: Date): User",
            "Query.me(at:) is new and may be left out; used by Me",
        ),
        (
            "me: User",
            "me(at: Int! = 1): User",
            "Query.me(at:) is new and may be left out; used by Me",
        ),
        (
            "text: String!",
            "text: String! more: Int",
            "Filter.more is new and may be left out; used by Users",
        ),
        (
            "Happy Sad",
            "Happy Sad Mad",
            "Mood.Mad is a new value; used by Me",
        ),
        (
            "name: String mood",
            "name: String @deprecated mood",
            "User.name is deprecated now; used by Me",
        ),
    ] {
        let said = said(&[(from, to)]);
        assert_eq!(said, [format!("harmless: {expected}")], "{from}");
    }
}

#[test]
fn a_document_that_the_service_would_refuse_breaks_whatever_the_reason() {
    let compare = |theirs: &str| {
        let ours = Document::new("ours", "type Query { a(first: Int! = 10): Int }");
        // A variable that may be null fits here only as long as there is a default.
        let operation = Document::new(
            "op.graphql",
            "query Q($first: Int) {\n  a(first: $first)\n}",
        );
        compare(&ours, &[operation], &Document::new("theirs", theirs)).unwrap()
    };
    assert_eq!(compare("type Query { a(first: Int! = 9): Int }"), []);
    let said = compare("type Query { a(first: Int!): Int }");
    let [change] = &said[..] else {
        panic!("{said:?}");
    };
    assert!(change.breaks);
    assert!(change.what.starts_with("op.graphql:2:"), "{change}");
    assert!(change.how.contains("$first"), "{change}");
}

#[test]
fn what_no_operation_uses_is_not_mentioned() {
    for (from, to) in [
        ("unused: Unused", "other: Unused"),
        (" unused: Int }", " }"),
        ("type Unused { a: Int }", "type Unused { b: [Date!]! }"),
        ("first: Int = 10, unused: Int", "first: Int = 10"),
        ("User | Robot", "User | Robot | Unused"),
        ("serial: Int!", "serial: Int! name: String"),
    ] {
        assert_eq!(said(&[(from, to)]), Vec::<String>::new(), "{from}");
    }
}

#[test]
fn root_types_may_be_called_anything() {
    let renamed = said(&[
        (
            "type Query",
            "schema { query: Root mutation: Change } type Root",
        ),
        ("type Mutation", "type Change"),
    ]);
    assert_eq!(renamed, Vec::<String>::new());
}

#[test]
fn a_root_type_that_is_gone_breaks_each_of_its_fields() {
    let said = said(&[("type Mutation", "type Other")]);
    assert_eq!(said, ["breaks: Mutation.rename is gone; used by Rename"]);
}

#[test]
fn what_breaks_is_said_first_and_once() {
    let said = said(&[
        ("Happy Sad", "Sad Mad"),
        ("{ id: String!", "{ id: String"),
        ("born: Date", "born: Date!"),
    ]);
    assert_eq!(
        said,
        [
            "breaks: Mood.Happy is gone; used by Me",
            "breaks: User.id was `String!` and is `String`; used by Me, Rename, Users",
            "harmless: Mood.Mad is a new value; used by Me",
            "harmless: User.born was `Date` and is `Date!`; used by Me",
        ]
    );
}

#[test]
fn the_carried_schema_fits_a_service_that_has_more() {
    let theirs = SCHEMA
        .replace("type Query {", "type Query { more: Int")
        .replace(
            "  displayName: String\n",
            "  displayName: String\n  more: Int\n",
        );
    assert_ne!(theirs, SCHEMA);
    let operation = Document::new(
        "op",
        "query Q { activeAppUser { displayName lastLoggedIn } }",
    );
    let ours = Document::identityx_schema();
    let theirs = Document::new("theirs", introspected(&theirs));
    assert_eq!(compare(&ours, &[operation], &theirs).unwrap(), []);
}

#[test]
fn an_operation_that_does_not_fit_our_own_schema_is_an_error() {
    let ours = Document::new("ours", OURS);
    let operation = Document::new("op.graphql", "query Q { nope }");
    let error = compare(&ours, &[operation], &ours).unwrap_err().to_string();
    assert!(error.starts_with("op.graphql:1:11: "), "{error}");
}

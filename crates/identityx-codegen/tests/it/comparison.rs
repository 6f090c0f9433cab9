//! Changes between two schemas, as `compare` reports them.

use identityx_codegen::{Change, Document, SCHEMA, compare};

use crate::introspected;

const OLD: &str = "
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

fn changes(new: &str) -> Vec<Change> {
    let operations = OPERATIONS.map(|text| Document::new("op.graphql", text));
    let old = Document::new("old.graphql", OLD);
    // As a service returns it, and as SDL.
    let response = Document::new("new.json", introspected(new));
    let changes = compare(&old, &operations, &response).unwrap();
    let sdl = Document::new("new.graphql", new);
    assert_eq!(changes, compare(&old, &operations, &sdl).unwrap());
    changes
}

/// The changes after these replacements in the schema.
fn reported(replacements: &[(&str, &str)]) -> Vec<String> {
    let mut new = OLD.to_owned();
    for (from, to) in replacements {
        assert_eq!(new.matches(from).count(), 1, "{from} occurs once");
        new = new.replace(from, to);
    }
    changes(&new).iter().map(Change::to_string).collect()
}

#[test]
fn the_same_schema_has_no_changes() {
    assert_eq!(reported(&[]), Vec::<String>::new());
}

#[test]
fn a_removal_breaks_the_operations_that_use_it() {
    for (from, to, expected) in [
        (
            "name: String mood",
            "mood",
            "User.name was removed; used by Me",
        ),
        (
            "{ id: String! name",
            "{ name",
            "User.id was removed; used by Me, Rename, Users",
        ),
        ("  me: User\n", "", "Query.me was removed; used by Me"),
        (
            "way: Way)",
            "w: Way)",
            "Mutation.rename(way:) was removed; used by Rename",
        ),
        ("Happy Sad", "Happy", "Mood.Sad was removed; used by Me"),
        ("Fast Slow", "Slow", "Way.Fast was removed; used by Rename"),
        (
            "also: Nested ",
            "",
            "Filter.also was removed; used by Users",
        ),
        (
            "deep: [String!]",
            "flat: Int",
            "Nested.deep was removed; used by Users",
        ),
        (
            "User | Robot",
            "User",
            "Found can no longer be `Robot`; used by Search",
        ),
        (
            "serial: Int!",
            "number: Int!",
            "Robot.serial was removed; used by Search",
        ),
    ] {
        let reported = reported(&[(from, to)]);
        assert!(
            reported.contains(&format!("breaks: {expected}")),
            "{from}: {reported:?}"
        );
    }
}

#[test]
fn an_incompatible_type_breaks() {
    for (from, to, expected) in [
        (
            "id: String!",
            "id: String",
            "User.id changed from `String!` to `String`; used by Me, Rename, Users",
        ),
        (
            "id: String!",
            "id: Int!",
            "User.id changed from `String!` to `Int!`; used by Me, Rename, Users",
        ),
        (
            "born: Date",
            "born: [Date]",
            "User.born changed from `Date` to `[Date]`; used by Me",
        ),
        (
            "[User!]!",
            "[User]!",
            "Query.users changed from `[User!]!` to `[User]!`; used by Users",
        ),
        (
            "name: String!, way: Way",
            "name: String!, way: Way!",
            "Mutation.rename(way:) changed from `Way` to `Way!`; used by Rename",
        ),
        (
            "also: Nested",
            "also: Nested!",
            "Filter.also changed from `Nested` to `Nested!`; used by Users",
        ),
        (
            "deep: [String!]",
            "deep: [Int!]",
            "Nested.deep changed from `[String!]` to `[Int!]`; used by Users",
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
        let reported = reported(&[(from, to)]);
        assert_eq!(reported, [format!("breaks: {expected}")], "{from}");
    }
}

#[test]
fn a_new_required_input_breaks() {
    for (from, to, expected) in [
        (
            "me: User",
            "me(at: Date!): User",
            "Query.me(at:) is new and required: `Date!`; used by Me",
        ),
        (
            "text: String!",
            "text: String! more: Int!",
            "Filter.more is new and required: `Int!`; used by Users",
        ),
        (
            "unused: Int)",
            "unused: Int!)",
            "Query.users(unused:) is now required; used by Users",
        ),
    ] {
        let reported = reported(&[(from, to)]);
        assert_eq!(reported, [format!("breaks: {expected}")], "{from}");
    }
}

#[test]
fn weaker_requirements_and_stronger_guarantees_are_harmless() {
    for (from, to, expected) in [
        (
            "name: String mood",
            "name: String! mood",
            "User.name changed from `String` to `String!`; used by Me",
        ),
        (
            "filter: Filter!",
            "filter: Filter",
            "Query.users(filter:) changed from `Filter!` to `Filter`; used by Users",
        ),
        (
            "text: String!",
            "text: String",
            "Filter.text changed from `String!` to `String`; used by Users",
        ),
        (
            "limit: Int! = 3",
            "limit: Int",
            "Filter.limit changed from `Int!` to `Int`; used by Users",
        ),
        (
            "first: Int = 10",
            "first: Int! = 10",
            "Query.users(first:) changed from `Int` to `Int!`; used by Users",
        ),
        (
            "me: User",
            "me(at: Date): User",
            "Query.me(at:) is new and optional; used by Me",
        ),
        (
            "me: User",
            "me(at: Int! = 1): User",
            "Query.me(at:) is new and optional; used by Me",
        ),
        (
            "text: String!",
            "text: String! more: Int",
            "Filter.more is new and optional; used by Users",
        ),
        (
            "Happy Sad",
            "Happy Sad Mad",
            "Mood.Mad is a new value; used by Me",
        ),
        (
            "name: String mood",
            "name: String @deprecated mood",
            "User.name is now deprecated; used by Me",
        ),
    ] {
        let reported = reported(&[(from, to)]);
        assert_eq!(reported, [format!("harmless: {expected}")], "{from}");
    }
}

#[test]
fn any_other_reason_for_refusing_a_document_breaks() {
    let compare = |new: &str| {
        let old = Document::new("old", "type Query { a(first: Int! = 10): Int }");
        // A nullable variable is valid here only because the argument has a default.
        let operation = Document::new(
            "op.graphql",
            "query Q($first: Int) {\n  a(first: $first)\n}",
        );
        compare(&old, &[operation], &Document::new("new", new)).unwrap()
    };
    assert_eq!(compare("type Query { a(first: Int! = 9): Int }"), []);
    let reported = compare("type Query { a(first: Int!): Int }");
    let [change] = &reported[..] else {
        panic!("{reported:?}");
    };
    assert!(change.breaks);
    assert!(change.what.starts_with("op.graphql:2:"), "{change}");
    assert!(change.how.contains("$first"), "{change}");
}

#[test]
fn changes_that_no_operation_uses_are_not_reported() {
    for (from, to) in [
        ("unused: Unused", "other: Unused"),
        (" unused: Int }", " }"),
        ("type Unused { a: Int }", "type Unused { b: [Date!]! }"),
        ("first: Int = 10, unused: Int", "first: Int = 10"),
        ("User | Robot", "User | Robot | Unused"),
        ("serial: Int!", "serial: Int! name: String"),
    ] {
        assert_eq!(reported(&[(from, to)]), Vec::<String>::new(), "{from}");
    }
}

#[test]
fn root_types_may_have_any_name() {
    let renamed = reported(&[
        (
            "type Query",
            "schema { query: Root mutation: Change } type Root",
        ),
        ("type Mutation", "type Change"),
    ]);
    assert_eq!(renamed, Vec::<String>::new());
}

#[test]
fn a_removed_root_type_breaks_each_of_its_fields() {
    let reported = reported(&[("type Mutation", "type Other")]);
    assert_eq!(
        reported,
        ["breaks: Mutation.rename was removed; used by Rename"]
    );
}

#[test]
fn breaking_changes_are_reported_first_and_each_change_once() {
    let reported = reported(&[
        ("Happy Sad", "Sad Mad"),
        ("{ id: String!", "{ id: String"),
        ("born: Date", "born: Date!"),
    ]);
    assert_eq!(
        reported,
        [
            "breaks: Mood.Happy was removed; used by Me",
            "breaks: User.id changed from `String!` to `String`; used by Me, Rename, Users",
            "harmless: Mood.Mad is a new value; used by Me",
            "harmless: User.born changed from `Date` to `Date!`; used by Me",
        ]
    );
}

#[test]
fn additions_that_no_operation_uses_do_not_change_the_included_schema() {
    let new = SCHEMA
        .replace("type Query {", "type Query { more: Int")
        .replace(
            "  displayName: String\n",
            "  displayName: String\n  more: Int\n",
        );
    assert_ne!(new, SCHEMA);
    let operation = Document::new(
        "op",
        "query Q { activeAppUser { displayName lastLoggedIn } }",
    );
    let old = Document::identityx_schema();
    let new = Document::new("new", introspected(&new));
    assert_eq!(compare(&old, &[operation], &new).unwrap(), []);
}

#[test]
fn an_operation_that_is_not_valid_in_the_old_schema_is_an_error() {
    let old = Document::new("old", OLD);
    let operation = Document::new("op.graphql", "query Q { nope }");
    let error = compare(&old, &[operation], &old).unwrap_err().to_string();
    assert!(error.contains("--> op.graphql:1:11\n"), "{error}");
}

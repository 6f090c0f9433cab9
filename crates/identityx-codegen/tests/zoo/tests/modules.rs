//! The generated modules, compiled with identityx-auth as their only dependency.

use identityx_auth::graphql::GraphQLQuery;
use identityx_auth::{ExposeSecret, SecretString};
use identityx_codegen::{Document, Options, SCHEMA, generate};
use serde_json::{from_value, json, to_value};

use crate::generated::{animals, find_one, tokens};
use crate::zoo;

fn identityx(name: &str, text: &str) -> String {
    let schema = Document::new("identityx.graphql", SCHEMA);
    generate(&schema, &[Document::new(name, text)], &Options::new())
        .unwrap()
        .to_string()
}

#[test]
fn a_request_has_the_operations_name_text_and_variables() {
    let body = animals::Animals::build_query(animals::Variables {
        filter: Some(animals::Filter {
            mood: Some(animals::Mood::NotSoHappy),
            limit: None,
            and: None,
            since: None,
            ids: vec!["7".to_owned()],
            picture: Some(json!({"size": 1})),
            weight: Some(1.5),
        }),
        first: None,
    });
    let sent = to_value(&body).unwrap();
    assert_eq!(sent["operationName"], "Animals");
    let source = include_str!("../operations/animals.graphql");
    assert_eq!(sent["query"], source.trim_end());
    let filter =
        json!({"mood": "NOT_SO_HAPPY", "ids": ["7"], "picture": {"size": 1}, "weight": 1.5});
    assert_eq!(sent["variables"], json!({"filter": filter}));
}

#[test]
fn a_variable_with_a_default_may_be_left_out_and_then_is() {
    let variables = find_one::Variables {
        id: "1".to_owned(),
        mood: None,
    };
    assert_eq!(to_value(&variables).unwrap(), json!({"id": "1"}));
    assert!(find_one::QUERY.contains("$mood: Mood = HAPPY"));
}

#[test]
fn the_operation_name_is_sent_as_the_document_writes_it() {
    let body = find_one::FindOne::build_query(find_one::Variables {
        id: "1".to_owned(),
        mood: None,
    });
    assert_eq!(body.operation_name, "find_one");
}

#[test]
fn an_enum_value_that_is_not_in_the_schema_is_kept() {
    let mood = animals::Mood::Other("SLEEPY".to_owned());
    assert_eq!(to_value(&mood).unwrap(), "SLEEPY");
    assert_eq!(from_value::<animals::Mood>(json!("SLEEPY")).unwrap(), mood);
    let known: animals::Mood = from_value(json!("type")).unwrap();
    assert_eq!(known, animals::Mood::Type);
}

#[test]
fn members_of_an_interface_and_of_a_union_are_distinguished_and_a_new_one_is_not_an_error() {
    let cat = json!({"__typename": "Cat", "id": "1", "name": "Tom", "lives": 9});
    let yak = json!({"__typename": "Yak", "id": "2"});
    let data: animals::ResponseData = from_value(json!({"animals": [cat, yak]})).unwrap();
    let animals::AnimalsAnimals::Cat(tom) = &data.animals[0] else {
        panic!("{data:?}");
    };
    assert_eq!((tom.name.as_str(), tom.lives), ("Tom", 9));
    let animals::AnimalsAnimals::Unknown(yak) = &data.animals[1] else {
        panic!("{data:?}");
    };
    assert_eq!((yak.typename.as_str(), yak.id.as_str()), ("Yak", "2"));
    // What all have is there without a look at the type.
    let ids: Vec<_> = data
        .animals
        .iter()
        .map(|animal| animal.id().as_str())
        .collect();
    assert_eq!(ids, ["1", "2"]);

    let found: find_one::ResponseData =
        from_value(json!({"find": {"__typename": "Cat", "lives": 7}, "picture": [1]})).unwrap();
    assert_eq!(
        found.find,
        Some(find_one::FindOneFind::Cat(find_one::FindOneFindOnCat {
            typename: "Cat".to_owned(),
            lives: 7
        }))
    );
    assert_eq!(found.picture, Some(json!([1])));
}

#[test]
fn null_is_accepted_only_where_the_schema_allows_it() {
    let null: find_one::ResponseData = from_value(json!({"find": null, "picture": null})).unwrap();
    assert_eq!(null.find, None);
    let without_lives = json!({"find": {"__typename": "Cat", "lives": null}, "picture": null});
    assert!(from_value::<find_one::ResponseData>(without_lives).is_err());
}

#[test]
fn the_code_depends_on_no_crate_but_identityx_auth() {
    let operations = [
        Document::new("a", include_str!("../operations/animals.graphql")),
        Document::new("f", include_str!("../operations/find.graphql")),
        Document::new("t", include_str!("../operations/tokens.graphql")),
    ];
    let text = generate(&zoo(), &operations, &Options::new())
        .unwrap()
        .to_string();
    for path in ["serde::", "graphql_client::", "serialize_secret"] {
        let all = text.matches(path).count();
        let qualified = text
            .matches(&format!("::identityx_auth::graphql::{path}"))
            .count();
        assert!(all > 0);
        assert_eq!(all, qualified, "{path}");
    }
    let derives =
        text.matches("serde::Serialize,").count() + text.matches("serde::Deserialize,").count();
    let mapped = text.matches("#[serde(crate = \"::identityx_auth::graphql::serde\")]");
    assert_eq!(mapped.count(), derives, "{text}");
}

#[test]
fn defaults_are_left_to_the_service_and_new_members_are_unknown() {
    let operation = Document::new("a", include_str!("../operations/animals.graphql"));
    let text = generate(&zoo(), &[operation], &Options::new())
        .unwrap()
        .to_string();
    assert!(
        text.contains("pub first: ::std::option::Option<i64>,"),
        "{text}"
    );
    assert!(
        text.contains("    Unknown(AnimalsAnimalsUnknown),"),
        "{text}"
    );
}

#[test]
fn the_runtime_path_is_an_option() {
    let operation = Document::new("find", include_str!("../operations/find.graphql"));
    let options = Options::new().runtime("crate");
    let text = generate(&zoo(), &[operation], &options)
        .unwrap()
        .to_string();
    assert!(
        text.contains("pub picture: ::std::option::Option<crate::graphql::Json>,"),
        "{text}"
    );
    assert!(!text.contains("identityx_auth"), "{text}");
}

#[test]
fn tokens_are_sent_and_received_but_never_printed() {
    let secret = |number: u8| SecretString::from(format!("token-{number}"));
    let variables = tokens::Variables {
        input: tokens::UserLoginMutationInput {
            token: secret(1),
            note: None,
        },
        first: secret(2),
        second: Some(secret(3)),
        note: Some("plain".to_owned()),
    };
    let sent = json!({
        "input": {"token": "token-1"}, "first": "token-2", "second": "token-3", "note": "plain"
    });
    assert_eq!(to_value(&variables).unwrap(), sent);
    let without_second = tokens::Variables {
        second: None,
        ..variables.clone()
    };
    assert_eq!(to_value(without_second).unwrap().get("second"), None);

    let received = json!({
        "createActiveUserApiToken": "token-4",
        "userLogin": {"id": "1", "secret": "token-5", "old": [{"value": "token-6"}]}
    });
    let data: tokens::ResponseData = from_value(received).unwrap();
    let api_token = data.create_active_user_api_token.as_ref().unwrap();
    assert_eq!(api_token.expose_secret(), "token-4");
    let login = data.user_login.as_ref().unwrap();
    assert_eq!(login.secret.expose_secret(), "token-5");
    let old = login.old.as_ref().unwrap();
    assert_eq!(old[0].value.expose_secret(), "token-6");

    let printed = format!("{variables:?} {data:?}");
    assert!(printed.contains("plain"), "{printed}");
    assert!(!printed.contains("token-"), "{printed}");
}

#[test]
fn partial_eq_is_left_out_only_on_the_side_that_holds_a_token() {
    for (operation, variables, response) in [
        ("query Q { activeUser { id } }", true, true),
        ("mutation M { createActiveUserApiToken }", true, false),
        (
            "mutation M($t: String!) { userLogin(input: {token: $t}) { user { id } } }",
            false,
            true,
        ),
        (
            "mutation M($i: UserLoginMutationInput!) { userLogin(input: $i) { ...A } }
             fragment A on UserAuthentication { token { value } }",
            false,
            false,
        ),
    ] {
        let text = identityx("secret.graphql", operation);
        let is_compared = |derive| {
            let derive = format!("#[derive(::identityx_auth::graphql::serde::{derive}, ");
            let derives = text.lines().filter(|line| line.starts_with(&derive));
            let derives: Vec<_> = derives.collect();
            assert!(!derives.is_empty(), "{text}");
            derives.iter().all(|line| line.contains("PartialEq"))
        };
        assert_eq!(
            (is_compared("Serialize"), is_compared("Deserialize")),
            (variables, response),
            "{text}"
        );
        let has_secrets = text.contains("SecretString");
        assert_eq!(has_secrets, !(variables && response), "{text}");
    }
}

#[test]
fn a_comparison_of_tokens_that_is_asked_for_by_path_is_left_out() {
    let options = Options::new().response_derives("std::cmp::PartialEq, Clone, ");
    let operation = Document::new("m", "mutation M { createActiveUserApiToken }");
    let text = generate(&Document::identityx_schema(), &[operation], &options)
        .unwrap()
        .to_string();
    assert!(text.contains("serde::Deserialize, Clone)]"), "{text}");
}

#[test]
fn the_order_of_the_operations_does_not_matter() {
    let one = Document::new("a", include_str!("../operations/animals.graphql"));
    let two = Document::new("f", include_str!("../operations/find.graphql"));
    let text = |operations: &[Document]| {
        generate(&zoo(), operations, &Options::new())
            .unwrap()
            .to_string()
    };
    assert_eq!(text(&[one.clone(), two.clone()]), text(&[two, one]));
}

#[test]
fn each_operation_of_a_file_has_its_own_module() {
    let two = Document::new(
        "two",
        "query One { find(id: 1) { __typename } } query Two { picture(id: 2) }",
    );
    let files = generate(&zoo(), &[two], &Options::new()).unwrap().files();
    let paths: Vec<_> = files
        .iter()
        .map(|(path, _)| path.to_string_lossy().replace('\\', "/"))
        .collect();
    assert_eq!(
        paths,
        ["generated.rs", "generated/one.rs", "generated/two.rs"]
    );
    for (_, text) in &files {
        assert!(text.starts_with("// @generated"), "{text}");
    }
}

#[test]
fn every_scalar_of_identityx_has_the_type_of_that_name() {
    let schema = "scalar Date scalar JSON scalar JSONObject scalar ObjectID
        type Query { d: Date j: JSON o: JSONObject i: ObjectID }";
    let schema = Document::new("scalars", schema);
    let operation = Document::new("q", "query Q { d j o i }");
    let generated = generate(&schema, &[operation], &Options::new()).unwrap();
    assert!(generated.warnings().is_empty());
    let text = generated.to_string();
    for (field, name) in [
        ("d", "Date"),
        ("j", "Json"),
        ("o", "JsonObject"),
        ("i", "ObjectId"),
    ] {
        let ty = format!("pub {field}: ::std::option::Option<::identityx_auth::graphql::{name}>,");
        assert!(text.contains(&ty), "{text}");
    }
}

#[test]
fn windows_line_endings_generate_the_same() {
    let text = include_str!("../operations/find.graphql");
    let windows = Document::new("find", text.replace('\n', "\r\n"));
    let here = Document::new("find", text);
    let text = |operation| {
        generate(&zoo(), &[operation], &Options::new())
            .unwrap()
            .to_string()
    };
    assert_eq!(text(windows), text(here));
}

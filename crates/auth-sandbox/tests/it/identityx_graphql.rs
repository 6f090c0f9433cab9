//! IdentityX: what a query says beside its fields is executed as GraphQL's specification has it.

use auth_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::caller::identityx::IdentityXCaller;
use crate::caller::read;

#[tokio::test]
async fn fields_are_put_together_from_fragments_aliases_and_conditions() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let session = format!("OrgUser {}", caller.org_session().await);
    let id = |data: &Value| data["activeUser"]["id"].clone();
    let user = caller
        .authorized(&session, "{ activeUser { id email givenName } }")
        .await;
    let (id, email) = (id(user.data()), user.data()["activeUser"]["email"].clone());
    for (query, data) in [
        (
            "{ a: ping b: ping ping }",
            json!({ "a": "pong", "b": "pong", "ping": "pong" }),
        ),
        ("{ ping ping }", json!({ "ping": "pong" })),
        ("{ __typename }", json!({ "__typename": "Query" })),
        (
            "mutation { kind: __typename }",
            json!({ "kind": "Mutation" }),
        ),
        (
            "{ activeUser { id } activeUser { email } ...Kind } \
             fragment Kind on Query { activeUser { ... on User { __typename id } } }",
            json!({ "activeUser": { "id": id, "email": email, "__typename": "User" } }),
        ),
        ("{ ... { ping } }", json!({ "ping": "pong" })),
        (
            "{ ping @skip(if: true) a: ping @skip(if: false) }",
            json!({ "a": "pong" }),
        ),
        (
            "{ ping @include(if: true) a: ping @include(if: false) }",
            json!({ "ping": "pong" }),
        ),
        (
            "{ ... @skip(if: true) { ping } a: ping }",
            json!({ "a": "pong" }),
        ),
        (
            "query($x: Boolean! = true) { ping @skip(if: $x) a: ping }",
            json!({ "a": "pong" }),
        ),
        (
            "{ __type(name: \"Nobody\") { name } }",
            json!({ "__type": null }),
        ),
        (
            "query($name: String! = \"User\") { __type(name: $name) { kind fields { type { ofType { \
             name enumValues { name } } } } } }",
            json!({ "__type": { "kind": "OBJECT", "fields": [
                { "type": { "ofType": { "name": "String", "enumValues": null } } },
                { "type": { "ofType": { "name": "String", "enumValues": null } } },
                { "type": { "ofType": null } },
                { "type": { "ofType": null } },
                { "type": { "ofType": null } },
            ] } }),
        ),
    ] {
        let reply = caller.authorized(&session, query).await;
        assert_eq!(reply.data(), &data, "{query}");
    }
}

#[tokio::test]
async fn a_mistake_in_a_query_is_told_as_graphql_js_tells_it() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    for (query, message) in [
        ("{ pong }", "Cannot query field \"pong\" on type \"Query\"."),
        (
            "{ __nothing }",
            "Cannot query field \"__nothing\" on type \"Query\".",
        ),
        (
            "mutation { ... { __schema { types { name } } } }",
            "Cannot query field \"__schema\" on type \"Mutation\".",
        ),
        (
            "{ ...Mine } fragment Mine on Query { activeUser { __schema { types { name } } } }",
            "Cannot query field \"__schema\" on type \"User\".",
        ),
        (
            "query A { ping } query A { ping }",
            "There can be only one operation named \"A\".",
        ),
        (
            "query A { ping } { ping }",
            "This anonymous operation must be the only defined operation.",
        ),
        (
            "query($x: Boolean) { ping @skip(if: $x) }",
            "Variable \"$x\" of type \"Boolean\" used in position expecting type \"Boolean!\".",
        ),
        (
            "subscription { ping }",
            "Schema is not configured to execute subscription operation.",
        ),
    ] {
        let reply = caller.send(query, Value::Null).await;
        assert_eq!(reply.status, 400, "{query}");
        let error = &reply.body["errors"][0];
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(error["message"], message);
    }
}

#[tokio::test]
async fn a_value_in_a_query_is_checked_like_one_in_a_variable() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let email = identityx.app_user().email;
    let send = |context: &str| {
        let query = format!(
            "mutation($page: String!) {{ sendAppUserLoginLink(input: {{ email: \"{email}\", \
             authUrl: $page, additionalContext: {context} }}) }}"
        );
        let body = json!({ "query": query, "variables": { "page": "https://a.test/in" } });
        let request = caller.bare().header("x-app-id", identityx.application_id());
        read(request.json(&body))
    };
    for wrong in ["5", "[1]", "\"text\""] {
        let reply = send(wrong).await;
        assert_eq!(reply.body["data"], json!({ "sendAppUserLoginLink": null }));
        let message = reply.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("Expected type JSONObject"), "{message}");
    }
    assert_eq!(sandbox.inbox(email).count(), 0);
    send("{ plan: [1, 2.5, true, null, \"x\"] }").await.data();
    assert_eq!(sandbox.inbox(email).count(), 1);
}

#[tokio::test]
async fn fragments_that_double_with_each_level_take_no_longer_than_others() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let levels = (0..40).map(|level| {
        let next = level + 1;
        format!("fragment F{level} on Query {{ ...F{next} ...F{next} }} ")
    });
    let query = levels.collect::<String>() + "fragment F40 on Query { ping } { ...F0 }";
    let reply = caller.send(&query, Value::Null).await;
    assert_eq!(reply.data(), &json!({ "ping": "pong" }));
}

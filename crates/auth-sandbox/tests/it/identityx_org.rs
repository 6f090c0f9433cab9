//! IdentityX: organisations, applications, data beside errors, introspection and names in the log.

use auth_sandbox::{Fault, IdentityXApplication, IdentityXOrgUser, IdentityXOrganization, Sandbox};
use serde_json::{Value, json};

use crate::caller::identityx::{
    ACTIVE_USER, APPLICATIONS, IdentityXCaller, ORGANIZATIONS, SEND_ORG_LINK, text,
};
use crate::caller::read;

const NEW: &str = "5f0c1d2e3a4b5c6d7e8f9aee";

#[tokio::test]
async fn the_administrators_organisations_come_with_their_roles() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    identityx.add_organization(IdentityXOrganization::new(NEW, "New Media"));
    identityx.add_org_user(
        IdentityXOrgUser::new("Bea@New.test")
            .name("Bea", "New")
            .photo_url("https://a.test/bea.png")
            .member_of(identityx.organization_id(), "Guest")
            .member_of(NEW, "Auditor"),
    );
    let session = identityx.mint_org_user_session("bea@new.test");
    let authorization = format!("OrgUser {session}");
    let reply = caller.authorized(&authorization, ORGANIZATIONS).await;
    let list = &reply.data()["userOrganizations"];
    let expected = json!([
        {
            "id": list[0]["id"], "role": "Guest",
            "organization": { "id": identityx.organization_id(), "name": "Sandbox Media" },
        },
        // A role that the schema does not have.
        {
            "id": list[1]["id"], "role": "Auditor",
            "organization": { "id": NEW, "name": "New Media" },
        },
    ]);
    assert_eq!(list, &expected);
    assert_ne!(list[0]["id"], list[1]["id"]);
    let query = "query($input: UserOrganizationsQueryInput = {}) { \
                 userOrganizations(input: $input) { role } }";
    let reply = caller.authorized(&authorization, query).await;
    assert_eq!(reply.data()["userOrganizations"][1]["role"], "Auditor");
    let reply = caller.authorized(&authorization, ACTIVE_USER).await;
    let user = &reply.data()["activeUser"];
    let names = json!([
        user["email"],
        user["givenName"],
        user["familyName"],
        user["photoURL"]
    ]);
    assert_eq!(
        names,
        json!(["bea@new.test", "Bea", "New", "https://a.test/bea.png"])
    );
}

#[tokio::test]
async fn the_applications_are_those_of_the_organisation_in_the_header() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let (own, other) = (
        identityx.organization_id(),
        identityx.other_organization_id(),
    );
    identityx.add_application(IdentityXApplication::new(NEW, "Foreign").organization(other));
    let session = format!("OrgUser {}", caller.org_session().await);
    let reply = caller.applications(&session, own).await;
    let expected = json!([
        {
            "id": identityx.application_id(), "name": "Sandbox Daily",
            "description": "The daily paper",
        },
        { "id": identityx.other_application_id(), "name": "Sandbox Weekly", "description": null },
    ]);
    assert_eq!(reply.data()["organizationApplications"], expected);

    let oscar = identityx.mint_org_user_session(identityx.other_org_user().email);
    let reply = caller
        .applications(&format!("OrgUser {oscar}"), other)
        .await;
    assert_eq!(reply.data()["organizationApplications"][0]["id"], NEW);
}

#[tokio::test]
async fn an_administrator_who_is_no_member_has_no_permission() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let own = identityx.organization_id();
    let session = format!("OrgUser {}", caller.org_session().await);
    let message = "You do not have permission to access this resource.";
    let code = json!({ "code": "UNAUTHORIZED" });
    let field = "organizationApplications";
    let reply = caller
        .applications(&session, identityx.other_organization_id())
        .await;
    reply.assert_graphql(field, false, message, &code);
    identityx.deny_organization(own, true);
    let reply = caller.applications(&session, own).await;
    reply.assert_graphql(field, false, message, &code);
    identityx.deny_organization(own, false);
    caller.applications(&session, own).await.data();

    let message = "Unable to find an organization for this request.";
    for reply in [
        caller.authorized(&session, APPLICATIONS).await,
        caller.applications(&session, NEW).await,
        caller.applications(&session, "nonsense").await,
    ] {
        reply.assert_graphql(field, false, message, &json!({ "code": "BAD_USER_INPUT" }));
    }
}

#[tokio::test]
async fn a_removed_organisation_is_null_in_the_list_beside_an_error() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    identityx.add_organization(IdentityXOrganization::new(NEW, "Short-lived"));
    let user = IdentityXOrgUser::new("bea@new.test");
    let user = user.member_of(NEW, "Owner");
    identityx.add_org_user(user.member_of(identityx.organization_id(), "Member"));
    identityx.remove_organization(NEW);
    let session = identityx.mint_org_user_session("bea@new.test");
    let reply = caller
        .authorized(&format!("OrgUser {session}"), ORGANIZATIONS)
        .await;
    assert_eq!(reply.status, 200);
    let list = reply.body["data"]["userOrganizations"].as_array().unwrap();
    assert_eq!((list.len(), &list[0]), (2, &Value::Null));
    assert_eq!(list[1]["role"], "Member");
    let errors = reply.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0]["path"],
        json!(["userOrganizations", 0, "organization"])
    );
    assert_eq!(errors[0]["extensions"]["exception"]["statusCode"], 404);
}

#[tokio::test]
async fn a_nullable_field_that_fails_leaves_the_other_fields_intact() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let session = format!("OrgUser {}", caller.org_session().await);
    let query = "{ ping activeAppUser { id } activeUser { id } }";
    let reply = caller.authorized(&session, query).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["data"]["ping"], "pong");
    assert_eq!(reply.body["data"]["activeAppUser"], Value::Null);
    assert!(reply.body["data"]["activeUser"]["id"].is_string());
    assert_eq!(reply.body["errors"][0]["path"], json!(["activeAppUser"]));
}

#[tokio::test]
async fn a_test_can_have_an_error_beside_the_data() {
    let sandbox = Sandbox::start().unwrap();
    let (identityx, caller) = (sandbox.identityx(), IdentityXCaller::new(&sandbox));
    let session = format!("OrgUser {}", caller.org_session().await);
    identityx.error_beside_data(true);
    let reply = caller.authorized(&session, ACTIVE_USER).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body["data"]["activeUser"]["id"].is_string());
    let error = &reply.body["errors"][0];
    assert_eq!(
        error["extensions"],
        json!({ "code": "INTERNAL_SERVER_ERROR" })
    );
    assert!(reply.hint.is_some());
    let reply = caller.authorized("OrgUser garbage", ACTIVE_USER).await;
    assert_eq!(reply.body["errors"].as_array().unwrap().len(), 1);
    identityx.error_beside_data(false);
    caller.authorized(&session, ACTIVE_USER).await.data();
}

#[tokio::test]
async fn executed_answers_carry_extensions() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    for query in ["{ ping }", "mutation { ping }", ACTIVE_USER] {
        let reply = caller.send(query, Value::Null).await;
        assert!(reply.body["extensions"].is_object());
    }
    let refused = caller.send("{ pong }", Value::Null).await;
    assert_eq!(refused.body.get("extensions"), None);
}

/// The query that tools send, with all fields that newer tools ask for.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name } \
    mutationType { name } subscriptionType { name } types { ...FullType } directives { name \
    description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } } \
    fragment FullType on __Type { kind name description specifiedByURL isOneOf \
    fields(includeDeprecated: true) { name description args(includeDeprecated: true) { \
    ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } \
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } \
    possibleTypes { ...TypeRef } } fragment InputValue on __InputValue { name description type { \
    ...TypeRef } defaultValue isDeprecated deprecationReason } fragment TypeRef on __Type { kind name \
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name } } } } } } } }";

#[tokio::test]
async fn introspection_returns_the_schema() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let reply = caller.send(INTROSPECTION, Value::Null).await;
    let schema = &reply.data()["__schema"];
    assert_eq!(schema["queryType"]["name"], "Query");
    assert_eq!(schema["mutationType"]["name"], "Mutation");
    let types = schema["types"].as_array().unwrap();
    let find = |name: &str| types.iter().find(|ty| ty["name"] == name).unwrap();
    let names = |list: &Value| {
        let list = list.as_array().unwrap();
        let names = list.iter().map(|each| each["name"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    let roles = "Owner Administrator Member Guest";
    assert_eq!(names(&find("OrganizationRole")["enumValues"]), roles);
    for scalar in ["Date", "ObjectID", "JSON", "JSONObject"] {
        assert_eq!(find(scalar)["kind"], "SCALAR");
    }
    let fields_of = |list: &Value| {
        let each = list.as_array().unwrap().iter();
        let each = each.map(|each| format!("{}: {}", text(&each["name"]), written(&each["type"])));
        each.collect::<Vec<_>>().join(" ")
    };
    let authentication = "additionalContext: JSONObject loginSource: String \
                          token: AppUserAuthToken! user: AppUser!";
    let fields = &find("AppUserAuthentication")["fields"];
    assert_eq!(fields_of(fields), authentication);
    let app_user = "id: String! email: String! domain: String! name: String givenName: String \
                    familyName: String displayName: String verified: Boolean lastLoggedIn: Date \
                    createdAt: Date updatedAt: Date";
    assert_eq!(fields_of(&find("AppUser")["fields"]), app_user);
    let membership = "id: String! role: OrganizationRole! organization: Organization!";
    assert_eq!(
        fields_of(&find("OrganizationMembership")["fields"]),
        membership
    );
    let queries = "ping: String! activeAppUser: AppUser activeUser: User! \
                   userOrganizations: [OrganizationMembership]! organizationApplications: [Application]!";
    assert_eq!(fields_of(&find("Query")["fields"]), queries);
    let mutations = "ping: String! sendAppUserLoginLink: String \
                     loginAppUser: AppUserAuthentication! logoutAppUser: String! \
                     createAppUser: AppUser! sendUserLoginLink: String \
                     userLogin: UserAuthentication! userLogout: String! \
                     createActiveUserApiToken: String!";
    assert_eq!(fields_of(&find("Mutation")["fields"]), mutations);
    let inputs = "email: String! authUrl: String! redirectTo: String source: String \
                  additionalContext: JSONObject appContextId: String fields: JSON";
    let input = find("SendAppUserLoginLinkMutationInput");
    assert_eq!(fields_of(&input["inputFields"]), inputs);
    sandbox.log().assert_count("identityx.introspect", 1);
}

/// A type as a schema writes it.
fn written(ty: &Value) -> String {
    match ty["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&ty["ofType"])),
        "LIST" => format!("[{}]", written(&ty["ofType"])),
        _ => text(&ty["name"]),
    }
}

#[tokio::test]
async fn a_request_and_its_faults_are_named_after_the_root_field() {
    let sandbox = Sandbox::start().unwrap();
    let caller = IdentityXCaller::new(&sandbox);
    let two = "query A { ping } query B { activeUser { id } }";
    let by_query = [
        ("{ ping }", "ping"),
        ("mutation { ping }", "ping"),
        ("query A { alias: activeUser { id } }", "active_org_user"),
        ("{ __typename activeAppUser { id } }", "active_app_user"),
        (SEND_ORG_LINK, "send_org_user_login_link"),
        (
            "mutation { sendAppUserLoginLink }",
            "send_app_user_login_link",
        ),
        ("mutation { loginAppUser }", "log_in_app_user"),
        ("mutation { logoutAppUser }", "log_out_app_user"),
        ("mutation { createAppUser }", "create_app_user"),
        ("mutation { userLogin }", "log_in_org_user"),
        ("mutation { userLogout }", "log_out_org_user"),
        ("mutation { createActiveUserApiToken }", "create_api_token"),
        (ORGANIZATIONS, "organizations"),
        (APPLICATIONS, "applications"),
        ("{ __schema { types { name } } }", "introspect"),
        ("{ __type(name: \"User\") { name } }", "introspect"),
        (two, "other"),
        ("{ ping activeUser { id } }", "other"),
        ("{ ...Fields } fragment Fields on Query { ping }", "other"),
        ("{ userLogin }", "other"),
        ("mutation { activeUser { id } }", "other"),
        ("{ nothing }", "other"),
        ("{ __typename }", "other"),
        ("{", "other"),
    ];
    let by_query = by_query.map(|(query, operation)| (json!({ "query": query }), operation));
    let by_body = [
        (
            json!({ "query": two, "operationName": "B" }),
            "active_org_user",
        ),
        (
            json!({ "query": "query A { ping }", "operationName": "B" }),
            "other",
        ),
        (json!({ "query": 5 }), "other"),
        (json!([]), "other"),
    ];
    for (body, operation) in by_query.into_iter().chain(by_body) {
        sandbox.log().clear();
        let operation = format!("identityx.{operation}");
        sandbox.fault(Fault::status(503).on(&operation));
        let reply = read(caller.bare().json(&body)).await;
        assert_eq!((reply.status, sandbox.pending_faults()), (503, 0), "{body}");
        let entries = sandbox.log().entries();
        assert_eq!(entries[0].operation(), operation, "{body}");
        sandbox.log().assert_count(&operation, 1);
    }
}

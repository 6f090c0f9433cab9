//! The query text: which operation it is, for the log and the faults.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, Selection,
};
use async_graphql::{Name, Positioned};
use serde_json::Value;

const OTHER: &str = "identityx.other";

/// The operation of a request with this body: by its one root field, whatever its alias.
pub(super) fn operation(body: &[u8]) -> &'static str {
    named(body).unwrap_or(OTHER)
}

fn named(body: &[u8]) -> Option<&'static str> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let document = parse_query(body.get("query")?.as_str()?).ok()?;
    let operation = chosen(&document, body.get("operationName").and_then(Value::as_str))?;
    let mut fields = Vec::new();
    for selection in &operation.node.selection_set.node.items {
        match &selection.node {
            Selection::Field(field) => fields.push(field.node.name.node.as_str()),
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => return None,
        }
    }
    // Clients put it beside what they want.
    fields.retain(|field| *field != "__typename");
    match fields[..] {
        [field] => of_root_field(operation.node.ty, field),
        _ => None,
    }
}

/// The operation of a document that this name chooses: the only one without a name.
pub(super) fn chosen<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<&'d Positioned<OperationDefinition>> {
    let mut operations = document.operations.iter();
    match name {
        None if operations.len() == 1 => operations.next().map(|(_, operation)| operation),
        None => None,
        Some(_) => operations
            .find(|(own, _)| own.map(Name::as_str) == name)
            .map(|(_, operation)| operation),
    }
}

fn of_root_field(ty: OperationType, field: &str) -> Option<&'static str> {
    Some(match (ty, field) {
        (OperationType::Mutation, "sendAppUserLoginLink") => "identityx.send_app_user_login_link",
        (OperationType::Mutation, "loginAppUser") => "identityx.log_in_app_user",
        (OperationType::Mutation, "logoutAppUser") => "identityx.log_out_app_user",
        (OperationType::Query, "activeAppUser") => "identityx.active_app_user",
        (OperationType::Mutation, "createAppUser") => "identityx.create_app_user",
        (OperationType::Mutation, "sendUserLoginLink") => "identityx.send_org_user_login_link",
        (OperationType::Mutation, "userLogin") => "identityx.log_in_org_user",
        (OperationType::Mutation, "userLogout") => "identityx.log_out_org_user",
        (OperationType::Mutation, "createActiveUserApiToken") => "identityx.create_api_token",
        (OperationType::Query, "activeUser") => "identityx.active_org_user",
        (OperationType::Query, "userOrganizations") => "identityx.organizations",
        (OperationType::Query, "organizationApplications") => "identityx.applications",
        (OperationType::Query | OperationType::Mutation, "ping") => "identityx.ping",
        (OperationType::Query, "__schema" | "__type") => "identityx.introspect",
        _ => return None,
    })
}

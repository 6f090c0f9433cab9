//! The query text: its root field, from which the log and the faults take the operation.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection};
use async_graphql::{Name, Positioned};
use serde_json::Value;

/// The one root field of a query with its kind, as in `mutation userLogin`. An alias is no part of
/// it. `None` if there are several fields.
pub(super) fn root_field(body: &[u8]) -> Option<String> {
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
    // Clients add it to the fields that they want.
    fields.retain(|field| *field != "__typename");
    match fields[..] {
        [field] => Some(format!("{} {field}", operation.node.ty)),
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

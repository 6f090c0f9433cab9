//! The query text: its root field, from which the log and the faults take the operation.

use graphql_tools::parser::{Pos, parse_query};
use graphql_tools::static_graphql::query::{
    Definition, Document, Field, OperationDefinition, Selection, SelectionSet, TypeCondition,
};
use graphql_tools::static_graphql::schema::{Document as Schema, ObjectType};
use serde_json::Value;

/// The document, or where it is no GraphQL. Not the parser's message, which quotes the query.
pub(super) fn parse(query: &str) -> Result<Document, Pos> {
    let document = parse_query(query).map_err(|error| error.0.position)?;
    Ok(document.into_static())
}

/// The one root field of a query with its kind, as in `mutation userLogin`. An alias is no part of
/// it. `None` if there are several fields.
pub(super) fn root_field(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let document = parse(body.get("query")?.as_str()?).ok()?;
    let operation = chosen(&document, body.get("operationName").and_then(Value::as_str))?;
    let mut fields = Vec::new();
    for selection in &operation.selection_set().items {
        match selection {
            Selection::Field(field) => fields.push(field.name.as_str()),
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => return None,
        }
    }
    // Clients add it to the fields that they want.
    fields.retain(|field| *field != "__typename");
    match fields[..] {
        [field] => Some(format!("{} {field}", kind(operation))),
        _ => None,
    }
}

/// The operation of a document that this name chooses: the only one without a name.
pub(super) fn chosen<'d>(
    document: &'d Document,
    name: Option<&str>,
) -> Option<&'d OperationDefinition> {
    let all = document.definitions.iter();
    let mut operations = all.filter_map(|definition| match definition {
        Definition::Operation(operation) => Some(operation),
        Definition::Fragment(_) => None,
    });
    if name.is_some() {
        return operations.find(|operation| self::name(operation) == name);
    }
    let only = operations.next();
    only.filter(|_| operations.next().is_none())
}

/// A field that its type does not have. The library takes each that begins with `__` for known.
pub(super) fn unknown_field<'d>(
    document: &'d Document,
    schema: &'d Schema,
) -> Option<(&'d Field, &'d str)> {
    document.definitions.iter().find_map(|definition| {
        let (ty, set) = match definition {
            Definition::Operation(it) => (root(it, schema)?.name.as_str(), it.selection_set()),
            Definition::Fragment(it) => {
                let TypeCondition::On(ty) = &it.type_condition;
                (ty.as_str(), &it.selection_set)
            }
        };
        unknown_in(ty, set, schema)
    })
}

fn unknown_in<'d>(
    ty: &'d str,
    set: &'d SelectionSet,
    schema: &'d Schema,
) -> Option<(&'d Field, &'d str)> {
    let definition = schema.type_by_name(ty)?;
    set.items.iter().find_map(|selection| match selection {
        Selection::Field(field) if field.name == "__typename" => None,
        Selection::Field(field) => match definition.field_by_name(&field.name) {
            None => Some((field, ty)),
            Some(it) => unknown_in(it.field_type.inner_type(), &field.selection_set, schema),
        },
        Selection::InlineFragment(it) => {
            let condition = it.type_condition.as_ref();
            let ty = condition.map_or(ty, |TypeCondition::On(ty)| ty);
            unknown_in(ty, &it.selection_set, schema)
        }
        Selection::FragmentSpread(_) => None,
    })
}

/// The type whose fields an operation selects. `None`: the schema has no such operations.
pub(super) fn root<'s>(
    operation: &OperationDefinition,
    schema: &'s Schema,
) -> Option<&'s ObjectType> {
    match kind(operation) {
        "query" => Some(schema.query_type()),
        "mutation" => schema.mutation_type(),
        _ => None,
    }
}

/// As a query writes it.
fn kind(operation: &OperationDefinition) -> &'static str {
    match operation {
        OperationDefinition::Query(_) | OperationDefinition::SelectionSet(_) => "query",
        OperationDefinition::Mutation(_) => "mutation",
        OperationDefinition::Subscription(_) => "subscription",
    }
}

fn name(operation: &OperationDefinition) -> Option<&str> {
    match operation {
        OperationDefinition::Query(it) => it.name.as_deref(),
        OperationDefinition::Mutation(it) => it.name.as_deref(),
        OperationDefinition::Subscription(it) => it.name.as_deref(),
        OperationDefinition::SelectionSet(_) => None,
    }
}

//! The schema as a service tells it to tools.

use std::sync::LazyLock;

use graphql_tools::static_graphql::schema::{
    Definition, DirectiveLocation, Field, InputValue, Type, TypeDefinition,
};
use serde_json::{Map, Value, json};

use super::schema::SCHEMA;

/// The types by their names.
static TYPES: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let all = SCHEMA.definitions.iter();
    let types = all.filter_map(|definition| match definition {
        Definition::TypeDefinition(ty) => Some((ty.name().to_owned(), describe(ty))),
        _ => None,
    });
    types.collect()
});

/// What `__schema` returns.
pub(super) fn schema() -> Value {
    let all = SCHEMA.definitions.iter();
    let directives = all.filter_map(|definition| match definition {
        Definition::DirectiveDefinition(it) => Some(json!({
            "name": it.name,
            "description": it.description,
            "isRepeatable": it.repeatable,
            "locations": it.locations.iter().map(DirectiveLocation::as_str).collect::<Vec<_>>(),
            "args": inputs(&it.arguments),
        })),
        _ => None,
    });
    json!({
        "types": TYPES.values().collect::<Vec<_>>(),
        "queryType": { "name": "Query" },
        "mutationType": { "name": "Mutation" },
        "directives": directives.collect::<Vec<_>>(),
    })
}

/// What `__type` returns. Inside of others, a type is its name alone.
pub(super) fn named(name: &str) -> Value {
    TYPES.get(name).cloned().unwrap_or_default()
}

fn describe(ty: &TypeDefinition) -> Value {
    let (kind, description, more) = match ty {
        TypeDefinition::Scalar(it) => ("SCALAR", &it.description, json!({})),
        TypeDefinition::Object(it) => {
            let fields = it.fields.iter().filter(|it| !it.name.starts_with("__"));
            let fields: Vec<_> = fields.map(field).collect();
            (
                "OBJECT",
                &it.description,
                json!({ "fields": fields, "interfaces": [] }),
            )
        }
        TypeDefinition::Enum(it) => {
            let values = it.values.iter().map(|it| {
                json!({ "name": it.name, "description": it.description, "isDeprecated": false })
            });
            let values: Vec<_> = values.collect();
            ("ENUM", &it.description, json!({ "enumValues": values }))
        }
        TypeDefinition::InputObject(it) => {
            let more = json!({ "inputFields": inputs(&it.fields), "isOneOf": false });
            ("INPUT_OBJECT", &it.description, more)
        }
        TypeDefinition::Interface(it) => ("INTERFACE", &it.description, json!({})),
        TypeDefinition::Union(it) => ("UNION", &it.description, json!({})),
    };
    let mut all = more;
    (all["kind"], all["name"]) = (kind.into(), ty.name().into());
    all["description"] = json!(description);
    all
}

fn field(field: &Field) -> Value {
    json!({
        "name": field.name,
        "description": field.description,
        "args": inputs(&field.arguments),
        "type": reference(&field.field_type),
        "isDeprecated": false,
    })
}

fn inputs(inputs: &[InputValue]) -> Value {
    let inputs = inputs.iter().map(|input| {
        json!({
            "name": input.name,
            "description": input.description,
            "type": reference(&input.value_type),
            "defaultValue": input.default_value.as_ref().map(ToString::to_string),
            "isDeprecated": false,
        })
    });
    inputs.collect()
}

fn reference(ty: &Type) -> Value {
    match ty {
        Type::NamedType(name) => json!({ "name": name }),
        Type::ListType(item) => json!({ "kind": "LIST", "ofType": reference(item) }),
        Type::NonNullType(inner) => json!({ "kind": "NON_NULL", "ofType": reference(inner) }),
    }
}

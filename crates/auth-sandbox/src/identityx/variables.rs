//! Whether the variables are what the query says that they are.
//!
//! The executor does it too, but as a part of the validation, and the vendor answers the two
//! differently.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::Pos;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, OperationDefinition, Type, TypeKind, TypeSystemDefinition,
};
use serde_json::{Map, Value};

use super::schema::SCHEMA;

/// The fields of an input type.
type Fields = Vec<(String, Type)>;

/// The input types by their name, out of the schema itself.
static INPUTS: LazyLock<HashMap<String, Fields>> = LazyLock::new(|| {
    let document = parse_schema(SCHEMA.sdl());
    let definitions = document.map_or_else(|_| Vec::new(), |document| document.definitions);
    let inputs = definitions.into_iter().filter_map(|definition| {
        let TypeSystemDefinition::Type(definition) = definition else {
            return None;
        };
        let TypeKind::InputObject(input) = definition.node.kind else {
            return None;
        };
        let fields = input.fields.into_iter().map(|field| {
            let field = field.node;
            (field.name.node.to_string(), field.ty.node)
        });
        Some((definition.node.name.node.to_string(), fields.collect()))
    });
    inputs.collect()
});

/// What is wrong with the variables, and where the query declares the one that is wrong.
///
/// Decision: what follows the variable's name, and that the value is repeated. Both are as in
/// graphql-js.
pub(super) fn check(
    operation: &OperationDefinition,
    sent: &Map<String, Value>,
) -> Result<(), (String, Pos)> {
    for definition in &operation.variable_definitions {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        let has_default = definition.node.default_value.is_some();
        let problem = match sent.get(name.as_str()) {
            None if has_default || ty.nullable => None,
            None => Some(format!("of required type \"{ty}\" was not provided.")),
            Some(Value::Null) if !ty.nullable => {
                Some(format!("of non-null type \"{ty}\" must not be null."))
            }
            Some(value) => check_value(ty, value)
                .err()
                .map(|why| format!("got invalid value {value}; {why}")),
        };
        if let Some(problem) = problem {
            return Err((format!("Variable \"${name}\" {problem}"), definition.pos));
        }
    }
    Ok(())
}

fn check_value(ty: &Type, value: &Value) -> Result<(), String> {
    if value.is_null() {
        return if ty.nullable {
            Ok(())
        } else {
            Err(format!("Expected type {ty} not to be null."))
        };
    }
    let name = match &ty.base {
        BaseType::List(inner) => {
            return match value {
                Value::Array(items) => items.iter().try_for_each(|item| check_value(inner, item)),
                // One item stands for a list of one.
                one => check_value(inner, one),
            };
        }
        BaseType::Named(name) => name.as_str(),
    };
    if let Some(fields) = INPUTS.get(name) {
        return check_fields(name, fields, value);
    }
    let fits = match name {
        "String" | "ObjectID" => value.is_string(),
        "ID" => value.is_string() || value.is_i64() || value.is_u64(),
        "Int" => value.as_i64().is_some_and(|int| i32::try_from(int).is_ok()),
        "Float" | "Date" => value.is_number(),
        "Boolean" => value.is_boolean(),
        "JSONObject" => value.is_object(),
        // JSON is anything, and all other names did not pass the validation.
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("Expected type {name}."))
    }
}

fn check_fields(name: &str, fields: &Fields, value: &Value) -> Result<(), String> {
    let Value::Object(sent) = value else {
        return Err(format!("Expected type {name} to be an object."));
    };
    for (field, ty) in fields {
        match sent.get(field) {
            None if ty.nullable => {}
            None => {
                return Err(format!(
                    "Field \"{field}\" of required type \"{ty}\" was not provided."
                ));
            }
            Some(value) => check_value(ty, value).map_err(|why| format!("{why} At {field}."))?,
        }
    }
    let known = |field: &String| fields.iter().any(|(known, _)| known == field);
    match sent.keys().find(|field| !known(field)) {
        None => Ok(()),
        Some(unknown) => Err(format!(
            "Field \"{unknown}\" is not defined by type \"{name}\"."
        )),
    }
}

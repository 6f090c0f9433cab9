//! Whether values are what the schema wants: those of the variables, and what stands in the query in the
//! place of a scalar that only the vendor knows.

use graphql_tools::parser::Pos;
use graphql_tools::static_graphql::query::{OperationDefinition, Type, Value as Literal};
use graphql_tools::static_graphql::schema::{InputValue, TypeDefinition};
use serde_json::{Map, Value};

use super::schema::SCHEMA;

/// The variables with their defaults. Otherwise what is wrong with one, and where the query declares
/// it.
///
/// Decision: what follows the variable's name, and that the value is repeated. Both are as in
/// graphql-js.
pub(super) fn check(
    operation: &OperationDefinition,
    sent: &Map<String, Value>,
) -> Result<Map<String, Value>, (String, Pos)> {
    let mut all = Map::new();
    for definition in operation.variable_definitions() {
        let (name, ty) = (&definition.name, &definition.var_type);
        let value = sent.get(name).cloned();
        let default = definition.default_value.as_ref();
        let default = default.and_then(|default| literal(default, &Map::new()));
        let problem = match &value {
            None if default.is_some() || !ty.is_non_null() => None,
            None => Some(format!("of required type \"{ty}\" was not provided.")),
            Some(Value::Null) if ty.is_non_null() => {
                Some(format!("of non-null type \"{ty}\" must not be null."))
            }
            Some(value) => check_value(ty, value)
                .err()
                .map(|why| format!("got invalid value {value}; {why}")),
        };
        if let Some(problem) = problem {
            return Err((
                format!("Variable \"${name}\" {problem}"),
                definition.position,
            ));
        }
        all.extend(value.or(default).map(|value| (name.clone(), value)));
    }
    Ok(all)
}

/// What a value in a query stands for. `None`: a variable that was not sent.
pub(super) fn literal(value: &Literal, variables: &Map<String, Value>) -> Option<Value> {
    let literal = |value| literal(value, variables);
    Some(match value {
        Literal::Variable(name) => return variables.get(name).cloned(),
        Literal::Int(number) => number.as_i64().into(),
        Literal::Float(number) => (*number).into(),
        Literal::String(text) | Literal::Enum(text) => text.as_str().into(),
        Literal::Boolean(is) => (*is).into(),
        Literal::Null => Value::Null,
        Literal::List(items) => {
            let items = items.iter().map(|item| literal(item).unwrap_or_default());
            items.collect()
        }
        Literal::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.filter_map(|(name, value)| Some((name.clone(), literal(value)?)));
            Value::Object(fields.collect())
        }
    })
}

pub(super) fn check_value(ty: &Type, value: &Value) -> Result<(), String> {
    let name = match ty {
        Type::NonNullType(ty) if value.is_null() => {
            return Err(format!("Expected type {ty}! not to be null."));
        }
        _ if value.is_null() => return Ok(()),
        Type::NonNullType(ty) => return check_value(ty, value),
        Type::ListType(inner) => {
            return match value {
                Value::Array(items) => items.iter().try_for_each(|item| check_value(inner, item)),
                // One item stands for a list of one.
                one => check_value(inner, one),
            };
        }
        Type::NamedType(name) => name.as_str(),
    };
    if let Some(TypeDefinition::InputObject(input)) = SCHEMA.type_by_name(name) {
        return check_fields(name, &input.fields, value);
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

fn check_fields(name: &str, fields: &[InputValue], value: &Value) -> Result<(), String> {
    let Value::Object(sent) = value else {
        return Err(format!("Expected type {name} to be an object."));
    };
    for field in fields {
        let (name, ty) = (&field.name, &field.value_type);
        match sent.get(name) {
            None if ty.is_non_null() => {
                return Err(format!(
                    "Field \"{name}\" of required type \"{ty}\" was not provided."
                ));
            }
            None => {}
            Some(value) => check_value(ty, value).map_err(|why| format!("{why} At {name}."))?,
        }
    }
    let known = |name: &String| fields.iter().any(|field| field.name == *name);
    match sent.keys().find(|name| !known(name)) {
        None => Ok(()),
        Some(unknown) => Err(format!(
            "Field \"{unknown}\" is not defined by type \"{name}\"."
        )),
    }
}

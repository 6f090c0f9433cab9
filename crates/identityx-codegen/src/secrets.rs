//! Marks tokens: the generator gets a schema in which they have a separate scalar, `SecretString`.

use std::collections::BTreeSet;

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::executable::Operation;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema, name};

/// The scalar. The runtime crate exports a type of this name.
pub(crate) const SCALAR: &str = "SecretString";

/// The fields that hold a token in IdentityX's schema.
const SECRETS: [(&str, &str); 6] = [
    ("AppUserAuthToken", "value"),
    ("LoginAppUserMutationInput", "token"),
    ("LogoutAppUserMutationInput", "token"),
    ("Mutation", "createActiveUserApiToken"),
    ("UserAuthToken", "value"),
    ("UserLoginMutationInput", "token"),
];

/// The schema's text, in which each field that holds a token has the scalar as its type.
pub(crate) fn mark_fields(schema: &Valid<Schema>) -> String {
    let mut schema = schema.clone().into_inner();
    for (parent, name) in SECRETS {
        match schema.types.get_mut(parent) {
            Some(ExtendedType::Object(object)) => {
                if let Some(field) = object.make_mut().fields.get_mut(name) {
                    field.make_mut().ty = secret(&field.ty);
                }
            }
            Some(ExtendedType::InputObject(input)) => {
                if let Some(field) = input.make_mut().fields.get_mut(name) {
                    field.make_mut().ty = Node::new(secret(&field.ty));
                }
            }
            _ => {}
        }
    }
    let mut text = schema.to_string();
    if !schema.types.contains_key(SCALAR) {
        text.push_str("\nscalar SecretString\n");
    }
    text
}

/// Gives the scalar as their type to the variables that fill a field which holds a token.
pub(crate) fn mark_variables(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &mut Operation,
) {
    let mut tokens = BTreeSet::new();
    for field in operation.all_fields(document) {
        for argument in &field.arguments {
            if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                let ty = definition.ty.inner_named_type();
                collect(schema, ty, &argument.value, &mut tokens);
            }
        }
    }
    for variable in &mut operation.variables {
        if tokens.contains(&variable.name) {
            let variable = variable.make_mut();
            variable.ty = Node::new(secret(&variable.ty));
        }
    }
}

/// Adds the variables that fill a token in this value of an input type.
fn collect(schema: &Schema, ty: &str, value: &Value, tokens: &mut BTreeSet<Name>) {
    match value {
        Value::List(values) => {
            for value in values {
                collect(schema, ty, value, tokens);
            }
        }
        Value::Object(fields) => {
            let Some(input) = schema.get_input_object(ty) else {
                return;
            };
            for (name, value) in fields {
                if let Value::Variable(variable) = &**value
                    && SECRETS.contains(&(ty, name))
                {
                    tokens.insert(variable.clone());
                } else if let Some(field) = input.fields.get(name) {
                    collect(schema, field.ty.inner_named_type(), value, tokens);
                }
            }
        }
        _ => {}
    }
}

/// The type with the scalar in it, null and lists as they were.
fn secret(ty: &Type) -> Type {
    match ty {
        Type::Named(_) => Type::Named(name!("SecretString")),
        Type::NonNullNamed(_) => Type::NonNullNamed(name!("SecretString")),
        Type::List(item) => Type::List(Box::new(secret(item))),
        Type::NonNullList(item) => Type::NonNullList(Box::new(secret(item))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_of_the_included_schema_is_known_and_nothing_else() {
        let schema = Schema::parse_and_validate(crate::SCHEMA, "schema").unwrap();
        let mut tokens = Vec::new();
        for (name, definition) in &schema.types {
            let fields: Vec<_> = match definition {
                ExtendedType::Object(object) => object.fields.keys().collect(),
                ExtendedType::InputObject(input) => input.fields.keys().collect(),
                _ => continue,
            };
            let is_token = |field: &str| match definition {
                ExtendedType::InputObject(_) => field == "token",
                _ => field.ends_with("Token") || name.ends_with("Token") && field == "value",
            };
            let found = fields.into_iter().filter(|field| is_token(field));
            tokens.extend(found.map(|field| (name.as_str(), field.as_str())));
        }
        tokens.sort_unstable();
        assert_eq!(tokens, SECRETS);
    }
}

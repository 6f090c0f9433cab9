//! The execution of a valid operation, as GraphQL's specification has it, as far as the schema needs it:
//! it has neither interfaces nor unions.

use std::collections::HashMap;

use graphql_tools::parser::Pos;
use graphql_tools::static_graphql::query::{
    Definition, Directive, Document, Field, FragmentDefinition, Selection, SelectionSet, Type,
    TypeCondition,
};
use graphql_tools::static_graphql::schema::{self, ObjectType, TypeDefinition};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::failure::Failure;
use super::schema::{SCHEMA, resolve};
use super::variables::{check_value, literal};

/// A field that has failed, with its path.
pub(super) struct FieldError {
    pub(super) failure: Failure,
    place: Pos,
    path: Vec<Value>,
}

impl FieldError {
    /// As it stands in `errors`.
    pub(super) fn json(&self) -> Value {
        json!({
            "message": self.failure.message,
            "locations": [location(self.place)],
            "path": self.path,
            "extensions": self.failure.extensions(),
        })
    }
}

pub(super) fn location(place: Pos) -> Value {
    json!({ "line": place.line, "column": place.column })
}

pub(super) struct Execution<'e> {
    call: &'e Call<'e>,
    fragments: HashMap<&'e str, &'e FragmentDefinition>,
    variables: &'e Map<String, Value>,
    path: Vec<Value>,
    errors: Vec<FieldError>,
}

/// That a value is missing which must not be. Its error is in the list already.
struct Missing;

/// One key of an answer: all fields of the query that have it.
type Fields<'e> = Vec<&'e Field>;

/// The keys of an object, in the order of the query.
#[derive(Default)]
struct Keys<'e> {
    fields: Vec<(&'e str, Fields<'e>)>,
    /// Each is looked into once: those that name each other twice would take for ever.
    fragments: Vec<&'e str>,
}

impl<'e> Execution<'e> {
    pub(super) fn new(
        call: &'e Call<'e>,
        document: &'e Document,
        variables: &'e Map<String, Value>,
    ) -> Self {
        let all = document.definitions.iter();
        let fragments = all.filter_map(|definition| match definition {
            Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
            Definition::Operation(_) => None,
        });
        Self {
            call,
            fragments: fragments.collect(),
            variables,
            path: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// The data and the errors of an operation on this type.
    pub(super) fn run(
        mut self,
        root: &ObjectType,
        set: &'e SelectionSet,
    ) -> (Value, Vec<FieldError>) {
        let mut keys = Keys::default();
        self.collect(root, set, &mut keys);
        let data = self.object(root, &Value::Null, keys);
        (data.unwrap_or_default(), self.errors)
    }

    fn object(
        &mut self,
        ty: &ObjectType,
        parent: &Value,
        keys: Keys<'e>,
    ) -> Result<Value, Missing> {
        let mut object = Map::new();
        for (key, fields) in keys.fields {
            let field = fields[0];
            let value = match ty.fields.iter().find(|each| each.name == field.name) {
                Some(definition) => {
                    self.path.push(key.into());
                    let value = self.arguments(definition, field);
                    let value = value.and_then(|arguments| {
                        resolve(self.call, &ty.name, parent, field, arguments)
                    });
                    let value = self.complete(&definition.field_type, value, &fields);
                    self.path.pop();
                    value?
                }
                // `__typename`: no other is valid and in no type.
                None => ty.name.as_str().into(),
            };
            object.insert(key.to_owned(), value);
        }
        Ok(Value::Object(object))
    }

    fn complete(
        &mut self,
        ty: &Type,
        value: Result<Value, Failure>,
        fields: &Fields<'e>,
    ) -> Result<Value, Missing> {
        if let Type::NonNullType(inner) = ty {
            let is_null = matches!(value, Ok(Value::Null));
            let done = self.complete(inner, value, fields)?;
            if is_null {
                let message = "Cannot return null for a field that is not nullable.";
                let hint = "the sandbox has no value for the field";
                return Err(self.fail(Failure::internal(500, message, hint), fields));
            }
            return if done.is_null() {
                Err(Missing)
            } else {
                Ok(done)
            };
        }
        let done = match (ty, value) {
            (_, Err(failure)) => Err(self.fail(failure, fields)),
            (Type::ListType(item), Ok(Value::Array(items))) => {
                let items = items.into_iter().enumerate().map(|(at, value)| {
                    self.path.push(at.into());
                    let value = self.complete(item, Ok(value), fields);
                    self.path.pop();
                    value
                });
                items.collect()
            }
            (Type::NamedType(name), Ok(value)) if !value.is_null() => {
                match SCHEMA.type_by_name(name) {
                    Some(TypeDefinition::Object(ty)) => {
                        let mut keys = Keys::default();
                        for field in fields {
                            self.collect(ty, &field.selection_set, &mut keys);
                        }
                        self.object(ty, &value, keys)
                    }
                    _ => Ok(value),
                }
            }
            (_, Ok(value)) => Ok(value),
        };
        Ok(done.unwrap_or_default())
    }

    fn fail(&mut self, failure: Failure, fields: &Fields<'e>) -> Missing {
        self.errors.push(FieldError {
            failure,
            place: fields[0].position,
            path: self.path.clone(),
        });
        Missing
    }

    /// Adds the fields of a set.
    fn collect(&self, ty: &ObjectType, set: &'e SelectionSet, keys: &mut Keys<'e>) {
        let applies = |condition: &TypeCondition| {
            let TypeCondition::On(name) = condition;
            *name == ty.name
        };
        for selection in &set.items {
            match selection {
                Selection::Field(field) if self.is_included(&field.directives) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name);
                    match keys.fields.iter_mut().find(|(own, _)| own == key) {
                        Some((_, fields)) => fields.push(field),
                        None => keys.fields.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(it)
                    if self.is_included(&it.directives)
                        && it.type_condition.as_ref().is_none_or(applies) =>
                {
                    self.collect(ty, &it.selection_set, keys);
                }
                Selection::FragmentSpread(it)
                    if self.is_included(&it.directives)
                        && !keys.fragments.contains(&it.fragment_name.as_str()) =>
                {
                    keys.fragments.push(&it.fragment_name);
                    let fragment = self.fragments.get(it.fragment_name.as_str()).copied();
                    if let Some(it) = fragment.filter(|it| applies(&it.type_condition)) {
                        self.collect(ty, &it.selection_set, keys);
                    }
                }
                _ => {}
            }
        }
    }

    fn is_included(&self, directives: &[Directive]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.arguments.first();
            let condition = condition.and_then(|(_, value)| literal(value, self.variables));
            condition == Some((directive.name == "include").into())
        })
    }

    fn arguments(
        &self,
        definition: &schema::Field,
        field: &Field,
    ) -> Result<Map<String, Value>, Failure> {
        let mut all = Map::new();
        for argument in &definition.arguments {
            let mut sent = field.arguments.iter();
            let sent = sent.find(|(name, _)| *name == argument.name);
            let sent = sent.and_then(|(_, value)| literal(value, self.variables));
            let default = argument.default_value.as_ref();
            let default = || default.and_then(|value| literal(value, self.variables));
            if let Some(value) = sent.or_else(default) {
                // Decision: a scalar of the vendor's own fails its field. All others are checked by now.
                check_value(&argument.value_type, &value).map_err(|why| {
                    let message =
                        format!("Argument \"{}\" has an invalid value. {why}", argument.name);
                    Failure::internal(400, message, "a value in the query is not of its type")
                })?;
                all.insert(argument.name.clone(), value);
            }
        }
        Ok(all)
    }
}

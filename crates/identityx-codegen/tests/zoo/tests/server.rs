//! A service with the zoo's schema: async-graphql executes what it is sent, and answers with random
//! values.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use apollo_compiler::ast::{InputValueDefinition, Type, Value as Literal};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputObject, InputValue, Interface, InterfaceField,
    Object, Scalar, Schema, TypeRef, Union,
};
use async_graphql::{Request, ValidationMode, Value};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use tokio::runtime::Runtime;

use crate::Values;

/// The number of the next request.
static NUMBER: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    address: SocketAddr,
    last: Arc<Mutex<serde_json::Value>>,
}

impl Server {
    pub(crate) fn start(values: Values) -> Self {
        let runtime = Runtime::new().unwrap();
        let schema = schema(values);
        let last = Arc::new(Mutex::new(serde_json::Value::Null));
        let kept = Arc::clone(&last);
        let answer = move |body: Bytes| async move {
            let request: Request = serde_json::from_slice(&body).unwrap();
            // Another answer to the same operation.
            let request = request.data(NUMBER.fetch_add(1, Ordering::Relaxed));
            let response = serde_json::to_value(schema.execute(request).await).unwrap();
            kept.lock().unwrap().clone_from(&response);
            ([("content-type", "application/json")], response.to_string())
        };
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(post(answer));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            runtime,
            address,
            last,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The last answer as it was sent.
    pub(crate) fn answer(&self) -> serde_json::Value {
        self.last.lock().unwrap().clone()
    }
}

fn schema(values: Values) -> Schema {
    let values = Arc::new(Mutex::new(values));
    let locked = values.lock().unwrap();
    let mut builder = Schema::build("Query", Some("Mutation"), None);
    for (name, definition) in &locked.schema.types {
        if definition.is_built_in() {
            continue;
        }
        let name = name.as_str();
        builder = match definition {
            ExtendedType::Scalar(_) => builder.register(Scalar::new(name)),
            ExtendedType::Enum(it) => builder.register(
                Enum::new(name).items(it.values.keys().map(apollo_compiler::Name::as_str)),
            ),
            ExtendedType::Union(it) => {
                builder.register(it.members.iter().fold(Union::new(name), |union, it| {
                    union.possible_type(it.as_str())
                }))
            }
            ExtendedType::InputObject(it) => {
                let object = InputObject::new(name);
                let object = it
                    .fields
                    .values()
                    .fold(object, |object, it| object.field(input(it)));
                builder.register(if it.directives.has("oneOf") {
                    object.oneof()
                } else {
                    object
                })
            }
            ExtendedType::Interface(it) => {
                // async-graphql wants the types of an interface's fields in each implementation as
                // they are, where GraphQL allows stricter ones: those fields are left out.
                let members = locked.schema.types.values().filter(|other| {
                    other
                        .as_object()
                        .is_some_and(|it| it.implements_interfaces.contains(name))
                        || other
                            .as_interface()
                            .is_some_and(|it| it.implements_interfaces.contains(name))
                });
                let members: Vec<_> = members.map(ExtendedType::name).collect();
                let fields = it.fields.values().filter(|field| {
                    members
                        .iter()
                        .all(|it| locked.schema.type_field(it, &field.name).unwrap().ty == field.ty)
                });
                let interface = fields.fold(Interface::new(name), |interface, it| {
                    let field = InterfaceField::new(it.name.as_str(), reference(&it.ty));
                    interface.field(field)
                });
                builder.register(
                    it.implements_interfaces
                        .iter()
                        .fold(interface, |interface, it| interface.implement(it.as_str())),
                )
            }
            ExtendedType::Object(it) => {
                let object = it.fields.values().fold(Object::new(name), |object, it| {
                    object.field(field(&values, it))
                });
                builder.register(
                    it.implements_interfaces
                        .iter()
                        .fold(object, |object, it| object.implement(it.as_str())),
                )
            }
        };
    }
    drop(locked);
    // Without its own validation, for the same reason; apollo-compiler has validated the operations.
    builder
        .validation_mode(ValidationMode::Fast)
        .finish()
        .unwrap()
}

fn field(values: &Arc<Mutex<Values>>, definition: &FieldDefinition) -> Field {
    let values = Arc::clone(values);
    let ty = definition.ty.clone();
    let field = Field::new(definition.name.as_str(), reference(&ty), move |context| {
        // A field that is selected in two places is resolved twice, and has one value.
        let mut hasher = DefaultHasher::new();
        context
            .path_node
            .map(|it| it.to_string_vec())
            .hash(&mut hasher);
        context.data_unchecked::<u64>().hash(&mut hasher);
        let values = values.lock().unwrap();
        values.seed(hasher.finish());
        let value = value(&values, &ty);
        FieldFuture::new(async move { Ok(value) })
    });
    definition
        .arguments
        .iter()
        .fold(field, |field, it| field.argument(input(it)))
}

fn value(values: &Values, ty: &Type) -> Option<FieldValue<'static>> {
    if values.is_null(ty) {
        return None;
    }
    if ty.is_list() {
        // async-graphql has no null in the lists of a schema that is made at run time.
        let item = ty.item_type().clone().non_null();
        let items = (0..values.below(4)).filter_map(|_| value(values, &item));
        return Some(FieldValue::list(items.collect::<Vec<_>>()));
    }
    let name = ty.inner_named_type();
    let Some(object) = values.object(name) else {
        return Some(FieldValue::value(
            Value::from_json(values.leaf(name)).unwrap(),
        ));
    };
    let value = FieldValue::owned_any(());
    let is_object = object == name.as_str();
    Some(if is_object {
        value
    } else {
        value.with_type(object)
    })
}

fn input(definition: &InputValueDefinition) -> InputValue {
    let input = InputValue::new(definition.name.as_str(), reference(&definition.ty));
    match &definition.default_value {
        Some(value) => input.default_value(literal(value)),
        None => input,
    }
}

fn literal(value: &Literal) -> Value {
    match value {
        Literal::Enum(name) => Value::Enum(async_graphql::Name::new(name.as_str())),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Int(number) => Value::Number(number.try_to_i32().unwrap().into()),
        Literal::List(items) => Value::List(items.iter().map(|it| literal(it)).collect()),
        other => panic!("{other}"),
    }
}

fn reference(ty: &Type) -> TypeRef {
    match ty {
        Type::Named(name) => TypeRef::named(name.as_str()),
        Type::NonNullNamed(name) => TypeRef::named_nn(name.as_str()),
        Type::List(item) => TypeRef::List(Box::new(reference(item))),
        Type::NonNullList(item) => {
            TypeRef::NonNull(Box::new(TypeRef::List(Box::new(reference(item)))))
        }
    }
}

//! The zoo: every operation here, with random answers that its schema allows. They are made by
//! apollo-compiler's execution of the operation, read by the generated code, and compared.
//!
//! `CODEGEN_ANSWERS=1000000` makes that many answers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap in a test is a failed test"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the environment says how many cases a long run has"
)]
#![allow(
    clippy::match_same_arms,
    clippy::manual_is_multiple_of,
    clippy::redundant_closure_for_method_calls,
    reason = "a table of types reads best with one form for each row"
)]

mod modules;
mod server;

/// What the build script has generated.
#[rustfmt::skip]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/operations.rs"));
}

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::pin::Pin;

use apollo_compiler::ast::Type;
use apollo_compiler::request::RequestError;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::{ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Schema};
use fastrand::Rng;
use heck::ToSnakeCase;
use identityx_auth::graphql::{Execute as _, GraphQLQuery};
use identityx_auth::{Client, Error};
use identityx_codegen::Document;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::generated::*;
use crate::server::Server;

/// The schema from which the code was generated.
fn zoo() -> Document {
    Document::new("zoo.graphql", include_str!("../zoo.graphql"))
}

/// An operation with its generated types.
///
/// All of this is compiled once for each operation. So JSON is read from bytes and written to bytes
/// everywhere, as the client does: another reader would double what is compiled for each type.
struct Animal {
    name: &'static str,
    query: &'static str,
    /// Reads an answer into the generated types and writes it again.
    read: fn(&Value) -> Result<Value, serde_json::Error>,
    /// The same with variables.
    send: fn(&Value) -> Result<Value, serde_json::Error>,
    /// Sends the operation by the client, and writes what it read.
    execute: for<'a> fn(&'a Client, &Value) -> Executing<'a>,
}

type Executing<'a> = Pin<Box<dyn Future<Output = Result<Value, Error>> + 'a>>;

fn animal<Q>(query: &'static str, name: &'static str) -> Animal
where
    Q: GraphQLQuery + 'static,
    Q::Variables: DeserializeOwned + Send + Debug,
    Q::ResponseData: Serialize + Send + Debug,
{
    Animal {
        name,
        query,
        read: again::<Q::ResponseData>,
        send: again::<Q::Variables>,
        execute: |client, variables| {
            let data = client.execute::<Q>(from_json(variables).unwrap());
            Box::pin(async { Ok(to_json(&data.await?).unwrap()) })
        },
    }
}

fn again<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, serde_json::Error> {
    to_json(&from_json::<T>(value)?)
}

fn from_json<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    serde_json::from_slice(value.to_string().as_bytes())
}

fn to_json(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(&serde_json::to_vec(value)?)
}

macro_rules! zoo {
    ($($module:ident $operation:ident)*) => {
        [$(animal::<$module::$operation>($module::QUERY, $module::OPERATION_NAME)),*]
    };
}

fn animals() -> Vec<Animal> {
    Vec::from(zoo! {
        aliased_typename AliasedTypename
        aliases_of_one_field AliasesOfOneField
        all_animals AllAnimals
        animals Animals
        collisions Collisions
        defaults Defaults
        delete Delete
        enums Enums
        find_one FindOne
        fragment_called_user FragmentCalledUser
        fragment_in_a_fragment FragmentInAFragment
        fragment_of_a_union FragmentOfAUnion
        fragment_of_an_interface FragmentOfAnInterface
        fragment_on_other_types FragmentOnOtherTypes
        fragments Fragments
        inline_on_the_own_type InlineOnTheOwnType
        interface_in_union InterfaceInUnion
        interface_merges InterfaceMerges
        interface_of_interfaces InterfaceOfInterfaces
        interface_without_fragments InterfaceWithoutFragments
        introspection Introspection
        keywords Keywords
        lists_merge ListsMerge
        lists_of_unions ListsOfUnions
        lone_typename LoneTypename
        many_fields ManyFields
        named_things NamedThings
        nested_abstract NestedAbstract
        nested_merge NestedMerge
        no_implementation NoImplementation
        none None
        nullable_beside_a_fragment NullableBesideAFragment
        numbers Numbers
        ok Ok
        one_of OneOf
        paths Paths
        rename Rename
        repeated_by_a_fragment RepeatedByAFragment
        response_data ResponseData2
        root_typename RootTypename
        rusts_types RustsTypes
        rusts_types_again RustsTypesAgain
        same_field_twice SameFieldTwice
        scalar Scalar
        scalars Scalars
        secret_aliases SecretAliases
        secret_variables SecretVariables
        secrets Secrets
        self_ Self_
        several Several
        shared_fragment_of_interfaces SharedFragmentOfInterfaces
        skipped_alike SkippedAlike
        skipped_and_not SkippedAndNot
        skipped_both SkippedBoth
        skipped_by_constant SkippedByConstant
        skipped_by_default SkippedByDefault
        skipped_fields SkippedFields
        skipped_inline SkippedInline
        skipped_interface SkippedInterface
        skipped_lists SkippedLists
        skipped_root SkippedRoot
        skipped_spread SkippedSpread
        skipped_twice SkippedTwice
        some Some
        stricter Stricter
        tokens Tokens
        two_fragments_share_a_field TwoFragmentsShareAField
        two_spreads_of_one_fragment TwoSpreadsOfOneFragment
        type_ Type
        typename_twice TypenameTwice
        union_by_fragments UnionByFragments
        union_without_fragments UnionWithoutFragments
        variables Variables2
    })
}

/// Random values by a schema.
pub(crate) struct Values {
    pub(crate) schema: Valid<Schema>,
    implementers: apollo_compiler::collections::HashMap<Name, Implementers>,
    rng: RefCell<Rng>,
}

impl Values {
    fn new(seed: u64) -> Self {
        let sdl = format!("{} directive @oneOf on INPUT_OBJECT", zoo().text());
        let schema = Schema::parse_and_validate(sdl, "zoo.graphql").unwrap();
        let implementers = schema.implementers_map();
        Self {
            schema,
            implementers,
            rng: RefCell::new(Rng::with_seed(seed)),
        }
    }

    fn below(&self, end: usize) -> usize {
        self.rng.borrow_mut().usize(..end)
    }

    /// The name of an object that this type can be; `None` for a leaf.
    fn object(&self, ty: &str) -> Option<String> {
        let members: Vec<&Name> = match &self.schema.types[ty] {
            ExtendedType::Object(it) => vec![&it.name],
            ExtendedType::Interface(_) => self
                .implementers
                .get(ty)
                .into_iter()
                .flat_map(|it| &it.objects)
                .collect(),
            ExtendedType::Union(it) => it.members.iter().map(|it| &it.name).collect(),
            _ => return None,
        };
        let members: BTreeSet<_> = members.into_iter().collect();
        let chosen = self.below(members.len().max(1));
        // No object is an interface that none implements.
        Some(
            members
                .into_iter()
                .nth(chosen)
                .map_or_else(String::new, ToString::to_string),
        )
    }

    fn is_null(&self, ty: &Type) -> bool {
        let is_impossible = self
            .object(ty.inner_named_type())
            .is_some_and(|it| it.is_empty());
        !ty.is_non_null() && (is_impossible || self.below(4) == 0)
    }

    fn leaf(&self, ty: &str) -> Value {
        let number = self.below(1000);
        match ty {
            "Int" => json!(number),
            "Float" => json!(f64::from(u32::try_from(number).unwrap()) / 4.0),
            "Boolean" => json!(number % 2 == 0),
            "String" => json!(["", "Ada", "\"quoted\" \u{1f980}", "0"][number % 4]),
            "Date" => json!(number),
            "ID" if number % 2 == 0 => json!(number),
            "ID" => json!(format!("id-{number}")),
            _ => match &self.schema.types[ty] {
                ExtendedType::Enum(it) => json!(it.values[number % it.values.len()].value.as_str()),
                _ => [
                    json!({"any": [1, null, {}]}),
                    json!([]),
                    json!("text"),
                    json!(7),
                ][number % 4]
                    .clone(),
            },
        }
    }

    fn answer<'a>(&'a self, ty: &Type) -> ResolvedValue<'a> {
        if self.is_null(ty) {
            return ResolvedValue::null();
        }
        if ty.is_list() {
            let items: Vec<_> = (0..self.below(4))
                .map(|_| Ok(self.answer(ty.item_type())))
                .collect();
            return ResolvedValue::List(Box::new(items.into_iter()));
        }
        match self.object(ty.inner_named_type()) {
            Some(name) => ResolvedValue::object(Object { values: self, name }),
            None => ResolvedValue::leaf(serde_json_bytes_of(&self.leaf(ty.inner_named_type()))),
        }
    }

    /// A value for a variable; `None` if it is left out.
    fn input(&self, ty: &Type, depth: usize) -> Option<Value> {
        if !ty.is_non_null() && (depth > 4 || self.below(3) == 0) {
            return None;
        }
        if ty.is_list() {
            let length = if depth > 4 { 0 } else { self.below(3) };
            let items = (0..length).map(|_| self.input(ty.item_type(), depth + 1));
            return Some(items.map(Option::unwrap_or_default).collect());
        }
        let name = ty.inner_named_type();
        let ExtendedType::InputObject(input) = &self.schema.types[name] else {
            let leaf = self.leaf(name);
            // What is sent as an id or a Float is as the types have it.
            return Some(match name.as_str() {
                "ID" => json!(format!("{leaf}")),
                "Float" => json!(leaf.as_f64()),
                _ => leaf,
            });
        };
        let mut fields = Map::new();
        if input.directives.has("oneOf") {
            // The first is a leaf.
            let chosen = if depth > 3 {
                0
            } else {
                self.below(input.fields.len())
            };
            let (key, field) = input.fields.get_index(chosen).unwrap();
            let ty = (*field.ty).clone().non_null();
            fields.insert(key.to_string(), self.input(&ty, depth + 1).unwrap());
        } else {
            for (key, field) in &input.fields {
                let ty = if field.is_required() {
                    (*field.ty).clone()
                } else {
                    (*field.ty).clone().nullable()
                };
                if let Some(value) = self.input(&ty, depth + 1) {
                    fields.insert(key.to_string(), value);
                }
            }
        }
        Some(Value::Object(fields))
    }

    /// Variables for an operation; null for one without, as its unit is written.
    fn variables(&self, document: &ExecutableDocument, name: &str) -> Value {
        let operation = &document.operations.named[name];
        if operation.variables.is_empty() {
            return Value::Null;
        }
        let variables = operation.variables.iter().filter_map(|variable| {
            let ty = (*variable.ty).clone();
            let ty = if variable.default_value.is_some() {
                ty.nullable()
            } else {
                ty
            };
            Some((variable.name.to_string(), self.input(&ty, 0)?))
        });
        Value::Object(variables.collect())
    }

    /// An answer to an operation, or what is wrong with the request.
    pub(crate) fn data(
        &self,
        document: &Valid<ExecutableDocument>,
        name: &str,
        variables: &Value,
    ) -> Result<Value, String> {
        let wrong = |error: RequestError| format!("{name}: {}", error.message());
        let operation = document.operations.get(Some(name)).map_err(wrong)?;
        let variables: Option<JsonMap> = serde_json::from_value(variables.clone()).unwrap();
        let root = Object {
            values: self,
            name: operation.object_type().to_string(),
        };
        let response = Execution::new(&self.schema, document)
            .operation(operation)
            .raw_variable_values(&variables.unwrap_or_default())
            .implementers_map(&self.implementers)
            .enable_schema_introspection(true)
            .execute_sync(&root)
            .map_err(wrong)?;
        assert!(response.errors.is_empty(), "{name}: {:?}", response.errors);
        let data = serde_json::to_string(&response.data.unwrap()).unwrap();
        // A whole `Float` comes without a fraction from most services.
        let data = data
            .replace(".0,", ",")
            .replace(".0]", "]")
            .replace(".0}", "}");
        Ok(serde_json::from_str(&data).unwrap())
    }
}

/// apollo-compiler's own kind of JSON.
fn serde_json_bytes_of(value: &Value) -> JsonValue {
    serde_json::from_value(value.clone()).unwrap()
}

struct Object<'a> {
    values: &'a Values,
    name: String,
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        &self.name
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let field = self.values.schema.type_field(&self.name, info.field_name());
        let field = field.map_err(|_| self.unknown_field_error(info))?;
        Ok(self.values.answer(&field.ty))
    }
}

/// Where two values differ. What is null and what is missing is the same in Rust.
fn difference(sent: &Value, read: &Value) -> Option<String> {
    match (sent, read) {
        (Value::Object(sent), Value::Object(read)) => {
            let keys: BTreeSet<&String> = sent.keys().chain(read.keys()).collect();
            keys.into_iter().find_map(|key| {
                let (sent, read) = (sent.get(key), read.get(key));
                let found = difference(sent.unwrap_or(&Value::Null), read.unwrap_or(&Value::Null));
                found.map(|found| format!(".{key}{found}"))
            })
        }
        (Value::Array(sent), Value::Array(read)) if sent.len() == read.len() => sent
            .iter()
            .zip(read)
            .find_map(|(sent, read)| difference(sent, read)),
        (Value::Number(sent), Value::Number(read)) if sent.as_f64() == read.as_f64() => None,
        // An id that was sent as a number is text.
        (Value::Number(sent), Value::String(read)) if sent.to_string() == *read => None,
        (sent, read) if sent == read => None,
        (sent, read) => Some(format!(": {sent} was read as {read}")),
    }
}

/// The answer of a service whose objects have types that the schema does not have.
fn with_new_types(schema: &Schema, answer: &Value) -> Value {
    match answer {
        Value::String(text) if schema.get_object(text).is_some() => json!("Newcomer"),
        Value::Array(items) => items.iter().map(|it| with_new_types(schema, it)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(key, it)| (key.clone(), with_new_types(schema, it)))
                .collect()
        }
        other => other.clone(),
    }
}

/// The animals with their documents.
fn documents(
    schema: &Valid<Schema>,
) -> BTreeMap<&'static str, (Animal, Valid<ExecutableDocument>)> {
    let animals = animals().into_iter().map(|animal| {
        let document = ExecutableDocument::parse_and_validate(schema, animal.query, "query");
        (animal.name, (animal, document.unwrap()))
    });
    animals.collect()
}

#[test]
fn every_answer_that_the_schema_allows_is_read_as_it_was_sent() {
    let values = Values::new(1);
    let documents = documents(&values.schema);
    assert!(documents.len() >= 60);
    let count = std::env::var("CODEGEN_ANSWERS");
    let count = count.map_or(10_000, |text| text.parse().unwrap());
    for (animal, document) in documents.values().cycle().take(count) {
        let variables = values.variables(document, animal.name);
        let sent = (animal.send)(&variables).unwrap();
        assert_eq!(
            difference(&variables, &sent),
            None,
            "{}: {variables}",
            animal.name
        );
        let answer = values.data(document, animal.name, &variables).unwrap();
        let read = (animal.read)(&answer);
        let read = read.unwrap_or_else(|error| panic!("{}: {error}: {answer}", animal.name));
        assert_eq!(
            difference(&answer, &read),
            None,
            "{}: {answer}",
            animal.name
        );
    }
}

#[test]
fn an_answer_of_types_that_the_schema_does_not_have_yet_is_read() {
    let values = Values::new(2);
    for (animal, document) in documents(&values.schema).values() {
        for _ in 0..20 {
            let variables = values.variables(document, animal.name);
            let answer = values.data(document, animal.name, &variables).unwrap();
            let answer = with_new_types(&values.schema, &answer);
            let read = (animal.read)(&answer);
            assert!(read.is_ok(), "{}: {read:?}: {answer}", animal.name);
        }
    }
}

#[test]
fn null_is_refused_where_the_schema_does_not_allow_it() {
    let values = Values::new(3);
    let mut refused = 0;
    for (animal, document) in documents(&values.schema).values() {
        let variables = values.variables(document, animal.name);
        let answer = values.data(document, animal.name, &variables).unwrap();
        for (key, value) in answer.as_object().unwrap() {
            let operation = &document.operations.named[animal.name];
            let fields = operation.root_fields(document);
            let field = fields
                .into_iter()
                .find(|field| field.response_key() == key.as_str())
                .unwrap();
            if field.ty().is_non_null() && field.directives.is_empty() && !value.is_null() {
                let mut answer = answer.clone();
                answer[key] = Value::Null;
                assert!((animal.read)(&answer).is_err(), "{}: {answer}", animal.name);
                refused += 1;
            }
        }
    }
    assert!(refused > 30);
}

#[test]
fn every_operation_works_end_to_end_against_a_service_with_the_schema() {
    let server = Server::start(Values::new(4));
    let values = Values::new(5);
    let client = Client::builder().base_url(&server.url).build().unwrap();
    let mut wrong = Vec::new();
    for (animal, document) in documents(&values.schema).values() {
        for _ in 0..3 {
            let variables = values.variables(document, animal.name);
            let executing = (animal.execute)(&client, &variables);
            let read = server.runtime.block_on(executing);
            let (request, response) = server.exchanges.try_iter().last().unwrap();
            let found = match read {
                Ok(read) => difference(&variables, &request["variables"])
                    .or_else(|| difference(&response["data"], &read)),
                Err(error) => Some(format!("{error:?}")),
            };
            wrong.extend(found.map(|it| format!("{} {variables}: {it}: {response}", animal.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_field_is_read_from_the_key_of_its_name() {
    // What was read and what is written go by one attribute: here it is compared with the name.
    let code = include_str!(concat!(env!("OUT_DIR"), "/operations.rs"));
    let (mut renamed, mut key) = (0, None);
    for line in code.lines().map(str::trim) {
        if let Some((_, rest)) = line.split_once("rename = \"") {
            key = rest.split('"').next();
        } else if let Some(field) = line.strip_prefix("pub ").and_then(|it| it.split_once(": "))
            && line.ends_with(',')
        {
            let wanted = key.take().unwrap_or(field.0).to_snake_case();
            let wanted = if wanted.is_empty() {
                "underscore"
            } else {
                &wanted
            };
            // A keyword has `_` at its end, and a name that is taken a number.
            let rest = field
                .0
                .trim_start_matches('_')
                .strip_prefix(wanted.trim_start_matches('_'));
            assert!(
                rest.is_some_and(|it| ["", "_", "_2", "2", "3"].contains(&it)),
                "{line}: {wanted}"
            );
            renamed += 1;
        } else if !line.starts_with("#[") {
            key = None;
        }
    }
    assert!(renamed > 500);
}

#[test]
fn no_secret_is_in_the_debug_text_of_a_users_own_schema() {
    fn debug<T: DeserializeOwned + Debug>(value: &Value) -> String {
        format!("{:?}", from_json::<T>(value).unwrap())
    }
    let secrets = json!({
        "token": "canary-1", "jwts": ["canary-2", null], "apiKey": "canary-3",
        "password": {"canary-4": "canary-5"}, "secret": 600_613, "public": "shown",
        "nested": {"id": "1", "value": "canary-6", "old": [{"value": "canary-7"}]},
        "refreshToken": {"password": [["canary-8"]], "expires": 0},
    });
    let read = debug::<secrets::ResponseData>(&json!({ "secrets": secrets }));
    // The whole field is called `secrets`.
    assert!(
        !read.contains("canary") && !read.contains("600613"),
        "{read}"
    );
    let read = debug::<secrets::SecretsSecrets>(&secrets);
    assert!(
        !read.contains("canary") && !read.contains("600613"),
        "{read}"
    );
    assert!(read.contains("shown"), "{read}");
    let variables = json!({
        "pin": "shown", "key": "canary-1", "passwords": ["canary-2"],
        "card": {"number": "1", "pin": 5, "secrets": ["canary-3"], "token": {"value": 600_613}},
    });
    let sent = debug::<secret_variables::Variables>(&variables);
    assert!(
        sent.contains("shown") && !sent.contains("canary") && !sent.contains("600613"),
        "{sent}"
    );
    let answer =
        json!({"secrets": {"jwt": "canary-1", "mine": "canary-2"}, "me": {"password": "canary-3"}});
    let read = debug::<secret_aliases::ResponseData>(&answer);
    assert!(read.contains("me:") && !read.contains("canary"), "{read}");
    let one_of = json!({"by": {"token": "canary-1"}});
    let sent = debug::<one_of::Variables>(&one_of);
    assert!(
        sent.contains("Token(") && !sent.contains("canary"),
        "{sent}"
    );
}

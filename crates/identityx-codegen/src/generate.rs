//! From a schema and operations to Rust.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};

use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use graphql_client_codegen::normalization::Normalization;
use graphql_client_codegen::{
    CodegenMode, GraphQLClientCodegenOptions, generate_module_token_stream_from_string,
};
use heck::{ToSnakeCase, ToUpperCamelCase};

use crate::check;
use crate::document::Document;
use crate::error::Error;
use crate::output::{Generated, Module};
use crate::render::{self, Operation};
use crate::secrets;

/// How the code is generated.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) runtime: String,
    pub(crate) response_derives: String,
    pub(crate) variables_derives: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            runtime: "::identityx_auth".to_owned(),
            response_derives: "Clone, Debug, PartialEq".to_owned(),
            variables_derives: "Clone, Debug, PartialEq".to_owned(),
        }
    }
}

impl Options {
    /// The defaults: code whose only dependency is `identityx_auth`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The path of `identityx_auth` in the generated code, by default `::identityx_auth`.
    ///
    /// Set it if that crate is renamed or re-exported.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.runtime = path.into();
        self
    }

    /// The derives of response types besides `Deserialize`, separated by commas.
    ///
    /// By default `Clone, Debug, PartialEq`. In an operation that returns a token, `PartialEq`,
    /// `Eq`, `PartialOrd`, `Ord` and `Hash` are left out, because `SecretString` has none of them.
    pub fn response_derives(mut self, derives: impl Into<String>) -> Self {
        self.response_derives = derives.into();
        self
    }

    /// The derives of variables and inputs besides `Serialize`, separated by commas.
    ///
    /// By default `Clone, Debug, PartialEq`, with the same exception for an operation that sends a
    /// token.
    pub fn variables_derives(mut self, derives: impl Into<String>) -> Self {
        self.variables_derives = derives.into();
        self
    }

    fn path(text: &str) -> Result<syn::Path, Error> {
        syn::parse_str(text).map_err(|_| Error::Options(text.to_owned()))
    }

    /// The list as the generator takes it: it panics on an empty name, or one that is not a path.
    fn derives(list: &str) -> Result<Option<String>, Error> {
        let names = list.split(',').map(str::trim);
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        for name in &names {
            Self::path(name)?;
        }
        Ok((!names.is_empty()).then(|| names.join(",")))
    }
}

/// Generates a module for each operation of the documents.
///
/// The schema and each document are validated first: every mistake is reported with file and line.
/// An operation can use the fragments of its own document.
///
/// # Errors
///
/// [`Error::Invalid`] if the schema or an operation is not valid; [`Error::Introspection`] if the
/// schema is JSON but not an introspection result; [`Error::Unsupported`] if an operation cannot be
/// expressed in Rust, such as two with the same module name; [`Error::Options`].
///
/// # Example
///
/// ```
/// use identityx_codegen::{Document, Options, generate};
///
/// let operation = Document::new("who.graphql", "query WhoAmI { activeUser { email } }");
/// let generated = generate(&Document::identityx_schema(), &[operation], &Options::new())?;
/// assert!(generated.to_string().contains("pub mod who_am_i"));
/// # Ok::<(), identityx_codegen::Error>(())
/// ```
pub fn generate(
    schema: &Document,
    operations: &[Document],
    options: &Options,
) -> Result<Generated, Error> {
    let valid = check::schema(schema)?;
    let mut problems = Vec::new();
    let mut checked = Vec::new();
    for document in operations {
        match check::operations(&valid, document) {
            Ok(executable) => checked.push((document, executable)),
            Err(Error::Invalid(more)) => problems.extend(more),
            Err(other) => return Err(other),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let file = schema_file(schema, &valid)?;
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    for (document, executable) in checked {
        for name in executable.operations.named.keys() {
            let query = for_generator(&valid, &executable, name);
            let module = module(&file, document, &query, name, options)?;
            if let Some(other) = modules.get(&module.name) {
                return Err(unsupported(
                    document,
                    format!(
                        "`{name}` and `{}` would have the same module `{}`",
                        other.operation, module.name
                    ),
                ));
            }
            modules.insert(module.name.clone(), module);
        }
    }
    Ok(Generated::new(modules.into_values().collect()))
}

/// The schema as the generator takes it: as a file.
fn schema_file(
    document: &Document,
    schema: &Valid<Schema>,
) -> Result<tempfile::NamedTempFile, Error> {
    let text = secrets::mark_fields(schema);
    // The generator panics on a schema that its parser refuses, and every later call fails.
    graphql_parser::parse_schema::<&str>(&text)
        .map_err(|error| unsupported(document, format!("the schema's syntax: {error}")))?;
    let write = || {
        let mut file = tempfile::Builder::new().suffix(".graphql").tempfile()?;
        file.write_all(text.as_bytes())?;
        file.flush()?;
        Ok(file)
    };
    write().map_err(|source| Error::Write {
        path: std::env::temp_dir(),
        source,
    })
}

fn module(
    schema: &tempfile::NamedTempFile,
    document: &Document,
    query: &str,
    name: &str,
    options: &Options,
) -> Result<Module, Error> {
    let runtime = Options::path(&options.runtime)?;
    // The module of that crate which generated code names.
    let runtime = syn::parse_quote!(#runtime::graphql);
    let generator = generator_options(name, &runtime, options)?;
    // The generator panics on some valid documents, such as one with a field called `_`.
    let tokens = panic::catch_unwind(AssertUnwindSafe(|| {
        generate_module_token_stream_from_string(query, schema.path(), generator)
    }))
    .map_err(|_| unsupported(document, format!("the generator panicked on `{name}`")))?
    .map_err(|error| unsupported(document, error.to_string()))?;
    let operation = Operation {
        name,
        type_name: &name.to_upper_camel_case(),
        module: &name.to_snake_case(),
        query: document.text(),
        runtime: &runtime,
    };
    let text =
        render::module(tokens, &operation).map_err(|reason| unsupported(document, reason))?;
    Ok(Module {
        name: operation.module.to_owned(),
        operation: name.to_owned(),
        text,
    })
}

fn generator_options(
    name: &str,
    runtime: &syn::Path,
    options: &Options,
) -> Result<GraphQLClientCodegenOptions, Error> {
    let mut generator = GraphQLClientCodegenOptions::new(CodegenMode::Cli);
    generator.set_normalization(Normalization::Rust);
    generator.set_operation_name(name.to_upper_camel_case());
    if let Some(derives) = Options::derives(&options.response_derives)? {
        generator.set_response_derives(derives);
    }
    if let Some(derives) = Options::derives(&options.variables_derives)? {
        generator.set_variables_derives(derives);
    }
    generator.set_custom_scalars_module(runtime.clone());
    generator.set_serde_path(syn::parse_quote!(#runtime::serde));
    generator.set_fragments_other_variant(true);
    // `None` is left out of the request, so that the service's defaults apply.
    generator.set_skip_serializing_none(true);
    Ok(generator)
}

/// The document as the generator takes it.
///
/// The variables of the operation that hold a token are marked. A variable with a default value is
/// nullable instead: the generator's code for defaults does not compile, and the service applies
/// them anyway.
fn for_generator(schema: &Schema, executable: &Valid<ExecutableDocument>, name: &str) -> String {
    let mut document = executable.clone().into_inner();
    if let Some(operation) = document.operations.named.get_mut(name) {
        secrets::mark_variables(schema, executable, operation.make_mut());
    }
    for operation in document.operations.named.values_mut() {
        for variable in &mut operation.make_mut().variables {
            if variable.default_value.is_some() {
                let variable = variable.make_mut();
                variable.default_value = None;
                variable.ty = Node::new((*variable.ty).clone().nullable());
            }
        }
    }
    document.to_string()
}

fn unsupported(document: &Document, reason: String) -> Error {
    Error::Unsupported {
        file: document.name().to_owned(),
        reason,
    }
}

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
use crate::secrets::Secrets;

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
    /// Code that depends on `identityx_auth` and on nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// The path at which the code finds what `identityx_auth` exports: that crate's new name, or
    /// `crate` inside of it. By default `::identityx_auth`.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.runtime = path.into();
        self
    }

    /// What response types derive beside `Deserialize`, separated by commas.
    /// By default `Clone, Debug, PartialEq`. Where an operation answers with a token, `Debug` is
    /// left out, asked for or not.
    pub fn response_derives(mut self, derives: impl Into<String>) -> Self {
        self.response_derives = derives.into();
        self
    }

    /// What variables and inputs derive beside `Serialize`, separated by commas.
    /// By default `Clone, Debug, PartialEq`. Where they hold a token, `Debug` is left out, asked
    /// for or not.
    pub fn variables_derives(mut self, derives: impl Into<String>) -> Self {
        self.variables_derives = derives.into();
        self
    }

    fn path(text: &str) -> Result<syn::Path, Error> {
        syn::parse_str(text).map_err(|_| Error::Options(text.to_owned()))
    }

    /// These, without `Debug` where that would print a token.
    fn for_operation(&self, secrets: Secrets) -> Result<Self, Error> {
        let derives = |list: &str, holds_a_secret: bool| {
            let mut kept = Vec::new();
            for name in list.split(',').map(str::trim).filter(|it| !it.is_empty()) {
                let path = Self::path(name)?;
                let is_debug = path.segments.last().is_some_and(|it| it.ident == "Debug");
                if !(is_debug && holds_a_secret) {
                    kept.push(name);
                }
            }
            Ok(kept.join(","))
        };
        Ok(Self {
            runtime: self.runtime.clone(),
            response_derives: derives(&self.response_derives, secrets.in_response)?,
            variables_derives: derives(&self.variables_derives, secrets.in_variables)?,
        })
    }
}

/// Generates a module for each operation of the documents.
///
/// The schema and each document are validated first, so that what is wrong is named with file and
/// line. The fragments of a document are those of its own operations.
///
/// # Errors
///
/// [`Error::Invalid`] if the schema or an operation is not valid; [`Error::Introspection`] if the
/// schema is JSON and no introspection result; [`Error::Unsupported`] if there is no Rust for an
/// operation, such as two that would have the same module; [`Error::Options`].
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
        for (name, operation) in &executable.operations.named {
            let options = options.for_operation(Secrets::of(&valid, &executable, operation))?;
            let module = module(&file, document, &executable, name, &options)?;
            if let Some(other) = modules.get(&module.name) {
                return Err(unsupported(
                    document,
                    format!(
                        "`{name}` and `{}` would both be the module `{}`",
                        other.operation, module.name
                    ),
                ));
            }
            modules.insert(module.name.clone(), module);
        }
    }
    Ok(Generated::new(modules.into_values().collect()))
}

/// The schema as the generator takes it: a file, which it reads once for each path.
fn schema_file(
    document: &Document,
    schema: &Valid<Schema>,
) -> Result<tempfile::NamedTempFile, Error> {
    let text = schema.to_string();
    // The generator panics on a schema that its own parser refuses, and never recovers.
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
    executable: &Valid<ExecutableDocument>,
    name: &str,
    options: &Options,
) -> Result<Module, Error> {
    let runtime = Options::path(&options.runtime)?;
    let query = without_defaults(executable);
    // It panics on some documents that are valid, such as one whose field is called `_`.
    let tokens = panic::catch_unwind(AssertUnwindSafe(|| {
        generate_module_token_stream_from_string(
            &query,
            schema.path(),
            generator_options(name, &runtime, options),
        )
    }))
    .map_err(|_| unsupported(document, format!("the generator panicked at `{name}`")))?
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
) -> GraphQLClientCodegenOptions {
    let mut generator = GraphQLClientCodegenOptions::new(CodegenMode::Cli);
    generator.set_normalization(Normalization::Rust);
    generator.set_operation_name(name.to_upper_camel_case());
    // An empty list is a derive without a name to the generator.
    if !options.response_derives.is_empty() {
        generator.set_response_derives(options.response_derives.clone());
    }
    if !options.variables_derives.is_empty() {
        generator.set_variables_derives(options.variables_derives.clone());
    }
    generator.set_custom_scalars_module(runtime.clone());
    generator.set_serde_path(syn::parse_quote!(#runtime::serde));
    generator.set_fragments_other_variant(true);
    // What is not given is left out, so that the service's defaults apply.
    generator.set_skip_serializing_none(true);
    generator
}

/// The document with variables that may be left out instead of those with a default value, for
/// which the generator writes code that does not compile. The service applies the default.
fn without_defaults(executable: &Valid<ExecutableDocument>) -> String {
    let mut document = executable.clone().into_inner();
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

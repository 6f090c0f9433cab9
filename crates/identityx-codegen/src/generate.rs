//! From a schema and operations to Rust.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::check;
use crate::document::Document;
use crate::error::{Error, Problem};
use crate::names;
use crate::operation::{self, Source};
use crate::output::{Generated, Module};
use crate::structure::Derives;

/// How the code is generated.
#[derive(Clone, Debug)]
pub struct Options {
    runtime: String,
    response_derives: String,
    variables_derives: String,
    scalars: HashMap<String, String>,
    secrets: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            runtime: "::identityx_auth".to_owned(),
            response_derives: "Clone, Debug, PartialEq".to_owned(),
            variables_derives: "Clone, Debug, PartialEq".to_owned(),
            scalars: HashMap::new(),
            secrets: Vec::new(),
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
    /// With a `Serialize` in this list, a response is written as it was read, tokens included.
    pub fn response_derives(mut self, derives: impl Into<String>) -> Self {
        self.response_derives = derives.into();
        self
    }

    /// The derives of variables and inputs besides `Serialize`, separated by commas.
    ///
    /// By default `Clone, Debug, PartialEq`, with the same exception for an operation that sends a
    /// token. `Default` is added where everything can be left out.
    pub fn variables_derives(mut self, derives: impl Into<String>) -> Self {
        self.variables_derives = derives.into();
        self
    }

    /// The type of a scalar: a path such as `::chrono::NaiveDate` or `crate::scalars::Money`.
    ///
    /// It needs serde's `Serialize` and `Deserialize`, and the derives above. A scalar without a
    /// type is a JSON value, and [`Generated::warnings`] names it.
    pub fn scalar(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.scalars.insert(name.into(), path.into());
        self
    }

    /// Another name of a field, an argument or a variable that holds a secret: `pin`, or `Card.pin`
    /// for the field of one type.
    ///
    /// Known already is a name whose last word is `token`, `jwt`, `password`, `passphrase`,
    /// `passcode`, `secret`, `credential` or `apiKey` (or their plural), and the `value` of a type
    /// whose name ends in `Token`.
    pub fn secret(mut self, name: impl Into<String>) -> Self {
        self.secrets.push(name.into());
        self
    }

    fn settings(&self) -> Result<Settings, Error> {
        let mut paths = self.scalars.values().chain([&self.runtime]);
        if let Some(wrong) = paths.find(|path| !names::is_path(path)) {
            return Err(Error::Options(wrong.clone()));
        }
        Ok(Settings {
            runtime: format!("{}::graphql", self.runtime),
            response: Derives::parse(&self.response_derives)?,
            variables: Derives::parse(&self.variables_derives)?,
            scalars: self.scalars.clone(),
            secrets: self.secrets.clone(),
        })
    }
}

/// Options that were checked.
pub(crate) struct Settings {
    /// The module of the runtime crate which generated code names.
    pub(crate) runtime: String,
    pub(crate) response: Derives,
    pub(crate) variables: Derives,
    pub(crate) scalars: HashMap<String, String>,
    pub(crate) secrets: Vec<String>,
}

/// Generates a module for each operation of the documents.
///
/// The schema and each document are validated first: every mistake is reported with file and line.
/// An operation can use the fragments of its own document. The generated types read every answer
/// that the schema allows.
///
/// # Errors
///
/// [`Error::Invalid`] if the schema or an operation is not valid, or if it has no types in Rust:
/// two operations with the same module name, or a selection that depends on an object's type
/// without `__typename`. [`Error::Introspection`] if the schema is JSON but not an introspection
/// result; [`Error::Options`].
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
    let settings = options.settings()?;
    let schema = check::schema(schema)?;
    let implementers = schema.implementers_map();
    let mut problems = Vec::new();
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for text in operations {
        let document = match check::operations(&schema, text) {
            Ok(document) => document,
            Err(Error::Invalid(more)) => {
                problems.extend(more);
                continue;
            }
            Err(other) => return Err(other),
        };
        let source = Source {
            schema: &schema,
            implementers: &implementers,
            text,
            document: &document,
            settings: &settings,
        };
        for (name, operation) in &document.operations.named {
            let (module, scalars) = match operation::module(&source, name, operation) {
                Ok(made) => made,
                Err(problem) => {
                    problems.push(*problem);
                    continue;
                }
            };
            unknown.extend(scalars);
            if let Some(other) = modules.get(&module.name) {
                let (other, module) = (&other.operation, &module.name);
                let reason =
                    format!("`{name}` and `{other}` would have the same module `{module}`");
                let problem = Problem::at(&document.sources, name.location(), text.name(), reason);
                problems.push(problem.with_help("rename one of the operations"));
                continue;
            }
            modules.insert(module.name.clone(), module);
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    Ok(Generated::new(modules.into_values().collect(), unknown))
}

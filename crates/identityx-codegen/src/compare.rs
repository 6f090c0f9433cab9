//! What has changed of the things that operations use, from one schema to another.

mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use apollo_compiler::ast::{InputValueDefinition, Type};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};

use crate::check;
use crate::document::Document;
use crate::error::Error;
use usage::{Usage, Users};

/// One difference between two schemas, in something that an operation uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Change {
    /// Whether an operation or its generated types would no longer fit.
    pub breaks: bool,
    /// What has changed, such as `AppUser.email` or `Mutation.userLogin(input:)`.
    pub what: String,
    /// How.
    pub how: String,
    /// The operations that use it.
    pub operations: BTreeSet<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.breaks { "breaks" } else { "harmless" };
        let operations: Vec<_> = self.operations.iter().map(String::as_str).collect();
        let (what, how) = (&self.what, &self.how);
        write!(f, "{word}: {what} {how}; used by {}", operations.join(", "))
    }
}

/// Compares what the operations use of `ours` with the same things in `theirs`.
///
/// What breaks comes first. What only `theirs` has is left out, unless it is part of something
/// that is used: a value of an enum, an argument or an input field that may be left out.
///
/// # Errors
///
/// [`Error::Invalid`] or [`Error::Introspection`] if a schema cannot be read, or an operation does
/// not fit `ours`.
///
/// # Example
///
/// ```
/// use identityx_codegen::{Document, compare};
///
/// let ours = Document::new("ours", "type Query { name: String! }");
/// let theirs = Document::new("theirs", "type Query { name: String }");
/// let operation = Document::new("name.graphql", "query Name { name }");
/// let changes = compare(&ours, &[operation], &theirs)?;
/// assert_eq!(
///     changes[0].to_string(),
///     "breaks: Query.name was `String!` and is `String`; used by Name"
/// );
/// # Ok::<(), identityx_codegen::Error>(())
/// ```
pub fn compare(
    ours: &Document,
    operations: &[Document],
    theirs: &Document,
) -> Result<Vec<Change>, Error> {
    let schema = check::schema(ours)?;
    let theirs = check::schema(theirs)?;
    let mut comparison = Comparison {
        ours: &schema,
        theirs: &theirs,
        changes: BTreeMap::new(),
    };
    let documents: Vec<Valid<ExecutableDocument>> = operations
        .iter()
        .map(|document| check::operations(&schema, document))
        .collect::<Result<_, _>>()?;
    let mut usage = Usage::new(&schema);
    for document in &documents {
        usage.add(document);
    }
    comparison.fields(&usage);
    comparison.inputs(&usage);
    comparison.leaves(&usage);
    comparison.members(&usage);
    for (document, executable) in operations.iter().zip(&documents) {
        comparison.document(document, executable, &theirs)?;
    }
    // What breaks sorts first.
    let mut changes: Vec<_> = comparison.changes.into_values().collect();
    changes.sort_by(|one, other| (!one.breaks, &one.what).cmp(&(!other.breaks, &other.what)));
    Ok(changes)
}

struct Comparison<'a> {
    ours: &'a Schema,
    theirs: &'a Schema,
    /// By what and how, so that each is said once.
    changes: BTreeMap<(String, String), Change>,
}

impl<'a> Comparison<'a> {
    fn change(&mut self, breaks: bool, what: impl Into<String>, how: String, users: &Users<'_>) {
        let what = what.into();
        let change = self
            .changes
            .entry((what.clone(), how.clone()))
            .or_insert(Change {
                breaks,
                what,
                how,
                operations: BTreeSet::new(),
            });
        change
            .operations
            .extend(users.iter().map(|user| (*user).to_owned()));
    }

    fn fields(&mut self, usage: &Usage<'_>) {
        for ((parent, name), (field, users)) in &usage.fields {
            let what = format!("{parent}.{name}");
            let Some(now) = self.their_field(parent, name) else {
                self.change(true, what, "is gone".to_owned(), users);
                continue;
            };
            let fits = now.ty.is_assignable_to(&field.ty);
            self.compare_types(fits, &what, &field.ty, &now.ty, users);
            if now.directives.has("deprecated") && !field.directives.has("deprecated") {
                self.change(false, &what, "is deprecated now".to_owned(), users);
            }
            for ((_, _, argument), (is, users)) in usage
                .arguments
                .range((*parent, *name, "")..)
                .take_while(|((one, other, _), _)| (one, other) == (parent, name))
            {
                let what = format!("{what}({argument}:)");
                match now.argument_by_name(argument) {
                    None => self.change(true, what, "is gone".to_owned(), users),
                    Some(now) => self.compare_inputs(&what, is, now, users),
                }
            }
            for argument in &now.arguments {
                if field.argument_by_name(&argument.name).is_none() {
                    self.new_input(&format!("{what}({}:)", argument.name), argument, users);
                } else if argument.is_required()
                    && let Some(users) = usage.without_argument(parent, name, &argument.name)
                {
                    let what = format!("{what}({}:)", argument.name);
                    self.change(true, what, "must be given now".to_owned(), &users);
                }
            }
        }
    }

    /// The field of their type that stands where our parent type stands: root types may be called
    /// anything.
    fn their_field(&self, parent: &str, name: &str) -> Option<&'a FieldDefinition> {
        let root = self
            .ours
            .schema_definition
            .iter_root_operations()
            .find(|(_, root)| root.name == parent)
            .and_then(|(operation, _)| self.theirs.root_operation(operation));
        let fields = match self
            .theirs
            .types
            .get(root.map_or(parent, |root| root.as_str()))?
        {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            _ => return None,
        };
        fields.get(name).map(|field| &***field)
    }

    fn inputs(&mut self, usage: &Usage<'_>) {
        for (name, users) in &usage.inputs {
            let Some(ExtendedType::InputObject(ours)) = self.ours.types.get(*name) else {
                continue;
            };
            let Some(ExtendedType::InputObject(theirs)) = self.theirs.types.get(*name) else {
                self.change(true, *name, "is no input type any more".to_owned(), users);
                continue;
            };
            for (field, is) in &ours.fields {
                let what = format!("{name}.{field}");
                match theirs.fields.get(field) {
                    None => self.change(true, what, "is gone".to_owned(), users),
                    Some(now) => self.compare_inputs(&what, is, now, users),
                }
            }
            for (field, now) in &theirs.fields {
                if !ours.fields.contains_key(field) {
                    self.new_input(&format!("{name}.{field}"), now, users);
                }
            }
        }
    }

    fn compare_inputs(
        &mut self,
        what: &str,
        is: &InputValueDefinition,
        now: &InputValueDefinition,
        users: &Users<'_>,
    ) {
        // Where the service has a default, what is `None` is left out and never null.
        let demanded = if now.default_value.is_some() {
            (*now.ty).clone().nullable()
        } else {
            (*now.ty).clone()
        };
        let fits = is.ty.is_assignable_to(&demanded);
        self.compare_types(fits, what, &is.ty, &now.ty, users);
    }

    fn new_input(&mut self, what: &str, now: &InputValueDefinition, users: &Users<'_>) {
        let how = if now.is_required() {
            format!("is new and must be given: `{}`", now.ty)
        } else {
            "is new and may be left out".to_owned()
        };
        self.change(now.is_required(), what, how, users);
    }

    fn compare_types(&mut self, fits: bool, what: &str, is: &Type, now: &Type, users: &Users<'_>) {
        if is != now {
            let how = format!("was `{is}` and is `{now}`");
            self.change(!fits, what, how, users);
        }
    }

    /// Scalars and enums.
    fn leaves(&mut self, usage: &Usage<'_>) {
        for (name, users) in &usage.leaves {
            match (self.ours.types.get(*name), self.theirs.types.get(*name)) {
                (Some(ExtendedType::Scalar(_)), Some(ExtendedType::Scalar(_))) => {}
                (Some(ExtendedType::Enum(is)), Some(ExtendedType::Enum(now))) => {
                    for value in is.values.keys() {
                        if !now.values.contains_key(value) {
                            let what = format!("{name}.{value}");
                            self.change(true, what, "is gone".to_owned(), users);
                        }
                    }
                    for value in now.values.keys() {
                        if !is.values.contains_key(value) {
                            let what = format!("{name}.{value}");
                            self.change(false, what, "is a new value".to_owned(), users);
                        }
                    }
                }
                (_, None) => self.change(true, *name, "is gone".to_owned(), users),
                (_, Some(_)) => {
                    self.change(true, *name, "is another kind of type".to_owned(), users);
                }
            }
        }
    }

    /// Types that a fragment says a value may have.
    fn members(&mut self, usage: &Usage<'_>) {
        for ((whole, member), users) in &usage.members {
            let related = |schema: &Schema| {
                whole == member && schema.types.contains_key(*whole)
                    || schema.is_subtype(whole, member)
                    || schema.is_subtype(member, whole)
            };
            if related(self.ours) && !related(self.theirs) {
                let how = format!("can no longer be `{member}`");
                self.change(true, *whole, how, users);
            }
        }
    }

    /// What nothing above has found and the service would refuse all the same.
    fn document(
        &mut self,
        document: &Document,
        executable: &ExecutableDocument,
        theirs: &Valid<Schema>,
    ) -> Result<(), Error> {
        let users: Users<'_> = executable
            .operations
            .named
            .keys()
            .map(apollo_compiler::Name::as_str)
            .collect();
        let is_told = self.changes.values().any(|change| {
            change.breaks && users.iter().any(|user| change.operations.contains(*user))
        });
        if is_told {
            return Ok(());
        }
        match check::operations(theirs, document) {
            Ok(_) => Ok(()),
            Err(Error::Invalid(problems)) => {
                for problem in problems {
                    let how = format!("would be refused: {}", problem.reason);
                    self.change(true, problem.place(), how, &users);
                }
                Ok(())
            }
            Err(other) => Err(other),
        }
    }
}

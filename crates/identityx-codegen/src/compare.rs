//! The differences between two schemas, in what operations use.

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

/// A difference between two schemas in something that an operation uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Change {
    /// Whether an operation would be refused, or its generated types would not fit any more.
    pub breaks: bool,
    /// What has changed, such as `AppUser.email` or `Mutation.userLogin(input:)`.
    pub what: String,
    /// How it has changed.
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

/// Compares what the operations use of the schema `old` with the same things in the schema `new`.
///
/// Breaking changes come first. Additions in `new` are reported only where they are part of
/// something that is used: enum values, arguments and input fields.
///
/// # Errors
///
/// [`Error::Invalid`] or [`Error::Introspection`] if a schema cannot be read, or an operation is
/// not valid in `old`.
///
/// # Example
///
/// ```
/// use identityx_codegen::{Document, compare};
///
/// let old = Document::new("old", "type Query { name: String! }");
/// let new = Document::new("new", "type Query { name: String }");
/// let operation = Document::new("name.graphql", "query Name { name }");
/// let changes = compare(&old, &[operation], &new)?;
/// assert_eq!(
///     changes[0].to_string(),
///     "breaks: Query.name changed from `String!` to `String`; used by Name"
/// );
/// # Ok::<(), identityx_codegen::Error>(())
/// ```
pub fn compare(
    old: &Document,
    operations: &[Document],
    new: &Document,
) -> Result<Vec<Change>, Error> {
    let schema = check::schema(old)?;
    let new = check::schema(new)?;
    let mut comparison = Comparison {
        old: &schema,
        new: &new,
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
        comparison.document(document, executable, &new)?;
    }
    // Breaking changes first.
    let mut changes: Vec<_> = comparison.changes.into_values().collect();
    changes.sort_by(|one, other| (!one.breaks, &one.what).cmp(&(!other.breaks, &other.what)));
    Ok(changes)
}

struct Comparison<'a> {
    old: &'a Schema,
    new: &'a Schema,
    /// By `what` and `how`, so that each change is reported once.
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
            let Some(new) = self.new_field(parent, name) else {
                self.change(true, what, "was removed".to_owned(), users);
                continue;
            };
            let fits = new.ty.is_assignable_to(&field.ty);
            self.compare_types(fits, &what, &field.ty, &new.ty, users);
            if new.directives.has("deprecated") && !field.directives.has("deprecated") {
                self.change(false, &what, "is now deprecated".to_owned(), users);
            }
            for ((_, _, argument), (old, users)) in usage
                .arguments
                .range((*parent, *name, "")..)
                .take_while(|((one, other, _), _)| (one, other) == (parent, name))
            {
                let what = format!("{what}({argument}:)");
                match new.argument_by_name(argument) {
                    None => self.change(true, what, "was removed".to_owned(), users),
                    Some(new) => self.compare_inputs(&what, old, new, users),
                }
            }
            for argument in &new.arguments {
                if field.argument_by_name(&argument.name).is_none() {
                    self.new_input(&format!("{what}({}:)", argument.name), argument, users);
                } else if argument.is_required()
                    && let Some(users) = usage.without_argument(parent, name, &argument.name)
                {
                    let what = format!("{what}({}:)", argument.name);
                    self.change(true, what, "is now required".to_owned(), &users);
                }
            }
        }
    }

    /// The field in the new schema. A root type may have another name there.
    fn new_field(&self, parent: &str, name: &str) -> Option<&'a FieldDefinition> {
        let root = self
            .old
            .schema_definition
            .iter_root_operations()
            .find(|(_, root)| root.name == parent)
            .and_then(|(operation, _)| self.new.root_operation(operation));
        let fields = match self
            .new
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
            let Some(ExtendedType::InputObject(old)) = self.old.types.get(*name) else {
                continue;
            };
            let Some(ExtendedType::InputObject(new)) = self.new.types.get(*name) else {
                self.change(true, *name, "is no longer an input type".to_owned(), users);
                continue;
            };
            for (field, old) in &old.fields {
                let what = format!("{name}.{field}");
                match new.fields.get(field) {
                    None => self.change(true, what, "was removed".to_owned(), users),
                    Some(new) => self.compare_inputs(&what, old, new, users),
                }
            }
            for (field, new) in &new.fields {
                if !old.fields.contains_key(field) {
                    self.new_input(&format!("{name}.{field}"), new, users);
                }
            }
        }
    }

    fn compare_inputs(
        &mut self,
        what: &str,
        old: &InputValueDefinition,
        new: &InputValueDefinition,
        users: &Users<'_>,
    ) {
        // `None` is left out of a request and never sent as null, so that a default applies.
        let required = if new.default_value.is_some() {
            (*new.ty).clone().nullable()
        } else {
            (*new.ty).clone()
        };
        let fits = old.ty.is_assignable_to(&required);
        self.compare_types(fits, what, &old.ty, &new.ty, users);
    }

    fn new_input(&mut self, what: &str, new: &InputValueDefinition, users: &Users<'_>) {
        let how = if new.is_required() {
            format!("is new and required: `{}`", new.ty)
        } else {
            "is new and optional".to_owned()
        };
        self.change(new.is_required(), what, how, users);
    }

    fn compare_types(&mut self, fits: bool, what: &str, old: &Type, new: &Type, users: &Users<'_>) {
        if old != new {
            let how = format!("changed from `{old}` to `{new}`");
            self.change(!fits, what, how, users);
        }
    }

    /// Scalars and enums.
    fn leaves(&mut self, usage: &Usage<'_>) {
        for (name, users) in &usage.leaves {
            match (self.old.types.get(*name), self.new.types.get(*name)) {
                (Some(ExtendedType::Scalar(_)), Some(ExtendedType::Scalar(_))) => {}
                (Some(ExtendedType::Enum(old)), Some(ExtendedType::Enum(new))) => {
                    for value in old.values.keys() {
                        if !new.values.contains_key(value) {
                            let what = format!("{name}.{value}");
                            self.change(true, what, "was removed".to_owned(), users);
                        }
                    }
                    for value in new.values.keys() {
                        if !old.values.contains_key(value) {
                            let what = format!("{name}.{value}");
                            self.change(false, what, "is a new value".to_owned(), users);
                        }
                    }
                }
                (_, None) => self.change(true, *name, "was removed".to_owned(), users),
                (_, Some(_)) => {
                    self.change(true, *name, "is another kind of type".to_owned(), users);
                }
            }
        }
    }

    /// Types that a fragment expects a value to have.
    fn members(&mut self, usage: &Usage<'_>) {
        for ((whole, member), users) in &usage.members {
            let related = |schema: &Schema| {
                whole == member && schema.types.contains_key(*whole)
                    || schema.is_subtype(whole, member)
                    || schema.is_subtype(member, whole)
            };
            if related(self.old) && !related(self.new) {
                let how = format!("can no longer be `{member}`");
                self.change(true, *whole, how, users);
            }
        }
    }

    /// Any other reason for which the service would refuse the document.
    fn document(
        &mut self,
        document: &Document,
        executable: &ExecutableDocument,
        new: &Valid<Schema>,
    ) -> Result<(), Error> {
        let users: Users<'_> = executable
            .operations
            .named
            .keys()
            .map(apollo_compiler::Name::as_str)
            .collect();
        let is_reported = self.changes.values().any(|change| {
            change.breaks && users.iter().any(|user| change.operations.contains(*user))
        });
        if is_reported {
            return Ok(());
        }
        match check::operations(new, document) {
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

//! The parts of a schema that operations use.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::ast::InputValueDefinition;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::{ExecutableDocument, Schema};

/// The names of operations.
pub(super) type Users<'a> = BTreeSet<&'a str>;

/// Everything that is used, with the operations that use it.
pub(super) struct Usage<'a> {
    schema: &'a Schema,
    /// By parent type and name.
    pub(super) fields: BTreeMap<(&'a str, &'a str), (&'a FieldDefinition, Users<'a>)>,
    /// By parent type, field and name, if an operation passes it.
    pub(super) arguments:
        BTreeMap<(&'a str, &'a str, &'a str), (&'a InputValueDefinition, Users<'a>)>,
    pub(super) inputs: BTreeMap<&'a str, Users<'a>>,
    /// Scalars that are not built in, and enums.
    pub(super) leaves: BTreeMap<&'a str, Users<'a>>,
    /// A type, and the type that a fragment on it names.
    pub(super) members: BTreeMap<(&'a str, &'a str), Users<'a>>,
}

impl<'a> Usage<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            fields: BTreeMap::new(),
            arguments: BTreeMap::new(),
            inputs: BTreeMap::new(),
            leaves: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, document: &'a ExecutableDocument) {
        for (name, operation) in &document.operations.named {
            let mut walk = Walk {
                usage: self,
                document,
                operation: name,
                spread: BTreeSet::new(),
            };
            walk.selections(&operation.selection_set);
            for variable in &operation.variables {
                walk.input_type(variable.ty.inner_named_type());
            }
        }
    }

    /// The operations that use a field but do not pass one of its arguments.
    pub(super) fn without_argument(
        &self,
        parent: &str,
        field: &str,
        argument: &str,
    ) -> Option<Users<'a>> {
        let (_, all) = self.fields.get(&(parent, field))?;
        let none = Users::new();
        let with = self
            .arguments
            .get(&(parent, field, argument))
            .map_or(&none, |(_, users)| users);
        let without: Users<'a> = all.difference(with).copied().collect();
        (!without.is_empty()).then_some(without)
    }
}

struct Walk<'u, 'a> {
    usage: &'u mut Usage<'a>,
    document: &'a ExecutableDocument,
    operation: &'a str,
    spread: BTreeSet<&'a str>,
}

impl<'a> Walk<'_, 'a> {
    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => self.field(&set.ty, field),
                Selection::InlineFragment(fragment) => {
                    if let Some(on) = &fragment.type_condition {
                        self.member(&set.ty, on);
                    }
                    self.selections(&fragment.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.member(&set.ty, &fragment.selection_set.ty);
                        if self.spread.insert(&fragment.name) {
                            self.selections(&fragment.selection_set);
                        }
                    }
                }
            }
        }
    }

    fn field(&mut self, parent: &'a str, field: &'a Field) {
        if field.name.starts_with("__") {
            return;
        }
        let operation = self.operation;
        let definition: &FieldDefinition = &field.definition;
        self.usage
            .fields
            .entry((parent, &field.name))
            .or_insert((definition, Users::new()))
            .1
            .insert(operation);
        for argument in &field.arguments {
            if let Some(definition) = definition.argument_by_name(&argument.name) {
                self.usage
                    .arguments
                    .entry((parent, &field.name, &argument.name))
                    .or_insert((definition, Users::new()))
                    .1
                    .insert(operation);
                self.input_type(definition.ty.inner_named_type());
            }
        }
        self.leaf(definition.ty.inner_named_type());
        self.selections(&field.selection_set);
    }

    fn member(&mut self, whole: &'a str, member: &'a str) {
        let users = self.usage.members.entry((whole, member)).or_default();
        users.insert(self.operation);
    }

    /// An input type with all of its fields: the generated struct has every one.
    fn input_type(&mut self, name: &'a str) {
        // A loop and not a recursion: a chain of inputs can be as long as the schema.
        let mut waiting = vec![name];
        while let Some(name) = waiting.pop() {
            let Some(ExtendedType::InputObject(input)) = self.usage.schema.types.get(name) else {
                self.leaf(name);
                continue;
            };
            let users = self.usage.inputs.entry(name).or_default();
            if users.insert(self.operation) {
                let next = input
                    .fields
                    .values()
                    .map(|field| field.ty.inner_named_type());
                waiting.extend(next.map(apollo_compiler::Name::as_str));
            }
        }
    }

    fn leaf(&mut self, name: &'a str) {
        let definition = self.usage.schema.types.get(name);
        if definition.is_some_and(|it| it.is_leaf() && !it.is_built_in()) {
            let users = self.usage.leaves.entry(name).or_default();
            users.insert(self.operation);
        }
    }
}

//! The merged selection sets of an operation: fragments are flattened into the fields that an answer
//! has, as the specification defines it ("Field Collection", "Field Selection Merging").

use std::collections::{BTreeSet, HashMap, HashSet};

use apollo_compiler::ast::{DirectiveList, Value};
use apollo_compiler::collections::HashMap as Map;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, FieldDefinition, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};

/// What must hold of the variables for a selection to be in the answer.
pub(crate) type Conditions = BTreeSet<(Name, bool)>;

/// How many selections are looked at.
const LIMIT: usize = 1_000_000;

/// A selection set, and the conditions of its place.
#[derive(Clone)]
pub(crate) struct Part<'a> {
    pub(crate) set: &'a SelectionSet,
    pub(crate) conditions: Conditions,
}

/// A field in one place of the document.
#[derive(Clone)]
pub(crate) struct Occurrence<'a> {
    pub(crate) field: &'a Node<Field>,
    conditions: Conditions,
}

/// A field of an answer: every place of the document that selects it.
pub(crate) struct Merged<'a> {
    pub(crate) key: &'a Name,
    pub(crate) occurrences: Vec<Occurrence<'a>>,
}

/// What an answer's object is.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// An object of this type.
    Object(&'a str),
    /// An object of a type that the schema does not have yet, in the place of this one.
    New(&'a str),
}

pub(crate) struct Merger<'a> {
    pub(crate) schema: &'a Valid<Schema>,
    pub(crate) document: &'a ExecutableDocument,
    implementers: &'a Map<Name, Implementers>,
    left: usize,
}

/// The operation has too many fields.
pub(crate) struct TooLarge;

impl<'a> Merger<'a> {
    pub(crate) fn new(
        schema: &'a Valid<Schema>,
        document: &'a ExecutableDocument,
        implementers: &'a Map<Name, Implementers>,
    ) -> Self {
        Self {
            schema,
            document,
            implementers,
            left: LIMIT,
        }
    }

    /// The fields that an answer has for this target, in the order of the document.
    pub(crate) fn fields(
        &mut self,
        parts: &[Part<'a>],
        target: Target<'a>,
    ) -> Result<Vec<Merged<'a>>, TooLarge> {
        let mut collection = Collection {
            spread: HashSet::new(),
            places: HashMap::new(),
            fields: Vec::new(),
        };
        for part in parts {
            self.collect(part.set, &part.conditions, target, &mut collection)?;
        }
        Ok(collection.fields)
    }

    fn collect(
        &mut self,
        set: &'a SelectionSet,
        conditions: &Conditions,
        target: Target<'a>,
        into: &mut Collection<'a>,
    ) -> Result<(), TooLarge> {
        for selection in &set.selections {
            let Some(conditions) = with(conditions, directives(selection)) else {
                continue;
            };
            self.left = self.left.checked_sub(1).ok_or(TooLarge)?;
            match selection {
                Selection::Field(field) => into.add(Occurrence { field, conditions }),
                Selection::InlineFragment(fragment) => {
                    if self.applies(fragment.type_condition.as_ref(), target) {
                        self.collect(&fragment.selection_set, &conditions, target, into)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if self.applies(Some(fragment.type_condition()), target)
                        && into.spread.insert((&fragment.name, conditions.clone()))
                    {
                        self.collect(&fragment.selection_set, &conditions, target, into)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn applies(&self, condition: Option<&Name>, target: Target<'_>) -> bool {
        let Some(condition) = condition else {
            return true;
        };
        match target {
            Target::Object(name) => condition == name || self.schema.is_subtype(condition, name),
            // A new type has the interfaces that its place has.
            Target::New(name) => {
                condition == name
                    || matches!(self.schema.types.get(name), Some(ExtendedType::Interface(it))
                        if it.implements_interfaces.iter().any(|it| &it.name == condition))
            }
        }
    }

    /// The definition of a field, as exactly as the target is known.
    pub(crate) fn definition(&self, target: Target<'_>, field: &'a Field) -> &'a FieldDefinition {
        let (Target::Object(name) | Target::New(name)) = target;
        match self.schema.type_field(name, &field.name) {
            Ok(found) => found,
            Err(_) => &field.definition,
        }
    }

    /// The objects that an interface or a union can be, by name; `None` for any other type.
    pub(crate) fn members(&self, name: &str) -> Option<Vec<&'a Name>> {
        let mut members: Vec<_> = match self.schema.types.get(name)? {
            ExtendedType::Interface(_) => {
                let found = self.implementers.get(name);
                found.into_iter().flat_map(|it| &it.objects).collect()
            }
            ExtendedType::Union(union) => union.members.iter().map(|it| &it.name).collect(),
            _ => return None,
        };
        members.sort_unstable();
        Some(members)
    }
}

struct Collection<'a> {
    spread: HashSet<(&'a Name, Conditions)>,
    places: HashMap<&'a Name, usize>,
    fields: Vec<Merged<'a>>,
}

impl<'a> Collection<'a> {
    fn add(&mut self, occurrence: Occurrence<'a>) {
        let key = occurrence.field.response_key();
        let place = *self.places.entry(key).or_insert(self.fields.len());
        if place == self.fields.len() {
            let occurrences = Vec::new();
            self.fields.push(Merged { key, occurrences });
        }
        self.fields[place].occurrences.push(occurrence);
    }
}

impl<'a> Merged<'a> {
    pub(crate) fn first(&self) -> &'a Node<Field> {
        self.occurrences[0].field
    }

    /// Whether every answer has the field, given what is known of the variables.
    pub(crate) fn is_certain(&self, known: &Conditions) -> bool {
        let mut occurrences = self.occurrences.iter();
        occurrences.any(|it| it.conditions.is_subset(known))
    }

    /// What is known of the variables where an answer has the field.
    pub(crate) fn known(&self, known: &Conditions) -> Conditions {
        let mut all = self.occurrences.iter().map(|it| it.conditions.clone());
        let common = all.next().unwrap_or_default();
        let common = all.fold(common, |common, it| &common & &it);
        &common | known
    }

    /// The selection sets that are merged into this field's.
    pub(crate) fn parts(&self) -> Vec<Part<'a>> {
        let parts = self.occurrences.iter().map(|it| Part {
            set: &it.field.selection_set,
            conditions: it.conditions.clone(),
        });
        parts.collect()
    }

    /// Whether the same places of the document select the other field.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.occurrences.len() == other.occurrences.len()
            && self
                .occurrences
                .iter()
                .zip(&other.occurrences)
                .all(|(one, other)| {
                    one.field.ptr_eq(other.field) && one.conditions == other.conditions
                })
    }

    /// The fragment that is all of this field's selection, if there is one.
    pub(crate) fn only_spread(&self) -> Option<&'a Name> {
        let mut spreads =
            self.occurrences
                .iter()
                .map(|it| match it.field.selection_set.selections.as_slice() {
                    [Selection::FragmentSpread(spread)]
                        if with(&Conditions::new(), &spread.directives)
                            .is_some_and(|it| it.is_empty()) =>
                    {
                        Some(&spread.fragment_name)
                    }
                    _ => None,
                });
        let first = spreads.next()??;
        spreads.all(|it| it == Some(first)).then_some(first)
    }
}

fn directives(selection: &Selection) -> &DirectiveList {
    match selection {
        Selection::Field(it) => &it.directives,
        Selection::FragmentSpread(it) => &it.directives,
        Selection::InlineFragment(it) => &it.directives,
    }
}

/// The conditions with those of `@skip` and `@include`; `None` if they can never hold.
fn with(conditions: &Conditions, directives: &DirectiveList) -> Option<Conditions> {
    let mut conditions = conditions.clone();
    for (name, wanted) in [("skip", false), ("include", true)] {
        for directive in directives.get_all(name) {
            match directive.specified_argument_by_name("if").map(|it| &**it) {
                Some(Value::Boolean(value)) if *value != wanted => return None,
                Some(Value::Variable(variable)) => {
                    conditions.insert((variable.clone(), wanted));
                }
                _ => {}
            }
        }
    }
    Some(conditions)
}

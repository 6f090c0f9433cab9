//! The input types that an operation's variables need.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Name, Schema};

/// The input objects and enums that variables of these types need, in the order of their discovery.
pub(crate) fn reachable<'a>(
    schema: &'a Schema,
    types: impl Iterator<Item = &'a Type>,
) -> Vec<&'a ExtendedType> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut waiting: Vec<_> = types.map(Type::inner_named_type).collect();
    waiting.reverse();
    // A loop and not a recursion: a chain of inputs can be as long as the schema.
    while let Some(name) = waiting.pop() {
        if !seen.insert(name) {
            continue;
        }
        let Some(definition) = schema.types.get(name) else {
            continue;
        };
        if let ExtendedType::InputObject(input) = definition {
            let next = input
                .fields
                .values()
                .map(|field| field.ty.inner_named_type());
            waiting.extend(next.rev());
        }
        if matches!(
            definition,
            ExtendedType::InputObject(_) | ExtendedType::Enum(_)
        ) {
            found.push(definition);
        }
    }
    found
}

/// The input objects that hold themselves, each with the number of its cycle: a field that leads to
/// the same cycle is boxed.
pub(crate) fn cycles<'a>(inputs: &[&'a InputObjectType]) -> HashMap<&'a str, usize> {
    // Kosaraju's algorithm, without recursion: the order in which a search leaves the types, then a
    // search of the reversed edges in the opposite order.
    let mut forward: HashMap<&str, Vec<&'a str>> = HashMap::new();
    let mut backward: HashMap<&str, Vec<&'a str>> = HashMap::new();
    for input in inputs {
        for field in input.fields.values() {
            // A list is on the heap already.
            if let Type::Named(to) | Type::NonNullNamed(to) = &*field.ty {
                forward.entry(&input.name).or_default().push(to);
                backward.entry(to).or_default().push(&input.name);
            }
        }
    }
    let mut left = Vec::new();
    let mut seen = HashSet::new();
    for input in inputs {
        let mut stack = vec![(input.name.as_str(), false)];
        while let Some((name, is_left)) = stack.pop() {
            if is_left {
                left.push(name);
            } else if seen.insert(name) {
                stack.push((name, true));
                stack.extend(
                    forward
                        .get(name)
                        .into_iter()
                        .flatten()
                        .map(|next| (*next, false)),
                );
            }
        }
    }
    let mut cycles = HashMap::new();
    for (number, name) in left.into_iter().rev().enumerate() {
        let mut stack = vec![name];
        while let Some(name) = stack.pop() {
            if let std::collections::hash_map::Entry::Vacant(entry) = cycles.entry(name) {
                entry.insert(number);
                stack.extend(backward.get(name).into_iter().flatten().copied());
            }
        }
    }
    cycles
}

/// An input whose required inputs can be followed in more ways than their validation has time for.
///
/// apollo-compiler follows each way from each input.
pub(crate) fn with_too_many_paths(schema: &Schema) -> Option<&Name> {
    const LIMIT: usize = 100_000;
    let required = |input: &'_ InputObjectType| -> Vec<Name> {
        let types = input.fields.values().map(|field| &*field.ty);
        let types = types.filter(|ty| matches!(ty, Type::NonNullNamed(_)));
        types.map(|ty| ty.inner_named_type().clone()).collect()
    };
    let mut paths: HashMap<&str, usize> = HashMap::new();
    for root in schema
        .types
        .values()
        .filter_map(ExtendedType::as_input_object)
    {
        let mut stack = vec![(root, false)];
        while let Some((input, is_left)) = stack.pop() {
            let next = required(input);
            let next = next.iter().filter_map(|name| schema.get_input_object(name));
            if is_left {
                // What is not counted yet is in a cycle, which is refused later.
                let below = next.map(|it| paths.get(it.name.as_str()).copied().unwrap_or(1));
                let count = below.fold(1, usize::saturating_add);
                if count > LIMIT {
                    return Some(&input.name);
                }
                paths.insert(&input.name, count);
            } else if !paths.contains_key(input.name.as_str()) {
                paths.insert(&input.name, 1);
                stack.push((input, true));
                stack.extend(next.map(|it| (&**it, false)));
            }
        }
    }
    None
}

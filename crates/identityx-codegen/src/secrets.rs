//! Which operations carry a token: what is generated for those has no `Debug`.

use std::collections::BTreeSet;

use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};

/// Where tokens stand in IdentityX's schema.
const SECRETS: [(&str, &str); 6] = [
    ("AppUserAuthToken", "value"),
    ("LoginAppUserMutationInput", "token"),
    ("LogoutAppUserMutationInput", "token"),
    ("Mutation", "createActiveUserApiToken"),
    ("UserAuthToken", "value"),
    ("UserLoginMutationInput", "token"),
];

/// On which sides of the wire an operation carries a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Secrets {
    pub(crate) in_variables: bool,
    pub(crate) in_response: bool,
}

impl Secrets {
    pub(crate) fn of(
        schema: &Valid<Schema>,
        document: &ExecutableDocument,
        operation: &Operation,
    ) -> Self {
        let mut look = Look {
            schema,
            document,
            seen: BTreeSet::new(),
            found: Self::default(),
        };
        look.selections(&operation.selection_set);
        look.found
    }
}

struct Look<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    /// Fragments and input types that were looked at: both can contain themselves.
    seen: BTreeSet<&'a str>,
    found: Secrets,
}

impl<'a> Look<'a> {
    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    self.found.in_response |= is_secret(&set.ty, &field.name);
                    for argument in &field.arguments {
                        if let Some(definition) = field.definition.argument_by_name(&argument.name)
                        {
                            // Whichever of the type's fields the operation fills.
                            self.input(definition.ty.inner_named_type());
                        }
                    }
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                        && self.seen.insert(&fragment.name)
                    {
                        self.selections(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn input(&mut self, name: &'a str) {
        if let Some(ExtendedType::InputObject(input)) = self.schema.types.get(name)
            && self.seen.insert(name)
        {
            for (field, definition) in &input.fields {
                self.found.in_variables |= is_secret(name, field);
                if let Some((inner, _)) = self
                    .schema
                    .types
                    .get_key_value(definition.ty.inner_named_type())
                {
                    self.input(inner);
                }
            }
        }
    }
}

fn is_secret(type_name: &str, field: &str) -> bool {
    SECRETS.contains(&(type_name, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_of_the_carried_schema_is_known_and_nothing_else() {
        let schema = Schema::parse_and_validate(crate::SCHEMA, "schema").unwrap();
        let mut tokens = Vec::new();
        for (name, definition) in &schema.types {
            let fields: Vec<_> = match definition {
                ExtendedType::Object(object) => object.fields.keys().collect(),
                ExtendedType::InputObject(input) => input.fields.keys().collect(),
                _ => continue,
            };
            let is_token = |field: &str| match definition {
                ExtendedType::InputObject(_) => field == "token",
                _ => field.ends_with("Token") || name.ends_with("Token") && field == "value",
            };
            let ours = fields.into_iter().filter(|field| is_token(field));
            tokens.extend(ours.map(|field| (name.as_str(), field.as_str())));
        }
        tokens.sort_unstable();
        assert_eq!(tokens, SECRETS);
    }
}

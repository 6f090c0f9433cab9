//! Which fields, arguments and variables hold a token or a password: by their names.

use std::collections::HashSet;

use apollo_compiler::ast::Value;
use apollo_compiler::executable::Operation;
use apollo_compiler::{ExecutableDocument, Name, Schema};
use heck::ToSnakeCase;

/// The last word of a name that is a secret's, in the singular.
const WORDS: [&str; 9] = [
    "token",
    "jwt",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "apikey",
    "credential",
];

/// Names of two words.
const PAIRS: [&str; 3] = ["api_key", "private_key", "access_key"];

/// Whether a field of this type holds a secret; `more` are the user's own names.
pub(crate) fn is_secret(parent: &str, name: &str, more: &[String]) -> bool {
    let words = name.to_snake_case();
    let words = words.strip_suffix('s').unwrap_or(&words);
    let last = words.rsplit('_').next().unwrap_or_default();
    WORDS.contains(&last)
        || PAIRS.iter().any(|pair| words.ends_with(pair))
        || name == "value" && parent.ends_with("Token")
        || more.iter().any(|it| match it.split_once('.') {
            Some((of, field)) => of == parent && field == name,
            None => it == name,
        })
}

/// The variables that hold a secret: by their own names, and by what they fill.
pub(crate) fn variables(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Operation,
    more: &[String],
) -> HashSet<Name> {
    let own = operation.variables.iter().map(|variable| &variable.name);
    let own = own.filter(|name| is_secret("", name, more));
    let mut search = Search {
        schema,
        more,
        found: own.cloned().collect(),
    };
    for field in operation.all_fields(document) {
        for argument in &field.arguments {
            if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                let ty = definition.ty.inner_named_type();
                let secret = is_secret(&field.name, &argument.name, more);
                search.value(ty, &argument.value, secret);
            }
        }
    }
    search.found
}

struct Search<'a> {
    schema: &'a Schema,
    more: &'a [String],
    found: HashSet<Name>,
}

impl Search<'_> {
    /// A value of this input type, in a place that holds a secret or does not.
    fn value(&mut self, ty: &str, value: &Value, secret: bool) {
        match value {
            Value::Variable(variable) if secret => {
                self.found.insert(variable.clone());
            }
            Value::List(values) => {
                for value in values {
                    self.value(ty, value, secret);
                }
            }
            Value::Object(fields) => {
                let input = self.schema.get_input_object(ty);
                for (name, value) in fields {
                    if let Some(field) = input.and_then(|input| input.fields.get(name)) {
                        let secret = is_secret(ty, name, self.more);
                        self.value(field.ty.inner_named_type(), value, secret);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::schema::ExtendedType;

    use super::*;

    #[test]
    fn every_token_of_the_included_schema_is_known_and_nothing_else() {
        let schema = Schema::parse_and_validate(crate::SCHEMA, "schema").unwrap();
        let mut tokens = Vec::new();
        for (parent, definition) in &schema.types {
            let fields: Vec<_> = match definition {
                ExtendedType::Object(it) => {
                    it.fields.values().map(|it| (&it.name, &it.ty)).collect()
                }
                ExtendedType::InputObject(it) => {
                    it.fields.values().map(|it| (&it.name, &*it.ty)).collect()
                }
                _ => continue,
            };
            for (name, ty) in fields {
                let is_text = ty.inner_named_type() == "String";
                if is_text && is_secret(parent, name, &[]) {
                    tokens.push(format!("{parent}.{name}"));
                }
            }
        }
        tokens.sort_unstable();
        let expected = [
            "AppUserAuthToken.value",
            "LoginAppUserMutationInput.token",
            "LogoutAppUserMutationInput.token",
            "Mutation.createActiveUserApiToken",
            "UserAuthToken.value",
            "UserLoginMutationInput.token",
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn a_secret_is_known_by_the_last_word_of_its_name_or_by_the_list_of_the_user() {
        for name in [
            "token",
            "jwt",
            "password",
            "secret",
            "apiKey",
            "API_KEYS",
            "refreshToken",
            "newPassword",
        ] {
            assert!(is_secret("User", name, &[]), "{name}");
        }
        for name in [
            "value",
            "tokenExpiresAt",
            "key",
            "secretary",
            "passed",
            "id",
        ] {
            assert!(!is_secret("User", name, &[]), "{name}");
        }
        let more = ["pin".to_owned(), "User.code".to_owned()];
        assert!(is_secret("Any", "pin", &more) && is_secret("User", "code", &more));
        assert!(!is_secret("Country", "code", &more));
    }
}

//! Validation of schemas and operations, with what to do about each mistake.

use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::parser::Parser;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema};

use crate::document::Document;
use crate::error::{Error, Problem};
use crate::inputs;
use crate::introspection;

/// Services use it in their schemas without a definition.
const ONE_OF: &str = "directive @oneOf on INPUT_OBJECT";

/// Reads a schema, in SDL or as an introspection result, and validates it.
pub(crate) fn schema(document: &Document) -> Result<Valid<Schema>, Error> {
    if introspection::is_json(document.text()) {
        let sdl =
            introspection::to_sdl(document.text()).map_err(|reason| Error::Introspection {
                file: document.name().to_owned(),
                reason,
            })?;
        // Line numbers refer to the converted text, not to the file: the name says so.
        return schema(&Document::new(format!("{} as SDL", document.name()), sdl));
    }
    let mut builder = Schema::builder();
    Parser::new().parse_into_schema_builder(document.text(), document.name(), &mut builder);
    if !document.text().contains("directive @oneOf") {
        Parser::new().parse_into_schema_builder(ONE_OF, "oneOf", &mut builder);
    }
    let invalid = |errors: &DiagnosticList| Error::Invalid(problems(document, None, errors));
    let schema = builder.build().map_err(|it| invalid(&it.errors))?;
    if let Some(name) = inputs::with_too_many_paths(&schema) {
        let reason = format!("the input `{name}` needs other inputs in too many ways");
        let problem = Problem::at(&schema.sources, name.location(), document.name(), reason);
        return Err(Error::Invalid(vec![
            problem.with_help("make fields of it nullable"),
        ]));
    }
    schema.validate().map_err(|it| invalid(&it.errors))
}

/// Reads the operations of a document and validates them.
pub(crate) fn operations(
    schema: &Valid<Schema>,
    document: &Document,
) -> Result<Valid<ExecutableDocument>, Error> {
    let name = document.name();
    let valid = ExecutableDocument::parse_and_validate(schema, document.text(), name);
    let valid = valid
        .map_err(|invalid| Error::Invalid(problems(document, Some(schema), &invalid.errors)))?;
    let problem = if let Some(anonymous) = &valid.operations.anonymous {
        let reason = "the operation has no name, which its module needs";
        Problem::at(&valid.sources, anonymous.location(), name, reason)
            .with_help("give it one, as in `query WhoAmI { … }`")
    } else if valid.operations.is_empty() {
        Problem::of_file(name, "the file contains no operation")
    } else if let Some(place) = ["@defer", "@stream"]
        .iter()
        .find(|it| document.text().contains(**it))
        && schema.directive_definitions.contains_key(&place[1..])
    {
        Problem::of_file(
            name,
            format!("with `{place}` an answer comes in parts, which is not supported"),
        )
        .with_help("remove the directive")
    } else {
        return Ok(valid);
    };
    Err(Error::Invalid(vec![problem]))
}

fn problems(
    document: &Document,
    schema: Option<&Schema>,
    diagnostics: &DiagnosticList,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for Diagnostic { sources, error } in diagnostics.iter() {
        let location = ToCliReport::location(error);
        let file = location.and_then(|location| sources.get(&location.file_id()));
        let reason = error.to_string();
        // apollo-compiler removes an invalid selection and then reports that it is missing.
        let text = location.zip(file).and_then(|(at, file)| {
            let source = file.source_text();
            source.get(at.offset()..at.end_offset())
        });
        if reason.contains("must have a subselection") && text.is_some_and(|it| it.ends_with('}')) {
            continue;
        }
        let help = error
            .unstable_error_name()
            .and_then(|kind| help(kind, &reason, schema));
        let problem = Problem::at(sources, location, document.name(), reason);
        problems.push(Problem { help, ..problem });
    }
    problems
}

/// What to do about a mistake.
fn help(kind: &str, reason: &str, schema: Option<&Schema>) -> Option<String> {
    // The names that the reason quotes.
    let mut names = reason.split('`').skip(1).step_by(2);
    let help = match kind {
        "UndefinedField" => {
            let (parent, field) = (names.next()?, names.next()?);
            let fields = match schema?.types.get(parent)? {
                ExtendedType::Object(it) => &it.fields,
                ExtendedType::Interface(it) => &it.fields,
                _ => {
                    return Some("select `__typename`, or fields in fragments on its types".into());
                }
            };
            let mut known: Vec<&str> = fields.keys().map(apollo_compiler::Name::as_str).collect();
            // The likeliest first.
            known.sort_by_key(|it| (distance(it, field), *it));
            known.truncate(5);
            return Some(format!("fields of `{parent}` are `{}`", known.join("`, `")));
        }
        "MissingSubselection" => "select its fields: `{ … }`",
        "UnusedVariable" => "use the variable, or remove it",
        "UndefinedVariable" => "declare it behind the operation's name: `($name: Type)`",
        "UnusedFragment" => "spread the fragment, or remove it",
        "UndefinedFragment" => "define it in the same file",
        "RequiredArgument" => "add the argument",
        "UndefinedArgument" => "remove the argument, or correct its name",
        "DisallowedVariableUsage" => "declare the variable with the type that is expected here",
        "ConflictingFieldName" | "ConflictingFieldArgument" | "ConflictingFieldType" => {
            "give one of the fields an alias"
        }
        "UndefinedDefinition" => "define the type, or correct its name",
        "UndefinedDirective" => "define the directive in the schema, or remove it",
        _ => return None,
    };
    Some(help.to_owned())
}

/// How many letters one name has to change to become the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let replaced = corner + usize::from(!a.eq_ignore_ascii_case(&b));
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

//! Validation: what `graphql_client`'s generator takes on trust is checked here first.

use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema};

use crate::document::Document;
use crate::error::{Error, Problem};
use crate::introspection;

/// Reads a schema, in SDL or as an introspection result, and validates it.
pub(crate) fn schema(document: &Document) -> Result<Valid<Schema>, Error> {
    if introspection::is_json(document.text()) {
        let sdl =
            introspection::to_sdl(document.text()).map_err(|reason| Error::Introspection {
                file: document.name().to_owned(),
                reason,
            })?;
        // Lines are those of the SDL, which nobody sees: the name says so.
        return schema(&Document::new(format!("{} as SDL", document.name()), sdl));
    }
    Schema::parse_and_validate(document.text(), document.name())
        .map_err(|invalid| Error::Invalid(problems(document, &invalid.errors)))
}

/// Reads the operations of a document and validates them.
pub(crate) fn operations(
    schema: &Valid<Schema>,
    document: &Document,
) -> Result<Valid<ExecutableDocument>, Error> {
    let valid = ExecutableDocument::parse_and_validate(schema, document.text(), document.name())
        .map_err(|invalid| Error::Invalid(problems(document, &invalid.errors)))?;
    let reason = if valid.operations.anonymous.is_some() {
        "the operation has no name, and its module needs one"
    } else if valid.operations.is_empty() {
        "there is no operation here"
    } else {
        return Ok(valid);
    };
    Err(Error::Invalid(vec![Problem {
        file: document.name().to_owned(),
        line: None,
        column: None,
        reason: reason.to_owned(),
    }]))
}

fn problems(document: &Document, diagnostics: &DiagnosticList) -> Vec<Problem> {
    let mut problems = Vec::new();
    for Diagnostic { sources, error } in diagnostics.iter() {
        let place = ToCliReport::location(error);
        let file = place.and_then(|place| sources.get(&place.file_id()));
        let reason = error.to_string();
        // It takes away a selection that is not valid and then complains that there is none.
        let text = place
            .zip(file)
            .and_then(|(place, file)| file.source_text().get(place.offset()..place.end_offset()));
        if reason.contains("must have a subselection") && text.is_some_and(|it| it.ends_with('}')) {
            continue;
        }
        let start = place.and_then(|place| place.line_column(sources));
        problems.push(Problem {
            file: file.map_or_else(
                || document.name().to_owned(),
                |file| file.path().display().to_string(),
            ),
            line: start.as_ref().map(|start| start.line),
            column: start.as_ref().map(|start| start.column),
            reason,
        });
    }
    problems
}

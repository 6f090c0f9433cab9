//! Validation of schemas and operations: `graphql_client`'s generator does none.

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
        // Line numbers refer to the converted text, not to the file: the name says so.
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
        "the operation has no name, which its module needs"
    } else if valid.operations.is_empty() {
        "the file contains no operation"
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
        let start = location.and_then(|location| location.line_column(sources));
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

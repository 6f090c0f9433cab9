//! The endpoint: from the bytes of a request to an answer with the vendor's status.

use axum::body::Body;
use axum::http::{HeaderMap, Response as HttpResponse, StatusCode};
use graphql_tools::parser::Pos;
use graphql_tools::static_graphql::query::SelectionSet;
use graphql_tools::static_graphql::schema::ObjectType;
use graphql_tools::validation::rules::default_rules_validation_plan;
use graphql_tools::validation::validate::validate;
use serde_json::{Map, Value, json};

use super::call::{APP_ID, Call};
use super::document;
use super::execution::{Execution, FieldError, location};
use super::failure::INTERNAL;
use super::schema::SCHEMA;
use super::state::State;
use super::variables;
use crate::answer::{self, Answer, Content, Refusal};
use crate::request::{self, is_json};

const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";

pub(super) fn answer(state: &State, request: &request::Call) -> Answer {
    let call = &Call {
        state,
        headers: &request.headers,
    };
    let fields = fields(&request.headers, &request.body)?;
    refuse_blocked(call)?;
    let Parts { query, name, sent } = parts(&fields)?;

    let document = document::parse(query).map_err(|place| {
        let (text, hint) = ("Syntax Error", "the query is not GraphQL");
        refuse(
            "GRAPHQL_PARSE_FAILED",
            [(text.to_owned(), vec![place])],
            hint,
        )
    })?;
    // Without the variables: the vendor answers their mistakes differently.
    let errors = validate(&SCHEMA, &document, &default_rules_validation_plan());
    let errors = errors
        .into_iter()
        .map(|each| (each.message, each.locations));
    let mut errors: Vec<_> = errors.collect();
    if errors.is_empty() {
        let unknown = document::unknown_field(&document, &SCHEMA);
        errors.extend(unknown.map(|(field, ty)| {
            let text = format!("Cannot query field \"{}\" on type \"{ty}\".", field.name);
            (text, vec![field.position])
        }));
    }
    if !errors.is_empty() {
        let hint = "the query does not fit the schema; the errors say where";
        return Err(refuse(INVALID, errors, hint).into());
    }
    let Some(operation) = document::chosen(&document, name) else {
        // Decision: the text, which no document has.
        let hint = "operationName does not choose one of the query's operations";
        let text = "Unknown operation named by operationName.".to_owned();
        return Err(refuse(INVALID, [(text, Vec::new())], hint).into());
    };
    let Some(root) = document::root(operation, &SCHEMA) else {
        let text = "Schema is not configured to execute subscription operation.".to_owned();
        let hint = "the operation is neither a query nor a mutation";
        return Err(refuse(INVALID, [(text, Vec::new())], hint).into());
    };
    let variables = variables::check(operation, &sent).map_err(|(text, place)| {
        let hint = "a variable is missing, or not of the type that the query says";
        refuse(INTERNAL, [(text, vec![place])], hint)
    })?;
    let execution = Execution::new(call, &document, &variables);
    Ok(execute(call, execution, root, operation.selection_set()))
}

/// The longest body that the vendor reads.
const LONGEST: usize = 100 * 1024;

fn fields(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.len() > LONGEST {
        return Err(Refusal {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            body: Content::Html(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                 <title>Error</title>\n</head>\n<body>\n<pre>PayloadTooLargeError: request entity \
                 too large</pre>\n</body>\n</html>\n",
            ),
            hint: format!("the body is longer than {LONGEST} bytes"),
        });
    }
    // Decision: the text, and that another content type counts as no body.
    if body.is_empty() || !is_json(headers) {
        return Err(Refusal {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            body: Content::Text("POST body missing."),
            hint: "the body is empty, or Content-Type is not application/json".to_owned(),
        });
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| Refusal {
        status: StatusCode::BAD_REQUEST,
        body: Content::Html(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>Error</title>\n</head>\n<body>\n<pre>SyntaxError: Unexpected token in JSON\
             </pre>\n</body>\n</html>\n",
        ),
        hint: format!(
            "the body is not JSON: line {}, column {}",
            error.line(),
            error.column()
        ),
    })?;
    match value {
        Value::Object(fields) => Ok(fields),
        // Decision: a list is refused. The vendor may accept a list of requests.
        _ => Err(bad_request("the body is JSON, but not an object")),
    }
}

struct Parts<'f> {
    query: &'f str,
    /// Which of the query's operations.
    name: Option<&'f str>,
    /// The variables.
    sent: Map<String, Value>,
}

/// The parts of a request. Decision: the answer to a request without them.
fn parts(fields: &Map<String, Value>) -> Result<Parts<'_>, Refusal> {
    let Some(query) = fields.get("query").and_then(Value::as_str) else {
        return Err(bad_request("query is missing, or no text"));
    };
    let name = match fields.get("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.as_str()),
        Some(_) => return Err(bad_request("operationName is no text")),
    };
    let sent = match fields.get("variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(sent)) => sent.clone(),
        Some(_) => return Err(bad_request("variables is no object")),
    };
    Ok(Parts { query, name, sent })
}

fn bad_request(hint: &str) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        body: Content::Text("Must provide query string."),
        hint: hint.to_owned(),
    }
}

/// The checks that fail for every operation, whether or not it is about an application.
fn refuse_blocked(call: &Call<'_>) -> Result<(), Refusal> {
    let id = call.headers.get(APP_ID).and_then(|id| id.to_str().ok());
    let book = call.state.book();
    if let Some(id) = id.filter(|id| book.switches.disabled.contains(*id)) {
        let text = format!(
            "Context creation failed: The IdentityX application ID \"{id}\" is disabled and must \
             migrated to use the new Mindful API. Please contact support for more information."
        );
        let hint = "the tenant of the application in x-app-id is switched off";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let refusal = refuse(INTERNAL, [(text, Vec::new())], hint);
        return Err(Refusal { status, ..refusal });
    }
    let is_unknown = |id: &str| !book.applications.iter().any(|each| each.id == id);
    match id.filter(|id| book.switches.blocked.contains(*id) || is_unknown(id)) {
        None => Ok(()),
        Some(id) => {
            let text = format!(
                "Context creation failed: The application ID \"{id}\" is no longer allowed."
            );
            let hint = "the application in x-app-id is unknown, or no longer allowed";
            Err(refuse("FORBIDDEN", [(text, Vec::new())], hint))
        }
    }
}

/// An answer without any resolver: 400, without `data`.
fn refuse(code: &str, errors: impl IntoIterator<Item = (String, Vec<Pos>)>, hint: &str) -> Refusal {
    let errors = errors.into_iter().map(|(message, locations)| {
        let mut error = json!({ "message": message, "extensions": { "code": code } });
        if !locations.is_empty() {
            error["locations"] = locations.into_iter().map(location).collect();
        }
        error
    });
    Refusal {
        status: StatusCode::BAD_REQUEST,
        body: Content::Json(json!({ "errors": errors.collect::<Vec<_>>() })),
        hint: hint.to_owned(),
    }
}

fn execute<'e>(
    call: &Call<'_>,
    execution: Execution<'e>,
    root: &ObjectType,
    set: &'e SelectionSet,
) -> HttpResponse<Body> {
    let error_beside_data = call.state.book().switches.error_beside_data;
    let (data, failed) = execution.run(root, set);
    let mut hint = failed.first().map(|error| error.failure.hint);
    let mut errors: Vec<Value> = failed.iter().map(FieldError::json).collect();
    if errors.is_empty() && error_beside_data {
        // Decision: an error of no field, so that all data stays.
        let mut error = json!({ "message": "Something beside the data has failed." });
        error["extensions"] = json!({ "code": INTERNAL });
        errors.push(error);
        hint = Some("the sandbox was told to put an error beside the data");
    }
    let mut body = json!({
        "data": data,
        // Decision: its contents, since clients ignore it.
        "extensions": { "sandbox": { "executed": true } },
    });
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    let mut answer = answer::json(StatusCode::OK, &body);
    if let Some(hint) = hint {
        answer::set_hint(&mut answer, hint);
    }
    answer
}

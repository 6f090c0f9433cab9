//! The matrix of leaks: a server repeats what each call sent as a secret, in every form, in every
//! place of an answer, with every status. With `LEAKS=all` in the environment that is all of it;
//! otherwise each call meets each form once.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use auth_sandbox::Sandbox;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vendor_tests::forms::{forms, leaked};
use vendor_tests::redaction::Captured;
use vendor_tests::{Url, answering, response, shown};

use crate::matrix::{Vendor, moving, sandbox};
use crate::trouble::PATIENT;

const STATUSES: [u16; 8] = [200, 400, 401, 403, 404, 422, 500, 503];
const FORMS: usize = 26;

/// The names of what is secret, in bodies and queries.
const SECRETS: [&str; 13] = [
    "client_secret",
    "code",
    "inviteHash",
    "newPassword",
    "oldPassword",
    "otp",
    "password",
    "password_confirmation",
    "refresh_token",
    "resetHash",
    "reset_hash",
    "token",
    "user_token",
];

/// Bodies with this text in all fields that are messages, and in places that are not.
fn answers(text: &str) -> Vec<String> {
    let error = json!({ "error": text, "reason": text, "field": text, "message": text });
    let begun = |beginning: &str| json!({ "message": format!("{beginning} {text}") }).to_string();
    let graphql = |code: &str, status: u16| {
        let message = format!("jwt malformed: {text}");
        let extensions = json!({ "code": code, "exception": { "statusCode": status } });
        let error = json!({ "message": message, "extensions": extensions, "path": [text] });
        json!({ "data": { "ping": null }, "errors": [error] }).to_string()
    };
    vec![
        error.to_string(),
        json!({ "error": "invalid_token", "error_description": text, "messages": [text, text] })
            .to_string(),
        json!({ "success": false, "errorObjects": [error, error], "data": text }).to_string(),
        json!({ "success": false, "data": {
            "status": text, "reason": text, "supportEmail": text, "isValid": false,
            "invalidReason": text,
        }})
        .to_string(),
        begun("Invalid JWT:"),
        begun("User"),
        begun("Access for"),
        graphql("UNAUTHENTICATED", 401),
        graphql("INTERNAL_SERVER_ERROR", 500),
        graphql("BAD_USER_INPUT", 0),
        text.to_owned(),
        format!("<html>{text}</html>"),
        json!([text, { text: [text] }]).to_string(),
        json!({ "_id": text, "user": { text: text }, "token": text, "expires_in": text })
            .to_string(),
    ]
}

/// What a request sent as a secret, read from its bytes.
fn secrets(request: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1));
    let url = Url::parse(&format!("http://a{}", target.unwrap_or("/"))).unwrap();
    let mut found = Vec::new();
    let token = url.path().split_once("/password_reset/");
    let token = token.map(|(_, token)| format!("token={}", token.replace('+', "%2B")));
    for pairs in [url.query(), Some(body), token.as_deref()] {
        let pairs = Url::parse(&format!("http://a/?{}", pairs.unwrap_or_default())).unwrap();
        for (name, value) in pairs.query_pairs() {
            if SECRETS.contains(&&*name) {
                found.push(value.into_owned());
            }
        }
    }
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        if !["authorization", "eq-api-jwt"].contains(&&*name.to_ascii_lowercase()) {
            continue;
        }
        let secret = value.rsplit(' ').next().unwrap_or(value).to_owned();
        if value.starts_with("Basic ") {
            let pair = String::from_utf8(STANDARD.decode(&secret).unwrap()).unwrap();
            found.extend(pair.split_once(':').map(|(_, secret)| secret.to_owned()));
        }
        found.push(secret);
    }
    if let Ok(body) = serde_json::from_str::<Value>(body) {
        collect(&body, &mut found);
    }
    found.retain(|secret| secret.len() > 3);
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(secret) if SECRETS.contains(&&**name) => found.push(secret.to_owned()),
            _ => collect(value, found),
        }
    }
}

/// What the server answers next, and what it repeated: secrets and their forms.
#[derive(Default)]
struct Plan {
    form: usize,
    answer: usize,
    status: u16,
    repeated: Vec<(String, String)>,
}

impl Plan {
    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let mut text = "it".to_owned();
        for secret in secrets(request) {
            let form = forms(&secret)[self.form].1.clone();
            write!(text, " is '{form}'").unwrap();
            self.repeated.push((secret, form));
        }
        let body = answers(&text).swap_remove(self.answer);
        response(self.status, "", body.as_bytes())
    }
}

/// What is shown of a call.
async fn called<V: Vendor>(sandbox: &Sandbox, ready: &V, client: &V::Client, call: &str) -> String {
    let outcome = moving(sandbox.clock(), ready.make(client, call)).await;
    outcome
        .err()
        .map_or_else(String::new, |error| shown(&error))
}

/// What is shown of a session that could not renew.
async fn renewed<V: Vendor>(sandbox: &Sandbox, ready: &V, client: &V::Client) -> String {
    let session = ready.session(client).await;
    let outcome = moving(sandbox.clock(), session.renew()).await;
    let text = outcome.err().map(|error| shown(&error));
    format!("{text:?} {:?}", session.state())
}

/// Makes every call, and a session's renewal, and looks for what the server repeated in all that is
/// shown of it.
async fn assert_no_leak<V: Vendor>() {
    let is_full = std::env::var("LEAKS").is_ok_and(|which| which == "all");
    let (captured, _guard) = Captured::begin();
    let plan = Arc::new(Mutex::new(Plan::default()));
    let base = answering({
        let plan = Arc::clone(&plan);
        move |request| plan.lock().unwrap().answer(request)
    });
    let sandbox = sandbox();
    let ready = V::ready(&sandbox, &V::client(&sandbox, PATIENT)).await;
    let client = V::client_at(base, &sandbox, PATIENT);
    captured.take();

    let (mut cells, mut repeated, mut lines) = (0, 0, HashSet::new());
    let answers = answers("").len();
    let renewal = (V::CALLS.len(), None);
    let named = V::CALLS.iter().map(|call| Some(call.name)).enumerate();
    for (number, call) in named.chain([renewal]) {
        for form in 0..FORMS {
            for answer in 0..answers * STATUSES.len() {
                // Otherwise each call meets each form once, and all answers with all statuses in turn.
                let is_next = answer == (form + FORMS * number) % (answers * STATUSES.len());
                // A session takes a second: it asks once more before it gives up.
                let is_chosen = match call {
                    Some(_) => is_full || is_next,
                    None => is_next && (is_full || form % 8 == 0),
                };
                if !is_chosen {
                    continue;
                }
                let status = STATUSES[answer % STATUSES.len()];
                let answer = answer / STATUSES.len();
                *plan.lock().unwrap() = Plan {
                    form,
                    answer,
                    status,
                    ..Plan::default()
                };
                let text = match call {
                    Some(call) => called(&sandbox, &ready, &client, call).await,
                    None => renewed(&sandbox, &ready, &client).await,
                };
                // What other libraries trace is the same for every cell: new lines are looked at.
                let text = text + "\n" + &captured.take();
                let new = text.lines().filter(|line| lines.insert((*line).to_owned()));
                let text = new.collect::<Vec<_>>().join("\n");
                cells += 1;
                for (secret, form) in std::mem::take(&mut plan.lock().unwrap().repeated) {
                    repeated += 1;
                    let leak = leaked(&text, &form).or_else(|| leaked(&text, &secret));
                    let cell = format!("{call:?} with {form:?} in answer {answer}, {status}");
                    assert_eq!(leak, None, "{cell}: {text}");
                }
            }
        }
    }
    println!(
        "{}: {cells} calls, {repeated} secrets repeated, none shown",
        V::NAME
    );
    assert!(repeated > cells / 4, "{repeated} secrets in {cells} cells");
}

#[tokio::test]
async fn no_form_of_a_secret_is_shown_whatever_iqm_answers() {
    assert_no_leak::<crate::iqm::Ready>().await;
}

#[tokio::test]
async fn no_form_of_a_secret_is_shown_whatever_edgeiq_answers() {
    assert_no_leak::<crate::edgeiq::Ready>().await;
}

#[tokio::test]
async fn no_form_of_a_secret_is_shown_whatever_eqworks_answers() {
    assert_no_leak::<crate::eqworks::Ready>().await;
}

#[tokio::test]
async fn no_form_of_a_secret_is_shown_whatever_identityx_answers() {
    assert_no_leak::<crate::identityx::Ready>().await;
}

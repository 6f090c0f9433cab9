//! What stands in an answer is shown only where it stands in a field that is a message.

use std::sync::{Arc, Mutex};

use auth_core::{Reason, Renew as _, RetryPolicy};
use serde_json::{Value, json};

use crate::redaction::Captured;
use crate::{Calls, answering, response, sandbox, shown};

/// The tests of this module, for a vendor.
#[macro_export]
macro_rules! canaries {
    ($vendor:ty) => {
        $crate::tests! { $vendor, canaries:
            #[tokio::test]
            async fn nothing_of_an_answer_is_shown_but_messages();
            #[tokio::test]
            async fn a_message_without_an_end_is_shown_in_some_hundred_characters();
        }
    };
}

/// A success, refusals of every meaning, and outages.
const STATUSES: [u16; 5] = [200, 400, 401, 403, 500];

/// What stands in all places. As a word, and as a number.
const CANARY: &str = "c4n4ry-5ong-0815";
const NUMBER: u64 = 471_108_154_711_081_547;

/// An error may be as long as some messages: more than one is never joined without a bound.
const LONGEST_ERROR: usize = 2_000;

/// Answers in the forms of all vendors, and in none, with the canary in every place that is not the
/// text of a message.
pub fn answers() -> Vec<String> {
    let user = json!({
        "_id": CANARY, "session_token": CANARY, "api_token": CANARY, "access_token": CANARY,
        "token": { "id": CANARY, "value": CANARY }, CANARY: [NUMBER, [CANARY, { CANARY: NUMBER }]],
    });
    let mut answers = vec![
        CANARY.to_owned(),
        format!("{CANARY}: {NUMBER}"),
        format!("<html>{CANARY}"),
        format!("{{\"{CANARY}\": \"{CANARY}\", {CANARY}"),
    ];
    for inner in [user, json!(CANARY), json!([NUMBER, CANARY])] {
        let mut forms = vec![
            inner.clone(),
            json!({ "user": inner, "token": inner, "product": inner }),
            json!({ "success": true, "data": inner }),
            json!({ "success": false, "data": inner, "errorObjects": [inner] }),
            json!({ "errorObjects": [{ "code": inner, CANARY: inner }], "status": inner }),
            json!({ "data": { "activeUser": inner, "ping": inner }, "extensions": inner }),
            json!({ "data": inner, "errors": inner }),
            json!({ "data": null, "errors": [{
                "message": "No.", "path": [inner], "locations": inner,
                "extensions": { "code": inner, "exception": { "statusCode": inner, "stack": inner } },
            }]}),
        ];
        // As texts, these are messages.
        if !inner.is_string() {
            forms.extend([
                json!({ "message": inner, "statusCode": inner }),
                json!({ "error": inner, "reason": inner, "error_description": inner }),
                json!({ "messages": [inner] }),
                json!({ "errorObjects": [{ "error": inner, "reason": inner, "field": inner }] }),
                json!({ "data": null, "errors": [{ "message": inner }] }),
            ]);
        }
        answers.extend(forms.iter().map(Value::to_string));
    }
    answers
}

/// Makes every call, and a renewal, with each of the answers, and gives the errors to `check`.
async fn with_each<V: Calls>(answers: &[String], check: impl Fn(&str, &str)) {
    let next = Arc::new(Mutex::new((200, String::new())));
    let base = answering({
        let next = Arc::clone(&next);
        move |_| {
            let (status, body) = next.lock().unwrap().clone();
            response(status, "", body.as_bytes())
        }
    });
    let sandbox = sandbox();
    let once = |http: auth_core::HttpBuilder| http.retry(RetryPolicy::never());
    let builder = V::with_base_url(V::with_http(V::builder(&sandbox), once), base.as_str());
    let client = V::build(builder).unwrap();
    let token = V::log_in(&sandbox).await;
    let known: auth_core::Token = token.clone().into();
    let ready = V::ready(&sandbox, client.clone()).await;
    for answer in answers {
        for status in STATUSES {
            *next.lock().unwrap() = (status, answer.clone());
            for call in V::CALLS {
                if let Err(error) = V::call(&ready, call.operation).await {
                    check(&shown(&error), answer);
                }
            }
            let session = V::session_with_token(&client, token.clone()).unwrap();
            let renewal = session.renewer().renew(Some(&known), Reason::Requested);
            if let Err(error) = renewal.await {
                check(&shown(&error), answer);
            }
            // A session looks twice, a second apart, before it gives up: not for each answer.
            if status == 401
                && Some(answer) == answers.last()
                && let Err(error) = session.renew().await
            {
                check(&format!("{} {:?}", shown(&error), session.state()), answer);
            }
        }
    }
}

pub async fn nothing_of_an_answer_is_shown_but_messages<V: Calls>() {
    let (captured, _guard) = Captured::begin();
    let number = NUMBER.to_string();
    with_each::<V>(&answers(), |text, answer| {
        let is_hidden = !text.contains(&CANARY[..6]) && !text.contains(&number);
        assert!(is_hidden, "{text} of {answer}");
    })
    .await;
    let text = captured.text();
    assert!(!text.is_empty());
    assert!(!text.contains(&CANARY[..6]) && !text.contains(&number));
}

pub async fn a_message_without_an_end_is_shown_in_some_hundred_characters<V: Calls>() {
    let long = "No good. ".repeat(4_000);
    let error = json!({ "error": long, "reason": long, "field": long, "message": long });
    let mut answer = error.clone();
    answer["messages"] = json!(vec![&long; 20]);
    answer["errorObjects"] = json!(vec![&error; 20]);
    let errors = json!({ "data": null, "errors": vec![&error; 20] });
    with_each::<V>(&[answer.to_string(), errors.to_string()], |text, _| {
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest.unwrap() < LONGEST_ERROR, "{text}");
    })
    .await;
}

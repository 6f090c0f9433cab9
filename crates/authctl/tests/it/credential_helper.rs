//! `authctl credential-helper`, as a tool calls it.

use serde_json::{Value, json};

use crate::prepared::{Prepared, VENDORS, succeeded};

fn answer(user: &Prepared, uri: &str) -> Value {
    let request = json!({ "uri": uri }).to_string();
    let output = user.with_input(&["credential-helper", "get"], &request);
    serde_json::from_str(&succeeded(&output)).unwrap()
}

#[test]
fn a_vendors_address_gets_headers_and_the_end_of_the_token() {
    for vendor in VENDORS {
        let user = Prepared::of(vendor);
        let answer = answer(&user, &user.url);
        let lists = user.prints(&["header", "--format", "json-lists"]);
        assert_eq!(
            answer["headers"],
            serde_json::from_str::<Value>(&lists).unwrap(),
            "{vendor}"
        );
        let end = answer["expires"]
            .as_str()
            .and_then(auth_core::parse_date_time);
        // The session tokens of IdentityX have no end.
        assert_eq!(end.is_some(), vendor != "identityx", "{answer}");
        assert_eq!(answer.get("expires").is_some(), end.is_some());
        assert!(end.is_none_or(|end| end > std::time::SystemTime::now()));
    }
}

#[test]
fn a_foreign_address_gets_no_headers() {
    let user = Prepared::of("edgeiq");
    for uri in ["https://evil.example/", "http://127.0.0.1:9/", "nothing"] {
        assert_eq!(answer(&user, uri), json!({"headers": {}}), "{uri}");
    }
}

#[test]
fn what_is_no_request_is_a_mistake_of_the_caller() {
    let user = Prepared::of("edgeiq");
    let output = user.with_input(&["credential-helper", "get"], "{}");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

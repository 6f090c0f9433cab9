//! `authctl header`, read by the programs for which its formats are.

use serde_json::Value;

use crate::prepared::{Prepared, VENDORS};

#[test]
fn curl_calls_each_vendor_with_the_headers_from_its_standard_input() {
    for vendor in VENDORS {
        let user = Prepared::of(vendor);
        let script = r#"authctl header --format curl --url "$URL" | curl -sS -f -K - $POST "$URL""#;
        let response = user.shell("bash", script);
        assert!(response.contains(user.email), "{vendor}: {response}");
    }
}

#[test]
fn each_format_holds_the_headers_and_nothing_else() {
    for vendor in VENDORS {
        let user = Prepared::of(vendor);
        let text = user.prints(&["header"]);
        let lines: Vec<(&str, &str)> = text
            .lines()
            .map(|line| line.split_once(": ").unwrap())
            .collect();
        let has_token = |value: &str| value.ends_with(&user.token);
        assert!(
            lines.iter().any(|(_, value)| has_token(value)),
            "{vendor}: {text}"
        );
        let json: Value =
            serde_json::from_str(&user.prints(&["header", "--format", "json"])).unwrap();
        let lists = user.prints(&["header", "--format", "json-lists"]);
        let lists: Value = serde_json::from_str(&lists).unwrap();
        let session = user.prints(&["header", "--format", "httpie"]);
        let session: Value = serde_json::from_str(&session).unwrap();
        for (index, (name, value)) in lines.iter().enumerate() {
            assert_eq!(json[*name], *value);
            assert_eq!(lists[*name], serde_json::json!([value]));
            assert_eq!(
                session["headers"][index],
                serde_json::json!({"name": name, "value": value})
            );
        }
        let sizes = [
            json.as_object().unwrap().len(),
            lists.as_object().unwrap().len(),
        ];
        assert_eq!(sizes, [lines.len(); 2]);
    }
}

#[test]
fn a_header_for_another_host_is_refused_and_not_printed() {
    let user = Prepared::of("iqm");
    for url in [
        "https://evil.example/x?hunter22",
        "http://127.0.0.1:9/",
        "not an address",
    ] {
        let output = user.authctl(&["header", "--url", url]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(output.stdout.is_empty(), "{url}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(errors.lines().count(), 2, "{errors}");
        assert!(
            !errors.contains(&user.token) && !errors.contains("hunter22"),
            "{errors}"
        );
    }
}

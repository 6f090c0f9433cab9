//! Moments in JSON, and a token as the value of a header.
#![no_main]

use auth_core::{Header, SecretString, format_date_time, parse_date_time};
use identityx_auth::graphql::Date;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(moment) = parse_date_time(text)
        && let Some(written) = format_date_time(moment)
    {
        let again = parse_date_time(&written).unwrap();
        let lost = moment.duration_since(again).unwrap();
        assert!(lost.as_millis() == 0, "{text}: {written}");
    }
    for json in [text.to_owned(), serde_json::to_string(text).unwrap()] {
        if let Ok(date) = serde_json::from_str::<Date>(&json) {
            let _ = serde_json::to_string(&date);
        }
    }
    let name = http::HeaderName::from_static("x-token");
    if let Err(error) = Header::with_scheme(name, "Bearer ", &SecretString::from(text)) {
        assert!(text.len() < 24 || !format!("{error:?}").contains(text));
    }
});

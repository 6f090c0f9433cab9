//! What a person pastes is read or refused, and never repeated.
#![no_main]

use std::fmt::Debug;

use edgeiq_auth::ResetToken;
use eqworks_auth::magic_link::MagicLink;
use identityx_auth::LoginLink;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let pasted = text.into();
    check(text, MagicLink::parse(&pasted));
    check(text, LoginLink::parse(&pasted));
    check(text, ResetToken::from_link(&pasted));
    check(text, ResetToken::new(text));
});

/// The error repeats no word of the text that is as long as a secret.
fn check<T, E: Debug + ToString>(text: &str, parsed: Result<T, E>) {
    let Err(error) = parsed else { return };
    let shown = format!("{} {error:?}", error.to_string());
    for word in text.split(|it: char| !it.is_ascii_alphanumeric()) {
        // The longest of the messages' own words is shorter.
        assert!(
            word.len() < 24 || !shown.contains(word),
            "{word} in {shown}"
        );
    }
}

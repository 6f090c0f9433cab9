//! A secret in any of its forms, inside of any text, is not shown. Input: a byte that chooses the
//! form, the secret, a zero byte, and the text around it with `|` in the place of the secret.
#![no_main]

use auth_core::Redactor;
use libfuzzer_sys::fuzz_target;
use vendor_tests::forms::{forms, leaked};

fuzz_target!(|input: &[u8]| {
    let Some((&form, input)) = input.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(input);
    let (secret, around) = text.split_once('\0').unwrap_or((&text, "|"));
    // Blanks and what is not seen give no secret away: they may stay around one, and where it is cut.
    let is_seen = |it: &char| {
        !matches!(it, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
            && (it.is_whitespace() || !it.is_control())
    };
    let secret: String = secret.chars().filter(is_seen).collect();
    let secret = &secret.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut redactor = Redactor::new();
    redactor.add(&secret.as_str().into());
    let (name, form) = &forms(secret)[usize::from(form) % 26];
    let shown = redactor.redact(&around.replace('|', form));
    assert!(
        shown.chars().count() <= 301 && shown.lines().count() <= 1,
        "{shown}"
    );
    // What the text around holds by itself is not the secret's.
    let seen: Vec<char> = secret.chars().filter(|it| it.is_alphanumeric()).collect();
    if seen.len() >= 12 && !around.contains(['\\', '%', '&', '=', '+']) {
        let is_there = leaked(around, form).is_some();
        // Nor is the mask, of which a secret may have a part.
        let kept = shown.replace("[redacted]", "\u{e000}");
        let leak = leaked(&kept, form).filter(|it| it.chars().any(char::is_alphanumeric));
        assert!(
            is_there || leak.is_none(),
            "{name}: {leak:?} of {form:?} in {shown:?}"
        );
    }
    // Redacting is done once, at any place: twice makes no difference to what is hidden.
    assert!(redactor.redact(&shown).chars().count() <= 301);
});

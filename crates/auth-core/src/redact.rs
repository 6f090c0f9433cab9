//! Cutting out of a vendor's text what was sent as a secret.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "[redacted]";

/// A secret's first bytes give it away as well as all of it: vendors shorten what they echo.
const LEADING: usize = 8;

/// Below this length a secret may be part of any word: the whole text goes.
const SHORTEST: usize = 4;

/// The longest vendor text that is passed on, in characters, after redaction.
const LONGEST_TEXT: usize = 300;

/// What the `url` crate percent-encodes in one segment of a path.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Knows what one request sent as a secret, and cuts it out of any text.
///
/// Each secret is found in the forms in which it travels and comes back: as it is,
/// percent-encoded (all of it, or as one segment of a path), form-encoded, escaped as JSON; whatever the case of its letters; whole, or cut
/// short after eight characters or more. JWTs are cut out even if this request did not send them.
#[derive(Clone, Default)]
pub struct Redactor {
    forms: Vec<Zeroizing<String>>,
    // A secret so short that looking for it would hide nothing or everything.
    hide_all: bool,
}

impl Redactor {
    /// A redactor that knows no secret yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret.
    pub fn add(&mut self, secret: &SecretString) {
        self.add_text(secret.expose_secret());
    }

    pub(crate) fn add_text(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.is_empty() {
            return;
        }
        if secret.len() < SHORTEST {
            self.hide_all = true;
            return;
        }
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let segment = utf8_percent_encode(secret, SEGMENT).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::Value::from(secret).to_string();
        let json = json.trim_matches('"').to_owned();
        for form in [secret.to_owned(), percent, segment, form, json] {
            let form = Zeroizing::new(form);
            if !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
        // The longest first, so that no form leaves the rest of another behind.
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// `text` without the secrets, as one line of at most 300 characters.
    ///
    /// The secrets are cut out before the text is shortened, so that none is cut in two.
    pub fn redact(&self, text: &str) -> String {
        if self.hide_all {
            return MASK.to_owned();
        }
        let mut out = String::with_capacity(text.len().min(1024));
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if let Some(cut) = self.secret_at(rest).or_else(|| jwt_at(rest)) {
                if !out.ends_with(MASK) {
                    out.push_str(MASK);
                }
                rest = &rest[cut..];
            } else {
                out.push(if next.is_control() { ' ' } else { next });
                rest = &rest[next.len_utf8()..];
            }
        }
        shortened(&out)
    }

    /// How much of the beginning of `text` is a secret or the beginning of one.
    fn secret_at(&self, text: &str) -> Option<usize> {
        self.forms
            .iter()
            .filter_map(|form| {
                let same = text
                    .bytes()
                    .zip(form.bytes())
                    .take_while(|(a, b)| a.eq_ignore_ascii_case(b))
                    .count();
                let enough = same == form.len() || same >= LEADING;
                // A shortened secret may end inside a character.
                let end = (same..=text.len()).find(|&at| text.is_char_boundary(at))?;
                enough.then_some(end)
            })
            .max()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("secrets", &self.forms.len())
            .finish_non_exhaustive()
    }
}

/// The length of the JWT at the beginning of `text`: every JWT's header begins with `{"`, which is
/// `eyJ` in base64url.
fn jwt_at(text: &str) -> Option<usize> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(text.len());
    (end > 2 * LEADING).then_some(end)
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::new();
        for secret in secrets {
            redactor.add(&(*secret).into());
        }
        redactor
    }

    #[test]
    fn a_secret_is_cut_out_in_every_form_it_travels_in() {
        let secret = "p\"ss w+rd/é=9";
        let redactor = redactor(&[secret]);
        let json = serde_json::Value::from(secret).to_string();
        let segment = utf8_percent_encode(secret, SEGMENT).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        for echo in [
            secret.to_owned(),
            json.trim_matches('"').to_owned(),
            form,
            segment,
            percent.to_lowercase(),
            percent,
        ] {
            let shown = redactor.redact(&format!("bad value '{echo}' given"));
            assert_eq!(shown, "bad value '[redacted]' given", "{echo}");
        }
    }

    #[test]
    fn a_secret_that_the_vendor_shortened_or_capitalised_is_cut_out() {
        let secret = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
        let redactor = redactor(&[secret]);
        assert_eq!(
            redactor.redact(&format!("bad {}…", &secret[..12])),
            "bad [redacted]…"
        );
        assert_eq!(redactor.redact(&secret.to_uppercase()), "[redacted]");
        assert_eq!(redactor.redact(&format!("{secret}{secret}")), "[redacted]");
    }

    #[test]
    fn a_secret_is_cut_out_before_the_text_is_shortened() {
        let secret = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
        let text = format!("{}{secret}", "x".repeat(LONGEST_TEXT - 4));
        assert!(!redactor(&[secret]).redact(&text).contains("d90f"));
    }

    #[test]
    fn next_to_a_very_short_secret_no_text_is_passed_on() {
        assert_eq!(redactor(&["123"]).redact("wrong code 123"), MASK);
    }

    #[test]
    fn a_secret_is_cut_out_of_a_path_whatever_it_is_made_of() {
        let mut url = url::Url::parse("https://a.example/").unwrap();
        // Tabs and line breaks the `url` crate drops.
        let ascii = (0..=127u8).filter(|it| !matches!(it, b'\t' | b'\n' | b'\r'));
        let secret = format!("a{}z", ascii.map(char::from).collect::<String>());
        url.path_segments_mut().unwrap().push(&secret).push("x");
        let shown = redactor(&[&secret]).redact(url.path());
        assert_eq!(shown, "/[redacted]/x");
    }

    #[test]
    fn a_jwt_that_was_not_sent_is_cut_out_as_well() {
        let shown =
            Redactor::new().redact("Invalid JWT: eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln, sorry");
        assert_eq!(shown, "Invalid JWT: [redacted], sorry");
    }

    #[test]
    fn other_text_stays_as_it_is_on_one_line() {
        assert_eq!(
            redactor(&["sesame-open"]).redact("no\nsuch user é"),
            "no such user é"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(
            format!("{:?}", redactor(&["aaaa"])),
            "Redactor { secrets: 1, .. }"
        );
    }
}

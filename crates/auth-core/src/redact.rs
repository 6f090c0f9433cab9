//! Cutting out of a vendor's text what was sent as a secret.

mod reading;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use self::reading::Reading;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "[redacted]";

/// So many characters of a secret give it away as well as all of it, at its beginning and its end:
/// vendors shorten what they repeat.
const TELLING: usize = 8;

/// So many do inside of it. Fewer would be a word that a password shares with the vendor's text, such
/// as `password`.
const TELLING_INSIDE: usize = 12;

/// Below this length a secret may be part of any word: the whole text goes.
const SHORTEST: usize = 4;

/// The longest vendor text that is passed on, in characters, after redaction.
const LONGEST_TEXT: usize = 300;

/// So much of a vendor's text is looked at, in bytes: redaction takes a bounded time.
const LONGEST_READ: usize = 2048;

/// At the end of a text that is cut, too few characters of a secret may stand to be found, each
/// of them in an encoding as long as `%25C3%25A9`.
const CUT_SHORT: usize = 10 * TELLING_INSIDE;

/// The first byte in a text, and the one after the last.
type Place = (usize, usize);

/// Knows what one request sent as a secret, and cuts it out of any text.
///
/// Each secret is found as it is and in the forms in which vendors repeat it: percent-encoded, once
/// or twice, as in a path, a query or a form; escaped as in JSON, HTML or a quoted-printable e-mail;
/// in base64 or hexadecimal, alone or within a longer text; in UTF-8, UTF-16 or Latin-1; whatever the
/// case of its letters, and with blanks or line breaks inside. It is found whole, or by eight
/// characters of its beginning or end, or by twelve from inside of it. JWTs are cut out even if this
/// request did not send them.
/// A cheap clone.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<Vec<SecretString>>,
}

impl Redactor {
    /// A redactor that knows no secret yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret. That is all: it is read when there is a text to redact, which most calls never get.
    pub fn add(&mut self, secret: &SecretString) {
        self.take(secret.clone());
    }

    /// As [`add`](Self::add), without a copy.
    pub(crate) fn take(&mut self, secret: SecretString) {
        Arc::make_mut(&mut self.secrets).push(secret);
    }

    /// `text` without the secrets, as one line of at most 300 characters: what a person reads of an
    /// error. White space is kept, but a line break is a blank.
    ///
    /// The secrets are cut out before the text is shortened, so that none is cut in two. No more than
    /// the first 2 KiB of a text is looked at, and shown.
    pub fn redact(&self, text: &str) -> String {
        let Some(known) = known(&self.secrets) else {
            return MASK.to_owned();
        };
        let text = text.trim();
        let is_end = |at: &usize| text.is_char_boundary(*at);
        let end = (0..=text.len().min(LONGEST_READ)).rev().find(is_end);
        let read = &text[..end.unwrap_or_default()];
        let mut hidden = vec![false; read.len()];
        if read.len() < text.len() {
            hidden[read.len().saturating_sub(CUT_SHORT)..].fill(true);
        }
        let mut hide = |(first, end): Place| hidden[first..end].fill(true);
        let telling = telling(&known);
        reading::each(read, |reading| {
            let text = reading.canonical();
            for (length, parts) in &telling {
                for (at, part) in text.chars.windows(*length).enumerate() {
                    if parts.contains(part) {
                        hide(text.place(at, *length));
                    }
                }
            }
            find_jwts(reading, &mut hide);
        });
        let mut out = String::with_capacity(read.len());
        let mut was_hidden = false;
        for (at, char) in read.char_indices() {
            if !hidden[at] {
                out.push(on_one_line(char));
            } else if !was_hidden {
                out.push_str(MASK);
            }
            was_hidden = hidden[at];
        }
        shortened(&out, read.len() < text.len())
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

/// The secrets in the form in which texts are compared, and as what remains of one when a program
/// writes it that cannot write all of its characters. `None` if one is so short that looking for it
/// would hide nothing or everything.
fn known(secrets: &[SecretString]) -> Option<Vec<Reading>> {
    let mut known = Vec::new();
    for secret in secrets {
        let secret = secret.expose_secret();
        let canonical = Reading::of(secret).canonical();
        match canonical.chars.len() {
            0 => continue,
            1..SHORTEST => return None,
            _ => known.push(canonical),
        }
        if !secret.is_ascii() {
            for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                let bytes = secret.encode_utf16().flat_map(to_bytes);
                known.push(bytes.map(char::from).collect::<Reading>().canonical());
            }
            for lost in [|_| 0, |_| 1, char::len_utf8] {
                let chars = secret.chars().flat_map(|char| {
                    let (char, times) = if char.is_ascii() {
                        (char, 1)
                    } else {
                        ('?', lost(char))
                    };
                    std::iter::repeat_n(char, times)
                });
                known.push(chars.collect::<Reading>().canonical());
            }
        }
    }
    Some(known)
}

/// The parts that give a secret away, by their length. The longest cover all of a secret.
fn telling(known: &[Reading]) -> Vec<(usize, BTreeSet<&[char]>)> {
    let of_length = |length| {
        let parts = known.iter().flat_map(move |secret| {
            let last = secret.chars.len().saturating_sub(length);
            let is_telling = move |at: usize| match length {
                TELLING_INSIDE => true,
                TELLING.. => at == 0 || at == last,
                _ => last == 0,
            };
            let parts = secret.chars.windows(length).enumerate();
            parts.filter(move |(at, _)| is_telling(*at))
        });
        let parts: BTreeSet<_> = parts.map(|(_, part)| part).collect();
        (length, parts)
    };
    (SHORTEST..=TELLING_INSIDE)
        .map(of_length)
        .filter(|(_, parts)| !parts.is_empty())
        .collect()
}

/// Finds JWTs: the header of each begins with `{"`, which is `eyJ` in base64url.
fn find_jwts(text: &Reading, hide: &mut impl FnMut(Place)) {
    let mut at = 0;
    while at < text.chars.len() {
        let length = jwt_length(&text.chars[at..]);
        if let Some(length) = length {
            hide(text.place(at, length));
        }
        at += length.unwrap_or(1);
    }
}

/// The length of the JWT at the beginning of `text`.
fn jwt_length(text: &[char]) -> Option<usize> {
    if !text.starts_with(&['e', 'y', 'J']) {
        return None;
    }
    let mut end = 0;
    loop {
        let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        end += text[end..].iter().take_while(|c| is_part(c)).count();
        // It may be wrapped, and what follows a blank is the rest of it if it is no word.
        let blanks = text[end..].iter().take_while(|c| c.is_whitespace()).count();
        let next = &text[end + blanks..];
        let next = &next[..next.iter().take_while(|c| is_part(c)).count()];
        if blanks == 0 || !is_rest_of_jwt(next) {
            break;
        }
        end += blanks;
    }
    (end > 2 * TELLING).then_some(end)
}

/// Whether this is longer than a few characters, and digits or capitals are among its letters.
fn is_rest_of_jwt(text: &[char]) -> bool {
    let inner = text.get(1..text.len().saturating_sub(1));
    let is_unlike_a_word = |c: &char| !c.is_ascii_lowercase() && *c != '-';
    text.len() >= SHORTEST && inner.is_some_and(|inner| inner.iter().any(is_unlike_a_word))
}

/// What ends a line, or changes the direction in which one is read, becomes a blank.
fn on_one_line(char: char) -> char {
    match char {
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
        char if char.is_control() => ' ',
        char => char,
    }
}

fn shortened(text: &str, is_cut: bool) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if is_cut => format!("{text}…"),
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

    const SECRET: &str = "Päss\"w+rd/9 ÜBER~?>";

    /// What may become of `SECRET` on its way back.
    const FORMS: &[(&str, &str)] = &[
        ("as it is", "Päss\"w+rd/9 ÜBER~?>"),
        (
            "percent-encoded",
            "P%C3%A4ss%22w%2Brd%2F9%20%C3%9CBER%7E%3F%3E",
        ),
        (
            "percent-encoded in small letters",
            "p%c3%a4ss%22w%2brd%2f9%20%c3%9cber%7e%3f%3e",
        ),
        (
            "as one segment of a path",
            "P%C3%A4ss%22w+rd%2F9%20%C3%9CBER~%3F%3E",
        ),
        ("in a form", "P%C3%A4ss%22w%2Brd%2F9+%C3%9CBER~%3F%3E"),
        (
            "percent-encoded twice",
            "P%25C3%25A4ss%2522w%252Brd%252F9%2520%25C3%259CBER%257E%253F%253E",
        ),
        (
            "in a form, twice",
            "P%25C3%25A4ss%2522w%252Brd%252F9%2B%25C3%259CBER~%253F%253E",
        ),
        ("escaped as in JSON", "Päss\\\"w+rd/9 ÜBER~?>"),
        ("escaped as in JSON, twice", "Päss\\\\\\\"w+rd/9 ÜBER~?>"),
        (
            "in numbers of JSON",
            "\\u0050\\u00e4\\u0073\\u0073\\u0022\\u0077\\u002b\\u0072\\u0064\\u002f\\u0039\\u0020\\u00dc\\u0042\\u0045\\u0052\\u007e\\u003f\\u003e",
        ),
        (
            "in bytes of a program",
            "\\x50\\xC3\\xA4\\x73\\x73\\x22\\x77\\x2B\\x72\\x64\\x2F\\x39\\x20\\xC3\\x9C\\x42\\x45\\x52\\x7E\\x3F\\x3E",
        ),
        ("in HTML", "P&auml;ss&quot;w+rd/9 &Uuml;BER~?&gt;"),
        (
            "in decimal numbers of HTML",
            "&#80;&#228;&#115;&#115;&#34;&#119;&#43;&#114;&#100;&#47;&#57;&#32;&#220;&#66;&#69;&#82;&#126;&#63;&#62;",
        ),
        (
            "in hexadecimal numbers of HTML",
            "&#x50;&#xe4;&#x73;&#x73;&#x22;&#x77;&#x2b;&#x72;&#x64;&#x2f;&#x39;&#x20;&#xdc;&#x42;&#x45;&#x52;&#x7e;&#x3f;&#x3e;",
        ),
        ("in base64", "UMOkc3MidytyZC85IMOcQkVSfj8+"),
        ("in base64 without padding", "UMOkc3MidytyZC85IMOcQkVSfj8+"),
        ("in base64 of urls", "UMOkc3MidytyZC85IMOcQkVSfj8-"),
        (
            "in base64 of urls without padding",
            "UMOkc3MidytyZC85IMOcQkVSfj8-",
        ),
        (
            "in base64 behind one byte",
            "eFDDpHNzIncrcmQvOSDDnEJFUn4/Pnl6",
        ),
        (
            "in base64 behind two bytes",
            "aWRQw6RzcyJ3K3JkLzkgw5xCRVJ+Pz55eg==",
        ),
        (
            "in base64 behind three bytes",
            "aWQ6UMOkc3MidytyZC85IMOcQkVSfj8+eXo=",
        ),
        (
            "in percent-encoded base64",
            "aWQ6UMOkc3MidytyZC85IMOcQkVSfj8%2B",
        ),
        ("in wrapped base64", "UMOkc3Midy\r\ntyZC85IMOcQkVSfj8+"),
        (
            "in hexadecimal",
            "50c3a4737322772b72642f3920c39c4245527e3f3e",
        ),
        (
            "in capital hexadecimal",
            "50C3A4737322772B72642F3920C39C4245527E3F3E",
        ),
        (
            "in hexadecimal behind a digit",
            "f50c3a4737322772b72642f3920c39c4245527e3f3e",
        ),
        (
            "in Latin-1, percent-encoded",
            "P%E4ss%22w%2Brd%2F9%20%DCBER~%3F%3E",
        ),
        ("in Latin-1 and base64", "UORzcyJ3K3JkLzkg3EJFUn4/Pg=="),
        (
            "in UTF-8 that was read as Latin-1",
            "PÃ¤ss\"w+rd/9 Ã\u{9c}BER~?>",
        ),
        (
            "in UTF-16",
            "P\u{0}ä\u{0}s\u{0}s\u{0}\"\u{0}w\u{0}+\u{0}r\u{0}d\u{0}/\u{0}9\u{0} \u{0}Ü\u{0}B\u{0}E\u{0}R\u{0}~\u{0}?\u{0}>",
        ),
        (
            "in UTF-16 and base64",
            "AFAA5ABzAHMAIgB3ACsAcgBkAC8AOQAgANwAQgBFAFIAfgA/AD4=",
        ),
        ("on two lines", "Päss\"w+\r\n  rd/9 ÜBER~?>"),
        ("with blanks", "P ä s s \" w + r d / 9   Ü B E R ~ ? >"),
        (
            "with blanks that are not seen",
            "P\u{200b}ä\u{200b}s\u{200b}s\u{200b}\"\u{200b}w\u{200b}+\u{200b}r\u{200b}d\u{200b}/\u{200b}9\u{200b} \u{200b}Ü\u{200b}B\u{200b}E\u{200b}R\u{200b}~\u{200b}?\u{200b}>",
        ),
        ("in an e-mail", "P=C3=A4ss\"w+rd=\n/9 =C3=9CBER~?>"),
        ("in capitals", "PÄSS\"W+RD/9 ÜBER~?>"),
        ("in small letters", "päss\"w+rd/9 über~?>"),
        ("in ASCII", "P?ss\"w+rd/9 ?BER~?>"),
        ("with what is no ASCII left out", "Pss\"w+rd/9 BER~?>"),
        ("its beginning", "Päss\"w+rd/"),
        ("its end", "d/9 ÜBER~?>"),
    ];

    #[test]
    fn a_secret_is_cut_out_in_every_form_in_which_a_vendor_repeats_it() {
        let redactor = redactor(&[SECRET]);
        for (form, repeated) in FORMS {
            for (before, behind) in [("bad  value '", "' given"), ("bad  value ", "\t!")] {
                let shown = redactor.redact(&format!("{before}{repeated}{behind}"));
                assert!(shown.starts_with(before), "{form}: {shown}");
                assert!(
                    shown.ends_with(&behind.replace('\t', " ")),
                    "{form}: {shown}"
                );
                // Of a longer text in an encoding, what stands around the secret is kept.
                let kept = shown.len() - before.len() - behind.len() - MASK.len();
                assert!(shown.contains(MASK) && kept <= 8, "{form}: {shown}");
            }
        }
    }

    #[test]
    fn of_secrets_that_overlap_nothing_is_left() {
        let (long, short) = ("aaaa-bbbb-cccc-dddd", "cccc-dddd-eeee");
        for secrets in [[long, short], [short, long]] {
            let redactor = redactor(&secrets);
            for text in [
                "aaaa-bbbb-cccc-dddd-eeee",
                "cccc-dddd-eeee",
                "aaaa-bbbb-cccc-dddd",
            ] {
                assert_eq!(redactor.redact(text), MASK, "{text}");
            }
        }
        // What begins as one secret and continues as another.
        let shown = redactor(&["abcdefgh-1111", "fgh-1111-2222"]).redact("abcdefgh-1111-2222");
        assert_eq!(shown, MASK);
    }

    #[test]
    fn another_jwt_than_the_one_that_was_sent_is_cut_out_whole() {
        let head = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
        let sent = format!("{head}.eyJzdWIiOiJzdWUiLCJqdGkiOiIxIn0.c2lnbmF0dXJlLW9mLWE");
        let other = format!("{head}.eyJzdWIiOiJib2IiLCJqdGkiOiIyIn0.b3RoZXItc2lnbmF0dXJl");
        let redactor = redactor(&[&sent]);
        for (jwt, kept) in [(sent.clone(), "wants"), (other.clone(), "is not")] {
            let shown = redactor.redact(&format!("it {kept}  {jwt}, it says"));
            assert_eq!(shown, format!("it {kept}  [redacted], it says"));
            // Wrapped after any length, as e-mails and logs do.
            for width in 16..jwt.len() {
                for wrap in ["\n", "\r\n\t", " "] {
                    let wrapped = format!("{}{wrap}{}", &jwt[..width], &jwt[width..]);
                    let shown = redactor.redact(&format!("it is {wrapped} as it says"));
                    let kept = shown.replace("it is", "").replace("as it says", "");
                    assert!(kept.len() <= MASK.len() + 6, "{width}: {shown}");
                }
            }
        }
    }

    #[test]
    fn white_space_of_what_is_kept_stays_on_one_line() {
        let shown =
            redactor(&["sesame-open"]).redact("no \n such  user\u{2028}\u{202e}é\tsesame- open");
        assert_eq!(shown, "no   such  user  é [redacted]");
    }

    #[test]
    fn a_hostile_text_takes_a_bounded_time() {
        let secrets: Vec<_> = (0..8)
            .map(|n| format!("{n}{}", "ab".repeat(1000)))
            .collect();
        let redactor = redactor(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
        for piece in [
            "ab",
            "%25",
            "\\\\",
            "&amp;",
            "=3D",
            "eyJ ",
            "eyJaaaa-aaaa ",
            "é",
            "a\n",
            "%",
        ] {
            let text = piece.repeat(1_000_000 / piece.len());
            let started = std::time::Instant::now();
            assert!(redactor.redact(&text).chars().count() <= LONGEST_TEXT + 1);
            // In debug mode, on a loaded machine.
            assert!(started.elapsed().as_secs() < 5, "{piece}");
        }
    }

    #[test]
    fn a_secret_at_the_end_of_what_is_read_is_not_shown() {
        let secret = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
        let long = format!("{} ", "s3cr3t-number-one".repeat(2));
        for read in (LONGEST_READ - 40..LONGEST_READ).step_by(3) {
            let mut text = long.repeat(100);
            text.truncate(read);
            text.push_str(&secret.repeat(3));
            let shown = redactor(&[secret, long.trim()]).redact(&text);
            assert!(!shown.contains("d90"), "{shown}");
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
    fn debug_shows_no_secret() {
        assert_eq!(
            format!("{:?}", redactor(&["aaaa"])),
            "Redactor { secrets: 1, .. }"
        );
    }
}

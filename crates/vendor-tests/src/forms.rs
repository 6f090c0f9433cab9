//! The forms in which a vendor may repeat a secret.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded::byte_serialize;

/// So many characters of a form are a leak: at its beginning, and inside of it, where every fourth is
/// looked at.
const BEGINNING: usize = 8;
const INSIDE: usize = 12;
const STEP: usize = 4;

/// The secret in 26 forms, each with its name.
pub fn forms(secret: &str) -> [(&'static str, String); 26] {
    let percent = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let each = |write: fn(char) -> String| secret.chars().map(write).collect::<String>();
    let bytes = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
    let utf16 = |write: fn(u16) -> String| secret.encode_utf16().map(write).collect::<String>();
    let json = serde_json::Value::from(secret).to_string();
    let inside = |before: &str| STANDARD.encode(format!("{before}{secret}!"));
    let utf16_bytes: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [
        ("as it is", secret.to_owned()),
        ("percent", percent(secret)),
        ("percent twice", percent(&percent(secret))),
        ("form", byte_serialize(secret.as_bytes()).collect()),
        ("json", json[1..json.len() - 1].to_owned()),
        ("json numbers", utf16(|unit| format!("\\u{unit:04x}"))),
        (
            "html",
            each(|char| match char {
                '&' => "&amp;".to_owned(),
                '<' => "&lt;".to_owned(),
                '>' => "&gt;".to_owned(),
                '"' => "&quot;".to_owned(),
                other => other.to_string(),
            }),
        ),
        (
            "html numbers",
            each(|char| format!("&#{};", u32::from(char))),
        ),
        (
            "html hex",
            each(|char| format!("&#x{:X};", u32::from(char))),
        ),
        ("base64", STANDARD.encode(secret)),
        ("base64 unpadded", STANDARD_NO_PAD.encode(secret)),
        ("base64url", URL_SAFE.encode(secret)),
        ("base64url unpadded", URL_SAFE_NO_PAD.encode(secret)),
        ("base64 inside at 0", inside("id:")),
        ("base64 inside at 1", inside(":")),
        ("base64 inside at 2", inside("::")),
        ("hex", bytes(|byte| format!("{byte:02x}"))),
        ("HEX", bytes(|byte| format!("{byte:02X}"))),
        ("latin-1", bytes(|byte| char::from(byte).to_string())),
        ("utf-16", each(|char| format!("{char}\0"))),
        ("utf-16 base64", STANDARD.encode(utf16_bytes)),
        ("wrapped", parted(secret, 10, "\r\n ")),
        ("blanks", parted(secret, 4, " ")),
        (
            "quoted-printable",
            parted(secret, 20, "=\r\n").replace(|c: char| !c.is_ascii(), "=3F"),
        ),
        ("upper case", secret.to_uppercase()),
        ("lower case", secret.to_lowercase()),
    ]
}

fn parted(text: &str, length: usize, by: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let parts = chars
        .chunks(length)
        .map(|part| part.iter().collect::<String>());
    parts.collect::<Vec<_>>().join(by)
}

/// What of this form stands in `text`: a part that gives the secret away.
pub fn leaked<'a>(text: &str, form: &'a str) -> Option<&'a str> {
    let ends = form.char_indices().map(|(at, _)| at).chain([form.len()]);
    let ends: Vec<usize> = ends.collect();
    let part = |first: usize, length: usize| Some(&form[ends[first]..*ends.get(first + length)?]);
    let whole = (ends.len() <= BEGINNING).then_some(form);
    let inside = (0..ends.len())
        .step_by(STEP)
        .filter_map(|first| part(first, INSIDE));
    let mut parts = whole.into_iter().chain(part(0, BEGINNING)).chain(inside);
    parts.find(|part| text.contains(part))
}

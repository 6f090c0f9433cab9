//! Tokens and texts for the contract.

use std::time::{Duration, UNIX_EPOCH};

use auth_core::{Expiry, ExposeSecret as _, Token};

/// How many characters of a token or a key a message quotes.
const LONGEST: usize = 500;

/// Texts that a store must keep unchanged.
pub(super) const ODD: [&str; 8] = [
    "",
    " ",
    "../../../etc/passwd",
    "a:b|c*d?e{f}%00",
    "\"quoted\" \\ and 'so on'\r\n\t",
    "Straße 🦀 \u{202e}e\u{301}",
    "\u{0}\u{1}\u{7f}",
    "a\u{0}",
];

/// A token with all fields. Its secrets contain its number.
pub(super) fn token(number: u64) -> Token {
    let issued_at = UNIX_EPOCH + Duration::from_millis(1_699_964_001_234);
    let expiry = Expiry::At(issued_at + Duration::from_secs(317_339_744_057));
    Token::new(format!("access-{number}").into(), expiry, issued_at)
        .with_refresh(Some(format!("refresh-{number}").into()))
        .with_attribute("owId", number.to_string())
        .with_generation(number)
}

/// All of a token, to the millisecond. Its secrets are those of the contract.
pub(super) fn whole(token: &Token) -> String {
    let millis = |moment: std::time::SystemTime| {
        let after = moment.duration_since(UNIX_EPOCH).map(|it| it.as_millis());
        after.map_err(|before| before.duration().as_millis())
    };
    format!(
        "access {:?}, refresh {:?}, expiry {:?}, issued at {:?}, generation {}, attributes {:?}",
        token.access().expose_secret(),
        token.refresh().map(|it| it.expose_secret().to_owned()),
        token.expiry().at().map(millis),
        millis(token.issued_at()),
        token.generation(),
        token.attributes().collect::<Vec<_>>(),
    )
}

/// `value` as `Debug` shows it, cut if it is too long to be read.
pub(super) fn short(value: &impl std::fmt::Debug) -> String {
    let mut shown = format!("{value:?}");
    if let Some((end, _)) = shown.char_indices().nth(LONGEST) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

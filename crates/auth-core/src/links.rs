//! What a person pasted from an e-mail: links, whatever became of them on their way.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;

use base64::Engine as _;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::UnverifiedClaims;
use crate::jwt::BASE64_URL;

/// How many links may be wrapped in one another.
const DEPTH: usize = 6;

/// What stands before a parameter. A `;` is what a broken `&amp;` leaves.
const SEPARATORS: [char; 4] = ['?', '&', ';', '#'];

/// In how many places a value may be cut off by a line break.
const CUTS: usize = 8;

/// The signature of an HS256 token: 32 bytes in base64url.
const HS256_LENGTH: usize = 43;

/// A text that a person pasted from an e-mail: the link alone, a sentence around it, or the source.
///
/// Read are links in brackets, quotes, markdown and HTML; with punctuation behind them; broken over
/// lines, by hand, by a mail program or as quoted-printable; and wrapped by mail scanners (Outlook,
/// Proofpoint, Barracuda, Cisco, Google, and others that percent-encode the link), also one in
/// another. Nothing is sent, and no link is followed. The time is linear in the length of the text.
///
/// # Example
///
/// ```
/// let pasted = "Log in: <https://app.example.test/?a=b&amp;token=abc>.".into();
/// let text = auth_core::PastedText::new(&pasted);
/// let link = text.links().find(|link| !link.parameter("token").is_empty()).unwrap();
/// assert_eq!(link.parameter("token")[0][0].as_str(), "abc");
/// ```
pub struct PastedText(Vec<PastedLink>);

/// One link of a [`PastedText`], or another word of it that looks like one.
///
/// A line break in it is a `\n`: it may be in the middle of the link, or its end.
pub struct PastedLink(Zeroizing<String>);

/// A JWT in a [`PastedLink`].
pub struct PastedJwt {
    /// The token.
    pub token: SecretString,
    /// Whether it stands where a link has its token: alone, in the path, or as the value of the
    /// parameter that was asked for.
    pub in_place: bool,
}

impl PastedText {
    /// Takes `text` apart.
    pub fn new(text: &SecretString) -> Self {
        let mut layers = VecDeque::from([(lines_joined(text.expose_secret()), 0)]);
        let mut links = Vec::new();
        while let Some((layer, depth)) = layers.pop_front() {
            for word in layer.split(is_delimiter) {
                let mut add = |inner: Cow<'_, str>| {
                    if depth < DEPTH {
                        layers.push_back((lines_joined(&inner), depth + 1));
                    }
                };
                if let Some(inner) = of_proofpoint(word).or_else(|| of_quoted_printable(word)) {
                    add(inner.into());
                    continue;
                }
                let parts = word.split(SEPARATORS).filter(|part| part.contains('%'));
                parts
                    .map(|part| percent_decode_str(part).decode_utf8_lossy())
                    .for_each(add);
                if word.contains(['.', '&', '?']) {
                    links.push(PastedLink(Zeroizing::new(word.to_owned())));
                }
            }
        }
        Self(links)
    }

    /// The links, the outer ones before those that are wrapped in them.
    pub fn links(&self) -> impl Iterator<Item = &PastedLink> {
        self.0.iter()
    }
}

impl PastedLink {
    /// The values of a parameter, percent-decoded and without punctuation behind them.
    ///
    /// Each is a list of readings: a value that ends in a text over several lines may end at each of
    /// these. The shortest comes first.
    pub fn parameter(&self, name: &str) -> Vec<Vec<Zeroizing<String>>> {
        let mut parts = self.0.split(SEPARATORS).peekable();
        // The address.
        parts.next();
        let mut values = Vec::new();
        while let Some(part) = parts.next() {
            let Some((own, value)) = part.split_once('=') else {
                continue;
            };
            if own.replace('\n', "") == name {
                let cuts = value.match_indices('\n').map(|(at, _)| at).take(CUTS);
                let is_last = parts.peek().is_none();
                let ends = cuts.filter(|at| is_last && *at > 0).chain([value.len()]);
                values.push(ends.map(|end| decoded(&value[..end])).collect());
            }
        }
        values
    }

    /// The JWTs, wherever they stand, in their order.
    pub fn jwts(&self, parameter: &str) -> Vec<PastedJwt> {
        // A soft line break of quoted-printable, unless it is where the parameter begins.
        let name = format!("{parameter}=");
        let text = self.0.replace(&format!("{name}\n"), &name);
        let text = Zeroizing::new(text.replace("=\n", "\n"));
        let mut before = Zeroizing::new(String::with_capacity(text.len()));
        let mut jwts = Vec::new();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.\n".contains(c);
        for run in text.split_inclusive(|c| !is_part(c)) {
            let in_place = before.is_empty()
                || before.ends_with('/')
                || before
                    .strip_suffix(&*name)
                    .is_some_and(|it| it.ends_with(SEPARATORS));
            before.extend(run.chars().filter(|c| *c != '\n'));
            let run = run.trim_end_matches(|c| !is_part(c) || c == '.');
            let parts: Vec<_> = run.split('.').collect();
            let mut next = 0;
            while let Some([header, claims, signature]) = parts.get(next..next + 3) {
                let alone = next == 0 && parts.len() == 3;
                match jwt(header, claims, signature, alone) {
                    Some(token) => {
                        jwts.push(PastedJwt { token, in_place });
                        // The signature's part may hold the next one's header.
                        next += 2;
                    }
                    None => next += 1,
                }
            }
        }
        jwts
    }
}

/// The JWT of these parts. What stands before its header or behind its signature without a space is
/// left away.
fn jwt(header: &str, claims: &str, signature: &str, alone: bool) -> Option<SecretString> {
    let header = header.replace('\n', "");
    let header = match header.find("eyJ") {
        Some(start) => &header[start..],
        None if alone => &header,
        None => return None,
    };
    let claims = Zeroizing::new(claims.replace('\n', ""));
    let whole = Zeroizing::new(signature.replace('\n', ""));
    let fields = UnverifiedClaims::of(&format!(".{header}.").into()).ok()?;
    let signature = match whole.get(..HS256_LENGTH) {
        Some(whole) if fields.text("alg") == Some("HS256") => whole,
        _ => signature.trim_matches('\n').split('\n').next()?,
    };
    let is_token = !claims.is_empty() && !signature.is_empty();
    is_token.then(|| format!("{header}.{}.{signature}", claims.as_str()).into())
}

fn decoded(value: &str) -> Zeroizing<String> {
    let value = Zeroizing::new(value.replace('\n', "").replace('+', " "));
    let value = percent_decode_str(&value).decode_utf8_lossy();
    let value = value.trim_end_matches(|c: char| !c.is_alphanumeric());
    Zeroizing::new(value.trim_start().to_owned())
}

/// What no link holds: it would be percent-encoded there.
fn is_delimiter(c: char) -> bool {
    (c.is_whitespace() && c != '\n')
        || "<>\"`()[]{}\\|“”„‟«»‹›‘’‚‛…。、，！？；：（）【】「」『』《》〈〉".contains(c)
}

/// The text without what mail programs and people put into it: characters that are not seen,
/// HTML's names of characters, the marks of quoted lines. A line break that may be in a link stays
/// as one `\n`; any other is a blank.
fn lines_joined(text: &str) -> Zeroizing<String> {
    let text = without_entities(text);
    let mut joined = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.split('\n') {
        let line = line
            .trim_end()
            .trim_start_matches(|c: char| c.is_whitespace() || c == '>' || c == '|');
        let starts_a_link = line.split_once("://").is_some_and(|(scheme, _)| {
            scheme.len() < 20
                && scheme
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'.')
        });
        if line.is_empty() || starts_a_link {
            joined.push(' ');
        } else if !joined.is_empty() && !joined.ends_with(' ') {
            // An escape that is broken over two lines stays whole: the break is put behind it.
            let missing = match joined.as_bytes() {
                [.., b'%'] => 2,
                [.., b'%', digit] if digit.is_ascii_hexdigit() => 1,
                _ => 0,
            };
            let (escape, line) = line.split_at_checked(missing).unwrap_or(("", line));
            joined.push_str(escape);
            if !joined.ends_with('\n') {
                joined.push('\n');
            }
            joined.push_str(line);
            continue;
        }
        joined.push_str(line);
    }
    joined
}

fn without_entities(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let unseen = |c: char| {
        matches!(
            c,
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
        )
    };
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('&').unwrap_or((rest, ""));
        plain.extend(before.chars().filter(|c| !unseen(*c)));
        if before.len() == rest.len() {
            return plain;
        }
        rest = after;
        let mut found = '&';
        // `&amp;amp;` is of an e-mail that was quoted in another.
        while found == '&'
            && let Some((character, after)) = entity(rest)
        {
            (found, rest) = (character, after);
        }
        plain.push(found);
    }
}

/// The character that the text behind an `&` names, and what follows it.
fn entity(text: &str) -> Option<(char, &str)> {
    let end = text.bytes().take(10).position(|byte| byte == b';')?;
    let (name, rest) = (&text[..end], &text[end + 1..]);
    let character = match &*name.to_ascii_lowercase() {
        "amp" => '&',
        "quot" => '"',
        "lt" => '<',
        "gt" => '>',
        "nbsp" => ' ',
        "equals" => '=',
        "commat" => '@',
        "period" => '.',
        "percnt" => '%',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(number) => u32::from_str_radix(number, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((character, rest))
}

/// The link in a word that is quoted-printable (RFC 2045) for certain: a passcode may begin with
/// `3D`, too.
fn of_quoted_printable(word: &str) -> Option<String> {
    let (mut equals, mut breaks) = (0, 0);
    for (at, _) in word.match_indices('=') {
        match word.as_bytes()[at + 1..] {
            [] | [b'\n', ..] => breaks += 1,
            [b'3', b'D', ..] => equals += 1,
            [b'2'..=b'7' | b'C'..=b'F', b'0'..=b'9' | b'A'..=b'F', ..] => {}
            _ => return None,
        }
    }
    if equals == 0 || equals + breaks < 2 && !word.contains("=3DeyJ") {
        return None;
    }
    let joined = word.replace("=\n", "");
    let escaped = joined
        .trim_end_matches('=')
        .replace('%', "%25")
        .replace('=', "%");
    let link = percent_decode_str(&escaped).decode_utf8_lossy();
    // One `=3D` alone is a passcode's if a line ends behind the name of another parameter, which would lose its sign.
    let has_value = |parameter: &str| parameter.contains('=');
    let query = link.split_once('?').filter(|_| equals == 1);
    if query.is_some_and(|(_, query)| !query.split('&').all(has_value)) {
        return None;
    }
    Some(link.into_owned())
}

/// The link that Proofpoint has wrapped, in its second or third way.
fn of_proofpoint(word: &str) -> Option<String> {
    let word = word.replace('\n', "");
    let (_, wrapped) = word.split_once("urldefense.")?;
    if let Some((_, wrapped)) = wrapped.split_once("/v3/__") {
        let (link, codes) = wrapped.split_once("__;")?;
        let codes = BASE64_URL.decode(codes.split('!').next()?).ok()?;
        return Some(with_characters(link, &String::from_utf8(codes).ok()?));
    }
    let (_, query) = wrapped.split_once("/v2/url?")?;
    let link = query.split('&').find_map(|part| part.strip_prefix("u="))?;
    let link = link.replace('-', "%").replace('_', "/");
    Some(percent_decode_str(&link).decode_utf8_lossy().into_owned())
}

/// Proofpoint's third way: each `*` stands for the next of `characters`, and `**` with a letter for
/// as many as the letter says, from two on.
fn with_characters(link: &str, characters: &str) -> String {
    const COUNTS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut characters = characters.chars();
    let mut whole = String::with_capacity(link.len() + characters.as_str().len());
    let mut rest = link;
    while let Some((before, after)) = rest.split_once('*') {
        whole.push_str(before);
        rest = after;
        let mut count = 1;
        let letter = rest.strip_prefix('*').and_then(|it| it.chars().next());
        if let Some(place) = letter.and_then(|it| COUNTS.find(it)) {
            (count, rest) = (place + 2, &rest[2..]);
        }
        whole.extend(characters.by_ref().take(count));
    }
    whole + rest
}

impl fmt::Debug for PastedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastedText")
            .field("links", &self.0.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PastedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastedLink").finish_non_exhaustive()
    }
}

impl fmt::Debug for PastedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastedJwt")
            .field("in_place", &self.in_place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        let text = PastedText::new(&text.into());
        text.links().map(|link| link.0.to_string()).collect()
    }

    #[test]
    fn a_wrapped_link_comes_after_the_one_around_it() {
        let inner = "https://b.test/?c=d%26e";
        let once = "https://a.test/?url=https%3A%2F%2Fb.test%2F%3Fc%3Dd%2526e&x=y";
        assert_eq!(links(once), [once, &format!("url={inner}"), "c=d&e"]);
        let first = PastedText::new(&once.into());
        let values = first.links().map(|link| link.parameter("c"));
        let values: Vec<_> = values.flatten().flatten().collect();
        assert_eq!(
            values.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
            ["d&e"]
        );
    }

    #[test]
    fn proofpoints_runs_of_characters_are_written_out() {
        // `**B` stands for three.
        let text = "https://urldefense.com/v3/__https://a.test/?b=*x**B&c=*__;JcOpw6kmJQ!!A!b$";
        assert_eq!(links(text), ["https://a.test/?b=%xéé&&c=%"]);
        // What cannot be unwrapped stays as it is, however its parts are damaged.
        for text in [
            "https://urldefense.com/v3/__https://a.test/?b=c",
            "https://urldefense.com/v3/__https://a.test/?b=*__;!",
            "https://urldefense.com/v3/__https://a.test/?b=*__;%%%!!",
            "https://urldefense.proofpoint.com/v2/url?d=e",
            "https://urldefense.proofpoint.com/v2/",
        ] {
            assert!(!links(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_value_at_the_end_has_a_reading_for_each_line_break() {
        let text = PastedText::new(&"https://a.test/?b=1\n2&c=3\n4%\n41\nx".into());
        let link = text.links().next().unwrap();
        let readings = |name| {
            let values = link.parameter(name).into_iter().flatten();
            values.map(|it| it.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(readings("b"), ["12"]);
        assert_eq!(readings("c"), ["3", "34A", "34Ax"]);
        // Quoted-printable, whose soft line break is in the middle of an escape.
        let qp = "https://a.test/?url=3Dhttps%3A%2F%2Fb.test%=\r\n2F%3Fc%3D1&x=3D2";
        assert!(links(qp).contains(&"url=https://b.test/?c=1".to_owned()));
        assert!(readings("d").is_empty());
    }

    #[test]
    fn hostile_text_takes_no_longer_than_other_text_and_does_not_panic() {
        for unit in [
            "?a=%",
            "&amp;",
            "&amp",
            "&#38;",
            "%25",
            "=\n",
            "=3D",
            "eyJ.",
            "eyJhbGciOiJIUzI1NiJ9.\n",
            "\n",
            "?x=\n",
            ".",
            "a\n.",
            "https://urldefense.com/v3/__*__;JQ!!",
            "**A",
            "%3F%3D",
            "urldefense./v2/url?u=-",
            "é=",
            "%\n",
            "x://",
            "&#",
            "\u{200b}",
            "> ",
            "=eyJ\n",
            "/eyJ.a.b",
        ] {
            let text = SecretString::from(unit.repeat(100_000 / unit.len()));
            let text = PastedText::new(&text);
            for link in text.links() {
                let found = link.parameter("a").len() + link.jwts("token").len();
                assert!(found <= link.0.len());
            }
        }
    }
}

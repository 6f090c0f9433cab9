//! What a text may mean: its characters as they are, or decoded in the ways in which a vendor
//! encodes what it repeats.

use zeroize::Zeroizing;

use super::Place;

/// So often is one encoding undone: a value that was encoded twice, inside a text that was.
const DEPTH: usize = 3;

/// The shortest run of base64 or hexadecimal digits that is decoded: less is no secret.
const SHORTEST_RUN: usize = 6;

/// What a text begins with: the character that it stands for, if it stands for one, and its length.
type Escape = fn(&[char]) -> Option<(Option<char>, usize)>;

/// Sets of escapes that are undone together. Each stands alone too, since a secret may hold what
/// looks like an escape of another kind.
const ESCAPES: [&[Escape]; 6] = [
    ALL,
    &[percent],
    &[percent, plus],
    &[backslash],
    &[entity],
    &[quoted_printable],
];

const ALL: &[Escape] = &[percent, backslash, entity, quoted_printable];

/// HTML's names of the characters from U+00A0 to U+00FF, in their order.
const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg \
    macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 \
    iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave \
    Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc \
    Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc \
    euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave \
    uacute ucirc uuml yacute thorn yuml";

/// Characters, each with the place in the text that stands for it. A decoded byte is a character
/// below U+0100 until [`Reading::canonical`] puts bytes together.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) chars: Zeroizing<Vec<char>>,
    pub(super) places: Vec<Place>,
}

/// Shows `see` every reading of `text`. Linear: nothing is decoded more often than [`DEPTH`].
pub(super) fn each(text: &str, mut see: impl FnMut(&Reading)) {
    let plain = Reading::of(text);
    plain.each_encoding(&mut see);
    let mut seen: Vec<Reading> = Vec::new();
    for escapes in ESCAPES {
        let mut decoded = plain.unescaped(escapes);
        for _ in 0..DEPTH {
            let Some(reading) = decoded else { break };
            decoded = reading.unescaped(escapes);
            // Most texts have escapes of one kind at the most, which several sets undo.
            if !seen.iter().any(|seen| *seen.chars == *reading.chars) {
                reading.each_encoding(&mut see);
                seen.push(reading);
            }
        }
    }
}

impl Reading {
    pub(super) fn of(text: &str) -> Self {
        let mut reading = Self::with_capacity(text.len());
        for (at, char) in text.char_indices() {
            reading.push(char, (at, at + char.len_utf8()));
        }
        reading
    }

    /// With room for all that it will hold: a vector that grows leaves copies behind.
    fn with_capacity(length: usize) -> Self {
        Self {
            chars: Zeroizing::new(Vec::with_capacity(length)),
            places: Vec::with_capacity(length),
        }
    }

    fn push(&mut self, char: char, place: Place) {
        self.chars.push(char);
        self.places.push(place);
    }

    /// The place of several characters, of which there is one at least.
    pub(super) fn place(&self, first: usize, length: usize) -> Place {
        (self.places[first].0, self.places[first + length - 1].1)
    }

    /// This reading, and what its digits are in base64 and hexadecimal.
    fn each_encoding(&self, see: &mut impl FnMut(&Self)) {
        see(self);
        // Encodings are wrapped at any place.
        let mut joined = Self::with_capacity(self.chars.len());
        for (&char, &place) in self.chars.iter().zip(&self.places) {
            if !char.is_whitespace() {
                joined.push(char, place);
            }
        }
        // A secret inside of a longer text begins at any of a group's digits.
        let hex = (0..2).filter_map(|skipped| joined.digits(hex_digit, 4, skipped));
        let base64 = (0..4).filter_map(|skipped| joined.digits(base64_digit, 6, skipped));
        for decoded in hex.chain(base64) {
            see(&decoded);
            if let Some(decoded) = decoded.unescaped(ALL) {
                see(&decoded);
            }
        }
    }

    /// With these escapes undone, if there is one.
    fn unescaped(&self, escapes: &[Escape]) -> Option<Self> {
        let mut out = Self::with_capacity(self.chars.len());
        let mut at = 0;
        while let Some(&char) = self.chars.get(at) {
            let escape = escapes.iter().find_map(|escape| escape(&self.chars[at..]));
            let (char, length) = escape.unwrap_or((Some(char), 1));
            if let Some(char) = char {
                out.push(char, self.place(at, length));
            }
            at += length;
        }
        // An escape is longer than what it stands for, but for the plus of a form.
        let is_changed = out.chars.len() < self.chars.len() || *out.chars != *self.chars;
        is_changed.then_some(out)
    }

    /// The bytes of all runs of digits of `bits` each, if there are any.
    fn digits(&self, digit: fn(char) -> Option<u32>, bits: u32, skipped: usize) -> Option<Self> {
        let mut out = Self::with_capacity(self.chars.len());
        let mut at = 0;
        while at < self.chars.len() {
            let is_digit = |&&char: &&char| digit(char).is_some();
            let end = at + self.chars[at..].iter().take_while(is_digit).count();
            if end - at >= SHORTEST_RUN {
                let (mut held, mut count, mut first) = (0, 0, at);
                for at in at + skipped..end {
                    if count == 0 {
                        first = at;
                    }
                    held = (held << bits) | digit(self.chars[at]).unwrap_or_default();
                    count += bits;
                    if count >= 8 {
                        count -= 8;
                        let byte = char::from((held >> count).to_le_bytes()[0]);
                        out.push(byte, (self.places[first].0, self.places[at].1));
                        held &= (1 << count) - 1;
                        first = at;
                    }
                }
            }
            at = end + 1;
        }
        (!out.chars.is_empty()).then_some(out)
    }

    /// In the form in which texts are compared: bytes of UTF-8 put together (others are Latin-1),
    /// without blanks and what is not seen, in one letter case.
    pub(super) fn canonical(&self) -> Self {
        // A letter has three at most in the other case.
        let mut out = Self::with_capacity(3 * self.chars.len());
        let mut at = 0;
        while at < self.chars.len() {
            let (char, length) = utf8(&self.chars[at..]).unwrap_or((self.chars[at], 1));
            let place = self.place(at, length);
            at += length;
            if char.is_ascii_graphic() {
                out.push(char.to_ascii_lowercase(), place);
            } else if is_seen(char) {
                let char = if char == char::REPLACEMENT_CHARACTER {
                    '?'
                } else {
                    char
                };
                for char in char.to_uppercase().flat_map(char::to_lowercase) {
                    out.push(char, place);
                }
            }
        }
        out
    }
}

impl FromIterator<char> for Reading {
    fn from_iter<I: IntoIterator<Item = char>>(chars: I) -> Self {
        Self::of(&Zeroizing::new(chars.into_iter().collect::<String>()))
    }
}

/// The character whose bytes in UTF-8 these begin with, if it has several.
fn utf8(chars: &[char]) -> Option<(char, usize)> {
    let length = match chars.first()? {
        '\u{c2}'..='\u{df}' => 2,
        '\u{e0}'..='\u{ef}' => 3,
        '\u{f0}'..='\u{f4}' => 4,
        _ => return None,
    };
    let mut bytes = [0; 4];
    for (byte, &char) in bytes.iter_mut().zip(chars.get(..length)?) {
        *byte = u8::try_from(char).ok()?;
    }
    let char = std::str::from_utf8(&bytes[..length]).ok()?.chars().next()?;
    Some((char, length))
}

/// Control characters go with the blanks: every second byte of a text in UTF-16 is one.
fn is_seen(char: char) -> bool {
    let is_hidden = matches!(
        char,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    );
    !(char.is_whitespace() || char.is_control() || is_hidden)
}

fn hex_digit(char: char) -> Option<u32> {
    char.to_digit(16)
}

/// In the standard's alphabet and in that of URLs.
fn base64_digit(char: char) -> Option<u32> {
    Some(match char {
        'A'..='Z' => u32::from(char) - u32::from('A'),
        'a'..='z' => u32::from(char) - u32::from('a') + 26,
        '0'..='9' => u32::from(char) - u32::from('0') + 52,
        '+' | '-' => 62,
        '/' | '_' => 63,
        _ => return None,
    })
}

/// The number that these digits are, all of them.
fn number(digits: &[char], radix: u32) -> Option<u32> {
    let first = digits.first()?.to_digit(radix)?;
    digits[1..].iter().try_fold(first, |number, digit| {
        number
            .checked_mul(radix)?
            .checked_add(digit.to_digit(radix)?)
    })
}

fn byte(digits: &[char]) -> Option<char> {
    char::from_u32(number(digits.get(..2)?, 16)?)
}

/// `%2B`, in URLs and forms.
fn percent(text: &[char]) -> Option<(Option<char>, usize)> {
    let digits = text.strip_prefix(&['%'])?;
    Some((Some(byte(digits)?), 3))
}

/// A blank, in forms.
fn plus(text: &[char]) -> Option<(Option<char>, usize)> {
    text.starts_with(&['+']).then_some((Some(' '), 1))
}

/// `\n`, `\"`, `\u002b` and `\x2b`, in JSON and programs.
fn backslash(text: &[char]) -> Option<(Option<char>, usize)> {
    let escaped = text.strip_prefix(&['\\'])?;
    let unit = |text: &[char]| {
        let digits = text.strip_prefix(&['\\', 'u'])?.get(..4)?;
        number(digits, 16)
    };
    match escaped.first()? {
        'u' => match (unit(text)?, text.get(6..).and_then(unit)) {
            (high @ 0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                Some((char::from_u32(code), 12))
            }
            (code, _) => Some((char::from_u32(code), 6)),
        },
        'x' => Some((Some(byte(&escaped[1..])?), 4)),
        'b' | 'f' | 'n' | 'r' | 't' => Some((Some(' '), 2)),
        &other => Some((Some(other), 2)),
    }
}

/// `&amp;`, `&#43;` and `&#x2b;`, in HTML and XML.
fn entity(text: &[char]) -> Option<(Option<char>, usize)> {
    let rest = text.strip_prefix(&['&'])?;
    let end = rest.iter().take(10).position(|&it| it == ';')?;
    let char = match &rest[..end] {
        ['#', 'x' | 'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        ['#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        name => match name.iter().collect::<String>().as_str() {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            name => {
                let known = LATIN_1.split(' ').zip('\u{a0}'..='\u{ff}');
                known.into_iter().find(|(known, _)| *known == name)?.1
            }
        },
    };
    Some((Some(char), end + 2))
}

/// `=2B`, and `=` at the end of a line that continues, in e-mails.
fn quoted_printable(text: &[char]) -> Option<(Option<char>, usize)> {
    match text.strip_prefix(&['='])? {
        ['\r', '\n', ..] => Some((None, 3)),
        ['\n', ..] => Some((None, 2)),
        digits => Some((Some(byte(digits)?), 3)),
    }
}

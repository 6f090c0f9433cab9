//! Bodies that come compressed, although no request asks for that.

use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;
use zlib_rs::{InflateConfig, ReturnCode, decompress_slice};

/// What is known by name, and not read. What else a header says is not shown.
const UNREAD: [&str; 4] = ["br", "compress", "deflate", "zstd"];

/// The largest window, and 16 for the head and the checksum of gzip.
const GZIP: InflateConfig = InflateConfig {
    window_bits: 15 + 16,
};

/// Why a body could not be read, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// By another encoding, or by several.
    Encoded,
    Damaged,
    TooLarge,
}

/// A body without its encoding, as far as it could be read.
pub(crate) struct Decoded {
    pub(crate) text: Zeroizing<Vec<u8>>,
    pub(super) unreadable: Option<Unreadable>,
}

/// Takes `Content-Encoding` off a body. Of a compressed one no more than `limit` bytes are ever in memory.
pub(crate) fn decode(headers: &HeaderMap, body: Vec<u8>, limit: usize) -> Decoded {
    let body = Zeroizing::new(body);
    let names = headers.get_all(CONTENT_ENCODING).into_iter();
    let names = names.flat_map(|it| it.as_bytes().split(|&byte| byte == b','));
    let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    let mut names = names
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty() && !is(name, "identity"));
    let first = names.next().filter(|_| !body.is_empty());
    let (text, unreadable) = match (first, names.next()) {
        (None, _) => (body, None),
        (Some(name), None) if is(name, "gzip") || is(name, "x-gzip") => gunzip(&body, limit),
        _ => (Zeroizing::default(), Some(Unreadable::Encoded)),
    };
    Decoded { text, unreadable }
}

/// The name of an encoding that is not read.
pub(super) fn name(headers: &HeaderMap) -> &'static str {
    let value = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    let is = |name: &&str| value.is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes()));
    let known = UNREAD.into_iter().find(is);
    known.unwrap_or("an unknown or repeated encoding")
}

fn gunzip(body: &[u8], limit: usize) -> (Zeroizing<Vec<u8>>, Option<Unreadable>) {
    let mut text = Zeroizing::new(vec![0; limit]);
    let (read, outcome) = decompress_slice(&mut text, body, GZIP);
    let length = read.len();
    text.truncate(length);
    let unreadable = match outcome {
        ReturnCode::Ok => None,
        ReturnCode::BufError => Some(Unreadable::TooLarge),
        _ => Some(Unreadable::Damaged),
    };
    (text, unreadable)
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use zlib_rs::{DeflateConfig, compress_slice};

    use super::*;

    const LIMIT: usize = 64 * 1024;

    /// `{"a":5}` by `gzip`, with the name of its file in the head.
    const BY_GZIP: &[u8] =
        b"\x1f\x8b\x08\x08\x7a\x5a\x07\x6b\x00\x03a\x00\xab\x56\x4a\x54\xb2\x32\xad\x05\x00\
        \xab\x69\x77\x32\x07\x00\x00\x00";

    fn headers(encodings: &[&str]) -> HeaderMap {
        let value = |it: &&str| (CONTENT_ENCODING, it.parse().unwrap());
        encodings.iter().map(value).collect()
    }

    fn decoded(encodings: &[&str], body: &[u8]) -> (Vec<u8>, Option<Unreadable>) {
        let decoded = decode(&headers(encodings), body.to_vec(), LIMIT);
        (decoded.text.to_vec(), decoded.unreadable)
    }

    fn compressed(text: &[u8]) -> Vec<u8> {
        let config = DeflateConfig {
            window_bits: GZIP.window_bits,
            ..DeflateConfig::best_speed()
        };
        let mut output = vec![0; text.len() / 2 + 1024];
        let (body, outcome) = compress_slice(&mut output, text, config);
        assert_eq!(outcome, ReturnCode::Ok);
        body.to_vec()
    }

    #[test]
    fn gzip_is_read_however_it_is_written() {
        let text = b"{\"a\":5}";
        for encodings in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &[" X-GZip "],
            &["identity, gzip"],
            &["identity", "gzip,"],
        ] {
            for body in [BY_GZIP, &compressed(text)] {
                let expected = (text.to_vec(), None);
                assert_eq!(decoded(encodings, body), expected, "{encodings:?}");
            }
            assert_eq!(decoded(encodings, b""), (Vec::new(), None));
        }
        for encodings in [&[][..], &["identity"], &[""]] {
            assert_eq!(decoded(encodings, BY_GZIP), (BY_GZIP.to_vec(), None));
        }
    }

    #[test]
    fn another_encoding_is_named_only_if_it_is_known() {
        let unknown = "an unknown or repeated encoding";
        for (encodings, name) in [
            (&["br"][..], "br"),
            (&["Deflate"], "deflate"),
            (&["d90fa7de"], unknown),
            (&["gzip, gzip"], unknown),
            (&["gzip", "br"], unknown),
        ] {
            let expected = (Vec::new(), Some(Unreadable::Encoded));
            assert_eq!(super::name(&headers(encodings)), name);
            assert_eq!(decoded(encodings, BY_GZIP), expected, "{encodings:?}");
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_is_damaged() {
        let is_damaged = |body: &[u8]| decoded(&["gzip"], body).1 == Some(Unreadable::Damaged);
        for end in 1..BY_GZIP.len() {
            assert!(is_damaged(&BY_GZIP[..end]), "{end}");
        }
        // The checksum and the length stand at the end.
        for from_end in 1..=8 {
            let mut changed = BY_GZIP.to_vec();
            changed[BY_GZIP.len() - from_end] ^= 1;
            assert!(is_damaged(&changed), "{from_end}");
        }
        assert!(is_damaged(b"{\"a\":5}"));
    }

    #[test]
    fn a_small_body_that_becomes_a_large_one_is_given_up_before_it_takes_memory() {
        for (length, unreadable) in [
            (LIMIT, None),
            (LIMIT + 1, Some(Unreadable::TooLarge)),
            (100 * LIMIT, Some(Unreadable::TooLarge)),
        ] {
            let body = compressed(&vec![b'x'; length]);
            assert!(body.len() < LIMIT, "{}", body.len());
            let mut decoded = None;
            let memory = measure(|| decoded = Some(decode(&headers(&["gzip"]), body, LIMIT)));
            assert_eq!(decoded.unwrap().unreadable, unreadable, "{length}");
            assert!(memory.bytes_max < 3 * LIMIT as u64, "{memory:?}");
        }
    }
}

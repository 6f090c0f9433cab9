//! The record format.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;

const ACCESS: &str = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
const REFRESH: &str = "2e379c6f-959d-498f-8319-ff13ebef6bfe";

fn key() -> StoreKey {
    StoreKey {
        vendor: "iqm".into(),
        account: "user1@iqm.com".into(),
        scope: "200001".into(),
        base_url: "https://api.iqm.com/".into(),
    }
}

fn token() -> Token {
    let issued_at = UNIX_EPOCH + Duration::from_millis(1_699_964_001_234);
    let expiry = Expiry::At(issued_at + Duration::from_secs(35_999));
    Token::new(ACCESS.into(), expiry, issued_at)
        .with_refresh(Some(REFRESH.into()))
        .with_attribute("owId", "200001")
        .with_generation(7)
}

/// All of a token, with its secrets.
fn whole(token: &Token) -> String {
    let refresh = token.refresh().map(|it| it.expose_secret().to_owned());
    let access = token.access().expose_secret();
    format!("{access:?} {refresh:?} {token:?}")
}

fn message(bytes: &[u8], cipher: Option<&Cipher>) -> String {
    let error = decode(&key(), bytes, cipher).unwrap_err();
    assert_eq!(error.kind(), auth_core::ErrorKind::Store);
    for shown in [error.to_string(), format!("{error:?}")] {
        for secret in [ACCESS, REFRESH] {
            for part in secret.split('-') {
                assert!(!shown.contains(part), "{shown}");
            }
        }
    }
    error.to_string()
}

#[test]
fn a_record_reads_as_it_was_published() {
    let text = r#"{"format":"auth-store","version":1,"key":{"vendor":"iqm","account":"user1@iqm.com","scope":"200001","base_url":"https://api.iqm.com/"},"generation":7,"token":{"access":"d90fa7de-534c-4652-ad8f-c4f6f70461ac","refresh":"2e379c6f-959d-498f-8319-ff13ebef6bfe","expires_at_ms":1700000000234,"issued_at_ms":1699964001234,"attributes":{"owId":"200001"}}}"#;
    let written = encode(&key(), &token(), None).unwrap();
    assert_eq!(std::str::from_utf8(&written).unwrap(), text);
    let read = decode(&key(), text.as_bytes(), None).unwrap();
    assert_eq!(whole(&read), whole(&token()));
    assert_eq!(owner(text.as_bytes(), |it| *it == key()).unwrap(), key());
}

#[test]
fn a_record_of_another_store_has_the_same_form() {
    let record = Record::new(key(), token());
    let bytes = record.to_bytes().unwrap();
    assert_eq!(
        bytes.expose_secret(),
        &**encode(&key(), &token(), None).unwrap()
    );
    let read = Record::from_bytes(bytes.expose_secret()).unwrap();
    assert_eq!((read.key, whole(&read.token)), (key(), whole(&token())));
    for shown in [format!("{record:?}"), format!("{bytes:?}")] {
        assert!(
            !shown.contains(ACCESS) && !shown.contains(REFRESH),
            "{shown}"
        );
    }
    let cut = &bytes.expose_secret()[..bytes.expose_secret().len() - 1];
    let later = std::str::from_utf8(bytes.expose_secret()).unwrap();
    let later = later.replace(r#""version":1"#, r#""version":2"#);
    for (bytes, text) in [
        (cut, "is cut off"),
        (b"d90fa7de-534c", "not a record"),
        (later.as_bytes(), "written by a later version"),
    ] {
        let error = Record::from_bytes(bytes).unwrap_err();
        assert_eq!(error.kind(), auth_core::ErrorKind::Store);
        assert!(error.to_string().contains(text), "{error}");
        assert!(!error.to_string().contains("d90fa7de"), "{error}");
    }
}

#[test]
fn odd_tokens_and_keys_survive() {
    let odd = "\"\\\u{0}\n\u{1f}é🦀\u{202e}\u{feff}/../";
    let far = UNIX_EPOCH + Duration::from_secs(317_339_744_057);
    let before_1970 = UNIX_EPOCH - Duration::from_millis(1500);
    let key = StoreKey {
        vendor: odd.into(),
        account: String::new(),
        scope: odd.repeat(1000),
        base_url: odd.into(),
    };
    for (expiry, issued_at) in [
        (Expiry::Never, UNIX_EPOCH),
        (Expiry::At(far), before_1970),
        (Expiry::At(before_1970), far),
    ] {
        let token = Token::new(odd.into(), expiry, issued_at)
            .with_attribute(odd, "")
            .with_attribute("", odd)
            .with_generation(u64::MAX);
        let record = encode(&key, &token, None).unwrap();
        assert_eq!(record.len(), record.capacity(), "the buffer has grown");
        assert_eq!(whole(&decode(&key, &record, None).unwrap()), whole(&token));
    }
}

#[test]
fn moments_are_rounded_down_and_never_overflow() {
    let between = UNIX_EPOCH + Duration::from_nanos(1_999_999);
    assert_eq!(moment::to_millis(between), 1);
    let before = UNIX_EPOCH - Duration::from_nanos(1_000_001);
    assert_eq!(moment::to_millis(before), -2);
    let mut last = SystemTime::UNIX_EPOCH;
    let mut step = Duration::from_secs(1 << 62);
    while !step.is_zero() {
        last = last.checked_add(step).unwrap_or(last);
        step /= 2;
    }
    assert_eq!(moment::to_millis(last), i64::MAX);
    let Expiry::At(end) = moment::expiry(i64::MAX) else {
        return;
    };
    assert!(end > UNIX_EPOCH + Duration::from_secs(1 << 50));
}

#[test]
fn a_record_that_is_cut_off_is_refused_wherever_it_is_cut() {
    let record = encode(&key(), &token(), None).unwrap();
    for length in 0..record.len() {
        let said = message(&record[..length], None);
        assert!(
            said.starts_with("the record is cut off"),
            "{length}: {said}"
        );
    }
    let mut longer = record.to_vec();
    longer.extend(b"}");
    assert_eq!(message(&longer, None), "this is not a record of auth-store");
}

#[test]
fn what_another_program_wrote_is_no_record() {
    let plain = encode(&key(), &token(), None).unwrap();
    let plain = std::str::from_utf8(&plain).unwrap();
    for text in [
        "hello",
        "[]",
        "{}",
        r#"{"format":"other","version":1}"#,
        r#"{"format":"auth-store","version":"1"}"#,
        r#"{"format":"auth-store","version":1}"#,
        &plain.replace("\"generation\":7", "\"generation\":-7"),
        &plain.replace("\"generation\":7", "\"generation\":7,\"more\":1"),
        &plain.replace("\"refresh\":", "\"more\":1,\"refresh\":"),
        &plain.replace("\"token\":{", "\"sealed\":{"),
        "\0\0\0\0\0\0\0\0",
    ] {
        assert_eq!(
            message(text.as_bytes(), None),
            "this is not a record of auth-store",
            "{text}"
        );
    }
}

#[test]
fn another_version_is_refused_by_name() {
    for version in [0, 2, 3, u64::MAX] {
        // The rest of the record does not matter.
        let text = format!(r#"{{"format":"auth-store","token":[],"version":{version}}}"#);
        let said = message(text.as_bytes(), None);
        let expected = format!("record version {version}; this one reads 1");
        assert!(said.ends_with(&expected), "{said}");
    }
}

#[test]
fn the_record_of_another_key_is_refused() {
    let record = encode(&key(), &token(), None).unwrap();
    for change in [
        |key: &mut StoreKey| key.vendor.push('x'),
        |key: &mut StoreKey| key.account.push('x'),
        |key: &mut StoreKey| key.scope.clear(),
        |key: &mut StoreKey| key.base_url.push('x'),
    ] {
        let mut other = key();
        change(&mut other);
        for error in [
            decode(&other, &record, None).unwrap_err(),
            owner(&record, |it| *it == other).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), "this is the record of another key");
        }
    }
}

#[cfg(feature = "encryption")]
mod sealed {
    use secrecy::SecretBox;

    use super::*;
    use crate::EncryptionKey;

    fn cipher(byte: u8) -> EncryptionKey {
        EncryptionKey::new(SecretBox::new(Box::new([byte; 32])))
    }

    #[test]
    fn a_sealed_record_shows_whose_it_is_and_nothing_else() {
        let cipher = cipher(1);
        let first = encode(&key(), &token(), Some(&cipher)).unwrap();
        let second = encode(&key(), &token(), Some(&cipher)).unwrap();
        assert_ne!(*first, *second, "the nonce is the same");
        for record in [&first, &second] {
            let text = std::str::from_utf8(record).unwrap();
            for hidden in [ACCESS, REFRESH, "owId", "1700000000234", "expires"] {
                assert!(!text.contains(hidden), "{text}");
            }
            assert!(text.contains("\"generation\":7"), "{text}");
            assert_eq!(owner(record, |it| *it == key()).unwrap(), key());
            let read = decode(&key(), record, Some(&cipher)).unwrap();
            assert_eq!(whole(&read), whole(&token()));
        }
    }

    #[test]
    fn a_sealed_record_is_read_as_it_was_published() {
        // Sealed by another implementation: libsodium, by way of Python's PyNaCl.
        let text = include_str!("tests/sealed.json");
        let read = decode(&key(), text.as_bytes(), Some(&cipher(1))).unwrap();
        assert_eq!(whole(&read), whole(&token()));
    }

    #[test]
    fn each_mistake_with_keys_has_its_own_message() {
        let plain = encode(&key(), &token(), None).unwrap();
        let sealed = encode(&key(), &token(), Some(&cipher(1))).unwrap();
        assert!(message(&plain, Some(&cipher(1))).contains("is not encrypted"));
        assert!(message(&sealed, None).contains("was given no encryption key"));
        assert!(message(&sealed, Some(&cipher(2))).contains("with another key"));
        let text = std::str::from_utf8(&sealed).unwrap();
        let other = text.replace("xchacha20-poly1305", "rot13");
        assert!(message(other.as_bytes(), Some(&cipher(1))).contains("unknown algorithm"));
    }

    #[test]
    fn older_keys_open_and_only_the_first_seals() {
        let old = encode(&key(), &token(), Some(&cipher(1))).unwrap();
        let oldest = encode(&key(), &token(), Some(&cipher(0))).unwrap();
        let rotated = cipher(2).with_older(cipher(1).with_older(cipher(0)));
        for record in [&old, &oldest] {
            assert!(decode(&key(), record, Some(&rotated)).is_ok());
        }
        let new = encode(&key(), &token(), Some(&rotated)).unwrap();
        assert!(decode(&key(), &new, Some(&cipher(2))).is_ok());
        assert!(decode(&key(), &new, Some(&cipher(1))).is_err());
    }

    #[test]
    fn nothing_of_a_sealed_record_can_be_changed() {
        let cipher = cipher(1);
        let record = encode(&key(), &token(), Some(&cipher)).unwrap();
        let text = std::str::from_utf8(&record).unwrap();
        let later = text.replace("\"generation\":7", "\"generation\":8");
        assert!(message(later.as_bytes(), Some(&cipher)).contains("was changed since"));
        // The record of another account under this account's name.
        let mut other = key();
        other.account = "user2@iqm.com".into();
        let theirs = encode(&other, &token(), Some(&cipher)).unwrap();
        let renamed = std::str::from_utf8(&theirs).unwrap();
        let renamed = renamed.replace("user2@iqm.com", "user1@iqm.com");
        assert!(message(renamed.as_bytes(), Some(&cipher)).contains("was changed since"));
        // Each bit: JSON allows no change inside of its texts that goes unseen.
        for at in 0..record.len() {
            for bit in 0..8 {
                let mut changed = record.to_vec();
                changed[at] ^= 1 << bit;
                let read = decode(&key(), &changed, Some(&cipher));
                assert!(read.is_err(), "bit {bit} of byte {at}");
            }
        }
    }
}

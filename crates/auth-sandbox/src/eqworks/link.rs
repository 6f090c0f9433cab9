//! The magic link.

use percent_encoding::percent_decode_str;
use url::Url;

/// Where the link leads to: `redirect` decoded once more, though the query was decoded already.
/// `None` where the vendor fails, as it does on a relative URL.
pub(super) fn target(redirect: &str) -> Option<Url> {
    let mut rest = redirect;
    while let Some((_, after)) = rest.split_once('%') {
        let hex = after.get(..2)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        rest = &after[2..];
    }
    let decoded = percent_decode_str(redirect).decode_utf8().ok()?;
    // Whatever the scheme: the vendor accepts `javascript:` too.
    Url::parse(&decoded).ok()
}

/// The link itself: the target with its own query and fragment and these three parameters. A
/// parameter that the target has already is replaced in its place.
pub(super) fn magic(mut target: Url, user: &str, otp: &str, product: &str) -> Url {
    let mut pairs: Vec<(String, String)> = target.query_pairs().into_owned().collect();
    for (name, value) in [("user", user), ("otp", otp), ("product", product)] {
        let value = value.to_owned();
        match pairs.iter().position(|(key, _)| key == name) {
            None => pairs.push((name.to_owned(), value)),
            Some(at) => {
                pairs[at].1 = value;
                let mut index = 0;
                pairs.retain(|(key, _)| {
                    index += 1;
                    key != name || index == at + 1
                });
            }
        }
    }
    target.query_pairs_mut().clear().extend_pairs(pairs);
    target
}

#[cfg(test)]
mod tests {
    use super::{magic, target};

    fn link(redirect: &str) -> String {
        magic(
            target(redirect).unwrap(),
            "wl.user@acme.test",
            "FDEA9F",
            "atom",
        )
        .to_string()
    }

    #[test]
    fn query_and_fragment_are_kept_and_the_parameters_of_the_log_in_are_replaced() {
        assert_eq!(
            link("https://app.example.test/login?a=1&b=2&user=someone@else.test#/frag"),
            "https://app.example.test/login?a=1&b=2&user=wl.user%40acme.test&otp=FDEA9F&product=atom#/frag"
        );
        assert_eq!(
            link("https://a.test/?otp=0&user=1&x=2&user=3&product=locus"),
            "https://a.test/?otp=FDEA9F&user=wl.user%40acme.test&x=2&product=atom"
        );
    }

    #[test]
    fn any_scheme_is_accepted() {
        assert_eq!(
            link("javascript:alert(1)"),
            "javascript:alert(1)?user=wl.user%40acme.test&otp=FDEA9F&product=atom"
        );
    }

    #[test]
    fn a_redirect_that_is_relative_or_cannot_be_decoded_is_no_target() {
        for redirect in [
            "/login",
            "login?a=b",
            "https://a.test/?%",
            "https://a.test/%zz",
        ] {
            assert!(target(redirect).is_none(), "{redirect}");
        }
        assert!(target("https://a.test/%FF").is_none());
        assert!(target("https://a.test/%€").is_none());
    }
}

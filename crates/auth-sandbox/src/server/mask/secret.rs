//! What is secret, by its name or its form.

pub(crate) const HIDDEN: &str = "•••";

/// Names of fields, parameters and headers that hold secrets contain one of these.
const SECRET: [&str; 11] = [
    "password",
    "secret",
    "token",
    "otp",
    "jwt",
    "authorization",
    "hash",
    "passcode",
    "cookie",
    "api_key",
    "link",
];
/// And none of these.
const PUBLIC: [&str; 6] = ["type", "expir", "lifetime", "message", "nolink", "hashed"];

/// Whether a field of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let holds = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    name == "code" || (holds(&SECRET) && !holds(&PUBLIC))
}

/// Hides what looks like a JWT: a link may hold one, and a GraphQL query.
pub(super) fn hide_jwts(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let (before, jwt) = rest.split_at(at);
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let end = jwt.find(|c| !is_part(c)).unwrap_or(jwt.len());
        let (jwt, after) = jwt.split_at(end);
        shown.push_str(before);
        shown.push_str(if jwt.contains('.') { HIDDEN } else { jwt });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_secret() {
        for name in [
            "password",
            "newPassword",
            "refresh_token",
            "eq-api-jwt",
            "otp",
            "inviteHash",
            "code",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "grant_type",
            "token_type",
            "tokenType",
            "token_expiry",
            "email",
            "session_expires_at",
            "message",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_jwt_is_hidden_wherever_it_is() {
        assert_eq!(hide_jwts("a eyJh.eyJi.c-_ b"), "a ••• b");
        assert_eq!(hide_jwts("{\"q\":\"eyJh.b.c\"} eyJ"), "{\"q\":\"•••\"} eyJ");
    }
}

//! Reading a JWT's claims without checking its signature.

use std::fmt;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Expiry};

// JWTs come without padding (RFC 7515 §2); one that has it is read all the same.
pub(crate) const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The claims of a JWT, **not verified**: the maker of the token may have written anything.
///
/// Good for planning (when does it end, whose is it), never for deciding whether to trust
/// a caller. `Debug` shows how many claims there are, and neither their names nor their values.
///
/// ```
/// use auth_core::{Expiry, UnverifiedClaims};
///
/// let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE4MDAwMDAwMDAsInN1YiI6ImFwcCJ9.c2ln".into();
/// let claims = UnverifiedClaims::of(&jwt)?;
/// assert_eq!(claims.expiry(), Expiry::from_unix_seconds(1_800_000_000));
/// assert_eq!(claims.text("sub"), Some("app"));
/// # Ok::<(), auth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct UnverifiedClaims(Map<String, Value>);

impl UnverifiedClaims {
    /// Reads the claims of `jwt`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] if the text is not three parts with a JSON object in the middle.
    /// The message does not repeat the text.
    pub fn of(jwt: &SecretString) -> Result<Self, Error> {
        let broken = |what: &str| Error::new(ErrorKind::Protocol, format!("not a jwt: {what}"));
        let mut parts = jwt.expose_secret().trim().split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(broken("it does not have three parts"));
        };
        let payload = BASE64_URL
            .decode(payload)
            .map_err(|_| broken("its claims are not base64url"))?;
        match serde_json::from_slice(&payload) {
            Ok(Value::Object(claims)) => Ok(Self(claims)),
            _ => Err(broken("its claims are not a json object")),
        }
    }

    /// When the token says it ends (`exp`); [`Expiry::Never`] if it does not say, or names a time
    /// that no clock reaches.
    pub fn expiry(&self) -> Expiry {
        self.moment("exp").unwrap_or(Expiry::Never)
    }

    /// A claim in seconds since 1970 (`exp`, `iat`, `nbf`), whole or with a fraction.
    pub fn moment(&self, name: &str) -> Option<Expiry> {
        let value = self.0.get(name)?;
        if let Some(seconds) = value.as_i64() {
            return Some(Expiry::from_unix_seconds(seconds));
        }
        // A float-to-integer cast saturates, and the fraction of a second does not matter.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "saturation is what we want"
        )]
        value
            .as_f64()
            .map(|seconds| Expiry::from_unix_seconds(seconds as i64))
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Any claim, if it has the type `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.0.get(name)?).ok()
    }
}

impl fmt::Debug for UnverifiedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnverifiedClaims")
            .field(&self.0.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> SecretString {
        format!("e30.{}.c2ln", BASE64_URL.encode(claims)).into()
    }

    #[test]
    fn an_exp_thousands_of_years_away_survives() {
        for exp in [
            "317339744057",
            "9223372036854775807",
            "1e300",
            "-1",
            "18446744073709551615",
        ] {
            let claims = UnverifiedClaims::of(&jwt(&format!("{{\"exp\":{exp}}}"))).unwrap();
            let passed = claims.expiry().has_passed(std::time::SystemTime::now());
            assert_eq!(passed, exp == "-1", "{exp}");
        }
    }

    #[test]
    fn without_exp_a_token_does_not_end_by_itself() {
        assert_eq!(
            UnverifiedClaims::of(&jwt("{}")).unwrap().expiry(),
            Expiry::Never
        );
        assert_eq!(
            UnverifiedClaims::of(&jwt("{\"exp\":\"soon\"}"))
                .unwrap()
                .expiry(),
            Expiry::Never
        );
    }

    #[test]
    fn what_is_no_jwt_is_refused_without_being_repeated() {
        for text in ["", "secret-thing", "a.b", "a.!!.c", "a.W10.c", "a.b.c.d"] {
            let error = UnverifiedClaims::of(&text.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert!(!format!("{error} {error:?}").contains("secret-thing"));
        }
    }

    #[test]
    fn a_claim_is_read_by_its_type() {
        let claims = UnverifiedClaims::of(&jwt("{\"products\":[\"atom\"]}")).unwrap();
        assert_eq!(
            claims.get::<Vec<String>>("products"),
            Some(vec!["atom".to_owned()])
        );
        assert_eq!(claims.get::<u64>("products"), None);
    }

    #[test]
    fn debug_shows_no_names_and_no_values() {
        let claims = UnverifiedClaims::of(&jwt("{\"email\":\"sue@example.com\"}")).unwrap();
        assert_eq!(format!("{claims:?}"), "UnverifiedClaims(1)");
    }
}

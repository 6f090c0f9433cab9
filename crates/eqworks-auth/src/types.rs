//! What EQ Works' calls take and return.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use auth_core::{Expiry, ExtraFields, Header, UnverifiedClaims, trimmed_secret};
use http::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};

use crate::Error;

// Required, and raw: with `Bearer ` in front it is refused, and `Authorization` is ignored.
const EQ_API_JWT: HeaderName = HeaderName::from_static("eq-api-jwt");
// Recommended.
const EQ_API_USER: HeaderName = HeaderName::from_static("eq-api-user");

// Not documented. The data services take `locus` where it is missing.
pub(crate) const X_EQ_PRODUCT: HeaderName = HeaderName::from_static("x-eq-product");

/// The product's name in queries, in claims, and in stored tokens.
pub(crate) const PRODUCT: &str = "product";

/// Which of EQ Works' systems is called.
///
/// Source: EQ Works, "EQ API", *Workflow*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The development system.
    Dev,
    /// The live system.
    Prod,
}

impl Stage {
    /// As it stands in the address: `dev`, `prod`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token is good for. Two products are documented; the vendor has more.
///
/// The vendor compares products without case, so they are kept in lower case.
///
/// Source: EQ Works, "EQ API", *Step 1: Login*.
///
/// # Example
///
/// ```
/// use eqworks_auth::Product;
///
/// assert_eq!(Product::from("Atom"), Product::ATOM);
/// assert_eq!(Product::from("clearlake").as_str(), "clearlake");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Product(Cow<'static, str>);

impl Product {
    /// `atom`.
    pub const ATOM: Self = Self(Cow::Borrowed("atom"));
    /// `locus`.
    pub const LOCUS: Self = Self(Cow::Borrowed("locus"));

    /// Accepted by the vendor in place of any product.
    const ALL: Self = Self(Cow::Borrowed("all"));

    /// As it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is for `other` may be used here. What does not say for certain that the two
    /// differ is left to the vendor.
    pub(crate) fn accepts(&self, other: &Self) -> bool {
        other == self || *other == Self::ALL || *self == Self::ALL
    }

    /// Whether it is one of those that have a name here.
    pub(crate) fn has_a_name(&self) -> bool {
        [Self::ATOM, Self::LOCUS, Self::ALL].contains(self)
    }
}

impl From<&str> for Product {
    fn from(name: &str) -> Self {
        Self(Cow::Owned(name.trim().to_lowercase()))
    }
}

impl From<String> for Product {
    fn from(name: String) -> Self {
        name.as_str().into()
    }
}

impl fmt::Debug for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

auth_core::vendor_token!(
    /// A token as EQ Works issued it: a JWT signed with the vendor's secret, so that only the vendor
    /// can verify it. `Debug` shows a fingerprint in its place.
    Token,
    headers,
    account
);

impl Token {
    /// How long the vendor's tokens live at present, by its documentation: 90 days.
    ///
    /// A token's own claims decide. This stands in where one does not say when it was issued.
    pub const LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

    pub(crate) fn issued(jwt: SecretString, expiry: Expiry, at: SystemTime) -> Self {
        Self(auth_core::Token::new(jwt, expiry, at))
    }

    /// Sets whose token it is and what it is good for, where that is known.
    pub(crate) fn with(self, user: Option<&str>, product: Option<&str>) -> Self {
        let Self(token) = match user {
            Some(user) => self.with_account(user),
            None => self,
        };
        Self(match product {
            Some(product) => token.with_attribute(PRODUCT, Product::from(product).as_str()),
            None => token,
        })
    }

    pub(crate) fn with_claims(self, claims: &UnverifiedClaims) -> Self {
        self.with(claims.text("email"), claims.text(PRODUCT))
    }

    /// A token that was kept as text.
    ///
    /// When it was issued, when it ends, its product and its account are taken from its claims,
    /// unverified, and by the vendor's clock, since there is no response to compare that one with.
    /// A token without `exp` does not end by itself.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the text is no JWT; the message does not repeat it.
    /// [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if no header can carry it: it has a line break within it,
    /// for example. White space around it does not matter.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn example(kept: eqworks_auth::SecretString) -> Result<(), eqworks_auth::Error> {
    /// use eqworks_auth::{Client, Product, Stage, Token};
    ///
    /// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
    /// let session = client.session(Token::from_jwt(kept)?).build()?;
    /// # Ok(()) }
    /// ```
    pub fn from_jwt(jwt: impl Into<SecretString>) -> Result<Self, Error> {
        let jwt = trimmed_secret(jwt.into());
        if !jwt.expose_secret().is_empty() {
            // Before it is read: a line break within it is the program's mistake.
            Header::new(EQ_API_JWT, &jwt)?;
        }
        let claims = UnverifiedClaims::of(&jwt).map_err(|error| Error::TokenRejected {
            message: error.to_string(),
            http_status: None,
        })?;
        let expiry = claims.expiry();
        let token = match claims.moment("iat").and_then(Expiry::at) {
            Some(issued_at) => auth_core::Token::new(jwt, expiry, issued_at),
            None => auth_core::Token::kept(jwt, expiry, Self::LIFETIME),
        };
        Ok(Self(token).with_claims(&claims))
    }

    /// Whether the token ends together with the user's access, by its claims (unverified): it was
    /// issued for less than [`Token::LIFETIME`]. Then a refresh gives no later end, and after the end
    /// no log-in helps: [`Error::AccessEnded`].
    pub fn ends_with_access(&self) -> bool {
        let life = UnverifiedClaims::of(self.0.access()).ok().and_then(|it| {
            let (start, end) = (it.moment("iat")?.at()?, it.expiry().at()?);
            end.duration_since(start).ok()
        });
        life.is_some_and(|life| life < Self::LIFETIME)
    }

    /// Whether a call that was to revoke older tokens did so, by the claim that revokes them.
    pub(crate) fn revokes(&self, older: &Self) -> Revocation {
        let id = |token: &Self| {
            token
                .unverified_claims()
                .ok()?
                .text("jwt_uuid")
                .map(str::to_owned)
        };
        match (id(self), id(older)) {
            (Some(new), Some(old)) if new == old => Revocation::Nothing,
            (Some(_), Some(_)) => Revocation::Done,
            _ => Revocation::Unknown,
        }
    }

    /// What the token is good for.
    pub fn product(&self) -> Option<Product> {
        self.0.attribute(PRODUCT).map(Product::from)
    }

    /// The claims of the JWT, **not verified**: only the vendor can do that, by
    /// [`Client::confirm`](crate::Client::confirm). Good for planning, never for trusting.
    ///
    /// # Errors
    ///
    /// [`Error::Core`] if the token is no JWT, as one from another kind of store may be.
    pub fn unverified_claims(&self) -> Result<UnverifiedClaims, Error> {
        Ok(UnverifiedClaims::of(self.0.access())?)
    }
}

/// A user's address as the vendor compares it: trimmed (of a byte-order mark, too) and in lower
/// case.
pub(crate) fn account(user: &str) -> String {
    user.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
        .to_lowercase()
}

/// The headers of an authorised call: the token without a scheme, and the user where known.
pub(crate) fn headers(token: &auth_core::Token) -> Result<Vec<Header>, Error> {
    let mut headers = vec![Header::new(EQ_API_JWT, token.access())?];
    if let Some(user) = token.account() {
        headers.push(Header::new(EQ_API_USER, &user.into())?);
    }
    Ok(headers)
}

/// What became of older tokens in a call that was to revoke them.
///
/// The vendor says that it succeeded in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revocation {
    /// They are revoked.
    Done,
    /// Nothing was revoked: the new token has the id of the old one, which is still valid. So it is
    /// for accounts of the vendor's mobile SDK.
    Nothing,
    /// One of the two tokens has no id.
    Unknown,
}

/// What the vendor says of a token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Confirmation {
    /// Whose token it is.
    pub user: String,
    /// What it is good for.
    pub product: Product,
    /// Whether only the signature was checked, so that a revoked token passes, too.
    pub is_light: bool,
    /// How long the token is still valid; `None` if the vendor does not say, as for a token without
    /// an end.
    pub time_left: Option<Duration>,
    /// When the user's access ends, by the vendor's clock: after that no log-in helps. `None`
    /// after a light confirmation, which does not look.
    pub access_expiry: Option<Expiry>,
    /// What the user may do, by the vendor's names. No document describes it.
    pub access: ExtraFields,
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::ErrorKind;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_stored_token_says_whose_it_is_and_when_it_was_issued_and_ends() {
        let claims = r#"{"iat":1000,"exp":7777000,"email":"sue@acme.test","product":"locus"}"#;
        let token = Token::from_jwt(jwt(claims)).unwrap();
        assert_eq!(token.issued_at(), at(1_000));
        assert_eq!(token.expiry(), Expiry::At(at(7_777_000)));
        assert_eq!(token.account(), Some("sue@acme.test"));
        assert_eq!(token.product(), Some(Product::LOCUS));
        let claims = token.unverified_claims().unwrap();
        assert_eq!(claims.get::<u64>("iat"), Some(1_000));
    }

    #[test]
    fn without_iat_a_stored_token_is_taken_to_live_90_days() {
        let token = Token::from_jwt(jwt(r#"{"exp":1800000000}"#)).unwrap();
        assert_eq!(token.issued_at(), at(1_800_000_000 - 7_776_000));
        assert_eq!((token.account(), token.product()), (None, None));
    }

    #[test]
    fn without_exp_a_stored_token_does_not_end_by_itself() {
        for claims in [
            "{}",
            r#"{"iat":1000}"#,
            r#"{"exp":"soon"}"#,
            r#"{"exp":null}"#,
        ] {
            let token = Token::from_jwt(jwt(claims)).unwrap();
            assert_eq!(token.expiry(), Expiry::Never, "{claims}");
        }
    }

    #[test]
    fn a_line_break_behind_a_stored_token_does_not_matter() {
        let text = jwt(r#"{"iat":1000}"#);
        let token = Token::from_jwt(format!(" {text}\r\n")).unwrap();
        assert_eq!(token.access_token().expose_secret(), text);
    }

    #[test]
    fn no_exp_and_no_iat_is_too_absurd() {
        for exp in [
            "317339744057",
            "9223372036854775807",
            "18446744073709551615",
            "1e300",
            "0",
            "-1",
            "-9223372036854775808",
        ] {
            for claims in [
                format!(r#"{{"exp":{exp}}}"#),
                format!(r#"{{"exp":{exp},"iat":{exp}}}"#),
                format!(r#"{{"exp":{exp},"iat":1000}}"#),
            ] {
                let token = Token::from_jwt(jwt(&claims)).unwrap();
                let ends_early = exp.starts_with('-') || exp == "0";
                let passed = token.expiry().has_passed(SystemTime::now());
                assert_eq!(passed, ends_early, "{claims}");
                assert!(token.auth_headers().is_ok(), "{claims}");
            }
        }
    }

    #[test]
    fn a_text_that_is_no_token_is_refused_without_being_repeated() {
        for text in ["", "secret-thing", "secret-thing.b", "e30.W10.c2ln"] {
            let error = Token::from_jwt(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TokenRejected, "{text}");
            assert!(!format!("{error} {error:?}").contains("secret-thing"));
        }
    }

    #[test]
    fn a_user_is_written_as_the_vendor_compares_it() {
        for user in [" Sue.S@Acme.Test\n", "\u{feff}sue.s@acme.test \u{feff}"] {
            assert_eq!(account(user), "sue.s@acme.test");
        }
    }

    #[test]
    fn an_open_set_of_products_has_two_names_of_its_own() {
        assert_eq!(Product::from(" ATOM ").as_str(), "atom");
        assert_eq!(Product::from("locus".to_owned()), Product::LOCUS);
        assert_eq!(
            format!("{0} {0:?}", Product::from("clearlake")),
            "clearlake clearlake"
        );
        assert_eq!(
            [Stage::Dev, Stage::Prod].map(|it| it.to_string()),
            ["dev", "prod"]
        );
    }
}

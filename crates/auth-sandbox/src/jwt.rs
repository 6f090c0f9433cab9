//! JSON Web Tokens, as two vendors make them: HS256 with the vendor's secret (RFC 7519 and RFC 7515).

use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use uuid::Uuid;

/// What is wrong with a token before its claims are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadJwt {
    /// Not three parts.
    Malformed,
    /// A part with another character than base64url has.
    Characters,
    /// The header or the claims, which are no JSON.
    Json,
    Unsigned,
    Algorithm,
    Signature,
}

impl BadJwt {
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Malformed | Self::Characters => "it is not a JWT",
            Self::Json => "it is not a JWT: its header or its claims are not JSON",
            Self::Unsigned => "its signature is wrong: it has none",
            Self::Algorithm => "its algorithm is not HS256",
            Self::Signature => "its signature is wrong, or another sandbox's",
        }
    }
}

/// A vendor's secret: as long as a block of the hash, so that it is the key as it is.
pub(crate) struct Secret(RwLock<[u8; 64]>);

impl Secret {
    /// A new one for each sandbox, so that the tokens of one are invalid at the next.
    pub(crate) fn new() -> Self {
        let mut secret = [0; 64];
        for chunk in secret.chunks_exact_mut(16) {
            chunk.copy_from_slice(Uuid::new_v4().as_bytes());
        }
        Self(RwLock::new(secret))
    }

    /// The secret, for a copy of the sandbox.
    pub(crate) fn bytes(&self) -> [u8; 64] {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the secret of another sandbox.
    pub(crate) fn replace(&self, secret: [u8; 64]) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = secret;
    }

    /// Signs any claims of a test.
    #[track_caller]
    #[allow(clippy::panic, reason = "an assertion")]
    pub(crate) fn sign_any(&self, claims: &impl Serialize) -> String {
        match serde_json::to_value(claims) {
            Ok(claims) => self.sign(&claims),
            Err(error) => panic!("these claims cannot be written as JSON: {error}"),
        }
    }

    /// The same claims make the same token.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The claims of a token with a valid signature.
    pub(crate) fn claims(&self, token: &str) -> Result<Map<String, Value>, BadJwt> {
        let parts: Vec<_> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err(BadJwt::Malformed);
        };
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !token.chars().all(is_part) {
            return Err(BadJwt::Characters);
        }
        let object = |part| {
            let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| BadJwt::Json)?;
            serde_json::from_slice::<Map<_, _>>(&json).map_err(|_| BadJwt::Json)
        };
        let (header, object) = (object(header)?, object(claims)?);
        if signature.is_empty() {
            return Err(BadJwt::Unsigned);
        }
        if header
            .get("alg")
            .is_none_or(|algorithm| algorithm != "HS256")
        {
            return Err(BadJwt::Algorithm);
        }
        let (signed, _) = token.rsplit_once('.').unwrap_or_default();
        let signature = URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| BadJwt::Signature)?;
        self.mac(signed)
            .verify_slice(&signature)
            .map_err(|_| BadJwt::Signature)?;
        Ok(object)
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        Hmac::new(&self.bytes().into()).chain_update(signed)
    }
}

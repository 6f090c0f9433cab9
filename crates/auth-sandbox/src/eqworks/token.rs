//! The calls that issue and check the JWT.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::login::{refuse_lists, required};
use super::query::Query;
use super::refusal::refuse;
use super::state::{State, access};
use super::users::{ALL, ATOM, normal};
use crate::answer::{self, Answer, Failure};
use crate::date;
use crate::jwt::BadJwt;
use crate::request::Call;

const FAILED: &str = "Failed to validate the existing token";

pub(super) fn verify(eqworks: &State, call: &Call) -> Answer {
    let query = Query::of(call);
    let email = normal(required(&query, "user")?);
    let otp = required(&query, "otp")?.trim().to_uppercase();
    refuse_lists(&query, "Failed to verify the OTP")?;
    // Not checked against the user's products: that is documented for the login alone.
    let product = query.product();

    let mut book = eqworks.book();
    let is_known = book.user_mut(&email).is_some_and(|user| user.active);
    if !is_known {
        eqworks.check_user(&mut book, &email, false)?;
    }
    let now = eqworks.clock.now();
    let passcode = book.passcodes.get(&email);
    let Some(passcode) = passcode.filter(|passcode| now < passcode.ends) else {
        let text = format!("No OTP to redeem for user {email}");
        let hint = "no passcode was sent, or it was used, or has expired by the sandbox's clock";
        return Err(refuse(StatusCode::FORBIDDEN, &text, hint));
    };
    if passcode.code != otp {
        // The passcode stays valid after a wrong one was sent.
        let text = format!("Invalid OTP for user {email}");
        return Err(refuse(
            StatusCode::FORBIDDEN,
            &text,
            "the passcode is wrong",
        ));
    }
    book.passcodes.remove(&email);
    // The passcode is spent by now, also if the access has ended.
    let user = eqworks.check_user(&mut book, &email, false)?;
    if query.is_on("reset_uuid") {
        user.revoke();
    }
    let body = json!({
        "message": format!(
            "User {email} verified, please store and use the attached token responsibly"
        ),
        "user": email,
        "email": email,
        "token": eqworks.mint(user, &product),
        "product": product,
        "access": user.access(),
    });
    book.issued += 1;
    Ok(answer::json(StatusCode::OK, &body))
}

pub(super) fn confirm(eqworks: &State, call: &Call) -> Answer {
    let query = Query::of(call);
    let token = check_token(eqworks, call, &query, true)?;
    let light = query.is_on("light");
    let mut body = json!({
        "message": format!("Token confirmed for user {}", token.email),
        "user": token.email,
        "light": light,
        "product": token.product,
        "ttl": ttl(eqworks, token.exp),
    });
    if light {
        // What the token says, unchecked: it may be revoked, and its user removed.
        body["access"] = token.access;
    } else {
        let mut book = eqworks.book();
        let user = eqworks.check_user(&mut book, &token.email, false)?;
        token.check_uuid(&user.jwt_uuid)?;
        if query.is_on("reset_uuid") {
            user.revoke();
        }
        body["access_expired_at"] = user.access_ends.map(date::format).into();
        body["access"] = user.access();
    }
    Ok(answer::json(StatusCode::OK, &body))
}

pub(super) fn refresh(eqworks: &State, call: &Call) -> Answer {
    let query = Query::of(call);
    let token = check_token(eqworks, call, &query, false)?;
    let mut book = eqworks.book();
    let user = eqworks.check_user(&mut book, &token.email, false)?;
    token.check_uuid(&user.jwt_uuid)?;
    // Without it, the old token stays valid.
    if query.is_on("reset_uuid") {
        user.revoke();
    }
    let body = json!({
        "message": format!(
            "Token refreshed for user {}, please store and use the token responsibly",
            token.email,
        ),
        "token": eqworks.mint(user, &token.product),
        "user": token.email,
        "product": token.product,
        "access": user.access(),
    });
    book.issued += 1;
    Ok(answer::json(StatusCode::OK, &body))
}

/// The claims of a token.
pub(super) struct Token {
    pub(super) email: String,
    pub(super) product: String,
    jwt_uuid: String,
    access: Value,
    /// Seconds since 1970. Without it, the token does not expire.
    exp: Option<i64>,
}

impl Token {
    /// Reads a token that is signed and has not expired.
    fn read(claims: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| Some(claims.get(name)?.as_str()?.to_owned());
        Some(Self {
            email: normal(&text("email")?),
            // Decision: a token without a product is one for the default, as a call is.
            product: text("product").unwrap_or_else(|| ATOM.to_owned()),
            jwt_uuid: text("jwt_uuid")?,
            // Decision: a token without these claims is accepted, so that a test need not know them.
            access: {
                let claim = |name: &str| claims.get(name).unwrap_or(&Value::Null);
                access(claim("api_access"), claim("prefix"))
            },
            exp: claims.get("exp").and_then(Value::as_i64),
        })
    }

    fn check_uuid(&self, current: &str) -> Result<(), Failure> {
        if self.jwt_uuid == current {
            return Ok(());
        }
        let text = format!("Invalid UUID for user {}", self.email);
        Err(refuse(StatusCode::FORBIDDEN, &text, "the JWT was revoked"))
    }
}

/// The checks without the list of users. `light=1` makes no others.
fn check_token(
    eqworks: &State,
    call: &Call,
    query: &Query,
    takes_all: bool,
) -> Result<Token, Failure> {
    let Some(sent) = call.headers.get("eq-api-jwt") else {
        let hint = "the header eq-api-jwt is missing (Authorization is ignored)";
        return Err(refuse(
            StatusCode::FORBIDDEN,
            "Invalid JWT: undefined",
            hint,
        ));
    };
    let sent = String::from_utf8_lossy(sent.as_bytes());
    let claims = signed_claims(eqworks, &sent).map_err(|reason| {
        // As the vendor does: the answer repeats the secret.
        let text = format!("Invalid JWT: {sent}");
        refuse(
            StatusCode::FORBIDDEN,
            &text,
            format!("the JWT is refused: {reason}"),
        )
    })?;
    let token = Token::read(&claims).ok_or_else(|| {
        let hint = "the JWT has no email or no jwt_uuid";
        refuse(
            StatusCode::FORBIDDEN,
            "JWT missing required fields in payload",
            hint,
        )
    })?;
    refuse_lists(query, FAILED)?;
    let product = query.product();
    let is_for_all = takes_all && product == ALL;
    if !is_for_all && !token.product.eq_ignore_ascii_case(&product) {
        let hint = "product in the query (atom where it is missing) is not the JWT's product";
        return Err(refuse(
            StatusCode::FORBIDDEN,
            "JWT not valid for this resource",
            hint,
        ));
    }
    Ok(token)
}

/// The claims of a token that is signed and has not expired. The error says why it is refused.
fn signed_claims(eqworks: &State, token: &str) -> Result<Map<String, Value>, &'static str> {
    if token.contains(' ') {
        return Err("eq-api-jwt has to be the JWT and nothing else, without a scheme");
    }
    let claims = eqworks.secret.claims(token).map_err(BadJwt::hint)?;
    if eqworks.minted().expired.contains(token) {
        return Err("it was made to expire");
    }
    match claims.get("exp") {
        None => Ok(claims),
        Some(exp) => {
            let exp = exp.as_u64().ok_or("its exp is not a number of seconds")?;
            if eqworks.clock.unix_seconds() >= exp {
                return Err("it has expired by the sandbox's clock");
            }
            Ok(claims)
        }
    }
}

/// Whether the vendor would accept the token for its own product.
pub(super) fn accepts(eqworks: &State, token: &str) -> bool {
    let Ok(claims) = signed_claims(eqworks, token) else {
        return false;
    };
    Token::read(&claims).is_some_and(|token| {
        let mut book = eqworks.book();
        let wall = eqworks.clock.wall();
        let user = book.user_mut(&token.email);
        user.is_some_and(|user| user.may_log_in(wall) && user.jwt_uuid == token.jwt_uuid)
    })
}

/// Decision: the wording of a number of days.
fn ttl(eqworks: &State, exp: Option<i64>) -> Value {
    let Some(exp) = exp else {
        return json!({ "millis": -1, "friendly": "N/A" });
    };
    let now = i64::try_from(eqworks.clock.unix_millis()).unwrap_or(i64::MAX);
    let millis = exp.saturating_mul(1_000).saturating_sub(now);
    json!({ "millis": millis, "friendly": format!("{} days", millis / 86_400_000) })
}

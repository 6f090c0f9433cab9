//! What the program shows and changes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::state::{Book, Minted, State};
use super::token;
use super::users::{ATOM, EqWorksUser, normal};
use crate::server::{
    Act, Code, Fields, Inspect, Mint, Records, Token, TokenChange, TokenState, load_secret,
    secret_text,
};

const USERS: Records<EqWorksUser> = Records {
    named: "email",
    new: |email| EqWorksUser::new(email),
    is: |user, name| user.email == normal(name),
    replaces: |user, other| normal(&user.email) == other.email,
};

#[derive(serde::Deserialize)]
struct Saved {
    book: Book,
    minted: Minted,
    secret: String,
}

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "eqworks"
    }

    fn save(&self) -> serde_json::Result<Value> {
        let (book, minted) = (self.book(), self.minted());
        let secret = secret_text(&self.secret);
        Ok(json!({ "book": &*book, "minted": &*minted, "secret": secret }))
    }

    fn load(&self, saved: Value) -> serde_json::Result<()> {
        let saved: Saved = serde_json::from_value(saved)?;
        load_secret(&self.secret, &saved.secret)?;
        *self.book() = saved.book;
        *self.minted() = saved.minted;
        Ok(())
    }

    fn tokens(&self) -> Vec<Token> {
        let values: Vec<String> = self.minted().tokens.iter().cloned().collect();
        let token = |value: String| {
            let claims = self.secret.claims(&value).ok()?;
            let is_expired = self.minted().expired.contains(&value);
            let ends_at = time(&claims, "exp");
            Some(Token {
                kind: "jwt",
                owner: claims.get("email")?.as_str()?.to_owned(),
                state: if token::accepts(self, &value) {
                    TokenState::Valid
                } else if is_expired || ends_at.is_some_and(|ends| self.clock.wall() >= ends) {
                    TokenState::Expired
                } else {
                    TokenState::Revoked
                },
                begins_at: time(&claims, "iat"),
                ends_at,
                value,
            })
        };
        values.into_iter().filter_map(token).collect()
    }

    /// The vendor can only revoke all tokens of a user.
    fn change_token(&self, value: &str, change: TokenChange) -> bool {
        let mut book = self.book();
        if !self.minted().tokens.iter().any(|it| it == value) {
            return false;
        }
        match change {
            TokenChange::Expire => _ = self.minted().expired.insert(value.to_owned()),
            TokenChange::Revoke => {
                let claims = self.secret.claims(value).unwrap_or_default();
                let email = claims.get("email").and_then(Value::as_str);
                if let Some(user) = book.user_mut(&normal(email.unwrap_or_default())) {
                    user.jwt_uuid = super::users::new_uuid();
                }
            }
        }
        true
    }

    fn mint(&self, mint: &Mint) -> Result<String, String> {
        if mint.kind == "signed" {
            return mint.signed(&self.secret);
        }
        if mint.kind != "jwt" {
            return mint.unknown_kind("jwt, signed");
        }
        let owner = mint.owner()?;
        let product = mint.product.as_deref().unwrap_or(ATOM).to_lowercase();
        let mut book = self.book();
        match book.user_mut(&normal(owner)) {
            Some(user) => Ok(self.mint(user, &product)),
            None => Err(format!("there is no user {owner:?}")),
        }
    }

    fn codes(&self) -> Vec<Code> {
        let (book, now) = (self.book(), self.clock.now());
        let passcodes = book.passcodes.iter().map(|(email, passcode)| Code {
            vendor: "eqworks",
            kind: "passcode",
            owner: email.clone(),
            value: passcode.code.clone(),
            valid: now < passcode.ends,
        });
        passcodes.collect()
    }

    fn lists(&self) -> &'static [&'static str] {
        &["eqworks"]
    }

    fn records(&self, _: &str, act: Act<'_>) -> Result<Vec<Value>, String> {
        let mut book = self.book();
        let answer = act.on(&mut book.users, &USERS);
        for user in &mut book.users {
            user.email = normal(&user.email);
        }
        answer
    }

    fn switches(&self) -> Value {
        json!({})
    }

    fn switch(&self, _: Fields) -> Result<(), String> {
        Err("EQ Works has nothing to switch; change its users".to_owned())
    }

    fn counts(&self) -> Value {
        json!({ "issued": self.book().issued })
    }
}

fn time(claims: &Map<String, Value>, name: &str) -> Option<SystemTime> {
    let seconds = claims.get(name)?.as_u64()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

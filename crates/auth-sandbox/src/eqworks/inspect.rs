//! What the program shows and changes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::state::State;
use super::token;
use crate::server::{Inspect, Token, TokenState};

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "eqworks"
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
}

fn time(claims: &Map<String, Value>, name: &str) -> Option<SystemTime> {
    let seconds = claims.get(name)?.as_u64()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

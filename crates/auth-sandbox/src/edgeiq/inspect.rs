//! What the program shows and changes.

use serde_json::{Value, json};

use super::state::{Book, SESSION_LIFETIME, Session, State};
use super::users::{EdgeIqUser, random};
use crate::server::{Act, Code, Fields, Inspect, Mint, Records, Token, TokenChange, TokenState};

const USERS: Records<EdgeIqUser> = Records {
    named: "email",
    new: |email| EdgeIqUser::new(email, random()),
    is: |user, name| user.email == name || user.id == name,
    replaces: |user, other| user.email == other.email,
};

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "edgeiq"
    }

    fn save(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&*self.book())
    }

    fn load(&self, saved: Value) -> serde_json::Result<()> {
        let saved: Book = serde_json::from_value(saved)?;
        *self.book() = saved;
        Ok(())
    }

    fn tokens(&self) -> Vec<Token> {
        let (book, now) = (self.book(), self.clock.now());
        let session = |(value, session): (&String, &Session)| Token {
            value: value.clone(),
            kind: "session",
            owner: session.email.clone(),
            state: if session.revoked {
                TokenState::Revoked
            } else if now >= session.ends {
                TokenState::Expired
            } else {
                TokenState::Valid
            },
            begins_at: Some(self.clock.wall_at(session.begins)),
            ends_at: Some(self.clock.wall_at(session.ends)),
        };
        let permanent = |user: &EdgeIqUser| Token {
            value: user.api_token.clone(),
            kind: "api_token",
            owner: user.email.clone(),
            state: TokenState::Valid,
            begins_at: None,
            ends_at: None,
        };
        let sessions = book.sessions.iter().map(session);
        sessions.chain(book.users.iter().map(permanent)).collect()
    }

    /// A permanent token does not expire: both changes replace it.
    fn change_token(&self, value: &str, change: TokenChange) -> bool {
        let (mut book, now) = (self.book(), self.clock.now());
        let mut users = book.users.iter_mut();
        if let Some(user) = users.find(|user| user.api_token == value) {
            user.api_token = random();
            return true;
        }
        let Some(session) = book.sessions.get_mut(value) else {
            return false;
        };
        match change {
            TokenChange::Revoke => session.revoked = true,
            TokenChange::Expire => session.ends = now,
        }
        true
    }

    fn mint(&self, mint: &Mint) -> Result<String, String> {
        let (mut book, begins) = (self.book(), self.clock.now());
        let owner = mint.owner()?;
        let value = mint.value.clone().unwrap_or_else(random);
        let Some(user) = book.user_mut(owner) else {
            return Err(format!("there is no user {owner:?}"));
        };
        match &*mint.kind {
            "api_token" => user.api_token.clone_from(&value),
            "session" => {
                let lives = mint.lives.map_or(SESSION_LIFETIME, |span| span.0);
                let session = Session {
                    email: owner.to_owned(),
                    begins,
                    ends: begins.saturating_add(lives),
                    revoked: false,
                };
                book.sessions.insert(value.clone(), session);
            }
            _ => return mint.unknown_kind("session, api_token"),
        }
        Ok(value)
    }

    fn codes(&self) -> Vec<Code> {
        let (book, now) = (self.book(), self.clock.now());
        let resets = book.resets.iter().map(|(email, reset)| Code {
            vendor: "edgeiq",
            kind: "password_reset",
            owner: email.clone(),
            value: reset.token.clone(),
            valid: now < reset.ends,
        });
        resets.collect()
    }

    fn lists(&self) -> &'static [&'static str] {
        &["edgeiq"]
    }

    fn records(&self, _: &str, act: Act<'_>) -> Result<Vec<Value>, String> {
        act.on(&mut self.book().users, &USERS)
    }

    fn switches(&self) -> Value {
        json!({ "whitelist": self.book().whitelist })
    }

    fn switch(&self, mut change: Fields) -> Result<(), String> {
        let whitelist = change.remove("whitelist");
        if !change.is_empty() {
            return Err("EdgeIQ's only switch is whitelist".to_owned());
        }
        if let Some(whitelist) = whitelist {
            let whitelist = serde_json::from_value(whitelist);
            self.book().whitelist = whitelist.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn counts(&self) -> Value {
        json!({ "issued": self.book().issued })
    }
}

//! What the program shows and changes.

use serde_json::{Value, json};

use super::ledger::{Entry, Ledger, Rejected};
use super::state::{AuthorizationCode, Book, CODE_LIFETIME, State, random};
use super::users::IqmUser;
use crate::server::{Act, Code, Fields, Inspect, Mint, Records, Token, TokenChange, TokenState};

const USERS: Records<IqmUser> = Records {
    named: "email",
    new: |email| IqmUser::invited(email),
    is: |user, name| user.email == name,
    replaces: |user, other| user.email == other.email,
};

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "iqm"
    }

    fn save(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&*self.book())
    }

    fn load(&self, saved: Value) -> serde_json::Result<()> {
        let mut saved: Book = serde_json::from_value(saved)?;
        let mut book = self.book();
        saved.ledger.settings = book.ledger.settings;
        *book = saved;
        Ok(())
    }

    fn tokens(&self) -> Vec<Token> {
        let book = self.book();
        let token = |kind: &'static str| {
            move |(value, entry): (&String, &Entry)| Token {
                value: value.clone(),
                kind,
                owner: entry.owner.clone(),
                state: match entry.check(self.now()) {
                    Ok(()) if entry.pending => TokenState::Pending,
                    Ok(()) => TokenState::Valid,
                    Err(Rejected::Expired) => TokenState::Expired,
                    Err(Rejected::Reused) => TokenState::Spent,
                    Err(_) => TokenState::Revoked,
                },
                begins_at: Some(self.clock.wall_at(entry.begins)),
                ends_at: entry.ends.map(|ends| self.clock.wall_at(ends)),
            }
        };
        let access = book.ledger.access.iter().map(token("access"));
        let refresh = book.ledger.refresh.iter().map(token("refresh"));
        access.chain(refresh).collect()
    }

    fn change_token(&self, value: &str, change: TokenChange) -> bool {
        let (mut book, now) = (self.book(), self.now());
        let Ledger {
            access, refresh, ..
        } = &mut book.ledger;
        let entry = access.get_mut(value).or_else(|| refresh.get_mut(value));
        let Some(entry) = entry else {
            return false;
        };
        match change {
            TokenChange::Revoke => entry.revoked = true,
            TokenChange::Expire => entry.ends = Some(now),
        }
        true
    }

    fn mint(&self, mint: &Mint) -> Result<String, String> {
        let (mut book, now) = (self.book(), self.now());
        let owner = mint.owner()?;
        if book.user(owner).is_none() {
            return Err(format!("there is no user {owner:?}"));
        }
        let value = mint.value.clone().unwrap_or_else(random);
        let lives = mint.lives.map(|span| span.0);
        match &*mint.kind {
            "access" => book.ledger.put(owner, &value, now, lives, true),
            "refresh" => book.ledger.put(owner, &value, now, lives, false),
            "authorization_code" => {
                let redirect_uri = mint.redirect_uri.clone();
                let made = AuthorizationCode {
                    email: owner.to_owned(),
                    redirect_uri: redirect_uri.ok_or("redirect_uri is missing")?,
                    ends: now.saturating_add(lives.unwrap_or(CODE_LIFETIME)),
                };
                book.authorization_codes.insert(value.clone(), made);
            }
            _ => return mint.unknown_kind("access, refresh, authorization_code"),
        }
        Ok(value)
    }

    fn codes(&self) -> Vec<Code> {
        let (book, now) = (self.book(), self.now());
        let code = |kind, owner: &String, code: &String, valid| Code {
            vendor: "iqm",
            kind,
            owner: owner.clone(),
            value: code.clone(),
            valid,
        };
        let mfa = book.mfa_codes.iter();
        let mfa = mfa.map(|(it, made)| code("mfa", &made.email, it, now < made.ends));
        let consents = book.authorization_codes.iter();
        let consents =
            consents.map(|(it, made)| code("authorization_code", &made.email, it, now < made.ends));
        let resets = book.resets.iter().map(|(email, made)| {
            let valid = !made.used && now < made.ends;
            code("password_reset", email, &made.hash, valid)
        });
        mfa.chain(consents).chain(resets).collect()
    }

    fn lists(&self) -> &'static [&'static str] {
        &["iqm"]
    }

    fn records(&self, _: &str, act: Act<'_>) -> Result<Vec<Value>, String> {
        let mut book = self.book();
        let act = match act {
            Act::Add(mut fields) => {
                let next = book.next_ow_id();
                fields.entry("ow_id").or_insert(json!(next));
                Act::Add(fields)
            }
            act => act,
        };
        act.on(&mut book.users, &USERS)
    }

    fn switches(&self) -> Value {
        json!({})
    }

    fn switch(&self, _: Fields) -> Result<(), String> {
        Err("IQM has nothing to switch; its settings are in the seed file".to_owned())
    }

    fn counts(&self) -> Value {
        let book = self.book();
        json!({
            "issued": book.ledger.issued(),
            "reuse_detected": book.ledger.reuse_detected(),
        })
    }
}

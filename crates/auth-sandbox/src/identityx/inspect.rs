//! What the program shows and changes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::people::{
    IdentityXAppUser, IdentityXApplication, IdentityXOrgUser, IdentityXOrganization,
};
use super::state::{Book, State};
use super::token::{Kind, Record};
use crate::inbox::normal;
use crate::server::{
    Act, Code, Fields, Inspect, Mint, Records, Token, TokenChange, TokenState, load_secret, merged,
    secret_text,
};

const APP_USERS: Records<IdentityXAppUser> = Records {
    named: "email",
    new: |email| IdentityXAppUser::new(email),
    is: |user, name| user.id == name || user.email == normal(name),
    replaces: |user, other| {
        user.application_id == other.application_id && normal(&user.email) == other.email
    },
};

const ORG_USERS: Records<IdentityXOrgUser> = Records {
    named: "email",
    new: |email| IdentityXOrgUser::new(email),
    is: |user, name| user.id == name || user.email == normal(name),
    replaces: |user, other| normal(&user.email) == other.email,
};

const APPLICATIONS: Records<IdentityXApplication> = Records {
    named: "id",
    new: |id| IdentityXApplication::new(id, id),
    is: |application, name| application.id == name,
    replaces: |application, other| application.id == other.id,
};

const ORGANIZATIONS: Records<IdentityXOrganization> = Records {
    named: "id",
    new: |id| IdentityXOrganization::new(id, id),
    is: |organization, name| organization.id == name,
    replaces: |organization, other| organization.id == other.id,
};

#[derive(serde::Deserialize)]
struct Saved {
    book: Book,
    secret: String,
}

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "identityx"
    }

    fn save(&self) -> serde_json::Result<Value> {
        let secret = secret_text(&self.secret);
        Ok(json!({ "book": &*self.book(), "secret": secret }))
    }

    fn load(&self, saved: Value) -> serde_json::Result<()> {
        let saved: Saved = serde_json::from_value(saved)?;
        load_secret(&self.secret, &saved.secret)?;
        *self.book() = saved.book;
        Ok(())
    }

    fn tokens(&self) -> Vec<Token> {
        let (book, wall) = (self.book(), self.clock.wall());
        let token = |record: &Record| {
            let ends_at = record.ends.map(time);
            Token {
                value: record.value.clone(),
                kind: record.kind.name(),
                owner: book.email_of(&record.owner).to_owned(),
                state: if record.expired || ends_at.is_some_and(|ends| wall >= ends) {
                    TokenState::Expired
                } else {
                    TokenState::Valid
                },
                begins_at: Some(time(record.begins)),
                ends_at,
            }
        };
        book.tokens.values().map(token).collect()
    }

    fn change_token(&self, value: &str, change: TokenChange) -> bool {
        let mut book = self.book();
        let mut tokens = book.tokens.iter_mut();
        let Some((id, record)) = tokens.find(|(_, record)| record.value == value) else {
            return false;
        };
        match change {
            TokenChange::Expire => record.expired = true,
            TokenChange::Revoke => {
                let id = id.clone();
                book.tokens.remove(&id);
                book.api_tokens.retain(|_, token| token != value);
            }
        }
        true
    }

    fn mint(&self, mint: &Mint) -> Result<String, String> {
        if mint.kind == "signed" {
            return mint.signed(&self.secret);
        }
        let owner = mint.owner()?;
        let unknown = || format!("there is no user {owner:?}");
        let mut book = self.book();
        let org_user = book.org_user(owner).map(|user| user.id.clone());
        match &*mint.kind {
            "app_session" => {
                let application = mint.application.as_deref();
                let application = application.unwrap_or(super::people::APPLICATION);
                let user = book.app_user(application, owner).ok_or_else(unknown)?;
                let record = Record::new(Kind::AppSession, &user.id.clone(), Some(application));
                Ok(self.mint(&mut book, record).value)
            }
            "org_session" => {
                let record = Record::new(Kind::OrgSession, &org_user.ok_or_else(unknown)?, None);
                Ok(self.mint(&mut book, record).value)
            }
            "api_token" => Ok(self.api_token(&mut book, &org_user.ok_or_else(unknown)?)),
            _ => mint.unknown_kind("app_session, org_session, api_token, signed"),
        }
    }

    /// Its codes are tokens.
    fn codes(&self) -> Vec<Code> {
        Vec::new()
    }

    fn lists(&self) -> &'static [&'static str] {
        &[
            "identityx_app",
            "identityx_org",
            "identityx_applications",
            "identityx_organizations",
        ]
    }

    fn records(&self, list: &str, act: Act<'_>) -> Result<Vec<Value>, String> {
        let now = self.millis();
        let mut book = self.book();
        let answer = match list {
            "identityx_org" => act.on(&mut book.org_users, &ORG_USERS),
            "identityx_applications" => act.on(&mut book.applications, &APPLICATIONS),
            "identityx_organizations" => act.on(&mut book.organizations, &ORGANIZATIONS),
            _ => {
                let act = match act {
                    Act::Add(mut fields) => {
                        for name in ["created_at", "updated_at"] {
                            fields.entry(name).or_insert(json!(now));
                        }
                        Act::Add(fields)
                    }
                    act => act,
                };
                act.on(&mut book.app_users, &APP_USERS)
            }
        };
        let Book {
            app_users,
            org_users,
            ..
        } = &mut *book;
        let emails = app_users.iter_mut().map(|user| &mut user.email);
        for email in emails.chain(org_users.iter_mut().map(|user| &mut user.email)) {
            *email = normal(email);
        }
        answer
    }

    fn switches(&self) -> Value {
        json!(self.book().switches)
    }

    fn switch(&self, change: Fields) -> Result<(), String> {
        let mut book = self.book();
        book.switches = merged(&book.switches, change)?;
        Ok(())
    }

    fn counts(&self) -> Value {
        json!({ "issued": self.book().issued })
    }
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

//! What the program shows and changes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::state::{Book, State};
use super::token::Record;
use crate::server::{Inspect, Token, TokenState};

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "identityx"
    }

    fn tokens(&self) -> Vec<Token> {
        let (book, wall) = (self.book(), self.clock.wall());
        let token = |record: &Record| {
            let ends_at = record.ends.map(time);
            Token {
                value: record.value.clone(),
                kind: record.kind.name(),
                owner: book.address(&record.owner).to_owned(),
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
}

impl Book {
    /// The e-mail address of a user of either kind.
    fn address(&self, id: &str) -> &str {
        let app_users = self.app_users.iter().map(|user| (&user.id, &user.email));
        let org_users = self.org_users.iter().map(|user| (&user.id, &user.email));
        let found = app_users.chain(org_users).find(|(it, _)| *it == id);
        found.map_or("", |(_, email)| email)
    }
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

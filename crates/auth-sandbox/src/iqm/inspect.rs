//! What the program shows and changes.

use super::ledger::{Entry, Rejected};
use super::state::State;
use crate::server::{Inspect, Token, TokenState};

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "iqm"
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
}

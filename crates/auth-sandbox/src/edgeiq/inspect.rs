//! What the program shows and changes.

use super::state::{Session, State};
use super::users::EdgeIqUser;
use crate::server::{Inspect, Token, TokenState};

impl Inspect for State {
    fn vendor(&self) -> &'static str {
        "edgeiq"
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
}

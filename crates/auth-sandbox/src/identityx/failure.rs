//! The errors of resolvers, as the vendor writes them.

use serde_json::{Value, json};

use super::token::BadToken;

pub(super) const INTERNAL: &str = "INTERNAL_SERVER_ERROR";
pub(super) const BAD_INPUT: &str = "BAD_USER_INPUT";
pub(super) const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
pub(super) const UNAUTHORIZED: &str = "UNAUTHORIZED";

/// An error of a resolver, with the vendor's message.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) code: &'static str,
    /// `exception.statusCode`.
    status: Option<u16>,
    pub(super) hint: &'static str,
}

impl Failure {
    pub(super) fn new(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            message: message.into(),
            code,
            status: None,
            hint,
        }
    }

    /// An internal one, with the number that says what it is.
    pub(super) fn internal(status: u16, message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            status: Some(status),
            ..Self::new(INTERNAL, message, hint)
        }
    }

    pub(super) fn no_user(email: &str) -> Self {
        let message = format!("No user was found for '{email}'");
        Self::internal(404, message, "there is no user with this e-mail address")
    }

    /// A token that was sent as an input.
    pub(super) fn bad_input_token(bad: BadToken) -> Self {
        Self::internal(bad.status(), bad.message(), bad.hint())
    }

    /// A token that was sent in the Authorization header.
    pub(super) fn bad_header_token(bad: BadToken) -> Self {
        Self::new(UNAUTHENTICATED, bad.message(), bad.hint())
    }

    /// `extensions` of the error.
    pub(super) fn extensions(&self) -> Value {
        let mut extensions = json!({ "code": self.code });
        if let Some(status) = self.status {
            extensions["exception"] = json!({ "statusCode": status });
        }
        extensions
    }
}

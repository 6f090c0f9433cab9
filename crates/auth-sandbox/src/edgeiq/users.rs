//! Who has an account at the emulated EdgeIQ.

use std::fmt;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::object_id::object_id;

/// A user to add with [`EdgeIq::add_user`](crate::EdgeIq::add_user).
#[derive(Clone)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub struct EdgeIqUser {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) password: String,
    /// The permanent token.
    pub(super) api_token: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) company_id: String,
    pub(super) user_type_id: String,
}

impl EdgeIqUser {
    /// A user with a password and a permanent token.
    pub fn new(email: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            id: object_id(),
            email: email.into(),
            password: password.into(),
            api_token: random(),
            first_name: "Sam".to_owned(),
            last_name: "Sandbox".to_owned(),
            company_id: COMPANY.to_owned(),
            user_type_id: USER_TYPE.to_owned(),
        }
    }

    /// The permanent token. Default: a random one.
    pub fn api_token(mut self, token: impl Into<String>) -> Self {
        self.api_token = token.into();
        self
    }

    /// First and last name, as the profile shows them.
    pub fn name(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.first_name = first.into();
        self.last_name = last.into();
        self
    }

    /// The company. Default: the one of all initial users.
    pub fn company_id(mut self, company_id: impl Into<String>) -> Self {
        self.company_id = company_id.into();
        self
    }

    /// The user's JSON. Decision: the fields after `api_token`. The vendor's users have more fields
    /// than its documentation lists.
    pub(super) fn json(&self) -> Value {
        json!({
            "_id": self.id,
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "company_id": self.company_id,
            "company_ids": [self.company_id],
            "user_type_id": self.user_type_id,
            "api_token": self.api_token,
            "origin": "sandbox",
            "phone_number": null,
            "metadata": { "theme": "dark" },
            "teams": [],
        })
    }
}

impl fmt::Debug for EdgeIqUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeIqUser")
            .field("email", &self.email)
            .field("company_id", &self.company_id)
            .finish_non_exhaustive()
    }
}

/// A user of every new sandbox.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeIqAccount {
    /// The e-mail address, which is the name to log in with.
    pub email: &'static str,
    /// The password.
    pub password: &'static str,
    /// The first name.
    pub first_name: &'static str,
    /// The last name.
    pub last_name: &'static str,
    /// The company.
    pub company_id: &'static str,
}

impl fmt::Debug for EdgeIqAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeIqAccount")
            .field("email", &self.email)
            .field("company_id", &self.company_id)
            .finish_non_exhaustive()
    }
}

const USER_TYPE: &str = "5c8a7f2b1d41c80001a2b3d5";
const COMPANY: &str = "5c8a7f2b1d41c80001a2b3c4";

pub(super) const NORMAL: EdgeIqAccount = EdgeIqAccount {
    email: "ed@edgeiq.example",
    password: "Edge-User-1!",
    first_name: "Ed",
    last_name: "Edge",
    company_id: COMPANY,
};
pub(super) const OTHER: EdgeIqAccount = EdgeIqAccount {
    email: "olga@edgeiq.example",
    password: "Other-User-1!",
    first_name: "Olga",
    last_name: "Other",
    company_id: COMPANY,
};

pub(super) fn initial() -> Vec<EdgeIqUser> {
    let user = |account: EdgeIqAccount| {
        EdgeIqUser::new(account.email, account.password).name(account.first_name, account.last_name)
    };
    vec![user(NORMAL), user(OTHER)]
}

/// A random token.
pub(super) fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

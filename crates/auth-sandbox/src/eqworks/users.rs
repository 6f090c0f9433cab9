//! Who has an account at the emulated EQ Works.

use std::fmt;
use std::time::SystemTime;

use uuid::Uuid;

/// A user to add with [`EqWorks::add_user`](crate::EqWorks::add_user).
#[derive(Clone)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub struct EqWorksUser {
    /// Trimmed and in lower case.
    pub(super) email: String,
    pub(super) products: Vec<String>,
    #[cfg_attr(feature = "server", serde(with = "crate::server::exact_time"))]
    pub(super) access_ends: Option<SystemTime>,
    pub(super) active: bool,
    /// An account of the vendor's mobile SDK.
    pub(super) keeps_tokens: bool,
    /// In every valid token of the user. A new one revokes them all.
    pub(super) jwt_uuid: String,
}

impl EqWorksUser {
    /// A user of the product `atom`.
    pub fn new(email: impl AsRef<str>) -> Self {
        Self {
            email: normal(email.as_ref()),
            products: vec![ATOM.to_owned()],
            access_ends: None,
            active: true,
            keeps_tokens: false,
            jwt_uuid: new_uuid(),
        }
    }

    /// The products that the user may log in to, in place of `atom`.
    pub fn products<I>(mut self, products: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let products = products.into_iter();
        self.products = products
            .map(|product| product.as_ref().to_lowercase())
            .collect();
        self
    }

    /// When the user's access ends, by the vendor's wall clock. Default: never.
    pub fn access_ends_at(mut self, at: SystemTime) -> Self {
        self.access_ends = Some(at);
        self
    }

    /// The account is one of the vendor's mobile SDK: `reset_uuid=1` succeeds, and revokes nothing.
    pub fn of_mobile_sdk(mut self) -> Self {
        self.keeps_tokens = true;
        self
    }

    /// The account is switched off: the vendor answers as if it did not exist.
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }
}

impl fmt::Debug for EqWorksUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EqWorksUser")
            .field("email", &self.email)
            .field("products", &self.products)
            .field("access_ends", &self.access_ends)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// A user of every new sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EqWorksAccount {
    /// The e-mail address, which is the name to log in with.
    pub email: &'static str,
    /// The products that the user may log in to.
    pub products: &'static [&'static str],
}

pub(super) const ATOM: &str = "atom";
/// In a log-in and in a confirmation it stands for any product.
pub(super) const ALL: &str = "all";

pub(super) const NORMAL: EqWorksAccount = EqWorksAccount {
    email: "sue@eqworks.example",
    products: &[ATOM, "locus"],
};
pub(super) const ATOM_ONLY: EqWorksAccount = EqWorksAccount {
    email: "adam@eqworks.example",
    products: &[ATOM],
};
pub(super) const ENDED: EqWorksAccount = EqWorksAccount {
    email: "ended@eqworks.example",
    products: &[ATOM, "locus"],
};
pub(super) const INACTIVE: EqWorksAccount = EqWorksAccount {
    email: "inactive@eqworks.example",
    products: &[ATOM, "locus"],
};

pub(super) fn initial() -> Vec<EqWorksUser> {
    let user = |account: EqWorksAccount| EqWorksUser::new(account.email).products(account.products);
    vec![
        user(NORMAL),
        user(ATOM_ONLY),
        user(ENDED).access_ends_at(SystemTime::UNIX_EPOCH),
        user(INACTIVE).inactive(),
    ]
}

/// As the vendor writes every address: JavaScript trims a byte-order mark, too.
pub(super) fn normal(email: &str) -> String {
    email
        .trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
        .to_lowercase()
}

pub(super) fn new_uuid() -> String {
    Uuid::new_v4().to_string()
}

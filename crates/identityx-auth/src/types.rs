//! What IdentityX's calls take and give.

mod codec;
mod identity;
mod response;
mod scalars;

use std::fmt;
use std::time::SystemTime;

pub use self::codec::{deserialize_id, deserialize_tagged, serialize_secret};
pub use self::identity::{Administrator, AppUser, HeaderStyle, Identity, OrgUser, OrgUserApiToken};
pub(crate) use self::identity::{
    Kind, X_APP_ID, X_ORG_ID, account, application, check_caller, claimed_subject, headers,
    in_application, in_organization, scope,
};
pub use self::response::{FieldError, Response};
pub use self::scalars::{ApplicationId, Date, Json, JsonObject, ObjectId, OrganizationId};

/// A user of an application, as the vendor describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppUserProfile {
    /// The vendor's id of the user.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// What follows the address's `@`.
    pub domain: String,
    /// The whole name; `None` also where the vendor sends an empty text, as for all names.
    pub name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// The name that others see: of a user without one, the vendor takes what precedes the address's
    /// `@`.
    pub display_name: Option<String>,
    /// Whether the user has ever logged in by a link.
    pub verified: Option<bool>,
    /// The last log-in, by the vendor's clock.
    pub last_logged_in: Option<SystemTime>,
    /// When the user was created, by the vendor's clock.
    pub created_at: Option<SystemTime>,
    /// When the user was last changed, by the vendor's clock.
    pub updated_at: Option<SystemTime>,
}

/// An administrator, as the vendor describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrgUserProfile {
    /// The vendor's id of the administrator.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// Where a picture is; not checked to be an address.
    pub photo_url: Option<String>,
}

/// An app user's new session.
#[derive(Clone)]
#[non_exhaustive]
pub struct AppUserLogin {
    /// Who logged in, with the token: for [`Client::session`](crate::Client::session).
    pub user: AppUser,
    /// What the vendor knows of the user.
    pub profile: AppUserProfile,
    /// The `source` of the request for the login link.
    pub source: Option<String>,
    /// What the request for the login link carried. The vendor puts `source` into it as well, so it
    /// is an empty object where the request had neither of them.
    pub additional_context: Option<JsonObject>,
}

impl fmt::Debug for AppUserLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The context is the program's own, and may hold anything.
        f.debug_struct("AppUserLogin")
            .field("user", &self.user)
            .field("profile", &self.profile)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// An administrator's new session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OrgUserLogin {
    /// Who logged in, with the token: for [`Client::session`](crate::Client::session).
    pub user: OrgUser,
    /// What the vendor knows of the administrator.
    pub profile: OrgUserProfile,
}

/// That an administrator belongs to an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// The vendor's id of the membership.
    pub id: String,
    /// What the administrator may do there.
    pub role: OrganizationRole,
    /// Where.
    pub organization: Organization,
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Organization {
    /// The vendor's id, for [`OrganizationId::new`].
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An application of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Application {
    /// The vendor's id, for [`ApplicationId::new`].
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// What an administrator may do in an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrganizationRole {
    /// `Owner`.
    Owner,
    /// `Administrator`.
    Administrator,
    /// `Member`.
    Member,
    /// `Guest`.
    Guest,
    /// A role that this version does not know, as the vendor writes it.
    Other(String),
}

/// A user to create. All but the address is optional.
#[derive(Clone, Debug, Default)]
pub struct NewAppUser {
    pub(crate) email: String,
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    pub(crate) organization: Option<String>,
    pub(crate) organization_title: Option<String>,
    pub(crate) country_code: Option<String>,
    pub(crate) region_code: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) street: Option<String>,
    pub(crate) address_extra: Option<String>,
    pub(crate) mobile_number: Option<String>,
    pub(crate) phone_number: Option<String>,
}

/// Setters of one kind: for each an optional text.
macro_rules! texts {
    ($($(#[$docs:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$docs])*
            pub fn $name(mut self, $name: impl Into<String>) -> Self {
                self.$name = Some($name.into());
                self
            }
        )*
    };
}

impl NewAppUser {
    /// A user with this e-mail address.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            ..Self::default()
        }
    }

    texts!(
        /// The given name.
        given_name,
        /// The family name.
        family_name,
        /// The company.
        organization,
        /// What the user does there.
        organization_title,
        /// The country's code.
        country_code,
        /// The code of the state or region.
        region_code,
        /// The postal code.
        postal_code,
        /// The city.
        city,
        /// The street and the number.
        street,
        /// More of the address.
        address_extra,
        /// The mobile telephone's number.
        mobile_number,
        /// The telephone's number.
        phone_number,
    );
}

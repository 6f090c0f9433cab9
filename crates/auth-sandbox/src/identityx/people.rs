//! The users, applications and organisations of the emulated IdentityX.

use std::fmt;

use crate::inbox::normal;
use crate::object_id::object_id;

/// An application to add with [`IdentityX::add_application`](crate::IdentityX::add_application).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub struct IdentityXApplication {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) organization_id: String,
}

impl IdentityXApplication {
    /// An application of the organisation that every sandbox has. The vendor's ids are 24
    /// hexadecimal digits.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            description: None,
            organization_id: ORGANIZATION.to_owned(),
        }
    }

    /// What it is for. Default: nothing, which the vendor answers as `null`.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The organisation that it belongs to.
    pub fn organization(mut self, organization_id: impl Into<String>) -> Self {
        self.organization_id = organization_id.into();
        self
    }
}

/// An organisation to add with [`IdentityX::add_organization`](crate::IdentityX::add_organization).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub struct IdentityXOrganization {
    pub(super) id: String,
    pub(super) name: String,
}

impl IdentityXOrganization {
    /// An organisation. The vendor's ids are 24 hexadecimal digits.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
        }
    }
}

/// An administrator to add with [`IdentityX::add_org_user`](crate::IdentityX::add_org_user).
#[derive(Clone)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub struct IdentityXOrgUser {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) photo_url: Option<String>,
    pub(super) memberships: Vec<Membership>,
}

#[derive(Clone)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Membership {
    #[cfg_attr(feature = "server", serde(default = "object_id"))]
    pub(super) id: String,
    pub(super) organization_id: String,
    pub(super) role: String,
}

impl IdentityXOrgUser {
    /// An administrator without a name, who belongs to no organisation.
    pub fn new(email: impl AsRef<str>) -> Self {
        Self {
            id: object_id(),
            email: normal(email.as_ref()),
            given_name: None,
            family_name: None,
            photo_url: None,
            memberships: Vec::new(),
        }
    }

    /// Given name and family name.
    pub fn name(mut self, given: impl Into<String>, family: impl Into<String>) -> Self {
        self.given_name = Some(given.into());
        self.family_name = Some(family.into());
        self
    }

    /// Where the photo is.
    pub fn photo_url(mut self, url: impl Into<String>) -> Self {
        self.photo_url = Some(url.into());
        self
    }

    /// Makes the administrator a member of one more organisation. The vendor's roles are `Owner`,
    /// `Administrator`, `Member` and `Guest`. Any other name stands for one that the vendor adds
    /// after the client under test was built.
    pub fn member_of(
        mut self,
        organization_id: impl Into<String>,
        role: impl Into<String>,
    ) -> Self {
        self.memberships.push(Membership {
            id: object_id(),
            organization_id: organization_id.into(),
            role: role.into(),
        });
        self
    }
}

impl fmt::Debug for IdentityXOrgUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memberships = self.memberships.iter();
        let memberships = memberships.map(|each| (&each.organization_id, &each.role));
        f.debug_struct("IdentityXOrgUser")
            .field("email", &self.email)
            .field("memberships", &memberships.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A user of an application to add with [`IdentityX::add_app_user`](crate::IdentityX::add_app_user).
#[derive(Clone)]
#[cfg_attr(feature = "server", derive(serde::Serialize, serde::Deserialize))]
pub struct IdentityXAppUser {
    pub(super) id: String,
    pub(super) application_id: String,
    pub(super) email: String,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) verified: bool,
    /// Milliseconds since 1970, as all of these.
    pub(super) last_logged_in: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

impl IdentityXAppUser {
    /// A user of the application that every sandbox has.
    pub fn new(email: impl AsRef<str>) -> Self {
        Self {
            id: object_id(),
            application_id: APPLICATION.to_owned(),
            email: normal(email.as_ref()),
            given_name: None,
            family_name: None,
            display_name: None,
            verified: false,
            last_logged_in: None,
            created_at: 0,
            updated_at: 0,
        }
    }

    /// The application that the user belongs to.
    pub fn application(mut self, application_id: impl Into<String>) -> Self {
        self.application_id = application_id.into();
        self
    }

    /// Given name and family name.
    pub fn name(mut self, given: impl Into<String>, family: impl Into<String>) -> Self {
        self.given_name = Some(given.into());
        self.family_name = Some(family.into());
        self
    }

    /// The name to show. Default: what is before the address's `@`.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The address counts as verified. Default: only after the first log-in.
    pub fn verified(mut self) -> Self {
        self.verified = true;
        self
    }

    /// What is after the `@`.
    pub(super) fn domain(&self) -> &str {
        self.email.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Given name and family name, empty without both. Decision: its form, and the one of `domain`.
    pub(super) fn full_name(&self) -> String {
        let parts = [&self.given_name, &self.family_name].into_iter().flatten();
        parts.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The name to show, or what is before the `@`.
    pub(super) fn shown_name(&self) -> &str {
        let local = self.email.rsplit_once('@').map_or("", |(local, _)| local);
        self.display_name.as_deref().unwrap_or(local)
    }
}

impl fmt::Debug for IdentityXAppUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityXAppUser")
            .field("email", &self.email)
            .field("application_id", &self.application_id)
            .finish_non_exhaustive()
    }
}

/// A user of every new sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityXAccount {
    /// The e-mail address, which is the name to log in with.
    pub email: &'static str,
    /// The given name.
    pub given_name: &'static str,
    /// The family name.
    pub family_name: &'static str,
}

pub(super) const ORGANIZATION: &str = "5f0c1d2e3a4b5c6d7e8f9a01";
pub(super) const OTHER_ORGANIZATION: &str = "5f0c1d2e3a4b5c6d7e8f9a02";
pub(super) const APPLICATION: &str = "60a1b2c3d4e5f60718293a01";
pub(super) const OTHER_APPLICATION: &str = "60a1b2c3d4e5f60718293a02";

pub(super) const APP_USER: IdentityXAccount = IdentityXAccount {
    email: "ann@identityx.example",
    given_name: "Ann",
    family_name: "Reader",
};
pub(super) const ORG_USER: IdentityXAccount = IdentityXAccount {
    email: "ada@identityx.example",
    given_name: "Ada",
    family_name: "Owner",
};
pub(super) const OTHER_ORG_USER: IdentityXAccount = IdentityXAccount {
    email: "oscar@identityx.example",
    given_name: "Oscar",
    family_name: "Other",
};

pub(super) fn organizations() -> Vec<IdentityXOrganization> {
    vec![
        IdentityXOrganization::new(ORGANIZATION, "Sandbox Media"),
        IdentityXOrganization::new(OTHER_ORGANIZATION, "Other Media"),
    ]
}

pub(super) fn applications() -> Vec<IdentityXApplication> {
    vec![
        IdentityXApplication::new(APPLICATION, "Sandbox Daily").description("The daily paper"),
        IdentityXApplication::new(OTHER_APPLICATION, "Sandbox Weekly"),
    ]
}

pub(super) fn org_users() -> Vec<IdentityXOrgUser> {
    let user = |account: IdentityXAccount| {
        IdentityXOrgUser::new(account.email).name(account.given_name, account.family_name)
    };
    vec![
        user(ORG_USER).member_of(ORGANIZATION, "Owner"),
        user(OTHER_ORG_USER).member_of(OTHER_ORGANIZATION, "Administrator"),
    ]
}

pub(super) fn app_users() -> Vec<IdentityXAppUser> {
    vec![IdentityXAppUser::new(APP_USER.email).name(APP_USER.given_name, APP_USER.family_name)]
}

//! From the types of the operations to those of this crate, and back.

use crate::generated::{
    active_app_user, active_user, create_app_user, log_in_app_user, log_in_user,
    organization_applications, user_organizations,
};
use crate::graphql::Date;
use crate::identity::{AppUserProfile, NewAppUser, OrgUserProfile};
use crate::organization::{Application, Membership, Organization, OrganizationRole};

impl From<NewAppUser> for create_app_user::CreateAppUserMutationInput {
    fn from(user: NewAppUser) -> Self {
        Self {
            email: user.email,
            given_name: user.given_name,
            family_name: user.family_name,
            organization: user.organization,
            organization_title: user.organization_title,
            country_code: user.country_code,
            region_code: user.region_code,
            postal_code: user.postal_code,
            city: user.city,
            street: user.street,
            address_extra: user.address_extra,
            mobile_number: user.mobile_number,
            phone_number: user.phone_number,
        }
    }
}

/// Names may be empty texts, which say nothing.
#[allow(clippy::ptr_arg, reason = "`Option::filter` has it so")]
fn is_some_text(text: &String) -> bool {
    !text.is_empty()
}

/// The same profile in the generated types of several operations.
macro_rules! app_user_profiles {
    ($($generated:ty),*) => {
        $(impl From<$generated> for AppUserProfile {
            fn from(user: $generated) -> Self {
                Self {
                    id: user.id,
                    email: user.email,
                    domain: user.domain,
                    name: user.name.filter(is_some_text),
                    given_name: user.given_name.filter(is_some_text),
                    family_name: user.family_name.filter(is_some_text),
                    display_name: user.display_name.filter(is_some_text),
                    verified: user.verified,
                    last_logged_in: user.last_logged_in.map(Date::moment),
                    created_at: user.created_at.map(Date::moment),
                    updated_at: user.updated_at.map(Date::moment),
                }
            }
        })*
    };
}

app_user_profiles!(
    log_in_app_user::LogInAppUserLoginAppUserUser,
    active_app_user::ActiveAppUserActiveAppUser,
    create_app_user::CreateAppUserCreateAppUser
);

/// As above.
macro_rules! org_user_profiles {
    ($($generated:ty),*) => {
        $(impl From<$generated> for OrgUserProfile {
            fn from(user: $generated) -> Self {
                Self {
                    id: user.id,
                    email: user.email,
                    given_name: user.given_name.filter(is_some_text),
                    family_name: user.family_name.filter(is_some_text),
                    photo_url: user.photo_url,
                }
            }
        })*
    };
}

org_user_profiles!(
    log_in_user::LogInUserUserLoginUser,
    active_user::ActiveUserActiveUser
);

impl From<user_organizations::UserOrganizationsUserOrganizations> for Membership {
    fn from(membership: user_organizations::UserOrganizationsUserOrganizations) -> Self {
        use user_organizations::OrganizationRole as Generated;
        Self {
            id: membership.id,
            role: match membership.role {
                Generated::Owner => OrganizationRole::Owner,
                Generated::Administrator => OrganizationRole::Administrator,
                Generated::Member => OrganizationRole::Member,
                Generated::Guest => OrganizationRole::Guest,
                Generated::Other(name) => OrganizationRole::Other(name),
            },
            organization: Organization {
                id: membership.organization.id,
                name: membership.organization.name,
            },
        }
    }
}

impl From<organization_applications::OrganizationApplicationsOrganizationApplications>
    for Application
{
    fn from(
        application: organization_applications::OrganizationApplicationsOrganizationApplications,
    ) -> Self {
        Self {
            id: application.id,
            name: application.name,
            description: application.description,
        }
    }
}

//! What the operations take.

use std::collections::BTreeMap;

use async_graphql::InputObject;
use serde_json::Value;

use super::types::ObjectId;

/// Asks for a log-in link by e-mail.
#[derive(InputObject)]
#[graphql(name = "SendAppUserLoginLinkMutationInput")]
pub(super) struct SendAppUserLoginLink {
    pub(super) email: String,
    /// Where the link leads to.
    pub(super) auth_url: String,
    pub(super) redirect_to: Option<String>,
    pub(super) source: Option<String>,
    pub(super) additional_context: Option<BTreeMap<String, Value>>,
    #[allow(dead_code, reason = "nothing in this part of the API shows it")]
    pub(super) app_context_id: Option<String>,
    /// No longer used.
    #[allow(dead_code, reason = "the vendor no longer uses it")]
    pub(super) fields: Option<Value>,
}

/// Exchanges the token of a link.
#[derive(InputObject)]
#[graphql(name = "LoginAppUserMutationInput")]
pub(super) struct LogInAppUser {
    pub(super) token: String,
}

/// Ends a session.
#[derive(InputObject)]
#[graphql(name = "LogoutAppUserMutationInput")]
pub(super) struct LogOutAppUser {
    pub(super) token: String,
}

/// Asks for a log-in link by e-mail.
#[derive(InputObject)]
#[graphql(name = "SendUserLoginLinkMutationInput")]
pub(super) struct SendUserLoginLink {
    pub(super) email: String,
}

/// Exchanges the token of a link.
#[derive(InputObject)]
#[graphql(name = "UserLoginMutationInput")]
pub(super) struct UserLogIn {
    pub(super) token: String,
}

/// Who is to be a user.
#[derive(InputObject)]
#[graphql(name = "CreateAppUserMutationInput")]
#[allow(dead_code, reason = "this part of the API shows only the names")]
pub(super) struct CreateAppUser {
    pub(super) email: String,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) organization_title: Option<String>,
    pub(super) country_code: Option<String>,
    pub(super) region_code: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) city: Option<String>,
    pub(super) street: Option<String>,
    pub(super) address_extra: Option<String>,
    pub(super) mobile_number: Option<String>,
    pub(super) phone_number: Option<String>,
}

/// Which organisations.
#[derive(Default, InputObject)]
#[graphql(name = "UserOrganizationsQueryInput")]
pub(super) struct UserOrganizations {
    // Of this type since nothing else here names it, and the schema is to have it.
    /// Decision: GraphQL has no input type without a field, and the fields of this one are unknown.
    #[allow(dead_code, reason = "it stands for what is not known")]
    pub(super) unused: Option<ObjectId>,
}

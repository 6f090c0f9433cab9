//! What the operations return.

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, Enum, InputValueError, InputValueResult, Name, Number, OutputType,
    Positioned, Scalar, ScalarType, ServerResult, SimpleObject, Value,
};

use super::failure::Failure;
use super::people::{IdentityXAppUser, IdentityXApplication, IdentityXOrgUser};
use super::people::{IdentityXOrganization, Membership};
use super::state::Book;
use super::token::Minted;

/// Milliseconds since 1970.
pub(super) struct Date(i64);

#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number.as_i64().map(Self),
            _ => None,
        }
        .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}

/// An id of the vendor's store. Ids in answers are plain strings.
pub(super) struct ObjectId(String);

#[Scalar(name = "ObjectID")]
impl ScalarType for ObjectId {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(id) => Ok(Self(id)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A user of an application who has just logged in.
#[derive(SimpleObject)]
pub(super) struct AppUserAuthentication {
    pub(super) additional_context: Option<BTreeMap<String, serde_json::Value>>,
    pub(super) login_source: Option<String>,
    pub(super) token: AppUserAuthToken,
    pub(super) user: AppUser,
}

/// The token of a session.
#[derive(SimpleObject)]
pub(super) struct AppUserAuthToken {
    id: String,
    value: String,
}

impl From<Minted> for AppUserAuthToken {
    fn from(minted: Minted) -> Self {
        Self {
            id: minted.id,
            value: minted.value,
        }
    }
}

/// A user of an application.
#[derive(SimpleObject)]
pub(super) struct AppUser {
    id: String,
    email: String,
    domain: String,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    display_name: Option<String>,
    verified: Option<bool>,
    last_logged_in: Option<Date>,
    created_at: Option<Date>,
    updated_at: Option<Date>,
}

impl From<&IdentityXAppUser> for AppUser {
    fn from(user: &IdentityXAppUser) -> Self {
        Self {
            id: user.id.clone(),
            email: user.email.clone(),
            domain: user.domain().to_owned(),
            name: Some(user.full_name()),
            given_name: user.given_name.clone(),
            family_name: user.family_name.clone(),
            display_name: Some(user.shown_name().to_owned()),
            verified: Some(user.verified),
            last_logged_in: user.last_logged_in.map(Date),
            created_at: Some(Date(user.created_at)),
            updated_at: Some(Date(user.updated_at)),
        }
    }
}

/// An administrator who has just logged in.
#[derive(SimpleObject)]
pub(super) struct UserAuthentication {
    pub(super) user: User,
    pub(super) token: UserAuthToken,
}

/// The token of a session.
#[derive(SimpleObject)]
pub(super) struct UserAuthToken {
    id: String,
    value: String,
}

impl From<Minted> for UserAuthToken {
    fn from(minted: Minted) -> Self {
        Self {
            id: minted.id,
            value: minted.value,
        }
    }
}

/// An administrator.
#[derive(SimpleObject)]
pub(super) struct User {
    id: String,
    email: String,
    given_name: Option<String>,
    family_name: Option<String>,
    #[graphql(name = "photoURL")]
    photo_url: Option<String>,
}

impl From<&IdentityXOrgUser> for User {
    fn from(user: &IdentityXOrgUser) -> Self {
        Self {
            id: user.id.clone(),
            email: user.email.clone(),
            given_name: user.given_name.clone(),
            family_name: user.family_name.clone(),
            photo_url: user.photo_url.clone(),
        }
    }
}

/// What an administrator is in an organisation.
#[derive(SimpleObject)]
pub(super) struct OrganizationMembership {
    id: String,
    role: Role,
    organization: Result<Organization, Failure>,
}

impl OrganizationMembership {
    /// Decision: a removed organisation fails, and with it this one place of the list. That is one way
    /// to an answer with data beside an error.
    pub(super) fn new(membership: &Membership, book: &Book) -> Self {
        let mut organizations = book.organizations.iter();
        let found = organizations.find(|each| each.id == membership.organization_id);
        let gone = || {
            let message = format!(
                "No organization was found for '{}'",
                membership.organization_id
            );
            Failure::internal(404, message, "a membership's organisation was removed")
        };
        Self {
            id: membership.id.clone(),
            role: Role(membership.role.clone()),
            organization: found.map(Organization::from).ok_or_else(gone),
        }
    }
}

/// The roles that the vendor has today.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(rename_items = "PascalCase")]
enum OrganizationRole {
    Owner,
    Administrator,
    Member,
    Guest,
}

/// A role as it is answered: also one that the schema does not have.
struct Role(String);

impl OutputType for Role {
    fn type_name() -> Cow<'static, str> {
        <OrganizationRole as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <OrganizationRole as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(&self.0)))
    }
}

/// An organisation.
#[derive(Clone, SimpleObject)]
pub(super) struct Organization {
    id: String,
    name: String,
}

impl From<&IdentityXOrganization> for Organization {
    fn from(organization: &IdentityXOrganization) -> Self {
        Self {
            id: organization.id.clone(),
            name: organization.name.clone(),
        }
    }
}

/// An application.
#[derive(SimpleObject)]
pub(super) struct Application {
    id: String,
    name: String,
    description: Option<String>,
}

impl From<&IdentityXApplication> for Application {
    fn from(application: &IdentityXApplication) -> Self {
        Self {
            id: application.id.clone(),
            name: application.name.clone(),
            description: application.description.clone(),
        }
    }
}

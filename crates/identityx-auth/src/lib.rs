#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod error;
mod generated;
mod login_link;
mod renew;
mod types;
mod wire;

#[doc(hidden)]
pub use crate::types::serialize_secret;
pub use auth_core::{
    AllowedHosts, AuthError, AuthHeaders, BackgroundRefresh, BoxFuture, Clock, ErrorKind, Expiry,
    ExposeSecret, Fingerprint, HttpBuilder, Lease, MemoryStore, Moment, OnSaved, Reason,
    RetryPolicy, SaveOutcome, SecretString, SessionBuilder, SessionPool, State, StateReason,
    States, StoreKey, SystemClock, TokenStore, UnverifiedClaims, Watch,
};
/// What is not peculiar to IdentityX, and what a token store keeps.
pub use auth_core::{Error as CoreError, Token as CoreToken};
/// What generated operations are made of.
pub use graphql_client::{self, GraphQLQuery};
/// What generated types are read and written with.
pub use serde;
pub use url::Url;

pub use crate::builder::{ClientBuilder, DEFAULT_BASE_URL, HeaderStyle};
pub use crate::client::{Caller, Client, Execute, GraphQlResponse};
pub use crate::error::Error;
pub use crate::login_link::{LoginLink, LoginLinkKind, LoginLinkMail};
pub use crate::renew::{Renewer, Session};
pub use crate::types::{
    Administrator, AppUser, AppUserLogin, AppUserProfile, Application, ApplicationId, Date,
    Identity, Json, JsonObject, Membership, NewAppUser, ObjectId, OrgUser, OrgUserApiToken,
    OrgUserLogin, OrgUserProfile, Organization, OrganizationId, OrganizationRole,
};

/// The part of IdentityX's GraphQL schema that authentication needs, for generating types of your
/// own operations with `identityx-codegen`.
pub const SCHEMA: &str = include_str!("../schema/identityx.graphql");

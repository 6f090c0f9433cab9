//! **Start here:** [`Client::session`] makes a [`Session`], whose page lists its methods.
//! [`session.send(request)`](auth_core::Session::send) is a whole call.
//!
#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod error;
mod generated;
mod login;
mod login_link;
mod renew;
mod types;
mod wire;

pub use auth_core::{
    AuthHeaders, ErrorKind, Expiry, ExposeSecret, SecretString, State, clock, http, session, store,
};

pub use crate::builder::ClientBuilder;
pub use crate::client::Client;
pub use crate::error::Error;
pub use crate::login::Login;
pub use crate::login_link::{LoginLink, LoginLinkMail};
pub use crate::renew::{Session, SessionBuilder, SessionPool};
pub use crate::types::{AppUser, ApplicationId, OrgUser, OrgUserApiToken};

pub mod graphql {
    //! Operations of your own: what generated code is made of, and what sends it.
    //!
    //! [`identityx-codegen`](https://docs.rs/identityx-codegen) generates a module for each
    //! operation, from [`SCHEMA`] or from the vendor's whole schema. The module's code names
    //! nothing but this one. [`Execute`] sends the operation.
    //!
    //! # Example
    //!
    //! ```no_run
    //! use identityx_auth::graphql::{Execute, GraphQLQuery};
    //! use identityx_auth::{Error, OrgUser, Session};
    //!
    //! /// `ask::<WhoAmI>(&session, Variables)`, for one, with the types that come of
    //! /// `query WhoAmI { activeUser { email } }`.
    //! async fn ask<Operation>(
    //!     session: &Session<OrgUser>,
    //!     variables: Operation::Variables,
    //! ) -> Result<Operation::ResponseData, Error>
    //! where
    //!     Operation: GraphQLQuery<Variables: Send, ResponseData: Send>,
    //! {
    //!     session.execute::<Operation>(variables).await
    //! }
    //! ```

    pub use graphql_client::{self, GraphQLQuery};
    pub use secrecy::SecretString;
    pub use serde;

    pub use crate::client::{Caller, Execute};
    pub use crate::types::{Date, FieldError, Json, JsonObject, ObjectId, Response};
    #[doc(hidden)]
    pub use crate::types::{deserialize_id, deserialize_tagged, serialize_secret};

    /// The part of IdentityX's GraphQL schema that authentication needs, for `identityx-codegen`.
    pub const SCHEMA: &str = include_str!("../schema/identityx.graphql");
}

pub mod identity {
    //! What the three identities have in common, and what IdentityX tells of them.
    //!
    //! [`AppUser`](crate::AppUser), [`OrgUser`](crate::OrgUser) and
    //! [`OrgUserApiToken`](crate::OrgUserApiToken) are the identities. A log-in returns one of them
    //! with a profile.

    pub use crate::login_link::LoginLinkKind;
    pub use crate::renew::Renewer;
    pub use crate::types::{
        Administrator, AppUserLogin, AppUserProfile, HeaderStyle, Identity, NewAppUser,
        OrgUserLogin, OrgUserProfile,
    };
}

pub mod organization {
    //! What an administrator manages: organisations and their applications.
    //!
    //! [`Client::organizations`](crate::Client::organizations) and
    //! [`Client::applications`](crate::Client::applications) return these.

    pub use crate::types::{
        Application, Membership, Organization, OrganizationId, OrganizationRole,
    };
}

//! IdentityX: one GraphQL endpoint, three identities, and log-in by e-mailed link.

mod call;
mod document;
mod email;
mod endpoint;
mod execution;
mod failure;
mod handle;
#[cfg(feature = "server")]
mod inspect;
mod introspection;
mod mails;
mod people;
mod schema;
mod state;
mod token;
mod variables;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Content, Refusal};
use crate::vendor::{Context, Operation, Vendor};

pub use handle::IdentityX;
pub use people::{
    IdentityXAccount, IdentityXAppUser, IdentityXApplication, IdentityXOrgUser,
    IdentityXOrganization,
};
pub(crate) use state::State;

/// The operation of queries with this root field.
const fn of_field(name: &'static str, fields: &'static [&'static str]) -> Operation<State> {
    any_query(name).when(fields)
}

/// Decision: only a POST is answered. The vendor's server may answer a GET as well.
const fn any_query(name: &'static str) -> Operation<State> {
    Operation::post(name, "graphql", endpoint::answer)
}

impl Vendor for State {
    const PREFIX: &'static str = "/identityx/";
    const OPERATIONS: &'static [Operation<Self>] = &[
        of_field(
            "identityx.send_app_user_login_link",
            &["mutation sendAppUserLoginLink"],
        ),
        of_field("identityx.log_in_app_user", &["mutation loginAppUser"]),
        of_field("identityx.log_out_app_user", &["mutation logoutAppUser"]),
        of_field("identityx.active_app_user", &["query activeAppUser"]),
        of_field("identityx.create_app_user", &["mutation createAppUser"]),
        of_field(
            "identityx.send_org_user_login_link",
            &["mutation sendUserLoginLink"],
        ),
        of_field("identityx.log_in_org_user", &["mutation userLogin"]),
        of_field("identityx.log_out_org_user", &["mutation userLogout"]),
        of_field(
            "identityx.create_api_token",
            &["mutation createActiveUserApiToken"],
        ),
        of_field("identityx.active_org_user", &["query activeUser"]),
        of_field("identityx.organizations", &["query userOrganizations"]),
        of_field(
            "identityx.applications",
            &["query organizationApplications"],
        ),
        of_field("identityx.ping", &["query ping", "mutation ping"]),
        of_field("identityx.introspect", &["query __schema", "query __type"]),
        any_query("identityx.other"),
    ];
    /// Decision: the vendor documents no limit.
    const TOO_MANY: &'static str = "Too many requests";

    type Settings = ();

    fn new(context: Context, (): ()) -> Self {
        Self::initial(context)
    }

    fn asks_for(body: &[u8]) -> Option<String> {
        document::root_field(body)
    }

    /// An error outside any resolver. The shape is the one of the documented errors.
    fn error_body(_: StatusCode, text: &str) -> Value {
        let extensions = json!({ "code": failure::INTERNAL });
        json!({ "errors": [{ "message": text, "extensions": extensions }] })
    }

    /// Decision: the vendor does not document what it answers here.
    fn not_found(hint: String) -> Refusal {
        Refusal {
            status: StatusCode::NOT_FOUND,
            body: Content::Text("Not Found"),
            hint,
        }
    }
}

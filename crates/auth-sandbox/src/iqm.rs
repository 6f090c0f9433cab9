//! IQM: bearer tokens plus an organization workspace id.

mod handle;
#[cfg(feature = "server")]
mod inspect;
mod ledger;
mod mfa;
mod password;
mod profile;
mod refusal;
mod settings;
mod state;
mod token;
mod users;

use axum::http::StatusCode;
use serde_json::Value;

use crate::answer::Refusal;
use crate::request::Problem;
use crate::vendor::{self, Context, Operation, Vendor};

pub use handle::Iqm;
pub use settings::IqmTokenEnvelope;
pub(crate) use state::State;
pub use users::{IqmAccount, IqmUser};

/// The operations of the token endpoint differ in the grant type.
const fn token_operation(name: &'static str, grants: &'static [&'static str]) -> Operation<State> {
    Operation::post(name, "oauth/token", token::token).when(grants)
}

impl Vendor for State {
    const PREFIX: &'static str = "/iqm/";
    const BASES: &'static [&'static str] = &["api/v3/ua/"];
    const OPERATIONS: &'static [Operation<Self>] = &[
        Operation::post("iqm.sign_up", "sign-up", token::sign_up),
        Operation::post("iqm.log_in", "login", token::log_in),
        token_operation("iqm.log_in_oauth", &["password"]),
        token_operation("iqm.refresh", &["refresh_token"]),
        token_operation("iqm.authorization_code", &["authorization_code"]),
        Operation::post("iqm.log_out", "logout", profile::log_out),
        Operation::get("iqm.profile", "profile", profile::profile),
        Operation::get("iqm.ow_id", "user/ow-id", profile::ow_id),
        Operation::get(
            "iqm.workspaces",
            "user/accessible-organizations",
            profile::workspaces,
        ),
        Operation::post("iqm.mfa_send", "auth/mfa/send", mfa::send),
        Operation::post("iqm.mfa_verify", "auth/mfa/verify", mfa::verify),
        Operation::post(
            "iqm.request_password_reset",
            "user/reset-password",
            password::request_reset,
        ),
        Operation::post(
            "iqm.validate_password_reset",
            "user/reset-password/validate",
            password::validate_reset,
        ),
        Operation::post("iqm.set_password", "user/update-password", password::set),
        Operation::post(
            "iqm.change_password",
            "user/password/reset",
            password::change,
        ),
    ];
    /// Decision: the vendor documents only the status.
    const TOO_MANY: &'static str = "Too many requests.";

    type Settings = settings::Settings;

    fn new(context: Context, settings: Self::Settings) -> Self {
        Self::initial(context, settings)
    }

    fn asks_for(body: &[u8]) -> Option<String> {
        token::grant(body)
    }

    fn error_body(_: StatusCode, text: &str) -> Value {
        refusal::error_body(text)
    }

    fn not_found(hint: String) -> Refusal {
        vendor::refuse::<Self>(StatusCode::NOT_FOUND, "Not found.", hint)
    }

    /// Decision: status and text, since the vendor documents none.
    fn malformed(problem: Problem) -> Refusal {
        refusal::malformed(problem)
    }
}

//! EdgeIQ: a permanent API token or a session token, sent as it is.

mod handle;
#[cfg(feature = "server")]
mod inspect;
mod password;
mod refusal;
mod session;
mod settings;
mod state;
mod users;

use axum::http::StatusCode;
use serde_json::Value;

use crate::vendor::{Context, Operation, Vendor};

pub use handle::EdgeIq;
pub use settings::{EdgeIqRefusals, EdgeIqSessionExpiresAt};
pub(crate) use state::State;
pub use users::{EdgeIqAccount, EdgeIqUser};

impl Vendor for State {
    const PREFIX: &'static str = "/edgeiq/api/v1/platform/";
    const OPERATIONS: &'static [Operation<Self>] = &[
        Operation::post(
            "edgeiq.authenticate",
            "user/authenticate",
            session::authenticate,
        ),
        Operation::post(
            "edgeiq.reset_api_token",
            "user/api_token_reset",
            session::reset_api_token,
        ),
        Operation::get("edgeiq.me", "me", session::me),
        Operation::post(
            "edgeiq.request_password_reset",
            "user/password_reset_request",
            password::request_reset,
        ),
        Operation::post(
            "edgeiq.set_password",
            "user/password_reset/{token}",
            password::set,
        ),
    ];
    /// Decision: the vendor documents no limit.
    const TOO_MANY: &'static str = "Too Many Requests";

    type Settings = settings::Settings;

    fn new(context: Context, settings: Self::Settings) -> Self {
        Self::initial(context, settings)
    }

    fn error_body(_: StatusCode, text: &str) -> Value {
        refusal::error_body(text)
    }
}

//! EQ Works: a passcode by e-mail, exchanged for a JWT.

mod cors;
mod handle;
#[cfg(feature = "server")]
mod inspect;
mod link;
mod login;
mod query;
mod refusal;
mod state;
mod token;
mod users;

use axum::http::StatusCode;
use axum::{Router, middleware};
use serde_json::Value;

use crate::answer::{Content, Refusal};
use crate::vendor::{self, Context, Operation, Vendor};

pub use handle::EqWorks;
pub(crate) use state::State;
pub use users::{EqWorksAccount, EqWorksUser};

impl Vendor for State {
    const PREFIX: &'static str = "/eqworks/";
    /// The stages. Decision: both have the same users, passcodes and tokens.
    const BASES: &'static [&'static str] = &["dev/", "prod/"];
    /// Decision: a HEAD takes effect as the GET does, as in the web framework that the vendor uses.
    const OPERATIONS: &'static [Operation<Self>] = &[
        Operation::get("eqworks.request_passcode", "login", login::login),
        Operation::get("eqworks.verify", login::VERIFY, token::verify),
        Operation::get("eqworks.confirm", "confirm", token::confirm),
        Operation::get("eqworks.refresh", "refresh", token::refresh),
    ];
    /// Decision: the vendor documents no limit.
    const TOO_MANY: &'static str = "Too many requests";

    type Settings = ();

    fn new(context: Context, (): ()) -> Self {
        Self::initial(context)
    }

    fn error_body(status: StatusCode, text: &str) -> Value {
        refusal::error_body(status, text)
    }

    fn wrapped(router: Router) -> Router {
        router.layer(middleware::from_fn(cors::any_origin))
    }

    /// JSON for a call in capitals or with a slash behind it. Decision: its text.
    fn unknown_path(path: &str, hint: String) -> Refusal {
        let below = path.strip_prefix(Self::PREFIX).unwrap_or_default();
        let mut bases = Self::BASES.iter();
        let call = bases.find_map(|base| below.strip_prefix(base));
        let call = call
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_lowercase();
        if Self::OPERATIONS.iter().any(|row| row.is_at(&call)) {
            return vendor::refuse::<Self>(StatusCode::NOT_FOUND, "Not Found", hint);
        }
        Self::not_found(hint)
    }

    /// The one failure that is not JSON.
    fn not_found(hint: String) -> Refusal {
        let page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                    <title>Error</title>\n</head>\n<body>\n<pre>Not Found</pre>\n</body>\n</html>\n";
        Refusal {
            status: StatusCode::NOT_FOUND,
            body: Content::Html(page),
            hint,
        }
    }
}

//! What the emulated IQM remembers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use url::Url;
use uuid::Uuid;

use super::ledger::{Ledger, Rejected};
use super::refusal::{invalid_token, no_token, refuse};
use super::settings::{IqmTokenEnvelope, Settings};
use super::users::{self, IqmUser};
use crate::answer::Failure;
use crate::inbox::Post;
use crate::request::{Call, Problem};
use crate::vendor::Context;
use crate::vendor_clock::VendorClock;

pub(super) const CLIENT_ID: &str = "iqm-sandbox-client";
pub(super) const CLIENT_SECRET: &str = "iqm-sandbox-secret";

/// How long an MFA code and an authorization code live. Decision: the vendor does not say, and RFC
/// 6749 recommends at most ten minutes for the latter.
pub(super) const CODE_LIFETIME: Duration = Duration::from_secs(600);
/// How long a reset link lives. Decision: the vendor does not say.
pub(super) const RESET_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

pub(crate) struct State {
    pub(super) clock: VendorClock,
    pub(super) post: Post,
    pub(super) base_url: Url,
    pub(super) envelope: IqmTokenEnvelope,
    book: Mutex<Book>,
}

pub(super) struct Book {
    pub(super) users: Vec<IqmUser>,
    pub(super) ledger: Ledger,
    pub(super) mfa_codes: BTreeMap<String, MfaCode>,
    pub(super) authorization_codes: BTreeMap<String, AuthorizationCode>,
    pub(super) resets: BTreeMap<String, Reset>,
}

pub(super) struct MfaCode {
    pub(super) email: String,
    pub(super) ends: Duration,
}

pub(super) struct AuthorizationCode {
    pub(super) email: String,
    pub(super) redirect_uri: String,
    pub(super) ends: Duration,
}

/// A reset link. Only the newest one of a user is valid.
pub(super) struct Reset {
    pub(super) hash: String,
    pub(super) ends: Duration,
    pub(super) validated: bool,
    pub(super) used: bool,
}

impl State {
    pub(super) fn initial(context: Context, settings: Settings) -> Self {
        let book = Book {
            users: users::initial(),
            ledger: Ledger::new(settings),
            mfa_codes: BTreeMap::new(),
            authorization_codes: BTreeMap::new(),
            resets: BTreeMap::new(),
        };
        Self {
            clock: context.clock,
            post: context.post,
            base_url: context.base_url,
            envelope: settings.token_envelope,
            book: Mutex::new(book),
        }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(super) fn check_client(call: &Call) -> Result<(), Failure> {
        // Decision: the vendor documents no answer to wrong client credentials.
        let text = "Client authentication failed.";
        call.check_basic(CLIENT_ID, CLIENT_SECRET)
            .map_err(|problem| refuse(StatusCode::UNAUTHORIZED, text, problem.hint))
    }

    /// The user whose bearer token the call carries.
    pub(super) fn bearer(&self, book: &Book, call: &Call) -> Result<IqmUser, Failure> {
        Self::user_of(book, call, |token| book.ledger.owner(token, self.now()))
    }

    /// The user whose log-in the call carries, even if it waits for the second factor.
    pub(super) fn bearer_even_if_pending(
        &self,
        book: &Book,
        call: &Call,
    ) -> Result<IqmUser, Failure> {
        Self::user_of(book, call, |token| {
            book.ledger.owner_even_if_pending(token, self.now())
        })
    }

    fn user_of<'b>(
        book: &'b Book,
        call: &Call,
        owner: impl FnOnce(&str) -> Result<&'b str, Rejected>,
    ) -> Result<IqmUser, Failure> {
        let token = call.bearer().map_err(|problem| no_token(problem.hint))?;
        let owner = owner(token).map_err(|rejected| {
            let hint = format!("the bearer token {}", rejected.reason());
            match rejected {
                // Decision: status and text. The vendor documents only `mfa_required`.
                Rejected::Pending => {
                    refuse(StatusCode::FORBIDDEN, "MFA verification is required.", hint)
                }
                _ => invalid_token(token, hint),
            }
        })?;
        let user = book
            .user(owner)
            .ok_or_else(|| invalid_token(token, "the token's user is gone"))?;
        check_ow_id(call, user)?;
        Ok(user.clone())
    }
}

/// The workspace named has to be one of the user's, wherever one is named.
fn check_ow_id(call: &Call, user: &IqmUser) -> Result<(), Failure> {
    let Some(sent) = call.headers.get(OW_ID) else {
        return Ok(());
    };
    let sent: Option<u64> = sent.to_str().ok().and_then(|text| text.parse().ok());
    match sent {
        None => Err(Problem::new("X-IAA-OW-ID has to be an integer").into()),
        Some(sent) if user.ow_ids().any(|ow_id| ow_id == sent) => Ok(()),
        // Decision: the vendor documents only the status.
        Some(_) => Err(refuse(
            StatusCode::FORBIDDEN,
            "User is not allowed to access provided workspace.",
            "X-IAA-OW-ID is no workspace of the token's user",
        )),
    }
}

const OW_ID: &str = "x-iaa-ow-id";

/// Refuses a call without the header that names the workspace.
pub(super) fn require_ow_id(call: &Call) -> Result<(), Failure> {
    if call.headers.contains_key(OW_ID) {
        return Ok(());
    }
    Err(Problem::new("the X-IAA-OW-ID header is missing").into())
}

impl Book {
    pub(super) fn user(&self, email: &str) -> Option<&IqmUser> {
        self.users.iter().find(|user| user.email == email)
    }

    pub(super) fn user_mut(&mut self, email: &str) -> Option<&mut IqmUser> {
        self.users.iter_mut().find(|user| user.email == email)
    }

    pub(super) fn add_user(&mut self, mut user: IqmUser) {
        if user.ow_id.is_none() {
            let highest = self.users.iter().flat_map(IqmUser::ow_ids).max();
            user.ow_id = highest.map(|highest| highest + 1);
        }
        self.users.retain(|other| other.email != user.email);
        self.users.push(user);
    }
}

/// A random token.
pub(super) fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

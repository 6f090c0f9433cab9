//! What a request says besides its query: who calls, for which application and organisation.

use std::sync::MutexGuard;

use axum::http::{HeaderMap, header};

use super::failure::{BAD_INPUT, Failure, UNAUTHENTICATED, UNAUTHORIZED};
use super::people::{IdentityXOrgUser, Membership};
use super::state::{Book, State};
use super::token::{BadToken, Kind};

pub(super) const APP_ID: &str = "x-app-id";
const ORG_ID: &str = "x-org-id";

pub(super) struct Call<'c> {
    pub(super) state: &'c State,
    pub(super) headers: &'c HeaderMap,
}

/// Who a valid token is for.
pub(super) struct Caller {
    /// The user's id.
    pub(super) id: String,
    /// The token's id.
    pub(super) token: String,
}

impl Call<'_> {
    /// The vendor's memory, which every resolver but `ping` asks another service for.
    pub(super) fn open(&self) -> Result<MutexGuard<'_, Book>, Failure> {
        let book = self.state.book();
        if let Some(message) = &book.switches.outage {
            let hint = "the sandbox was told that an inner service is down";
            return Err(Failure::new(UNAUTHENTICATED, message, hint));
        }
        Ok(book)
    }

    /// The application that the call is for.
    pub(super) fn application(&self, book: &Book) -> Result<String, Failure> {
        let id = self.header(APP_ID);
        let known = id.filter(|id| !book.switches.lost.contains(*id));
        known.map(str::to_owned).ok_or_else(|| {
            let message = "Unable to find an application for this request.";
            Failure::new(
                BAD_INPUT,
                message,
                "x-app-id is missing, or of a lost application",
            )
        })
    }

    /// The organisation that the call is for, if the administrator may look at it.
    pub(super) fn organization(
        &self,
        book: &Book,
        user: &IdentityXOrgUser,
    ) -> Result<String, Failure> {
        let id = self.header(ORG_ID);
        let is_known = |id: &&str| book.organizations.iter().any(|each| each.id == **id);
        let id = id.filter(is_known).ok_or_else(|| {
            let message = "Unable to find an organization for this request.";
            let hint = "x-org-id is missing, or of an unknown organisation";
            Failure::new(BAD_INPUT, message, hint)
        })?;
        let is_member = |each: &Membership| each.organization_id == id;
        if !user.memberships.iter().any(is_member) || book.switches.denied.contains(id) {
            let message = "You do not have permission to access this resource.";
            let hint = "the administrator has no access to the organisation in x-org-id";
            return Err(Failure::new(UNAUTHORIZED, message, hint));
        }
        Ok(id.to_owned())
    }

    /// Who calls, if the header holds a valid token of one of these kinds.
    pub(super) fn caller(&self, book: &Book, wanted: &[Kind]) -> Result<Caller, Failure> {
        let (kind, token) = self.authorization(book)?;
        if !wanted.contains(&kind) {
            let message = "The wrong user authorization type was provided.";
            let hint = "the Authorization header names another identity than the field wants";
            return Err(Failure::new(UNAUTHENTICATED, message, hint));
        }
        let (token, record) = self
            .state
            .check(book, token, kind)
            .map_err(Failure::bad_header_token)?;
        Ok(Caller {
            id: record.owner,
            token,
        })
    }

    /// The administrator who calls.
    pub(super) fn org_user<'b>(
        &self,
        book: &'b Book,
        wanted: &[Kind],
    ) -> Result<&'b IdentityXOrgUser, Failure> {
        let caller = self.caller(book, wanted)?;
        // Decision: the tokens of a removed user are unknown.
        book.org_user_by_id(&caller.id)
            .ok_or_else(|| Failure::bad_header_token(BadToken::Unknown))
    }

    /// The header, split at a single space: neither trimmed nor in another case.
    fn authorization(&self, book: &Book) -> Result<(Kind, &str), Failure> {
        let Some(value) = self.headers.get(header::AUTHORIZATION) else {
            let message = "No user authentication was provided with this request.";
            let hint = "the Authorization header is missing";
            return Err(Failure::new(BAD_INPUT, message, hint));
        };
        let value = value.to_str().unwrap_or_default();
        let bearer = value.strip_prefix("Bearer ");
        let value = bearer
            .filter(|_| book.switches.bearer_form)
            .unwrap_or(value);
        // Decision: without a space it is a scheme with an empty token.
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        let kind = match scheme {
            "AppUser" => Kind::AppSession,
            "OrgUser" => Kind::OrgSession,
            "OrgUserApiToken" => Kind::ApiToken,
            // The message was observed. Decision: the code.
            _ => {
                let message = "Invalid authorization type. Allowed types are OrgUser AppUser \
                               OrgUserApiToken";
                let hint = "the Authorization header has to be one of these, a space and the \
                            token; Bearer is not one of them";
                return Err(Failure::new(UNAUTHENTICATED, message, hint));
            }
        };
        Ok((kind, token))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

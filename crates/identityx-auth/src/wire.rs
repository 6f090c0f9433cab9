//! What goes over the wire, quirks included.

use std::borrow::Cow;

use auth_core::{Error as CoreError, ErrorKind, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Error;
use crate::generated::{
    active_app_user, active_user, create_app_user, log_in_app_user, log_in_user,
    organization_applications, user_organizations,
};
use crate::graphql::{self, Date};
use crate::identity::{AppUserProfile, NewAppUser, OrgUserProfile};
use crate::organization::{Application, Membership, Organization, OrganizationRole};

/// So many errors of one response are kept: a person reads no more of them.
const MOST_ERRORS: usize = 20;

/// What a refusal is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A login link is traded: its token is what is refused, and not a session's.
    LogIn,
    /// A call that must not happen twice.
    Once,
    /// Any other call.
    Any,
}

/// A response in the form of GraphQL; `extensions` beside these is left alone.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<Vec<GraphQlError<'a>>>,
}

#[derive(Deserialize)]
struct GraphQlError<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    // Of any type at all: an error that cannot be read must not hide what it says.
    #[serde(default)]
    extensions: Value,
}

impl GraphQlError<'_> {
    fn code(&self) -> &str {
        self.extensions["code"].as_str().unwrap_or_default()
    }

    /// The useful number, where it is present: a resolver's error comes with HTTP status 200.
    fn status(&self) -> Option<u64> {
        self.extensions["exception"]["statusCode"].as_u64()
    }
}

/// Reads a response: the data, and what the vendor says is wrong.
pub(crate) fn read<T: DeserializeOwned>(
    response: &Response,
    purpose: Purpose,
) -> Result<graphql::Response<T>, Error> {
    let status = response.status();
    let envelope = response.json::<Envelope<'_>>();
    if status.as_u16() == 429 {
        let retry_after = response.retry_after();
        return Err(Error::RateLimited {
            retry_after,
            http_status: Some(429),
        });
    }
    let (data, errors) = match envelope {
        Ok(envelope) => (envelope.data, envelope.errors.unwrap_or_default()),
        Err(error) if status.is_success() => return Err(error.into()),
        // A web page or a plain text.
        Err(_) => return Err(response.error(None).into()),
    };
    if status.is_server_error() {
        let detail = errors.first().map(|error| &*error.message);
        return Err(response.error(detail).into());
    }
    if errors.is_empty() && !status.is_success() {
        return Err(response.error(None).into());
    }
    let data = match data.map(|data| response.json_part(data.get())) {
        Some(Ok(data)) => Some(data),
        // What must not be null is null beside an error.
        _ if !errors.is_empty() => None,
        Some(Err(error)) => return Err(error.into()),
        None => return Err(graphql::Response::<T>::neither()),
    };
    let errors = errors.iter().take(MOST_ERRORS);
    let errors = errors.map(|error| meaning(response, error, purpose));
    Ok(graphql::Response::new(data, errors.collect()))
}

/// A log-out: that the session is gone already is fine if that was this call's first attempt.
pub(crate) fn ended<T: DeserializeOwned>(response: &Response) -> Result<(), Error> {
    match read::<T>(response, Purpose::Any)?.complete() {
        Err(error) if error.is_refused_token() && response.follows_a_lost_attempt() => Ok(()),
        ended => ended.map(drop),
    }
}

/// For `activeAppUser`, whose user may be null by the schema.
pub(crate) fn no_user() -> Error {
    let message = "identityx answered without a user and without an error";
    CoreError::new(ErrorKind::Protocol, message).into()
}

/// What one error means: by its status, then by its code, then by its text.
fn meaning(response: &Response, error: &GraphQlError<'_>, purpose: Purpose) -> Error {
    let raw = &*error.message;
    let message = response.redact(raw).trim_end_matches('.').to_owned();
    let http_status = Some(response.status().as_u16());
    let has = |text: &str| raw.contains(text);
    // A function cannot: the variants have named fields.
    macro_rules! refused {
        ($variant:ident) => {
            Error::$variant {
                message,
                http_status,
            }
        };
    }
    // Whatever its code says, which no document names: the header is wrong, and the token in it may
    // be good.
    if has("Invalid authorization type") {
        return refused!(WrongIdentity);
    }
    // Whatever its code says: it comes as UNAUTHENTICATED, and it must log no user out.
    if has("request to http") && has("failed, reason:") {
        return outage(response, &message, purpose);
    }
    match error.status() {
        Some(404) if has("No user was found") => return refused!(UnknownUser),
        Some(400) if has("application ID does not match") => return refused!(OtherApplication),
        Some(400) if has("token subject does not match") => {
            return match purpose {
                Purpose::LogIn => Error::NotALoginLink {
                    reason: message,
                    http_status,
                },
                _ => refused!(WrongIdentity),
            };
        }
        Some(400 | 401 | 404 | 422) if is_about_a_token(raw) => {
            return token_refused(message, http_status, purpose);
        }
        Some(401) => return token_refused(message, http_status, purpose),
        Some(403) => return refused!(PermissionDenied),
        Some(429) => {
            return Error::RateLimited {
                retry_after: None,
                http_status,
            };
        }
        Some(404) => return core(response, ErrorKind::NotFound, message),
        Some(400..=499) => return core(response, ErrorKind::Denied, message),
        _ => {}
    }
    match error.code() {
        "UNAUTHENTICATED" if has("wrong user authorization type") => refused!(WrongIdentity),
        "UNAUTHENTICATED" => token_refused(message, http_status, purpose),
        "FORBIDDEN" if has("application") => refused!(ApplicationDenied),
        "FORBIDDEN" | "UNAUTHORIZED" => refused!(PermissionDenied),
        "BAD_USER_INPUT" if has("Unable to find an application") => refused!(UnknownApplication),
        "BAD_USER_INPUT" if has("No user authentication") => refused!(WrongIdentity),
        "BAD_USER_INPUT" | "GRAPHQL_PARSE_FAILED" | "GRAPHQL_VALIDATION_FAILED" => {
            refused!(InvalidOperation)
        }
        _ if raw.starts_with("Variable \"$") => refused!(InvalidOperation),
        // A refusal does not pass, whatever it is about.
        _ if response.status().is_client_error() => response.error(Some(raw)).into(),
        _ => trouble(response, format!("identityx failed: {message}"), purpose),
    }
}

/// The token of a login link is refused in a log-in, and a session's in any other call.
fn token_refused(message: String, http_status: Option<u16>, purpose: Purpose) -> Error {
    match purpose {
        Purpose::LogIn => Error::LinkRefused {
            message,
            http_status,
        },
        Purpose::Once | Purpose::Any => Error::TokenRejected {
            message,
            http_status,
        },
    }
}

/// The texts of a token that is refused, whatever the number beside them.
fn is_about_a_token(raw: &str) -> bool {
    ["jwt ", "invalid signature", "No token was found"]
        .iter()
        .any(|it| raw.contains(it))
}

/// An inner service of the vendor is down, and the vendor's text has its address.
fn outage(response: &Response, message: &str, purpose: Purpose) -> Error {
    let reason = message
        .split_once("reason:")
        .map_or("", |(_, it)| it.trim());
    let text = format!("an inner service of identityx is down: {reason}");
    // Where no connection was made, nothing happened.
    let never_arrived = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];
    if never_arrived.iter().any(|it| reason.contains(it)) {
        return core(response, ErrorKind::Unavailable, text);
    }
    trouble(response, text, purpose)
}

/// The vendor failed at some point of the call.
fn trouble(response: &Response, message: String, purpose: Purpose) -> Error {
    if purpose == Purpose::Once {
        let message = format!("{message}; it may have had its effect");
        return core(response, ErrorKind::OutcomeUnknown, message);
    }
    core(response, ErrorKind::Unavailable, message)
}

fn core(response: &Response, kind: ErrorKind, message: String) -> Error {
    let error = CoreError::new(kind, message);
    error.with_http_status(response.status().as_u16()).into()
}

/// Whether a document holds nothing but queries. What cannot be told apart changes something.
pub(crate) fn changes_nothing(document: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = document;
    while let Some(next) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match next {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' => match text_length(rest) {
                Some(length) => length,
                None => return false,
            },
            next if is_word(next) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            next => next.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match token {
            "{" | "(" => depth += 1,
            "}" | ")" => depth = depth.saturating_sub(1),
            "mutation" | "subscription" if depth == 0 => return false,
            _ => {}
        }
        rest = after;
    }
    depth == 0
}

/// How long the text is that begins with this quotation mark; `None` if it does not end.
fn text_length(rest: &str) -> Option<usize> {
    let mark = if rest.starts_with(r#"""""#) {
        r#"""""#
    } else {
        r#"""#
    };
    let mut at = mark.len();
    while !rest.get(at..)?.starts_with(mark) {
        let escaped = rest[at..].starts_with('\\');
        let mut chars = rest[at..].chars();
        at += chars.next()?.len_utf8();
        if escaped {
            at += chars.next()?.len_utf8();
        }
    }
    Some(at + mark.len())
}

impl From<NewAppUser> for create_app_user::CreateAppUserMutationInput {
    fn from(user: NewAppUser) -> Self {
        Self {
            email: user.email,
            given_name: user.given_name,
            family_name: user.family_name,
            organization: user.organization,
            organization_title: user.organization_title,
            country_code: user.country_code,
            region_code: user.region_code,
            postal_code: user.postal_code,
            city: user.city,
            street: user.street,
            address_extra: user.address_extra,
            mobile_number: user.mobile_number,
            phone_number: user.phone_number,
        }
    }
}

/// The same profile in the generated types of several operations.
macro_rules! app_user_profiles {
    ($($generated:ty),*) => {
        $(impl From<$generated> for AppUserProfile {
            fn from(user: $generated) -> Self {
                Self {
                    id: user.id,
                    email: user.email,
                    domain: user.domain,
                    name: user.name,
                    given_name: user.given_name,
                    family_name: user.family_name,
                    display_name: user.display_name,
                    verified: user.verified,
                    last_logged_in: user.last_logged_in.map(Date::moment),
                    created_at: user.created_at.map(Date::moment),
                    updated_at: user.updated_at.map(Date::moment),
                }
            }
        })*
    };
}

app_user_profiles!(
    log_in_app_user::LogInAppUserLoginAppUserUser,
    active_app_user::ActiveAppUserActiveAppUser,
    create_app_user::CreateAppUserCreateAppUser
);

/// As above.
macro_rules! org_user_profiles {
    ($($generated:ty),*) => {
        $(impl From<$generated> for OrgUserProfile {
            fn from(user: $generated) -> Self {
                Self {
                    id: user.id,
                    email: user.email,
                    given_name: user.given_name,
                    family_name: user.family_name,
                    photo_url: user.photo_url,
                }
            }
        })*
    };
}

org_user_profiles!(
    log_in_user::LogInUserUserLoginUser,
    active_user::ActiveUserActiveUser
);

impl From<user_organizations::UserOrganizationsUserOrganizations> for Membership {
    fn from(membership: user_organizations::UserOrganizationsUserOrganizations) -> Self {
        use user_organizations::OrganizationRole as Generated;
        Self {
            id: membership.id,
            role: match membership.role {
                Generated::Owner => OrganizationRole::Owner,
                Generated::Administrator => OrganizationRole::Administrator,
                Generated::Member => OrganizationRole::Member,
                Generated::Guest => OrganizationRole::Guest,
                Generated::Other(name) => OrganizationRole::Other(name),
            },
            organization: Organization {
                id: membership.organization.id,
                name: membership.organization.name,
            },
        }
    }
}

impl From<organization_applications::OrganizationApplicationsOrganizationApplications>
    for Application
{
    fn from(
        application: organization_applications::OrganizationApplicationsOrganizationApplications,
    ) -> Self {
        Self {
            id: application.id,
            name: application.name,
            description: application.description,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_changes_nothing_if_all_its_operations_are_queries() {
        for document in [
            "{ ping }",
            "query Q { ping }",
            "# mutation\nquery Q($mutation: String) {\n  mutation(a: \"b\") { id }\n}",
            "fragment F on User { id }\nquery Q { activeUser { ...F } }",
            r#"query Q { a(b: "mutation # \" }") { c(d: "") } } # {"#,
            "query Q {\n  a(b: \"\"\"\n} mutation \"é\" {\n\"\"\")\n}",
        ] {
            assert!(changes_nothing(document), "{document}");
        }
        for document in [
            "mutation M { ping }",
            "query Q { ping }\nmutation M { ping }",
            "fragment F on User { id }\n\n  mutation\n M { userLogout }",
            "subscription S { it }",
            "query Q {\n  ping\n} mutation M {\n  ping\n}",
            "query Q { a(b: \"{\") }\nmutation M { a(b: \"}\") }",
            "query Q { a(b: \"\"\"\"{\"\"\") }\nmutation M { a }",
            "query Q {",
            "query Q { a(b: \"",
            "query Q { a(b: \"\\",
        ] {
            assert!(!changes_nothing(document), "{document}");
        }
    }
}

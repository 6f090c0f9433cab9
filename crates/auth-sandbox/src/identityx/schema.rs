//! The operations: the part of the vendor's schema that authentication needs.

use std::sync::LazyLock;

use graphql_tools::static_graphql::query::Field;
use graphql_tools::static_graphql::schema::Document;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::email;
use super::failure::Failure;
use super::introspection;
use super::people::{IdentityXAppUser, IdentityXOrgUser};
use super::state::Book;
use super::token::{BadToken, Kind, Minted, Record};

/// The schema itself.
#[allow(clippy::expect_used, reason = "every test of the vendor would fail")]
pub(super) static SCHEMA: LazyLock<Document> = LazyLock::new(|| {
    let document = graphql_tools::parser::parse_schema(include_str!("schema.graphql"));
    document.expect("the schema is GraphQL").into_static()
});

/// The tokens of an administrator.
const ADMINISTRATORS: [Kind; 2] = [Kind::OrgSession, Kind::ApiToken];

const OK: &str = "ok";
const PONG: &str = "pong";

/// Asks for a log-in link by e-mail. What nothing in this part of the API shows is left out here, as in
/// the other inputs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendAppUserLoginLink {
    pub(super) email: String,
    /// Where the link leads to.
    pub(super) auth_url: String,
    pub(super) redirect_to: Option<String>,
    pub(super) source: Option<String>,
    pub(super) additional_context: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct SendUserLoginLink {
    email: String,
}

/// The token of a link, or of a session that is to end.
#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateAppUser {
    email: String,
    given_name: Option<String>,
    family_name: Option<String>,
}

/// The value of a field.
pub(super) fn resolve(
    call: &Call<'_>,
    ty: &str,
    parent: &Value,
    field: &Field,
    arguments: Map<String, Value>,
) -> Result<Value, Failure> {
    let input = arguments;
    match (ty, field.name.as_str()) {
        ("Query" | "Mutation", "ping") => Ok(PONG.into()),
        ("Query", "__schema") => Ok(introspection::schema()),
        ("Query", "__type") => Ok(introspection::named(
            input["name"].as_str().unwrap_or_default(),
        )),
        ("Query", "activeAppUser") => active_app_user(call),
        ("Query", "activeUser") => active_user(call),
        ("Query", "userOrganizations") => user_organizations(call),
        ("Query", "organizationApplications") => organization_applications(call),
        ("Mutation", "sendAppUserLoginLink") => send_app_user_login_link(call, read(input)?),
        ("Mutation", "loginAppUser") => login_app_user(call, &read(input)?),
        ("Mutation", "logoutAppUser") => logout_app_user(call, &read(input)?),
        ("Mutation", "createAppUser") => create_app_user(call, read(input)?),
        ("Mutation", "sendUserLoginLink") => send_user_login_link(call, &read(input)?),
        ("Mutation", "userLogin") => user_login(call, &read(input)?),
        ("Mutation", "userLogout") => user_logout(call),
        ("Mutation", "createActiveUserApiToken") => create_active_user_api_token(call),
        ("OrganizationMembership", "organization") => organization(call, &parent["organization"]),
        // A type inside of another is its name.
        ("__Type", name) => match (parent.get(name), parent["name"].as_str()) {
            (None, Some(ty)) => Ok(introspection::named(ty)[name].clone()),
            (value, _) => Ok(value.cloned().unwrap_or_default()),
        },
        (_, name) => Ok(parent[name].clone()),
    }
}

/// The argument `input`, which all fields take that take something.
fn read<T: DeserializeOwned>(mut arguments: Map<String, Value>) -> Result<T, Failure> {
    let input = arguments.remove("input").unwrap_or_default();
    serde_json::from_value(input).map_err(|_| {
        Failure::internal(
            500,
            "no input",
            "the sandbox cannot read an input of the schema",
        )
    })
}

/// The user whose session it is.
fn active_app_user(call: &Call<'_>) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let caller = call.caller(&book, &[Kind::AppSession])?;
    let user = book.app_user_by_id(&caller.id);
    // Decision: the tokens of a removed user are unknown.
    let user = user.ok_or_else(|| Failure::bad_header_token(BadToken::Unknown))?;
    Ok(app_user(user))
}

/// The administrator whose session or API token it is.
fn active_user(call: &Call<'_>) -> Result<Value, Failure> {
    let book = call.open()?;
    Ok(user(call.org_user(&book, &ADMINISTRATORS)?))
}

/// What the administrator is a member of.
fn user_organizations(call: &Call<'_>) -> Result<Value, Failure> {
    let book = call.open()?;
    let user = call.org_user(&book, &ADMINISTRATORS)?;
    let memberships = user.memberships.iter().map(|each| {
        // A role is as it was set: also one that the schema does not have.
        json!({ "id": each.id, "role": each.role, "organization": each.organization_id })
    });
    Ok(memberships.collect())
}

/// Decision: a removed organisation fails, and with it this one place of the list. That is one way
/// to an answer with data beside an error.
fn organization(call: &Call<'_>, id: &Value) -> Result<Value, Failure> {
    let book = call.state.book();
    let id = id.as_str().unwrap_or_default();
    let found = book.organizations.iter().find(|each| each.id == id);
    let found = found.map(|found| json!({ "id": found.id, "name": found.name }));
    found.ok_or_else(|| {
        let message = format!("No organization was found for '{id}'");
        Failure::internal(404, message, "a membership's organisation was removed")
    })
}

/// The applications of the organisation.
fn organization_applications(call: &Call<'_>) -> Result<Value, Failure> {
    let book = call.open()?;
    let user = call.org_user(&book, &ADMINISTRATORS)?;
    let organization = call.organization(&book, user)?;
    let all = book.applications.iter();
    let own = all.filter(|each| each.organization_id == organization);
    let own = own
        .map(|each| json!({ "id": each.id, "name": each.name, "description": each.description }));
    Ok(own.collect())
}

/// Sends an e-mail with a link to log in with.
fn send_app_user_login_link(
    call: &Call<'_>,
    input: SendAppUserLoginLink,
) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let application = call.application(&book)?;
    email::required(&input.email)?;
    let user = book.app_user(&application, &input.email);
    let id = user.map(|user| user.id.clone());
    let id = id.ok_or_else(|| Failure::no_user(&input.email))?;
    email::check_known(&input.email)?;
    call.state
        .send_app_link(&mut book, &id, &application, input);
    Ok(OK.into())
}

/// Exchanges the token of a link for a session.
fn login_app_user(call: &Call<'_>, input: &Token) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let (application, _, link) = app_token(call, &book, &input.token, Kind::AppLink)?;
    let now = call.state.millis();
    let user = book.app_user_by_id(&link.owner);
    let user = user.ok_or_else(|| Failure::bad_input_token(BadToken::Unknown))?;
    user.verified = true;
    user.last_logged_in = Some(now);
    let user = app_user(user);
    // The link stays: it can be used again until it expires.
    let session = Record::new(Kind::AppSession, &link.owner, Some(&application));
    Ok(json!({
        "loginSource": link.source(),
        // The source is in it, too.
        "additionalContext": link.data.unwrap_or_default(),
        "token": token(&call.state.mint(&mut book, session)),
        "user": user,
    }))
}

/// Ends a session.
fn logout_app_user(call: &Call<'_>, input: &Token) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let (_, id, _) = app_token(call, &book, &input.token, Kind::AppSession)?;
    book.tokens.remove(&id);
    Ok(OK.into())
}

/// Makes a user of the application, or finds the one with this e-mail address.
fn create_app_user(call: &Call<'_>, input: CreateAppUser) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let application = call.application(&book)?;
    email::check_new(&input.email)?;
    // Decision: a user who exists already stays unchanged.
    if let Some(user) = book.app_user(&application, &input.email) {
        return Ok(app_user(user));
    }
    let mut user = IdentityXAppUser::new(&input.email).application(application);
    (user.given_name, user.family_name) = (input.given_name, input.family_name);
    let now = call.state.millis();
    (user.created_at, user.updated_at) = (now, now);
    let answer = app_user(&user);
    book.app_users.push(user);
    Ok(answer)
}

/// Sends an administrator an e-mail with a link to log in with.
fn send_user_login_link(call: &Call<'_>, input: &SendUserLoginLink) -> Result<Value, Failure> {
    let (mut book, email) = (call.open()?, &input.email);
    email::required(email)?;
    let id = book.org_user(email).map(|user| user.id.clone());
    let id = id.ok_or_else(|| Failure::no_user(email))?;
    call.state.send_org_link(&mut book, &id, email);
    Ok(OK.into())
}

/// Exchanges the token of a link for a session.
fn user_login(call: &Call<'_>, input: &Token) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let link = call.state.check(&book, &input.token, Kind::OrgLink);
    let (_, link) = link.map_err(Failure::bad_input_token)?;
    let user = book.org_user_by_id(&link.owner).map(user);
    let user = user.ok_or_else(|| Failure::bad_input_token(BadToken::Unknown))?;
    let session = Record::new(Kind::OrgSession, &link.owner, None);
    Ok(json!({ "user": user, "token": token(&call.state.mint(&mut book, session)) }))
}

/// Ends the session that the call is made with.
fn user_logout(call: &Call<'_>) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let caller = call.caller(&book, &[Kind::OrgSession])?;
    book.tokens.remove(&caller.token);
    Ok(OK.into())
}

/// The administrator's permanent token.
fn create_active_user_api_token(call: &Call<'_>) -> Result<Value, Failure> {
    let mut book = call.open()?;
    let id = call.org_user(&book, &ADMINISTRATORS)?.id.clone();
    Ok(call.state.api_token(&mut book, &id).into())
}

/// The application of the call, and the token of one of its users that was sent as an input.
fn app_token(
    call: &Call<'_>,
    book: &Book,
    token: &str,
    kind: Kind,
) -> Result<(String, String, Record), Failure> {
    let application = call.application(book)?;
    let checked = call.state.check(book, token, kind);
    let (id, record) = checked.map_err(Failure::bad_input_token)?;
    if record.application.as_deref() != Some(&application) {
        let message = "The requested application ID does not match the token payload";
        let hint = "x-app-id is not the application that the token was made for";
        return Err(Failure::internal(400, message, hint));
    }
    Ok((application, id, record))
}

fn token(minted: &Minted) -> Value {
    json!({ "id": minted.id, "value": minted.value })
}

fn app_user(user: &IdentityXAppUser) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "domain": user.domain(),
        "name": user.full_name(),
        "givenName": user.given_name,
        "familyName": user.family_name,
        "displayName": user.shown_name(),
        "verified": user.verified,
        "lastLoggedIn": user.last_logged_in,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
    })
}

fn user(user: &IdentityXOrgUser) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "givenName": user.given_name,
        "familyName": user.family_name,
        "photoURL": user.photo_url,
    })
}

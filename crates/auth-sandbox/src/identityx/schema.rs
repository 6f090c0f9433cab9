//! The operations: the part of the vendor's schema that authentication needs.

use std::sync::LazyLock;

use async_graphql::{Context, EmptySubscription, Object, Schema};

use super::call::Call;
use super::email;
use super::failure::Failure;
use super::inputs::{
    CreateAppUser, LogInAppUser, LogOutAppUser, SendAppUserLoginLink, SendUserLoginLink, UserLogIn,
    UserOrganizations,
};
use super::people::IdentityXAppUser;
use super::state::Book;
use super::token::{BadToken, Kind, Record};
use super::types::{
    AppUser, AppUserAuthentication, Application, OrganizationMembership, User, UserAuthentication,
};
use super::validation::StopAfterValidation;

/// It holds nothing of any sandbox, so all of them share it.
pub(super) static SCHEMA: LazyLock<Schema<Query, Mutation, EmptySubscription>> =
    LazyLock::new(|| {
        Schema::build(Query, Mutation, EmptySubscription)
            .extension(StopAfterValidation)
            .finish()
    });

/// The tokens of an administrator.
const ADMINISTRATORS: [Kind; 2] = [Kind::OrgSession, Kind::ApiToken];

const OK: &str = "ok";
const PONG: &str = "pong";

// A nullable field that fails is `null` beside the error, with the object around it intact. Here
// that is `Option<Result<…>>`. With `Result<Option<…>>` the object becomes `null`, too.

pub(super) struct Query;

#[Object]
#[allow(clippy::unused_async, reason = "the macro takes nothing else")]
impl Query {
    /// Whether the service answers.
    async fn ping(&self) -> &'static str {
        PONG
    }

    /// The user whose session it is.
    async fn active_app_user(&self, ctx: &Context<'_>) -> Option<Result<AppUser, Failure>> {
        Some(active_app_user(ctx))
    }

    /// The administrator whose session or API token it is.
    async fn active_user(&self, ctx: &Context<'_>) -> Result<User, Failure> {
        let call = Call::of(ctx)?;
        let book = call.open()?;
        let user = call.org_user(&book, &ADMINISTRATORS)?;
        Ok(user.into())
    }

    /// What the administrator is a member of.
    async fn user_organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(UserOrganizations::default())")] input: Option<
            UserOrganizations,
        >,
    ) -> Result<Vec<Option<OrganizationMembership>>, Failure> {
        let _ = input;
        let call = Call::of(ctx)?;
        let book = call.open()?;
        let user = call.org_user(&book, &ADMINISTRATORS)?;
        let memberships = user.memberships.iter();
        let memberships = memberships.map(|each| Some(OrganizationMembership::new(each, &book)));
        Ok(memberships.collect())
    }

    /// The applications of the organisation.
    async fn organization_applications(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Vec<Option<Application>>, Failure> {
        organization_applications(ctx)
    }
}

pub(super) struct Mutation;

#[Object]
#[allow(clippy::unused_async, reason = "the macro takes nothing else")]
impl Mutation {
    /// Whether the service answers.
    async fn ping(&self) -> &'static str {
        PONG
    }

    /// Sends an e-mail with a link to log in with.
    async fn send_app_user_login_link(
        &self,
        ctx: &Context<'_>,
        input: SendAppUserLoginLink,
    ) -> Option<Result<&'static str, Failure>> {
        Some(send_app_user_login_link(ctx, input))
    }

    /// Exchanges the token of a link for a session.
    async fn login_app_user(
        &self,
        ctx: &Context<'_>,
        input: LogInAppUser,
    ) -> Result<AppUserAuthentication, Failure> {
        let call = Call::of(ctx)?;
        let mut book = call.open()?;
        let (application, _, link) = app_token(call, &book, &input.token, Kind::AppLink)?;
        let now = call.state.millis();
        let user = book.app_user_by_id(&link.owner);
        let user = user.ok_or_else(|| Failure::bad_input_token(BadToken::Unknown))?;
        user.verified = true;
        user.last_logged_in = Some(now);
        let user = AppUser::from(&*user);
        // The link stays: it can be used again until it expires.
        let session = Record::new(Kind::AppSession, &link.owner, Some(&application));
        Ok(AppUserAuthentication {
            login_source: link.source().map(str::to_owned),
            // The source is in it, too.
            additional_context: Some(link.data.into_iter().flatten().collect()),
            token: call.state.mint(&mut book, session).into(),
            user,
        })
    }

    /// Ends a session.
    async fn logout_app_user(
        &self,
        ctx: &Context<'_>,
        input: LogOutAppUser,
    ) -> Result<&'static str, Failure> {
        let call = Call::of(ctx)?;
        let mut book = call.open()?;
        let (_, id, _) = app_token(call, &book, &input.token, Kind::AppSession)?;
        book.tokens.remove(&id);
        Ok(OK)
    }

    /// Makes a user of the application, or finds the one with this e-mail address.
    async fn create_app_user(
        &self,
        ctx: &Context<'_>,
        input: CreateAppUser,
    ) -> Result<AppUser, Failure> {
        let call = Call::of(ctx)?;
        let mut book = call.open()?;
        let application = call.application(&book)?;
        email::check_new(&input.email)?;
        // Decision: a user who exists already stays unchanged.
        if let Some(user) = book.app_user(&application, &input.email) {
            return Ok(user.into());
        }
        let mut user = IdentityXAppUser::new(&input.email).application(application);
        (user.given_name, user.family_name) = (input.given_name, input.family_name);
        let now = call.state.millis();
        (user.created_at, user.updated_at) = (now, now);
        let answer = AppUser::from(&user);
        book.app_users.push(user);
        Ok(answer)
    }

    /// Sends an administrator an e-mail with a link to log in with.
    async fn send_user_login_link(
        &self,
        ctx: &Context<'_>,
        input: SendUserLoginLink,
    ) -> Option<Result<&'static str, Failure>> {
        Some(send_user_login_link(ctx, &input.email))
    }

    /// Exchanges the token of a link for a session.
    async fn user_login(
        &self,
        ctx: &Context<'_>,
        input: UserLogIn,
    ) -> Result<UserAuthentication, Failure> {
        let call = Call::of(ctx)?;
        let mut book = call.open()?;
        let link = call.state.check(&book, &input.token, Kind::OrgLink);
        let (_, link) = link.map_err(Failure::bad_input_token)?;
        let user = book.org_user_by_id(&link.owner).map(User::from);
        let user = user.ok_or_else(|| Failure::bad_input_token(BadToken::Unknown))?;
        let session = Record::new(Kind::OrgSession, &link.owner, None);
        let token = call.state.mint(&mut book, session).into();
        Ok(UserAuthentication { user, token })
    }

    /// Ends the session that the call is made with.
    async fn user_logout(&self, ctx: &Context<'_>) -> Result<&'static str, Failure> {
        let call = Call::of(ctx)?;
        let mut book = call.open()?;
        let caller = call.caller(&book, &[Kind::OrgSession])?;
        book.tokens.remove(&caller.token);
        Ok(OK)
    }

    /// The administrator's permanent token.
    async fn create_active_user_api_token(&self, ctx: &Context<'_>) -> Result<String, Failure> {
        let call = Call::of(ctx)?;
        let mut book = call.open()?;
        let id = call.org_user(&book, &ADMINISTRATORS)?.id.clone();
        Ok(call.state.api_token(&mut book, &id))
    }
}

fn organization_applications(ctx: &Context<'_>) -> Result<Vec<Option<Application>>, Failure> {
    let call = Call::of(ctx)?;
    let book = call.open()?;
    let user = call.org_user(&book, &ADMINISTRATORS)?;
    let organization = call.organization(&book, user)?;
    let all = book.applications.iter();
    let own = all.filter(|each| each.organization_id == organization);
    Ok(own.map(|each| Some(each.into())).collect())
}

fn active_app_user(ctx: &Context<'_>) -> Result<AppUser, Failure> {
    let call = Call::of(ctx)?;
    let mut book = call.open()?;
    let caller = call.caller(&book, &[Kind::AppSession])?;
    let user = book.app_user_by_id(&caller.id);
    // Decision: the tokens of a removed user are unknown.
    let user = user.ok_or_else(|| Failure::bad_header_token(BadToken::Unknown))?;
    Ok(AppUser::from(&*user))
}

fn send_app_user_login_link(
    ctx: &Context<'_>,
    input: SendAppUserLoginLink,
) -> Result<&'static str, Failure> {
    let call = Call::of(ctx)?;
    let mut book = call.open()?;
    let application = call.application(&book)?;
    email::required(&input.email)?;
    let user = book.app_user(&application, &input.email);
    let id = user.map(|user| user.id.clone());
    let id = id.ok_or_else(|| Failure::no_user(&input.email))?;
    email::check_known(&input.email)?;
    call.state
        .send_app_link(&mut book, &id, &application, input);
    Ok(OK)
}

fn send_user_login_link(ctx: &Context<'_>, email: &str) -> Result<&'static str, Failure> {
    let call = Call::of(ctx)?;
    let mut book = call.open()?;
    email::required(email)?;
    let id = book.org_user(email).map(|user| user.id.clone());
    let id = id.ok_or_else(|| Failure::no_user(email))?;
    call.state.send_org_link(&mut book, &id, email);
    Ok(OK)
}

/// The application of the call, and the token of one of its users that was sent as an input.
fn app_token(
    call: &Call,
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

//! The calls of an organisation's administrators.

use auth_core::{AuthHeaders, Idempotency, Operation, Request, operation};
use graphql_client::{GraphQLQuery, QueryBody};
use serde::Serialize;

use super::{Client, post};
use crate::generated::{
    active_user, create_api_token, log_in_user, log_out_user, organization_applications,
    send_user_login_link, user_organizations,
};
use crate::identity::{LoginLinkKind, OrgUserLogin, OrgUserProfile};
use crate::organization::{Application, Membership, OrganizationId};
use crate::types::{Kind, X_ORG_ID, check_caller};
use crate::wire::{self, Purpose};
use crate::{Error, LoginLink, OrgUser, OrgUserApiToken};

const SEND_LOGIN_LINK: Operation = operation!("identityx.send_org_user_login_link");
const LOG_IN: Operation = operation!("identityx.log_in_org_user");
const ACTIVE: Operation = operation!("identityx.active_org_user");
const LOG_OUT: Operation = operation!("identityx.log_out_org_user");
const CREATE_API_TOKEN: Operation = operation!("identityx.create_api_token");
const ORGANIZATIONS: Operation = operation!("identityx.organizations");
const APPLICATIONS: Operation = operation!("identityx.applications");

/// The identities of an administrator.
const ADMINISTRATORS: [Kind; 2] = [Kind::OrgUser, Kind::OrgUserApiToken];

impl Client {
    /// Has IdentityX mail an administrator a login link, which leads to the vendor's portal.
    ///
    /// The link lives for an hour and can be used again until then. Not repeated where it may
    /// have happened: the administrator would get a second mail.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`]. [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the mail
    /// may have been sent: let the administrator look.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), identityx_auth::Error> {
    /// let client = identityx_auth::Client::builder().build()?;
    /// client.send_org_user_login_link("ann@example.com").await?;
    /// # Ok(()) }
    /// ```
    pub async fn send_org_user_login_link(&self, email: impl Into<String>) -> Result<(), Error> {
        use send_user_login_link::{
            SendUserLoginLink as Q, SendUserLoginLinkMutationInput, Variables,
        };
        let input = SendUserLoginLinkMutationInput {
            email: email.into(),
        };
        let request = post(SEND_LOGIN_LINK, &Q::build_query(Variables { input }));
        self.ask::<Q>(request, Purpose::Once).await.map(drop)
    }

    /// Exchanges a login link for an administrator's session.
    ///
    /// Each use of a link makes another session, so that a log-in whose response was lost is sent
    /// again.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::NotALoginLink`] if the link says that it is for something else: ask the person
    /// again; nothing was sent. [`Error::LinkRefused`]: request another link.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(pasted: identityx_auth::SecretString) -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::{Client, LoginLink};
    ///
    /// let client = Client::builder().build()?;
    /// let login = client.log_in_org_user(&LoginLink::parse(&pasted)?).await?;
    /// let session = client.session(login.user).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn log_in_org_user(&self, link: &LoginLink) -> Result<OrgUserLogin, Error> {
        use log_in_user::{LogInUser as Q, UserLoginMutationInput, Variables};
        link.expect(LoginLinkKind::OrgUser)?;
        let token = link.token().clone();
        let input = UserLoginMutationInput { token };
        let request =
            post(LOG_IN, &Q::build_query(Variables { input })).idempotency(Idempotency::Yes);
        let response = self.send(request).await?;
        let data: log_in_user::ResponseData = wire::read(&response, Purpose::LogIn)?.complete()?;
        let login = data.user_login;
        let user = OrgUser::issued(login.token.value, &response)?;
        Ok(OrgUserLogin {
            user: user.with_account(&login.user.email),
            profile: login.user.into(),
        })
    }

    /// The administrator, as the vendor knows them: also the way to ask whether a token is good.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the headers are not of an [`OrgUser`] or an
    /// [`OrgUserApiToken`]; nothing was sent then.
    /// [`Error::TokenRejected`] if the session has ended (report it by
    /// [`Session::invalidate`](auth_core::Session::invalidate)).
    /// [`Unavailable`](crate::ErrorKind::Unavailable) also if only a part of the vendor's is down.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: identityx_auth::Client,
    /// #     session: identityx_auth::Session<identityx_auth::OrgUserApiToken>,
    /// # ) -> Result<(), identityx_auth::Error> {
    /// let headers = session.auth_headers().await?;
    /// let profile = client.active_org_user(&headers).await?;
    /// # Ok(()) }
    /// ```
    pub async fn active_org_user(&self, headers: &AuthHeaders) -> Result<OrgUserProfile, Error> {
        use active_user::{ActiveUser as Q, Variables};
        check_caller(headers, &ADMINISTRATORS)?;
        let request = authorized(ACTIVE, headers, &Q::build_query(Variables));
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        Ok(data.active_user.into())
    }

    /// Ends an administrator's session. API tokens survive it.
    /// [`Session::log_out`](auth_core::Session::log_out) also forgets the token.
    ///
    /// Source: observed.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the headers are not of an [`OrgUser`]; nothing was sent then.
    /// [`Error::TokenRejected`] if the session has ended before.
    pub async fn log_out_org_user(&self, headers: &AuthHeaders) -> Result<(), Error> {
        use log_out_user::{LogOutUser as Q, ResponseData, Variables};
        check_caller(headers, &[Kind::OrgUser])?;
        let request = authorized(LOG_OUT, headers, &Q::build_query(Variables));
        wire::ended::<ResponseData>(&self.send(request).await?)
    }

    /// The administrator's permanent API token: the same one at every call.
    ///
    /// Source: IdentityX, "Authentication".
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the headers are not of an [`OrgUser`] or an
    /// [`OrgUserApiToken`]; nothing was sent then.
    /// [`Error::TokenRejected`] if the session has ended.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: identityx_auth::Client,
    /// #     session: identityx_auth::Session<identityx_auth::OrgUser>,
    /// # ) -> Result<(), identityx_auth::Error> {
    /// let token = client.create_api_token(&session.auth_headers().await?).await?;
    /// let permanent = client.session(token).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn create_api_token(&self, headers: &AuthHeaders) -> Result<OrgUserApiToken, Error> {
        use create_api_token::{CreateApiToken as Q, ResponseData, Variables};
        check_caller(headers, &ADMINISTRATORS)?;
        let request = authorized(CREATE_API_TOKEN, headers, &Q::build_query(Variables));
        let response = self.send(request).await?;
        let data: ResponseData = wire::read(&response, Purpose::Any)?.complete()?;
        let token = data.create_active_user_api_token;
        let token = OrgUserApiToken::issued(token, &response)?;
        Ok(match headers.token().account() {
            Some(account) => token.with_account(account),
            None => token,
        })
    }

    /// The organisations that the administrator belongs to.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the headers are not of an [`OrgUser`] or an
    /// [`OrgUserApiToken`]; nothing was sent then.
    /// [`Error::TokenRejected`] if the session has ended.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: identityx_auth::Client,
    /// #     session: identityx_auth::Session<identityx_auth::OrgUser>,
    /// # ) -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::organization::OrganizationId;
    ///
    /// let headers = session.auth_headers().await?;
    /// for membership in client.organizations(&headers).await? {
    ///     let organization = OrganizationId::new(&membership.organization.id)?;
    ///     let applications = client.applications(&headers, &organization).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn organizations(&self, headers: &AuthHeaders) -> Result<Vec<Membership>, Error> {
        use user_organizations::{UserOrganizations as Q, Variables};
        check_caller(headers, &ADMINISTRATORS)?;
        let request = authorized(ORGANIZATIONS, headers, &Q::build_query(Variables));
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        let memberships = data.user_organizations.into_iter().flatten();
        Ok(memberships.map(Membership::from).collect())
    }

    /// The applications of an organisation, whichever the headers name.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the headers are not of an [`OrgUser`] or an
    /// [`OrgUserApiToken`]; nothing was sent then.
    /// [`Error::TokenRejected`] if the session has ended, [`Error::UnknownOrganization`],
    /// [`Error::PermissionDenied`] if the administrator does not belong to the organisation.
    ///
    /// # Example
    ///
    /// See [`Client::organizations`].
    pub async fn applications(
        &self,
        headers: &AuthHeaders,
        organization: &OrganizationId,
    ) -> Result<Vec<Application>, Error> {
        use organization_applications::{OrganizationApplications as Q, Variables};
        check_caller(headers, &ADMINISTRATORS)?;
        let request = authorized(APPLICATIONS, headers, &Q::build_query(Variables))
            .header(X_ORG_ID, organization.as_str());
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        let applications = data.organization_applications.into_iter().flatten();
        Ok(applications.map(Application::from).collect())
    }
}

/// An authorised call that may be repeated.
fn authorized<V: Serialize>(
    operation: Operation,
    headers: &AuthHeaders,
    body: &QueryBody<V>,
) -> Request {
    post(operation, body)
        .auth_headers(headers)
        .idempotency(Idempotency::Yes)
}

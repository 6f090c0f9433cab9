//! The calls of an organisation's administrators.

use auth_core::{Operation, Repeat, operation};
use graphql_client::GraphQLQuery;

use super::post;
use crate::generated::{
    active_user, create_api_token, log_in_user, log_out_user, organization_applications,
    send_user_login_link, user_organizations,
};
use crate::wire::{self, Purpose};
use crate::{
    Administrator, Application, Client, Error, LoginLink, LoginLinkKind, Membership, OrgUser,
    OrgUserApiToken, OrgUserLogin, OrgUserProfile, OrganizationId,
};

const SEND_LOGIN_LINK: Operation = operation!("identityx.send_org_user_login_link");
const LOG_IN: Operation = operation!("identityx.log_in_org_user");
const ACTIVE: Operation = operation!("identityx.active_org_user");
const LOG_OUT: Operation = operation!("identityx.log_out_org_user");
const CREATE_API_TOKEN: Operation = operation!("identityx.create_api_token");
const ORGANIZATIONS: Operation = operation!("identityx.organizations");
const APPLICATIONS: Operation = operation!("identityx.applications");

impl Client {
    /// Has IdentityX mail an administrator a login link, which leads to the vendor's portal.
    ///
    /// The link lives for an hour and can be used again until then. Not repeated where it may
    /// have happened: the administrator would get a second mail.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*, and the seed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`]. [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the mail
    /// may have been sent: let the administrator look.
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

    /// Trades a login link for an administrator's session.
    ///
    /// Each use of a link makes another session, so that a log-in whose answer was lost is sent
    /// again.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*, and the seed.
    ///
    /// # Errors
    ///
    /// [`Error::NotALoginLink`] if the link says that it is for something else: ask the person
    /// again; nothing was sent. [`Error::LinkRefused`]: request another link.
    pub async fn log_in_org_user(&self, link: &LoginLink) -> Result<OrgUserLogin, Error> {
        use log_in_user::{LogInUser as Q, UserLoginMutationInput, Variables};
        link.expect(LoginLinkKind::OrgUser)?;
        let token = link.token().clone();
        let input = UserLoginMutationInput { token };
        let body = Q::build_query(Variables { input });
        let request = post(LOG_IN, &body)
            .secret(link.token())
            .repeat(Repeat::Always);
        let answer = self.send(request).await?;
        let data: log_in_user::ResponseData =
            wire::response(&answer, Purpose::LogIn)?.complete()?;
        let login = data.user_login;
        Ok(OrgUserLogin {
            user: OrgUser::issued(login.token.value, answer.sent_at())?,
            profile: login.user.into(),
        })
    }

    /// The administrator, as the vendor knows them: also the way to ask whether a token is good.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the session has ended (report it by
    /// [`Session::invalidate`](auth_core::Session::invalidate)).
    /// [`Unavailable`](crate::ErrorKind::Unavailable) also if only a part of the vendor's is down.
    pub async fn active_org_user(
        &self,
        administrator: &impl Administrator,
    ) -> Result<OrgUserProfile, Error> {
        use active_user::{ActiveUser as Q, Variables};
        let request = post(ACTIVE, &Q::build_query(Variables))
            .credential(&self.credential(administrator)?)
            .repeat(Repeat::Always);
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        Ok(data.active_user.into())
    }

    /// Ends an administrator's session. API tokens survive it.
    ///
    /// Source: observed.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the session has ended before.
    pub async fn log_out_org_user(&self, administrator: &OrgUser) -> Result<(), Error> {
        use log_out_user::{LogOutUser as Q, ResponseData, Variables};
        let request = post(LOG_OUT, &Q::build_query(Variables))
            .credential(&self.credential(administrator)?)
            .repeat(Repeat::Always);
        wire::ended::<ResponseData>(&self.send(request).await?)
    }

    /// The administrator's permanent API token: the same one at every call.
    ///
    /// Source: IdentityX, "Authentication", and the seed.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the session has ended.
    pub async fn create_api_token(
        &self,
        administrator: &OrgUser,
    ) -> Result<OrgUserApiToken, Error> {
        use create_api_token::{CreateApiToken as Q, ResponseData, Variables};
        let request = post(CREATE_API_TOKEN, &Q::build_query(Variables))
            .credential(&self.credential(administrator)?)
            .repeat(Repeat::Always);
        let answer = self.send(request).await?;
        let data: ResponseData = wire::response(&answer, Purpose::Any)?.complete()?;
        OrgUserApiToken::issued(data.create_active_user_api_token, answer.sent_at())
    }

    /// The organisations that the administrator belongs to.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the session has ended.
    pub async fn organizations(&self, administrator: &OrgUser) -> Result<Vec<Membership>, Error> {
        use user_organizations::{UserOrganizations as Q, Variables};
        let request = post(ORGANIZATIONS, &Q::build_query(Variables))
            .credential(&self.credential(administrator)?)
            .repeat(Repeat::Always);
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        let memberships = data.user_organizations.into_iter().flatten();
        Ok(memberships.map(Membership::from).collect())
    }

    /// The applications of an organisation.
    ///
    /// Source: IdentityX, "Authentication", *Organization users*.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the session has ended, [`Error::PermissionDenied`] if the
    /// administrator does not belong to the organisation.
    pub async fn applications(
        &self,
        administrator: &OrgUser,
        organization: &OrganizationId,
    ) -> Result<Vec<Application>, Error> {
        use organization_applications::{OrganizationApplications as Q, Variables};
        let administrator = administrator.clone().in_organization(organization);
        let request = post(APPLICATIONS, &Q::build_query(Variables))
            .credential(&self.credential(&administrator)?)
            .repeat(Repeat::Always);
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        let applications = data.organization_applications.into_iter().flatten();
        Ok(applications.map(Application::from).collect())
    }
}

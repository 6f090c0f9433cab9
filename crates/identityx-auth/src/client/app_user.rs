//! The calls of an application's own users.

use auth_core::{AuthHeaders, Idempotency, Operation, Request, operation};
use graphql_client::GraphQLQuery;

use super::{Client, post};
use crate::generated::{
    active_app_user, create_app_user, log_in_app_user, log_out_app_user, send_app_user_login_link,
};
use crate::identity::{AppUserLogin, AppUserProfile, LoginLinkKind, NewAppUser};
use crate::types::{self, Kind, X_APP_ID, check_caller};
use crate::wire::{self, Purpose};
use crate::{AppUser, ApplicationId, Error, LoginLink, LoginLinkMail};

const SEND_LOGIN_LINK: Operation = operation!("identityx.send_app_user_login_link");
const LOG_IN: Operation = operation!("identityx.log_in_app_user");
const ACTIVE: Operation = operation!("identityx.active_app_user");
const LOG_OUT: Operation = operation!("identityx.log_out_app_user");
const CREATE: Operation = operation!("identityx.create_app_user");

impl Client {
    /// Has IdentityX mail an app user a login link.
    ///
    /// The link lives for an hour and can be used again until then. Not repeated where it may
    /// have happened: the user would get a second mail.
    ///
    /// Source: IdentityX, "Authentication", *App users*.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`]: [create](Client::create_app_user) the user first.
    /// [`Error::UnknownApplication`], [`Error::ApplicationDenied`] (also for an id that is wrong).
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the mail may have been sent: let
    /// the user look. [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the context is longer than
    /// 48 KiB; nothing was sent then.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::{ApplicationId, Client, LoginLinkMail};
    ///
    /// let client = Client::builder().build()?;
    /// let application = ApplicationId::new("60a1b2c3d4e5f60718293a01")?;
    /// let log_in_page = "https://www.example.com/user/authenticate";
    /// let mail = LoginLinkMail::new("sue@example.com", log_in_page)?;
    /// client.send_app_user_login_link(&application, &mail).await?;
    /// # Ok(()) }
    /// ```
    pub async fn send_app_user_login_link(
        &self,
        application: &ApplicationId,
        mail: &LoginLinkMail,
    ) -> Result<(), Error> {
        use send_app_user_login_link::{SendAppUserLoginLink as Q, Variables};
        let input = mail.input()?;
        let request = post(SEND_LOGIN_LINK, &Q::build_query(Variables { input }));
        let request = of_application(request, application);
        self.ask::<Q>(request, Purpose::Once).await.map(drop)
    }

    /// Exchanges a login link for an app user's session.
    ///
    /// Each use of a link makes another session, so that a log-in whose response was lost is sent
    /// again.
    ///
    /// Source: IdentityX, "Authentication", *App users*.
    ///
    /// # Errors
    ///
    /// [`Error::NotALoginLink`] or [`Error::OtherApplication`] if the link says that it is for
    /// something else: ask the person again; nothing was sent. [`Error::LinkRefused`]: request
    /// another link. [`Error::UnknownApplication`], [`Error::ApplicationDenied`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(pasted: identityx_auth::SecretString) -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::{ApplicationId, Client, LoginLink};
    ///
    /// let client = Client::builder().build()?;
    /// let application = ApplicationId::new("60a1b2c3d4e5f60718293a01")?;
    /// let link = LoginLink::parse(&pasted)?;
    /// let login = client.log_in_app_user(&application, &link).await?;
    /// println!("{} has logged in", login.profile.email);
    /// let session = client.session(login.user).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn log_in_app_user(
        &self,
        application: &ApplicationId,
        link: &LoginLink,
    ) -> Result<AppUserLogin, Error> {
        use log_in_app_user::{LogInAppUser as Q, LoginAppUserMutationInput, Variables};
        link.expect(LoginLinkKind::AppUser)?;
        if let Some(other) = link.application().filter(|it| it != application) {
            return Err(Error::OtherApplication {
                message: format!("the link is for {other}"),
                http_status: None,
            });
        }
        let token = link.token().clone();
        let input = LoginAppUserMutationInput { token };
        let request = post(LOG_IN, &Q::build_query(Variables { input }));
        let request = of_application(request, application).idempotency(Idempotency::Yes);
        let response = self.send(request).await?;
        let data: log_in_app_user::ResponseData =
            wire::read(&response, Purpose::LogIn)?.complete()?;
        let login = data.login_app_user;
        let user = AppUser::issued(login.token.value, application, &response)?;
        Ok(AppUserLogin {
            user: user.with_account(&login.user.email),
            profile: login.user.into(),
            source: login.login_source,
            additional_context: login.additional_context,
        })
    }

    /// The app user, as the vendor knows them: also the way to ask whether a token is good.
    ///
    /// Source: IdentityX, "Authentication", *App users*.
    ///
    /// # Errors
    ///
    /// [`Error::WrongIdentity`] if the headers are not of an [`AppUser`]; nothing was sent then.
    /// [`Error::TokenRejected`] if the session has ended (report it by
    /// [`Session::invalidate`](auth_core::Session::invalidate)).
    /// [`Unavailable`](crate::ErrorKind::Unavailable) also if only a part of the vendor's is down.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: identityx_auth::Client,
    /// #     session: identityx_auth::Session<identityx_auth::AppUser>,
    /// # ) -> Result<(), identityx_auth::Error> {
    /// let headers = session.auth_headers().await?;
    /// let profile = client.active_app_user(&headers).await?;
    /// # Ok(()) }
    /// ```
    pub async fn active_app_user(&self, headers: &AuthHeaders) -> Result<AppUserProfile, Error> {
        use active_app_user::{ActiveAppUser as Q, Variables};
        check_caller(headers, &[Kind::AppUser])?;
        let request = post(ACTIVE, &Q::build_query(Variables))
            .auth_headers(headers)
            .idempotency(Idempotency::Yes);
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        let profile = data.active_app_user.ok_or_else(wire::no_user)?;
        Ok(profile.into())
    }

    /// Ends an app user's session. [`Session::log_out`](auth_core::Session::log_out) also forgets
    /// its token.
    ///
    /// The token is a part of the call, and no `Authorization` is sent.
    ///
    /// Source: observed.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the session has ended before. [`Error::WrongIdentity`] if the
    /// headers are not of an [`AppUser`], or of one whose application is not known; nothing was
    /// sent then.
    pub async fn log_out_app_user(&self, headers: &AuthHeaders) -> Result<(), Error> {
        use log_out_app_user::{LogOutAppUser as Q, LogoutAppUserMutationInput, Variables};
        check_caller(headers, &[Kind::AppUser])?;
        let Some(application) = types::application(headers.token()) else {
            let message = "the app user's application is not known";
            return Err(Error::wrong_identity(message));
        };
        let token = headers.token().access().clone();
        let input = LogoutAppUserMutationInput { token };
        let request = post(LOG_OUT, &Q::build_query(Variables { input }));
        let request = of_application(request, &application).idempotency(Idempotency::Yes);
        wire::ended::<log_out_app_user::ResponseData>(&self.send(request).await?)
    }

    /// Creates an app user, or returns the one who has this address: asking again does no harm.
    ///
    /// Source: observed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownApplication`], [`Error::ApplicationDenied`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), identityx_auth::Error> {
    /// use identityx_auth::identity::NewAppUser;
    /// use identityx_auth::{ApplicationId, Client};
    ///
    /// let client = Client::builder().build()?;
    /// let application = ApplicationId::new("60a1b2c3d4e5f60718293a01")?;
    /// let sue = NewAppUser::new("sue@example.com").given_name("Sue");
    /// let profile = client.create_app_user(&application, &sue).await?;
    /// # Ok(()) }
    /// ```
    pub async fn create_app_user(
        &self,
        application: &ApplicationId,
        user: &NewAppUser,
    ) -> Result<AppUserProfile, Error> {
        use create_app_user::{CreateAppUser as Q, Variables};
        let input = user.clone().into();
        let request =
            post(CREATE, &Q::build_query(Variables { input })).idempotency(Idempotency::Yes);
        let request = of_application(request, application);
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        Ok(data.create_app_user.into())
    }
}

fn of_application(request: Request, application: &ApplicationId) -> Request {
    request.header(X_APP_ID, application.as_str())
}

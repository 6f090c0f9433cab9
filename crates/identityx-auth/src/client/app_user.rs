//! The calls of an application's own users.

use auth_core::{Operation, Repeat, Request, operation};
use graphql_client::GraphQLQuery;

use super::{X_APP_ID, post};
use crate::generated::{
    active_app_user, create_app_user, log_in_app_user, log_out_app_user, send_app_user_login_link,
};
use crate::wire::{self, Purpose};
use crate::{
    AppUser, AppUserLogin, AppUserProfile, ApplicationId, Client, Error, LoginLink, LoginLinkKind,
    LoginLinkMail, NewAppUser,
};

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
    /// Source: IdentityX, "Authentication", *App users*, and the seed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`]: [create](Client::create_app_user) the user first.
    /// [`Error::UnknownApplication`], [`Error::ApplicationDenied`].
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the mail may have been sent: let
    /// the user look. [`InvalidConfig`](crate::ErrorKind::InvalidConfig) if the auth URL would
    /// make a broken link or a leak; nothing was sent then.
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

    /// Trades a login link for an app user's session.
    ///
    /// Each use of a link makes another session, so that a log-in whose answer was lost is sent
    /// again.
    ///
    /// Source: IdentityX, "Authentication", *App users*, and the seed.
    ///
    /// # Errors
    ///
    /// [`Error::NotALoginLink`] or [`Error::OtherApplication`] if the link says that it is for
    /// something else: ask the person again; nothing was sent. [`Error::LinkRefused`]: request
    /// another link. [`Error::UnknownApplication`], [`Error::ApplicationDenied`].
    pub async fn log_in_app_user(
        &self,
        application: &ApplicationId,
        link: &LoginLink,
    ) -> Result<AppUserLogin, Error> {
        use log_in_app_user::{LogInAppUser as Q, LoginAppUserMutationInput, Variables};
        link.expect(LoginLinkKind::AppUser)?;
        if let Some(other) = link.application().filter(|it| it != application) {
            let message = format!("the link is for {other}");
            return Err(Error::OtherApplication { message });
        }
        let token = link.token().clone();
        let input = LoginAppUserMutationInput { token };
        let body = Q::build_query(Variables { input });
        let request = of_application(post(LOG_IN, &body), application)
            .secret(link.token())
            .repeat(Repeat::Always);
        let answer = self.send(request).await?;
        let data: log_in_app_user::ResponseData =
            wire::response(&answer, Purpose::LogIn)?.complete()?;
        let login = data.login_app_user;
        Ok(AppUserLogin {
            user: AppUser::issued(login.token.value, application, answer.sent_at())?,
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
    /// [`Error::TokenRejected`] if the session has ended (report it by
    /// [`Session::invalidate`](auth_core::Session::invalidate)).
    /// [`Unavailable`](crate::ErrorKind::Unavailable) also if only a part of the vendor's is down.
    pub async fn active_app_user(&self, user: &AppUser) -> Result<AppUserProfile, Error> {
        use active_app_user::{ActiveAppUser as Q, Variables};
        let request = post(ACTIVE, &Q::build_query(Variables))
            .credential(&self.credential(user)?)
            .repeat(Repeat::Always);
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        let profile = data.active_app_user.ok_or_else(wire::no_user)?;
        Ok(profile.into())
    }

    /// Ends an app user's session.
    ///
    /// Source: observed. The token is a part of the call, and no `Authorization` is sent.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the session has ended before. [`Error::WrongIdentity`] if the
    /// user does not know their application, as one from another kind of store may not.
    pub async fn log_out_app_user(&self, user: &AppUser) -> Result<(), Error> {
        use log_out_app_user::{LogOutAppUser as Q, LogoutAppUserMutationInput, Variables};
        let Some(application) = user.application() else {
            let message = "the app user's application is not known".to_owned();
            return Err(Error::WrongIdentity { message });
        };
        // Refuses a token of another kind.
        self.credential(user)?;
        let token = user.access_token().clone();
        let input = LogoutAppUserMutationInput { token };
        let body = Q::build_query(Variables { input });
        let request = of_application(post(LOG_OUT, &body), &application)
            .secret(user.access_token())
            .repeat(Repeat::Always);
        let answer = self.send(request).await?;
        wire::ended::<log_out_app_user::ResponseData>(&answer)
    }

    /// Creates an app user, or gives the one who has this address: it does no harm to ask again.
    ///
    /// Source: observed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownApplication`], [`Error::ApplicationDenied`].
    pub async fn create_app_user(
        &self,
        application: &ApplicationId,
        user: &NewAppUser,
    ) -> Result<AppUserProfile, Error> {
        use create_app_user::{CreateAppUser as Q, Variables};
        let input = user.clone().into();
        let request = post(CREATE, &Q::build_query(Variables { input })).repeat(Repeat::Always);
        let request = of_application(request, application);
        let data = self.ask::<Q>(request, Purpose::Any).await?;
        Ok(data.create_app_user.into())
    }
}

fn of_application(request: Request, application: &ApplicationId) -> Request {
    request.header(X_APP_ID, application.as_str())
}

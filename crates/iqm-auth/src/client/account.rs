//! Who is logged in, where, and second factors.

use auth_core::{AuthHeaders, Error as CoreError, ErrorKind, Operation, Request, operation};
use secrecy::SecretString;
use serde::de::IgnoredAny;

use super::Client;
use crate::types::{bearer_alone, trimmed};
use crate::{Error, PendingLogin, Profile, Token, Workspace, wire};

const PROFILE: Operation = operation!("iqm.profile");
const OW_ID: Operation = operation!("iqm.ow_id");
const WORKSPACES: Operation = operation!("iqm.workspaces");
const MFA_SEND: Operation = operation!("iqm.mfa_send");
const MFA_VERIFY: Operation = operation!("iqm.mfa_verify");

impl Client {
    /// Who is logged in.
    ///
    /// Repeated where the response was lost: it only reads.
    ///
    /// Source: IQM's *User Profile* page.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token has ended (report it by [`Session::invalidate`](crate::session::Session::invalidate)).
    /// [`Denied`](crate::ErrorKind::Denied) if the user may not see this workspace.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, session: iqm_auth::Session) -> Result<(), iqm_auth::Error> {
    /// let profile = client.profile(&session.auth_headers().await?).await?;
    /// println!("{} of {:?}", profile.email, profile.organization_name);
    /// # Ok(()) }
    /// ```
    pub async fn profile(&self, headers: &AuthHeaders) -> Result<Profile, Error> {
        let request = Request::get(PROFILE, "api/v3/ua/profile").auth_headers(headers);
        let response = self.send(request).await?;
        wire::profile(&response, wire::by_status)
    }

    /// The Organization Workspace ID of the user: for a token that came without one, as after a
    /// sign-up. The call sends the bearer token alone.
    ///
    /// Repeated where the response was lost: it only reads.
    ///
    /// Source: IQM's user API specification (2.0.0), `/user/ow-id`.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token has ended.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client) -> Result<(), iqm_auth::Error> {
    /// let token = client.sign_up("invited@iqm.com", &"Invited-1!".into()).await?;
    /// let ow_id = client.ow_id(&token.auth_headers()?).await?;
    /// let session = client.session(token.with_ow_id(ow_id)).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn ow_id(&self, headers: &AuthHeaders) -> Result<u64, Error> {
        let request = Request::get(OW_ID, "api/v3/ua/user/ow-id");
        let request = request.auth_headers(&bearer_alone(headers)?);
        wire::ow_id(&self.send(request).await?)
    }

    /// The workspaces in which the user may work. The call sends the bearer token alone.
    ///
    /// [`Login::workspace`](crate::Login::workspace) starts a session in another one of them.
    ///
    /// Repeated where the response was lost: it only reads.
    ///
    /// Source: IQM's user API specification (2.0.0), `/user/accessible-organizations`.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token has ended.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, session: iqm_auth::Session) -> Result<(), iqm_auth::Error> {
    /// for workspace in client.workspaces(&session.auth_headers().await?).await? {
    ///     println!("{}: {:?}", workspace.ow_id, workspace.organization_name);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn workspaces(&self, headers: &AuthHeaders) -> Result<Vec<Workspace>, Error> {
        let request = Request::get(WORKSPACES, "api/v3/ua/user/accessible-organizations");
        let request = request.auth_headers(&bearer_alone(headers)?);
        wire::data(&self.send(request).await?, wire::by_status)
    }

    /// Sends the user whose log-in is pending a code for the second factor.
    ///
    /// Not repeated where it may have happened: the user would get a second code.
    ///
    /// Source: IQM's *MFA* page, whose headers are those "for all requests".
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMfaUser`] if no user belongs to the workspace. [`Error::MfaNotConfigured`]
    /// if the user has no second factor. [`Error::TokenRejected`] if the log-in has ended.
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the code may have been sent.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client) -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::Error;
    ///
    /// match client.log_in("mfa@iqm.com", &"Mfa-User-1!".into()).await {
    ///     Err(Error::MfaRequired { login, .. }) => client.send_mfa_code(&login).await?,
    ///     other => drop(other?),
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn send_mfa_code(&self, login: &PendingLogin) -> Result<(), Error> {
        let Some(ow_id) = login.ow_id() else {
            let message = "the pending log-in names no workspace: ask by `Client::ow_id`";
            return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
        };
        let request = Request::post(MFA_SEND, "api/v3/ua/auth/mfa/send")
            .auth_headers(&login.0.auth_headers()?)
            .json(&wire::SendMfaCode { ow_id });
        let response = self.send(request).await?;
        wire::data::<Option<IgnoredAny>>(&response, |refusal| match refusal.status() {
            400 => refusal.error(|message, http_status| Error::UnknownMfaUser {
                message,
                http_status,
            }),
            422 => refusal.error(|message, http_status| Error::MfaNotConfigured {
                message,
                http_status,
            }),
            _ => wire::by_status(refusal),
        })?;
        Ok(())
    }

    /// Completes a log-in with the code of the second factor. The token may come without a refresh
    /// token.
    ///
    /// Not repeated where it may have happened: a code can be used once.
    ///
    /// Source: IQM's *MFA* page.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidMfaCode`] if the code is wrong or too old: ask the user again.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, login: iqm_auth::PendingLogin, code: iqm_auth::SecretString) -> Result<(), iqm_auth::Error> {
    /// let token = client.verify_mfa_code(&login, &code).await?;
    /// let session = client.session(token).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn verify_mfa_code(
        &self,
        login: &PendingLogin,
        code: &SecretString,
    ) -> Result<Token, Error> {
        let request = Request::post(MFA_VERIFY, "api/v3/ua/auth/mfa/verify")
            .auth_headers(&login.0.auth_headers()?)
            .json(&wire::VerifyMfaCode {
                otp: &trimmed(code),
            });
        let response = self.send(request).await?;
        let of = |token: Token| {
            let token = token.or_ow_id(login.ow_id());
            token.or_account(login.account())
        };
        wire::token(&response, of, |refusal| match refusal.status() {
            200..=299 | 401 => refusal.error(|message, http_status| Error::InvalidMfaCode {
                message,
                http_status,
            }),
            _ => wire::by_status(refusal),
        })
    }
}

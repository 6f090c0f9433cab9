//! Who is logged in, passwords and second factors.

use auth_core::{AuthHeaders, Idempotency, Operation, Request, operation};
use secrecy::SecretString;
use serde::de::IgnoredAny;

use super::Client;
use crate::{Error, Profile, ResetLink, Token, wire};

const PROFILE: Operation = operation!("iqm.profile");
const MFA_SEND: Operation = operation!("iqm.mfa_send");
const MFA_VERIFY: Operation = operation!("iqm.mfa_verify");
const REQUEST_PASSWORD_RESET: Operation = operation!("iqm.request_password_reset");
const VALIDATE_PASSWORD_RESET: Operation = operation!("iqm.validate_password_reset");
const SET_PASSWORD: Operation = operation!("iqm.set_password");
const CHANGE_PASSWORD: Operation = operation!("iqm.change_password");

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

    /// Sends the user of a workspace a code for the second factor.
    ///
    /// Not repeated where it may have happened: the user would get a second code.
    ///
    /// Source: IQM's *MFA* page.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMfaUser`] if no user belongs to the workspace. [`Error::MfaNotConfigured`]
    /// if the user has no second factor.
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the code may have been sent.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client) -> Result<(), iqm_auth::Error> {
    /// client.send_mfa_code(200_004).await?; // the workspace id
    /// # Ok(()) }
    /// ```
    pub async fn send_mfa_code(&self, ow_id: u64) -> Result<(), Error> {
        let request =
            Request::post(MFA_SEND, "api/v3/ua/auth/mfa/send").json(&wire::SendMfaCode { ow_id });
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

    /// Exchanges the code of the second factor for a token, which may come without a refresh token.
    /// It names no [account](Token::with_account).
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
    /// # async fn example(client: iqm_auth::Client, code: iqm_auth::SecretString) -> Result<(), iqm_auth::Error> {
    /// let token = client.verify_mfa_code(&code).await?;
    /// let session = client.session(token.with_account("mfa@iqm.com")).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn verify_mfa_code(&self, code: &SecretString) -> Result<Token, Error> {
        let request = Request::post(MFA_VERIFY, "api/v3/ua/auth/mfa/verify")
            .json(&wire::VerifyMfaCode { otp: code });
        let response = self.send(request).await?;
        wire::token(&response, |refusal| match refusal.status() {
            401 => refusal.error(|message, http_status| Error::InvalidMfaCode {
                message,
                http_status,
            }),
            _ => wire::by_status(refusal),
        })
    }

    /// Asks IQM to mail the user a link for a new password. Returns IQM's text to show.
    ///
    /// Not repeated where it may have happened: the user would get a second mail.
    ///
    /// Source: IQM's *Reset Password* page.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEmail`] if no user has this address.
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the mail may have been sent.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client) -> Result<(), iqm_auth::Error> {
    /// let text = client.request_password_reset("user1@iqm.com").await?;
    /// println!("{text}");
    /// # Ok(()) }
    /// ```
    pub async fn request_password_reset(&self, email: &str) -> Result<String, Error> {
        let request = Request::post(REQUEST_PASSWORD_RESET, "api/v3/ua/user/reset-password")
            .json(&wire::RequestReset { email });
        let response = self.send(request).await?;
        wire::data(&response, |refusal| match refusal.status() {
            404 => refusal.error(|message, http_status| Error::UnknownEmail {
                message,
                http_status,
            }),
            _ => wire::by_status(refusal),
        })
    }

    /// Whether the hash from a reset link can be used, and whose it is.
    ///
    /// Repeated where the response was lost: it only reads.
    ///
    /// Source: IQM's *Reset Password* page.
    ///
    /// # Errors
    ///
    /// None of its own: an invalid link is a response.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, hash: iqm_auth::SecretString) -> Result<(), iqm_auth::Error> {
    /// let link = client.validate_password_reset(&hash).await?;
    /// if !link.is_valid {
    ///     println!("{}", link.invalid_reason.unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn validate_password_reset(
        &self,
        reset_hash: &SecretString,
    ) -> Result<ResetLink, Error> {
        let body = wire::ValidateReset { reset_hash };
        let request = Request::post(
            VALIDATE_PASSWORD_RESET,
            "api/v3/ua/user/reset-password/validate",
        )
        .json(&body)
        .idempotency(Idempotency::Yes);
        let response = self.send(request).await?;
        wire::data(&response, wire::by_status)
    }

    /// Sets a new password after a reset.
    ///
    /// Not repeated where it may have happened. IQM asks for 8 characters with an upper-case and
    /// a lower-case letter and a special one, but its own samples break that: the password is not
    /// checked here.
    ///
    /// Source: IQM's *Reset Password* page.
    ///
    /// # Errors
    ///
    /// [`Error::ResetRefused`] if there is no valid reset for the address: ask for a new mail.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, hash: iqm_auth::SecretString) -> Result<(), iqm_auth::Error> {
    /// if client.validate_password_reset(&hash).await?.is_valid {
    ///     client.set_password("user1@iqm.com", &"New-Pass-1!".into()).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn set_password(
        &self,
        email: &str,
        new_password: &SecretString,
    ) -> Result<(), Error> {
        let body = wire::SignUp {
            email,
            password: new_password,
        };
        let request = Request::post(SET_PASSWORD, "api/v3/ua/user/update-password").json(&body);
        let response = self.send(request).await?;
        wire::data::<Option<IgnoredAny>>(&response, |refusal| match refusal.status() {
            403 => Error::ResetRefused {
                reason: refusal
                    .invalid_reason()
                    .unwrap_or_else(|| refusal.message()),
                http_status: Some(403),
            },
            _ => wire::by_status(refusal),
        })?;
        Ok(())
    }

    /// Changes the password of the user who is logged in.
    ///
    /// Not repeated where it may have happened.
    ///
    /// Source: IQM's *Reset Password* page.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token has ended. [`Denied`](crate::ErrorKind::Denied) with
    /// IQM's text if the old password is wrong.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, session: iqm_auth::Session) -> Result<(), iqm_auth::Error> {
    /// let headers = session.auth_headers().await?;
    /// client.change_password(&headers, &"123456".into(), &"New-Pass-1!".into()).await?;
    /// # Ok(()) }
    /// ```
    pub async fn change_password(
        &self,
        headers: &AuthHeaders,
        old_password: &SecretString,
        new_password: &SecretString,
    ) -> Result<(), Error> {
        let body = wire::ChangePassword {
            old_password,
            new_password,
        };
        let request = Request::post(CHANGE_PASSWORD, "api/v3/ua/user/password/reset")
            .auth_headers(headers)
            .json(&body);
        let response = self.send(request).await?;
        wire::data::<Option<IgnoredAny>>(&response, wire::by_status)?;
        Ok(())
    }
}

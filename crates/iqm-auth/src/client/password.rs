//! The four calls about passwords.

use auth_core::{AuthHeaders, Idempotency, Operation, Request, operation};
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::Client;
use crate::types::trimmed;
use crate::{Error, ResetLink, wire};

const REQUEST_PASSWORD_RESET: Operation = operation!("iqm.request_password_reset");
const VALIDATE_PASSWORD_RESET: Operation = operation!("iqm.validate_password_reset");
const SET_PASSWORD: Operation = operation!("iqm.set_password");
const CHANGE_PASSWORD: Operation = operation!("iqm.change_password");

impl Client {
    /// Asks IQM to mail the user a link for a new password. Returns IQM's text to show, empty where the
    /// response has none.
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
        let said = wire::data::<Option<Value>>(&response, |refusal| match refusal.status() {
            // One specification says 404, the other one 400.
            400 | 404 => refusal.error(|message, http_status| Error::UnknownEmail {
                message,
                http_status,
            }),
            _ => wire::by_status(refusal),
        })?;
        // The e-mail is on its way, whatever the text is.
        Ok(said
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    /// Whether the hash from a reset link can be used, and whose it is.
    ///
    /// Repeated where the response was lost: it only reads.
    ///
    /// Source: IQM's *Reset Password* page.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidResetHash`] if no link has this hash. A link that has expired or was used is a
    /// response.
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
        let reset_hash = trimmed(reset_hash);
        let body = wire::ValidateReset {
            invite_hash: &reset_hash,
            reset_hash: &reset_hash,
        };
        let request = Request::post(
            VALIDATE_PASSWORD_RESET,
            "api/v3/ua/user/reset-password/validate",
        )
        .json(&body)
        .idempotency(Idempotency::Yes);
        wire::reset_link(&self.send(request).await?)
    }

    /// Sets a new password after a reset.
    ///
    /// Not repeated where it may have happened. IQM asks for 8 characters with an upper-case and
    /// a lower-case letter and a special one, but its own samples break that: the password is not
    /// checked here.
    ///
    /// Source: IQM's *Reset Password* page.
    ///
    /// `reset_hash` is sent where it is given: one of IQM's specifications requires it, the other one
    /// and the page of prose do without.
    ///
    /// # Errors
    ///
    /// [`Error::ResetRefused`] if there is no valid reset for the address: ask for a new mail.
    /// [`Error::InvalidResetHash`] if no link has this hash.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, hash: iqm_auth::SecretString) -> Result<(), iqm_auth::Error> {
    /// if client.validate_password_reset(&hash).await?.is_valid {
    ///     client.set_password("user1@iqm.com", &"New-Pass-1!".into(), Some(&hash)).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn set_password(
        &self,
        email: &str,
        new_password: &SecretString,
        reset_hash: Option<&SecretString>,
    ) -> Result<(), Error> {
        let reset_hash = reset_hash.map(trimmed);
        let body = wire::SetPassword {
            email,
            password: new_password,
            invite_hash: reset_hash.as_ref().map(wire::Secret),
        };
        let request = Request::post(SET_PASSWORD, "api/v3/ua/user/update-password").json(&body);
        let response = self.send(request).await?;
        wire::data::<Option<IgnoredAny>>(&response, |refusal| match refusal.status() {
            200..=299 | 403 => Error::ResetRefused {
                reason: refusal
                    .invalid_reason()
                    .unwrap_or_else(|| refusal.message()),
                http_status: Some(refusal.status()),
            },
            422 if reset_hash.is_some() => refusal.invalid_reset_hash(),
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
    /// [`Error::InvalidOldPassword`] if the old password is wrong. [`Error::TokenRejected`] if the
    /// token has ended.
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
        wire::data::<Option<IgnoredAny>>(&response, |refusal| {
            if refusal.says("old password") {
                refusal.error(|message, http_status| Error::InvalidOldPassword {
                    message,
                    http_status,
                })
            } else {
                wire::by_status(refusal)
            }
        })?;
        Ok(())
    }
}

//! Log-ins with a browser: the address to send a person to, and the code that comes back.

use auth_core::{Error as CoreError, ErrorKind, Operation, Request, operation};
use secrecy::{ExposeSecret, SecretString};

use super::{Client, TOKEN_ENDPOINT, credentials_refused};
use crate::types::trimmed;
use crate::{AuthorizationRequest, Error, Token, wire};

const AUTHORIZATION_CODE: Operation = operation!("iqm.authorization_code");

impl Client {
    /// Where to send a person who is to log in with a browser, with a `state` of 128 random bits.
    /// Sends nothing.
    ///
    /// Keep the [`state`](AuthorizationRequest::state) with the person's own session. IQM redirects the
    /// person to `redirect_uri` with `code` and `state`. Check the latter, and give the code to
    /// [`Client::exchange_code`].
    ///
    /// Source: IQM's own connector, which asks for the scope `write`; RFC 6749 §4.1.1.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](ErrorKind::Unavailable) if the system gives no random numbers.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), iqm_auth::Error> {
    /// use iqm_auth::Client;
    ///
    /// let client = Client::builder("client id", "client secret").build()?;
    /// let request = client.authorization_request("https://app.example.com/back")?;
    /// assert!(request.url().starts_with("https://app.iqm.com/oauth/authorize?client_id="));
    /// # Ok(()) }
    /// ```
    pub fn authorization_request(&self, redirect_uri: &str) -> Result<AuthorizationRequest, Error> {
        let mut random = [0; 16];
        getrandom::getrandom(&mut random).map_err(|error| {
            let message = "the system gives no random numbers";
            CoreError::new(ErrorKind::Unavailable, message).with_source(error.to_string())
        })?;
        let state = SecretString::from(format!("{:032x}", u128::from_ne_bytes(random)));
        let mut url = self.0.web_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/oauth/authorize"));
        url.query_pairs_mut()
            .append_pair("client_id", &self.0.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", "write")
            .append_pair("state", state.expose_secret());
        Ok(AuthorizationRequest {
            url: url.into(),
            state,
        })
    }

    /// Exchanges an authorization code for a token, which names no
    /// [account](Token::with_account).
    ///
    /// `redirect_uri` must be the one of the authorization request. `scope` is sent where it is given;
    /// no document requires it. The token has the workspace id that IQM names, if it names one.
    ///
    /// Not repeated where it may have happened: a code can be used once.
    ///
    /// Source: IQM's OAuth page; RFC 6749 §4.1.3.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCredentials`] if the code (or the client id and secret) is refused: begin
    /// the log-in again.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: iqm_auth::Client, code: iqm_auth::SecretString) -> Result<(), iqm_auth::Error> {
    /// // `code` is a parameter of the redirect to this address.
    /// let token = client.exchange_code(&code, "https://app.example.com/back", None).await?;
    /// let session = client.session(token.with_account("user1@iqm.com")).build()?;
    /// # Ok(()) }
    /// ```
    pub async fn exchange_code(
        &self,
        code: &SecretString,
        redirect_uri: &str,
        scope: Option<&str>,
    ) -> Result<Token, Error> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("redirect_uri", redirect_uri),
            ("client_id", &self.0.client_id),
        ];
        fields.extend(scope.map(|scope| ("scope", scope)));
        let code = trimmed(code);
        let secrets = [("code", &code), ("client_secret", &self.0.client_secret)];
        let request = Request::post(AUTHORIZATION_CODE, TOKEN_ENDPOINT).form(&fields, &secrets);
        let response = self.send(self.basic(request)).await?;
        wire::token(&response, |token| token, credentials_refused)
    }
}

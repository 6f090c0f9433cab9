//! One method for each of EQ Works' calls.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AuthHeaders, Error as CoreError, Http, Idempotency, Operation, Request, Response, StoreKey,
    operation,
};
use secrecy::{ExposeSecret, SecretString};

use crate::magic_link::{PasscodeMail, Url};
use crate::token::Revocation;
use crate::types::{PRODUCT, account};
use crate::wire::{self, ON, OTP, USER};
use crate::{
    ClientBuilder, Confirmation, Error, ErrorKind, Login, PendingLogin, Product, Renewer, Session,
    SessionBuilder, Stage, Token,
};

const REQUEST_PASSCODE: Operation = operation!("eqworks.request_passcode");
const VERIFY: Operation = operation!("eqworks.verify");
const CONFIRM: Operation = operation!("eqworks.confirm");
const REFRESH: Operation = operation!("eqworks.refresh");

/// The switch that ends all older tokens of the user.
const RESET_UUID: (&str, &str) = ("reset_uuid", ON);

/// EQ Works, called on one stage for one product. A cheap clone.
///
/// Its methods need no particular runtime, and none at all.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) http: Http,
    pub(crate) stage: Stage,
    pub(crate) product: Product,
    pub(crate) product_header: bool,
}

impl Client {
    /// A builder for one product of one stage. The product is sent with every call: without it
    /// the vendor takes `atom`.
    pub fn builder(stage: Stage, product: impl Into<Product>) -> ClientBuilder {
        ClientBuilder::new(stage, product.into())
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What this client's tokens are good for.
    pub fn product(&self) -> &Product {
        &self.0.product
    }

    pub(crate) fn sends_product(&self) -> bool {
        self.0.product_header && self.0.product != Product::LOCUS
    }

    /// Whether a response to a request with a session's headers says that the token was refused, to
    /// be reported by [`Session::invalidate`](auth_core::Session::invalidate).
    ///
    /// The auth service refuses a token with 403 and a text. The data services do it with 401; their
    /// 403 is about what the user may do, unless it is the gateway's in front of them.
    ///
    /// Source: observed.
    pub fn refuses_token(&self, url: &Url, status: u16, body: &[u8]) -> bool {
        let is_auth_service = url.origin() == self.0.http.base().as_url().origin();
        wire::refuses_token(status, body, is_auth_service)
    }

    /// A session that starts from `login`: a [`Token`], or what a store holds.
    ///
    /// Nothing is sent before the session is used. A session refuses a token of another product
    /// with [`Error::OtherProduct`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(kept: eqworks_auth::SecretString) -> Result<(), eqworks_auth::Error> {
    /// use eqworks_auth::{Client, Login, Product, Stage, Token};
    ///
    /// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
    /// let token = Token::from_jwt(kept)?; // or from a log-in
    /// let session = client.session(Login::token(token)).build()?;
    /// let headers = session.headers().await?; // later calls refresh where necessary
    /// # Ok(()) }
    /// ```
    pub fn session(&self, login: impl Into<Login>) -> SessionBuilder {
        let login = login.into();
        let builder = Session::builder(Renewer::new(self.clone())).http(&self.0.http);
        let builder = match &login.account {
            Some(account) => builder.key(self.store_key(account)),
            None => builder,
        };
        match login.token {
            Some(token) => builder.token(token),
            None => builder.needs_store(),
        }
    }

    /// The key under which a store keeps the token of `user`. Stage and product are part of it.
    pub fn store_key(&self, user: impl AsRef<str>) -> StoreKey {
        let scope = format!("{}/{}", self.0.stage, self.0.product);
        StoreKey::new("eqworks", account(user.as_ref()), scope, self.0.http.base())
    }

    /// Has EQ Works send `user` an e-mail with a passcode and a magic link.
    ///
    /// The passcode lives 5 to 10 minutes; a second e-mail may hold the same one. Not repeated
    /// where it may have happened: the user would get a second e-mail.
    ///
    /// Source: EQ Works, "EQ API", *Step 1: Login*.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`], [`Error::ProductDenied`], [`Error::AccessEnded`].
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the e-mail may have been sent: let the
    /// user look, and continue with [`Client::pending_login`].
    /// [`InvalidConfig`](ErrorKind::InvalidConfig) if `user` is empty.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(pasted: eqworks_auth::SecretString) -> Result<(), eqworks_auth::Error> {
    /// use eqworks_auth::{Client, Product, Stage};
    ///
    /// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
    /// let pending = client.request_passcode("sue@acme.test").await?;
    /// let token = pending.complete(&pasted).await?; // the passcode, or the magic link
    /// # Ok(()) }
    /// ```
    pub async fn request_passcode(&self, user: &str) -> Result<PendingLogin, Error> {
        self.request_passcode_with(user, &PasscodeMail::new()).await
    }

    /// As [`Client::request_passcode`], with choices, such as where the link leads.
    ///
    /// # Errors
    ///
    /// As [`Client::request_passcode`]; [`InvalidConfig`](ErrorKind::InvalidConfig) also if the
    /// redirect is neither https nor http to a loopback host. Nothing was sent then.
    pub async fn request_passcode_with(
        &self,
        user: &str,
        mail: &PasscodeMail,
    ) -> Result<PendingLogin, Error> {
        let user = known(user)?;
        let options = mail.query()?;
        let options: Vec<_> = options.iter().map(|(name, it)| (*name, &**it)).collect();
        let request = self
            .call(REQUEST_PASSCODE, "login")
            .query(&[(USER, &user)])
            .query(&options)
            .idempotency(Idempotency::No);
        let sent_to = wire::passcode_sent(&self.send(request).await?)?;
        Ok(self.pending_login(sent_to.as_deref().unwrap_or(&user)))
    }

    /// A log-in for which a passcode was requested before, by another process, for example. Sends
    /// nothing.
    pub fn pending_login(&self, user: impl AsRef<str>) -> PendingLogin {
        PendingLogin::new(self.clone(), user.as_ref())
    }

    /// Exchanges a passcode for a [`Token`]. [`PendingLogin::complete`] takes whatever a person
    /// pasted.
    ///
    /// The passcode is sent as it was typed, without blanks and punctuation around it. The vendor's
    /// own are six hexadecimal characters, in capital or small letters. A wrong passcode does not
    /// spend the right one. Not repeated where it may have happened: a passcode works once.
    ///
    /// Source: EQ Works, "EQ API", *Step 2: Verification*, which calls the passcode in the query
    /// a JWT; the link that it describes holds `otp`.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPasscode`] if it cannot be one (nothing was sent), [`Error::WrongPasscode`] and
    /// [`Error::PasscodeRefused`]: ask the user again. [`Error::PasscodeSpent`]: request another.
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if it may have been spent: request another.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(passcode: eqworks_auth::SecretString) -> Result<(), eqworks_auth::Error> {
    /// use eqworks_auth::{Client, Product, Stage};
    ///
    /// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
    /// let token = client.verify("sue@acme.test", &passcode).await?;
    /// # Ok(()) }
    /// ```
    pub async fn verify(&self, user: &str, passcode: &SecretString) -> Result<Token, Error> {
        self.exchange(user, passcode, &[]).await
    }

    /// As [`Client::verify`]. In addition, all older tokens of the user end, on every device. For some
    /// accounts nothing is revoked (see [`Revocation::Nothing`]), which only a refresh can tell.
    ///
    /// # Errors
    ///
    /// As [`Client::verify`].
    pub async fn verify_and_revoke_older(
        &self,
        user: &str,
        passcode: &SecretString,
    ) -> Result<Token, Error> {
        self.exchange(user, passcode, &[RESET_UUID]).await
    }

    async fn exchange(
        &self,
        user: &str,
        passcode: &SecretString,
        options: &[(&str, &str)],
    ) -> Result<Token, Error> {
        let user = known(user)?;
        let passcode = wire::passcode(passcode.expose_secret()).ok_or_else(|| {
            let reason = "not 4 to 32 letters and digits".to_owned();
            Error::NotAPasscode { reason }
        })?;
        let request = self
            .call(VERIFY, "verify")
            .query(&[(USER, &user)])
            .secret_query(OTP, &passcode)
            .query(options)
            .idempotency(Idempotency::No);
        let response = self.send(request).await?;
        wire::verified(&response, &user, &self.0.product)
    }

    /// Asks the vendor whether a token is good: signature, product, user, access, and that it was
    /// not revoked.
    ///
    /// Source: EQ Works, "EQ API", *Step 3: Validate JWT*.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`] if the token has expired or was revoked (report it by
    /// [`Session::invalidate`](auth_core::Session::invalidate)), [`Error::OtherProduct`],
    /// [`Error::UnknownUser`], [`Error::AccessEnded`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: eqworks_auth::Client, session: eqworks_auth::Session)
    /// # -> Result<(), eqworks_auth::Error> {
    /// let confirmed = client.confirm(&session.auth_headers().await?).await?;
    /// println!("{} may do {:?}", confirmed.user, confirmed.access);
    /// # Ok(()) }
    /// ```
    pub async fn confirm(&self, headers: &AuthHeaders) -> Result<Confirmation, Error> {
        self.ask(headers, &[]).await
    }

    /// As [`Client::confirm`], but weaker: the vendor checks the signature only, and does not look
    /// the user up. **A token that was revoked passes.**
    ///
    /// Source: EQ Works, "EQ API", *Step 3: Validate JWT*.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRejected`], [`Error::OtherProduct`].
    pub async fn confirm_light(&self, headers: &AuthHeaders) -> Result<Confirmation, Error> {
        self.ask(headers, &[("light", ON)]).await
    }

    async fn ask(
        &self,
        headers: &AuthHeaders,
        options: &[(&str, &str)],
    ) -> Result<Confirmation, Error> {
        let request = self
            .call(CONFIRM, "confirm")
            .query(options)
            .auth_headers(headers);
        wire::confirmed(&self.send(request).await?)
    }

    /// Exchanges a valid token for one that lives another 90 days. The old one stays valid until
    /// its own end.
    ///
    /// A token that has ended is not sent: the vendor refuses it. A refresh whose response was lost
    /// is sent once more, which does no harm: at most there is one more valid token that is not
    /// in use. Two refreshes in one second may give the same token.
    ///
    /// Source: EQ Works, "EQ API", *Step 4: JWT Expiry Reset*.
    ///
    /// # Errors
    ///
    /// [`Error::LoginRequired`] if the token has ended, [`Error::AccessEnded`] if the access ended
    /// with it. [`Error::TokenRejected`] if it was revoked: log in again. [`Error::UnknownUser`],
    /// [`Error::OtherProduct`].
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: eqworks_auth::Client, token: eqworks_auth::Token)
    /// # -> Result<(), eqworks_auth::Error> {
    /// let token = client.refresh(&token).await?; // a session does this by itself
    /// # Ok(()) }
    /// ```
    pub async fn refresh(&self, token: &Token) -> Result<Token, Error> {
        let response = self.ask_for_the_next(token, &[]).await?;
        wire::refreshed(&response, token, &self.0.product)
    }

    /// As [`Client::refresh`]. In addition, all older tokens of the user end, on every device,
    /// `token` among them: after a leak, for example. The second value says whether they did.
    ///
    /// It is sent once more, too, where the response was lost. If the first attempt had its effect,
    /// the second is refused.
    ///
    /// # Errors
    ///
    /// As [`Client::refresh`]; [`Error::RefreshLost`] if it was refused after a response was lost:
    /// log in again.
    pub async fn refresh_and_revoke_older(
        &self,
        token: &Token,
    ) -> Result<(Token, Revocation), Error> {
        let response = self.ask_for_the_next(token, &[RESET_UUID]).await?;
        let next = wire::refreshed(&response, token, &self.0.product).map_err(|error| {
            let is_refusal = match &error {
                Error::TokenRejected { .. } => true,
                // The same refusal, whose text was lost as well.
                Error::Core(error) => error.kind() == ErrorKind::Denied,
                _ => false,
            };
            if is_refusal && response.follows_a_lost_attempt() {
                let http_status = error.http_status();
                return Error::RefreshLost {
                    retry_after: None,
                    http_status,
                };
            }
            error
        })?;
        let revocation = next.revokes(token);
        Ok((next, revocation))
    }

    async fn ask_for_the_next(
        &self,
        token: &Token,
        options: &[(&str, &str)],
    ) -> Result<Response, Error> {
        if token.expiry().has_passed(self.0.http.clock().now().wall()) {
            if token.ends_with_access() {
                let message = "the token ended with the user's access".to_owned();
                let http_status = None;
                return Err(Error::AccessEnded {
                    message,
                    http_status,
                });
            }
            let reason = "the token has expired".to_owned();
            return Err(Error::LoginRequired { reason });
        }
        let request = self
            .call(REFRESH, "refresh")
            .query(options)
            .auth_headers(&token.auth_headers()?)
            .idempotency(Idempotency::OnceMore);
        Ok(self.send(request).await?)
    }

    /// A `GET` with the product, as every call of this vendor is.
    fn call(&self, operation: Operation, path: &str) -> Request {
        Request::get(operation, self.0.stage.as_str())
            .segment(path)
            .query(&[(PRODUCT, self.0.product.as_str())])
    }

    async fn send(&self, request: Request) -> Result<Response, CoreError> {
        self.0.http.send(request).await
    }
}

/// The user's address, if it is one at all.
fn known(user: &str) -> Result<String, Error> {
    let user = account(user);
    if user.is_empty() {
        let message = "the user's address must not be empty";
        return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
    }
    Ok(user)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", self.0.http.base())
            .field("stage", &self.0.stage)
            .field("product", &self.0.product)
            .finish_non_exhaustive()
    }
}

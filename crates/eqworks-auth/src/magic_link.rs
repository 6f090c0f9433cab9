//! The log-in by e-mail: what the mail is asked for with, and what a person pastes from it.

use std::fmt;

use auth_core::{BaseUrl, Error as CoreError};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use crate::wire::{self, ON, OTP, PRODUCT, USER};
use crate::{Client, Error, ErrorKind, Product, Token};

/// What the mail with the passcode looks like. Everything is optional.
#[derive(Clone, Default)]
pub struct PasscodeMail {
    redirect: Option<Url>,
    zone: Option<String>,
    without_link: bool,
}

impl PasscodeMail {
    /// The vendor's own mail: a passcode, and a link to the vendor's address.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the magic link lead to `url` (https, or http to a loopback host): its query is kept,
    /// `user`, `otp` and `product` are set, and its fragment stays.
    ///
    /// The vendor's default link spends the passcode when it is opened, by a mail scanner, say;
    /// one that leads to your program does not.
    pub fn redirect(mut self, url: Url) -> Self {
        self.redirect = Some(url);
        self
    }

    /// The time zone of the times in the mail, such as `America/Toronto`; UTC by default.
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// A passcode alone, without a link.
    pub fn without_link(mut self) -> Self {
        self.without_link = true;
        self
    }

    pub(crate) fn query(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let mut query = Vec::new();
        if let Some(url) = &self.redirect {
            check_redirect(url)?;
            // The vendor decodes the value once more than others do: encoded only by the request,
            // `?a=1&b=2` would be torn apart at its `&`. A URL holds no blank, so that this
            // encoding has no `+` for one.
            let encoded = form_urlencoded::byte_serialize(url.as_str().as_bytes()).collect();
            query.push(("redirect", encoded));
        }
        if let Some(zone) = &self.zone {
            query.push(("zone", zone.clone()));
        }
        if self.without_link {
            query.push(("nolink", ON.to_owned()));
        }
        Ok(query)
    }
}

impl fmt::Debug for PasscodeMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of the address may hold a program's own secrets.
        let redirect = self
            .redirect
            .as_ref()
            .map(|url| url.origin().ascii_serialization());
        f.debug_struct("PasscodeMail")
            .field("redirect", &redirect)
            .field("zone", &self.zone)
            .field("without_link", &self.without_link)
            .finish()
    }
}

/// The passcode will travel there. The vendor would take any scheme, `javascript:` as well.
fn check_redirect(url: &Url) -> Result<(), Error> {
    let mut address = url.clone();
    address.set_query(None);
    address.set_fragment(None);
    BaseUrl::parse(address.as_str()).map(drop).map_err(|_| {
        let message = "the redirect must be https, or http to a loopback host, \
                       and without a user name or a password";
        CoreError::new(ErrorKind::InvalidConfig, message).into()
    })
}

/// A log-in that waits for the passcode or the magic link from the user's mailbox. Made by
/// [`Client::request_passcode`], or by [`Client::pending_login`] in another process.
#[derive(Clone)]
pub struct PendingLogin {
    client: Client,
    user: String,
}

impl PendingLogin {
    pub(crate) fn new(client: Client, user: String) -> Self {
        Self { client, user }
    }

    /// Who logs in, as the vendor writes it: in lower case.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What the token will be good for.
    pub fn product(&self) -> &Product {
        self.client.product()
    }

    /// Trades what a person pasted for a token: the passcode, or the magic link in any form
    /// that [`MagicLink::parse`] reads.
    ///
    /// A link is read and never followed. Not repeated where it may have happened: a passcode
    /// works once.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPasscode`] or [`Error::OtherLogin`] if it cannot belong to this log-in:
    /// nothing was sent, ask the person again. Otherwise as [`Client::verify`].
    pub async fn complete(&self, pasted: &SecretString) -> Result<Token, Error> {
        let passcode = self.passcode(pasted)?;
        self.client.verify(&self.user, &passcode).await
    }

    /// As [`PendingLogin::complete`]; all older tokens of the user end by that, on every device.
    ///
    /// # Errors
    ///
    /// As [`PendingLogin::complete`].
    pub async fn complete_and_revoke_older(&self, pasted: &SecretString) -> Result<Token, Error> {
        let passcode = self.passcode(pasted)?;
        let client = &self.client;
        client.verify_and_revoke_older(&self.user, &passcode).await
    }

    fn passcode(&self, pasted: &SecretString) -> Result<SecretString, Error> {
        let link = MagicLink::parse(pasted)?;
        let refused = |reason: String| Err(Error::OtherLogin { reason });
        // Whoever gets a person to paste a stranger's link logs that person in as the stranger.
        if link.user().is_some_and(|user| user != self.user) {
            return refused(format!("it is not for {}", self.user));
        }
        let product = self.product();
        if link.product().is_some_and(|other| other != product) {
            return refused(format!("it is not for {product}"));
        }
        Ok(link.passcode)
    }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin")
            .field("user", &self.user)
            .field("client", &self.client)
            .finish()
    }
}

/// A magic link, taken apart: a passcode, and whose it is where the link says so.
///
/// For programs that are the link's redirect and have to find the log-in that it belongs to. It
/// tells what the link *says*: compare [`MagicLink::user`] with who asked for the mail before
/// anybody is logged in, as [`PendingLogin::complete`] does.
pub struct MagicLink {
    user: Option<String>,
    passcode: SecretString,
    product: Option<Product>,
}

impl MagicLink {
    /// Takes apart what a person pasted: the vendor's own link, a redirect's (whatever its host,
    /// path, other parameters and fragment), or a passcode alone. Nothing is sent.
    ///
    /// ```
    /// use eqworks_auth::MagicLink;
    ///
    /// let pasted = "https://app.example.test/login?a=1&user=sue%40acme.test&otp=fdea9f#/frag";
    /// let link = MagicLink::parse(&pasted.into())?;
    /// assert_eq!(link.user(), Some("sue@acme.test"));
    /// # Ok::<(), eqworks_auth::Error>(())
    /// ```
    ///
    /// Source: EQ Works, "EQ API", *Step 1: Login*, of the two forms of link.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPasscode`] if it is none of these; it is not repeated in the message.
    pub fn parse(pasted: &SecretString) -> Result<Self, Error> {
        let refused = |reason: &str| {
            let reason = reason.to_owned();
            Error::NotAPasscode { reason }
        };
        let text = pasted.expose_secret().trim();
        if let Some(passcode) = wire::passcode(text) {
            return Ok(Self {
                user: None,
                passcode,
                product: None,
            });
        }
        let url = Url::parse(text)
            .map_err(|_| refused("neither six hexadecimal characters nor a link"))?;
        let one = |name: &str| {
            let mut values = url.query_pairs().filter(|(key, _)| key == name);
            match (values.next(), values.next()) {
                (_, Some(_)) => Err(refused("the link says a thing twice")),
                (value, None) => Ok(value.map(|(_, value)| value)),
            }
        };
        let otp = one(OTP)?.ok_or_else(|| refused("the link holds no passcode"))?;
        let passcode = wire::passcode(&otp)
            .ok_or_else(|| refused("the link's passcode is not six hexadecimal characters"))?;
        // No address holds a blank: this one is a `+` that nobody encoded.
        let user = one(USER)?.map(|user| wire::user(&user).replace(' ', "+"));
        Ok(Self {
            user,
            passcode,
            product: one(PRODUCT)?.map(|product| Product::from(&*product)),
        })
    }

    /// Whose passcode it is, in lower case, where the link says so.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The passcode, in upper case.
    pub fn passcode(&self) -> &SecretString {
        &self.passcode
    }

    /// What the token is to be good for, where the link says so.
    pub fn product(&self) -> Option<&Product> {
        self.product.as_ref()
    }
}

impl fmt::Debug for MagicLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MagicLink")
            .field("user", &self.user)
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}

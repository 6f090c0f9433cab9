//! What the e-mail with the passcode looks like, and what its link says.
//!
//! [`PasscodeMail`] asks for another e-mail than the vendor's own, and goes to
//! [`Client::request_passcode_with`](crate::Client::request_passcode_with). [`MagicLink`] is for a
//! program that is the redirect of the link, and has to find the [`PendingLogin`] that the link
//! belongs to. A program in which the user pastes passcode or link needs neither of them:
//! [`PendingLogin::complete`] reads both.
//!
//! [`PendingLogin`]: crate::PendingLogin
//! [`PendingLogin::complete`]: crate::PendingLogin::complete

use std::fmt;

use auth_core::{BaseUrl, Error as CoreError, PastedText};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

pub use url::Url;

use crate::types::{PRODUCT, account};
use crate::wire::{self, ON, OTP, USER};
use crate::{Error, ErrorKind, Product};

/// What the e-mail with the passcode looks like. Everything is optional.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use eqworks_auth::magic_link::PasscodeMail;
/// use eqworks_auth::{Client, Product, Stage};
///
/// let client = Client::builder(Stage::Prod, Product::ATOM).build()?;
/// let mail = PasscodeMail::new()
///     .redirect("https://app.acme.test/logged-in?next=%2Freports".parse()?)
///     .zone("America/Toronto");
/// let pending = client.request_passcode_with("sue@acme.test", &mail).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct PasscodeMail {
    redirect: Option<Url>,
    zone: Option<String>,
    without_link: bool,
}

impl PasscodeMail {
    /// The vendor's own e-mail: a passcode, and a link to the vendor's address.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the magic link lead to `url` (https, or http to a loopback host): its query is kept,
    /// `user`, `otp` and `product` are set, and its fragment stays.
    ///
    /// The vendor's default link spends the passcode when it is opened, by a mail scanner, for
    /// example. One that leads to your program does not.
    pub fn redirect(mut self, url: Url) -> Self {
        self.redirect = Some(url);
        self
    }

    /// The time zone of the times in the e-mail, such as `America/Toronto`; UTC by default.
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
            query.push(("redirect", encoded(url.as_str())));
        }
        if let Some(zone) = &self.zone {
            query.push(("zone", encoded(zone)));
        }
        if self.without_link {
            query.push(("nolink", ON.to_owned()));
        }
        Ok(query)
    }
}

/// The vendor decodes these values once more than others do: encoded only by the request,
/// `?a=1&b=2` would be split at its `&`, and `GMT+5` would lose its `+`.
fn encoded(value: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    encoded.replace('+', "%20")
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

/// A magic link, taken apart: a passcode, and whose it is where the link says so.
///
/// It tells what the link *says*: compare [`MagicLink::user`] with who asked for the e-mail before
/// you log the user in, as [`PendingLogin::complete`](crate::PendingLogin::complete) does.
pub struct MagicLink {
    user: Option<String>,
    passcode: SecretString,
    product: Option<Product>,
}

impl MagicLink {
    /// Takes apart what a person pasted: the vendor's own link, a redirect's (whatever its host,
    /// path, other parameters and fragment), or a passcode alone. Nothing is sent.
    ///
    /// A link is also read in a sentence, in quotes or brackets, out of HTML or quoted-printable,
    /// broken over lines, and as mail scanners wrap it.
    ///
    /// Source: EQ Works, "EQ API", *Step 1: Login*, for the two forms of link.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPasscode`] if it is none of these; the message does not repeat it.
    ///
    /// # Example
    ///
    /// ```
    /// use eqworks_auth::magic_link::MagicLink;
    ///
    /// let pasted = "https://app.example.test/login?a=1&user=sue%40acme.test&otp=fdea9f#/frag";
    /// let link = MagicLink::parse(&pasted.into())?;
    /// assert_eq!(link.user(), Some("sue@acme.test"));
    /// # Ok::<(), eqworks_auth::Error>(())
    /// ```
    pub fn parse(pasted: &SecretString) -> Result<Self, Error> {
        Self::read(pasted, None)
    }

    /// As [`MagicLink::parse`]. Where a line break may be the end of the link or in the middle of
    /// it, the link is taken to be one of this user and product.
    pub(crate) fn read(
        pasted: &SecretString,
        wanted: Option<(&str, &Product)>,
    ) -> Result<Self, Error> {
        let refused = |reason: &str| {
            let reason = reason.to_owned();
            Error::NotAPasscode { reason }
        };
        if let Some(passcode) = wire::passcode(pasted.expose_secret()) {
            return Ok(Self {
                user: None,
                passcode,
                product: None,
            });
        }
        let text = PastedText::new(pasted);
        let mut links = text.links();
        let link = links
            .find(|link| !link.parameter(OTP).is_empty())
            .ok_or_else(|| {
                let has_link = pasted.expose_secret().contains("://");
                let reason = [
                    "neither a passcode nor a link",
                    "the link holds no passcode",
                ];
                refused(reason[usize::from(has_link)])
            })?;
        // All that one parameter may say.
        let readings = |name: &str| {
            let mut values = link.parameter(name).into_iter();
            let first = values.next().unwrap_or_default();
            if values.any(|other| other.last() != first.last()) {
                return Err(refused("the link has a parameter twice"));
            }
            Ok(first)
        };
        let passcodes = readings(OTP)?;
        let passcodes = passcodes.iter().filter_map(|it| wire::passcode(it));
        let passcode = likeliest(passcodes, wire::is_vendors_own)
            .ok_or_else(|| refused("the link's passcode is not 4 to 32 letters and digits"))?;
        let users = readings(USER)?;
        // No address holds a blank: this one is a `+` that was not encoded.
        let users = users.iter().map(|user| account(user).replace(' ', "+"));
        let products = readings(PRODUCT)?;
        let products = products
            .iter()
            .map(|product| Product::from(product.as_str()));
        Ok(Self {
            user: likeliest(users, |it| wanted.is_some_and(|(user, _)| it == user)),
            passcode,
            product: likeliest(products, |it| match wanted {
                Some((_, product)) => it == product,
                None => it.has_a_name(),
            }),
        })
    }

    /// Whose passcode it is, in lower case, where the link says so.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The passcode, as it stands there.
    pub fn passcode(&self) -> &SecretString {
        &self.passcode
    }

    /// What the token is to be good for, where the link says so.
    pub fn product(&self) -> Option<&Product> {
        self.product.as_ref()
    }
}

/// The first of which this is true, or the first.
fn likeliest<T>(readings: impl Iterator<Item = T>, fits: impl Fn(&T) -> bool) -> Option<T> {
    let mut first = None;
    for reading in readings {
        if fits(&reading) {
            return Some(reading);
        }
        first = first.or(Some(reading));
    }
    first
}

impl fmt::Debug for MagicLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MagicLink")
            .field("user", &self.user)
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}

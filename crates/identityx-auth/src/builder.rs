//! What a client is made of.

use std::fmt;

use auth_core::HttpBuilder;

use crate::client::Parts;
use crate::identity::HeaderStyle;
use crate::{Client, Error};

const USER_AGENT: &str = concat!("identityx-auth/", env!("CARGO_PKG_VERSION"));

/// Builds a [`Client`].
pub struct ClientBuilder {
    style: HeaderStyle,
    http: HttpBuilder,
}

impl ClientBuilder {
    /// IdentityX's own address; `graphql` follows it.
    pub const DEFAULT_BASE_URL: &str = "https://identity-x.parameter1.com";

    pub(crate) fn new() -> Self {
        Self {
            style: HeaderStyle::default(),
            http: HttpBuilder::new(Self::DEFAULT_BASE_URL, USER_AGENT),
        }
    }

    auth_core::client_builder_methods!();

    /// Another form of the `Authorization` header than [`HeaderStyle::Short`].
    ///
    /// Source: IdentityX, "Authentication", whose text and samples show the two forms.
    pub fn header_style(mut self, style: HeaderStyle) -> Self {
        self.style = style;
        self
    }

    /// Builds the client. Needs no runtime and sends nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if the base URL or an allowed
    /// host cannot be used, or the HTTP library refuses its settings.
    pub fn build(self) -> Result<Client, Error> {
        Ok(Client::from_parts(Parts {
            http: self.http.build()?,
            style: self.style,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

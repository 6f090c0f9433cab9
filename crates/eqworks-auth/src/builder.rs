//! What a client is made of.

use std::fmt;

use auth_core::{Error as CoreError, HttpBuilder};

use crate::client::Parts;
use crate::{Client, Error, ErrorKind, Product, Stage};

const USER_AGENT: &str = concat!("eqworks-auth/", env!("CARGO_PKG_VERSION"));

/// Builds a [`Client`].
pub struct ClientBuilder {
    stage: Stage,
    product: Product,
    http: HttpBuilder,
}

impl ClientBuilder {
    /// EQ Works' own address for log-ins. The stage follows it in the path of each call.
    pub const DEFAULT_BASE_URL: &str = "https://auth.eqworks.io";

    /// Where the data are: sessions may put their headers on requests to this host, too.
    pub const DATA_HOST: &str = "api.eqworks.io";

    pub(crate) fn new(stage: Stage, product: Product) -> Self {
        let http = HttpBuilder::new(Self::DEFAULT_BASE_URL, USER_AGENT);
        Self {
            stage,
            product,
            http: http.allow_host(Self::DATA_HOST),
        }
    }

    auth_core::client_builder_methods!();

    /// Builds the client. Needs no runtime and sends nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] if the base URL or an allowed host cannot be used, if the
    /// product is empty, or the HTTP library refuses its settings.
    pub fn build(self) -> Result<Client, Error> {
        if self.product.as_str().is_empty() {
            let message = "the product must not be empty";
            return Err(CoreError::new(ErrorKind::InvalidConfig, message).into());
        }
        Ok(Client::from_parts(Parts {
            http: self.http.build()?,
            stage: self.stage,
            product: self.product,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("stage", &self.stage)
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}

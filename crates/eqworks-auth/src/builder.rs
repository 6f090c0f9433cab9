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
    product_header: bool,
}

impl ClientBuilder {
    /// EQ Works' own address for log-ins. The stage follows it in the path of each call.
    pub const DEFAULT_BASE_URL: &str = "https://auth.eqworks.io";

    /// Where the data are: sessions may put their headers on requests to this host, too.
    pub const DATA_HOST: &str = "api.eqworks.io";

    /// Where more data are, likewise. No document names it; the vendor's own web pages call it.
    pub const LOCUS_DATA_HOST: &str = "api.locus.place";

    pub(crate) fn new(stage: Stage, product: Product) -> Self {
        let http = HttpBuilder::new(Self::DEFAULT_BASE_URL, USER_AGENT);
        Self {
            stage,
            product,
            http: http
                .allow_host(Self::DATA_HOST)
                .allow_host(Self::LOCUS_DATA_HOST),
            product_header: true,
        }
    }

    auth_core::client_builder_methods!();

    /// Whether sessions send the header `X-EQ-Product` for a product other than `locus`; on by
    /// default.
    ///
    /// No document names it: the vendor's data services take `locus` without it, and refuse the token
    /// of another product. The auth service ignores it.
    pub fn product_header(mut self, send: bool) -> Self {
        self.product_header = send;
        self
    }

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
            product_header: self.product_header,
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

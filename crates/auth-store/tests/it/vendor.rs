//! A vendor that counts the renewals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use auth_core::{Error, Expiry, Header, Reason, Renew, Token};

/// Each renewal returns the next token: `access-1`, and so on.
#[derive(Clone, Default)]
pub(crate) struct Vendor(pub(crate) Arc<AtomicU64>);

impl Renew for Vendor {
    type Error = Error;

    async fn renew(&self, _current: Option<&Token>, _reason: Reason) -> Result<Token, Error> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let access = format!("access-{number}").into();
        Ok(Token::new(access, Expiry::Never, SystemTime::now()))
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let name = http::header::AUTHORIZATION;
        Ok(vec![Header::with_scheme(name, "Bearer ", token.access())?])
    }
}

//! Sessions in a process to which the system gives no thread.

use std::time::UNIX_EPOCH;

use futures_util::FutureExt as _;

use crate::renew::{Reason, Renew};
use crate::session::Session;
use crate::simulation::NoThreads;
use crate::state::State;
use crate::{Error, ErrorKind, Expiry, Header, Token};

struct Vendor;

impl Renew for Vendor {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        unreachable!("there is no thread for it")
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let header = Header::new(http::header::AUTHORIZATION, token.access())?;
        Ok(vec![header])
    }
}

#[tokio::test]
async fn without_a_thread_nothing_panics_and_a_log_out_forgets_the_token_all_the_same() {
    let token = Token::new("access".into(), Expiry::Never, UNIX_EPOCH);
    let session = Session::builder(Vendor).token(token).build().unwrap();
    let _none = NoThreads::begin();
    assert!(session.try_headers().is_some());
    let assert_unavailable = |error: Option<Error>| {
        assert_eq!(error.unwrap().kind(), ErrorKind::Unavailable);
    };
    assert_unavailable(session.refresh_in_background().err());
    assert_unavailable(session.renew().now_or_never().unwrap().err());
    assert_unavailable(session.log_out().now_or_never().unwrap().err());
    assert_eq!(session.try_headers(), None);
    assert!(matches!(session.state(), State::LoginRequired { .. }));
    let fresh = Session::builder(Vendor).build().unwrap();
    assert_eq!(fresh.try_headers(), None);
    assert_unavailable(fresh.headers().now_or_never().unwrap().err());
}

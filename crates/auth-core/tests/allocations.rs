//! The hot path allocates nothing. A binary of its own, since it counts a whole thread.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a test that ends like this has failed, which is what it is for"
)]

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use auth_core::{Error, ErrorKind, Expiry, Header, Reason, Renew, Session, Token};
use http::HeaderMap;

struct Never;

impl Renew for Never {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        Err(Error::new(ErrorKind::Unavailable, "never asked"))
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        Ok(vec![
            Header::with_scheme(http::header::AUTHORIZATION, "Bearer ", token.access())?,
            Header::new(http::HeaderName::from_static("x-account"), token.access())?,
        ])
    }
}

#[test]
fn handing_out_headers_allocates_nothing_beyond_the_map() {
    let now = SystemTime::now();
    let token = Token::new(
        "t".into(),
        Expiry::after(now, Duration::from_secs(3_600)),
        now,
    );
    let session = Session::builder(Never).token(token).build().unwrap();
    let mut map = HeaderMap::with_capacity(8);
    let counted = allocation_counter::measure(|| {
        for _ in 0..100 {
            map.clear();
            {
                let apply = pin!(session.apply(&mut map));
                let done = apply.poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(done, Poll::Ready(Ok(()))));
            }
            map.clear();
            assert!(session.try_apply(&mut map));
        }
    });
    assert_eq!((counted.count_total, map.len()), (0, 2));

    let map_alone = allocation_counter::measure(|| drop(HeaderMap::<u8>::with_capacity(2)));
    let headers = allocation_counter::measure(|| drop(session.try_headers().unwrap()));
    assert_eq!(headers.count_total, map_alone.count_total);
}

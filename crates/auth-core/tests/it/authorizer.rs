//! Sessions of any vendor behind one type, and fakes of it.

use std::sync::Arc;

use auth_core::{
    AllowedHosts, AuthHeaders, Authorizer, BaseUrl, BoxFuture, Error, ErrorKind, State,
    StaticAuthorizer,
};

use crate::vendor::{Vendor, number};

const URL: &str = "https://api.example.com/v1/things?key=hunter22";
const OTHER: &str = "https://other.example.com/v1/things?key=hunter22";

fn session() -> (Vendor, Arc<dyn Authorizer>) {
    let (vendor, _, _) = Vendor::with_session();
    let hosts = AllowedHosts::of(&BaseUrl::parse("https://api.example.com").unwrap());
    let session = vendor.session().allowed_hosts(hosts).build().unwrap();
    (vendor, Arc::new(session))
}

/// What a user's test needs.
struct Fake(StaticAuthorizer);

impl Authorizer for Fake {
    fn headers_for<'a>(&'a self, url: &str) -> BoxFuture<'a, Result<AuthHeaders, Error>> {
        self.0.headers_for(url)
    }
    fn invalidate(&self, _: &AuthHeaders) {}
    fn state(&self) -> State {
        State::Renewing
    }
}

#[tokio::test]
async fn sessions_and_fakes_stand_in_one_list_and_guard_their_hosts() {
    let fake = StaticAuthorizer::bearer("token-1", "https://api.example.com/v1").unwrap();
    let list: [Arc<dyn Authorizer>; 3] =
        [session().1, Arc::new(fake.clone()), Arc::new(Fake(fake))];
    for each in list {
        let headers = each.headers_for(URL).await.unwrap().headers();
        assert_eq!(headers["authorization"], "Bearer token-1");
        for bad in [
            OTHER,
            "/v1/things?key=hunter22",
            "http://api.example.com/?key=hunter22",
        ] {
            let error = each.headers_for(bad).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
            assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_session_renews_behind_the_type_and_its_failures_keep_what_they_say() {
    let (vendor, session) = session();
    let first = session.headers_for(URL).await.unwrap();
    session.invalidate(&first);
    // A refusal is believed when it comes twice.
    for _ in 0..2 {
        vendor.fail_with(Error::new(ErrorKind::Denied, "the vendor said no").with_http_status(403));
    }
    let error = session.headers_for(URL).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::Denied, Some(403))
    );
    assert_eq!(error.to_string(), "the vendor said no");
    assert!(
        matches!(session.state(), State::LoginRequired { .. }),
        "{:?}",
        session.state()
    );
}

#[tokio::test]
async fn a_session_renews_ahead_of_time_behind_the_type_and_a_fake_has_nothing_to_renew() {
    let (vendor, session) = session();
    let guard = Arc::new(session).refresh_in_background().unwrap();
    vendor.until_calls(1).await;
    assert!(guard.is_some());
    let fake = StaticAuthorizer::bearer("token-1", "https://api.example.com/v1").unwrap();
    assert!(fake.refresh_in_background().unwrap().is_none());
}

#[tokio::test]
async fn a_map_gets_the_headers_only_for_the_vendors_hosts() {
    let (vendor, _, _) = Vendor::with_session();
    let hosts = AllowedHosts::of(&BaseUrl::parse("https://api.example.com").unwrap());
    let session = vendor.session().allowed_hosts(hosts).build().unwrap();
    let mut headers = http::HeaderMap::new();
    let error = session.apply_to(OTHER, &mut headers).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(headers.is_empty());
    assert_eq!(vendor.calls(), 0);
    session.apply_to(URL, &mut headers).await.unwrap();
    assert_eq!(number(&headers), 1);
}

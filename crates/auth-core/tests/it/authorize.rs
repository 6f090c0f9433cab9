//! Item 11: a token goes to the vendor's hosts only.

use auth_core::{AllowedHosts, BaseUrl, ErrorKind, HttpBuilder, Session};

use crate::vendor::{Vendor, number};

fn session() -> (Vendor, Session<Vendor>, reqwest::Client) {
    let (vendor, _, _) = Vendor::with_session();
    let base = BaseUrl::parse("https://api.example.com").unwrap();
    // Chooses a TLS provider for the process, as any vendor crate's client does.
    HttpBuilder::new(base.clone(), "test").build().unwrap();
    let session = vendor
        .session()
        .allowed_hosts(AllowedHosts::of(&base))
        .build()
        .unwrap();
    (vendor, session, reqwest::Client::new())
}

#[tokio::test]
async fn a_request_to_the_vendor_gets_the_headers() {
    let (_, session, http) = session();
    let request = http
        .get("https://api.example.com/v1/x?y=z")
        .header("x-mine", "1");
    let request = session.authorize(request).await.unwrap().build().unwrap();
    assert_eq!(number(request.headers()), 1);
    assert_eq!(request.headers()["x-mine"], "1");
    assert_eq!(request.url().query(), Some("y=z"));
}

#[tokio::test]
async fn a_request_to_a_stranger_is_refused_before_anything_is_renewed() {
    let (vendor, session, http) = session();
    for url in [
        "https://example.com/",
        "https://api.example.com.evil.test/",
        "http://api.example.com/",
        "https://api.example.com:444/",
    ] {
        let error = session.authorize(http.get(url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
    }
    assert_eq!(vendor.calls(), 0);
}

#[tokio::test]
async fn a_credential_at_hand_is_guarded_as_well() {
    let (_, session, http) = session();
    let auth_headers = session.auth_headers().await.unwrap();
    let good = session.authorize_with(&auth_headers, http.get("https://api.example.com/"));
    assert_eq!(number(good.unwrap().build().unwrap().headers()), 1);
    assert!(
        session
            .authorize_with(&auth_headers, http.get("https://evil.test/"))
            .is_err()
    );
}

#[tokio::test]
async fn a_session_without_hosts_authorizes_nothing() {
    let (vendor, _, http) = session();
    let bare = vendor.session().build().unwrap();
    let error = bare
        .authorize(http.get("https://api.example.com/?key=hunter22"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("api.example.com"), "{error}");
    assert!(!error.to_string().contains("hunter22"), "{error}");
}

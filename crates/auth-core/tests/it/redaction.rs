//! What we sent as a secret comes back in no text.

use auth_core::{AuthHeaders, HttpBuilder, Operation, Request, Token, operation};
use auth_core::{Expiry, Header};
use httpmock::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};

const CALL: Operation = operation!("test.call");

#[tokio::test]
async fn an_echo_of_any_secret_of_the_request_is_cut_out() {
    let server = MockServer::start_async().await;
    let (password, client_secret, token) = ("hunter2 & co", "client:secret!", "tok-4711-0815");
    let basic = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("id:{client_secret}"))
    };
    server
        .mock_async(|when, then| {
            when.path("/thing");
            then.status(400).body("{}");
        })
        .await;
    let now = std::time::SystemTime::now();
    let token = SecretString::from(token);
    let issued = Token::new(token.clone(), Expiry::Never, now);
    let header = Header::with_scheme(http::HeaderName::from_static("x-token"), "Raw ", &token);
    let auth_headers = AuthHeaders::new(&issued, &[header.unwrap()]).unwrap();
    let request = Request::post(CALL, "thing")
        .basic("id", &client_secret.into())
        .auth_headers(&auth_headers)
        .form(&[("user", "sue")], &[("password", &password.into())]);
    assert!(!format!("{request:?}").contains(password));
    let http = HttpBuilder::new(server.base_url(), "t").build().unwrap();
    let response = http.send(request).await.unwrap();
    for secret in [password, client_secret, token.expose_secret(), &basic] {
        let error = response.error(Some(&format!("bad value {secret} given")));
        for text in [
            error.to_string(),
            format!("{error:?}"),
            response.redact(secret),
        ] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

//! A test as the program writes it. Another test compares it with what the program writes.

/// As the crate's, but for its provider of cryptography, which another crate of the workspace may take away.
mod reqwest {
    pub(super) use ::reqwest::Method;

    pub(super) struct Client;

    impl Client {
        #[allow(clippy::new_ret_no_self, reason = "it stands for the client's own")]
        pub(super) fn new() -> ::reqwest::Client {
            crate::caller::client()
        }
    }
}

#[tokio::test]
async fn iqm_log_in() {
    let sandbox = auth_sandbox::Sandbox::start().unwrap();
    let url = format!("http://{}{}", sandbox.address(), "/iqm/api/v3/ua/login");
    let request = reqwest::Client::new()
        .request(reqwest::Method::from_bytes(b"POST").unwrap(), url)
        .header("content-type", "application/json")
        .header(
            "authorization",
            "Basic aXFtLXNhbmRib3gtY2xpZW50OmlxbS1zYW5kYm94LXNlY3JldA==",
        )
        .header("accept", "*/*")
        .body("{\"grantType\":\"password\",\"email\":\"user1@iqm.com\",\"password\":\"it's \\\"wrong\\\"\"}");
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 403);
    sandbox.log().assert_count("iqm.log_in", 1);
}

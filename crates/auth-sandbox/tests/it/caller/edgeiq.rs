//! Talks to the EdgeIQ of one sandbox.

use auth_sandbox::{EdgeIqAccount, Sandbox};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::{Reply, client, read};

pub(crate) struct EdgeIqCaller<'a> {
    sandbox: &'a Sandbox,
    client: Client,
}

impl<'a> EdgeIqCaller<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self {
            sandbox,
            client: client(),
        }
    }

    fn url(&self, path: &str) -> String {
        // Not `Url::join`, which would resolve the path.
        format!("{}{path}", self.sandbox.edgeiq().base_url())
    }

    /// A POST without the headers that every call needs.
    pub(crate) fn bare_post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    pub(crate) fn bare_get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(crate) fn post_request(&self, path: &str, body: &Value) -> RequestBuilder {
        self.bare_post(path)
            .header("accept", "application/json")
            .json(body)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        read(self.post_request(path, &body)).await
    }

    pub(crate) async fn authenticate(&self, user: EdgeIqAccount) -> Reply {
        let body = json!({ "email": user.email, "password": user.password });
        self.post("user/authenticate", body).await
    }

    /// A session token of the first user.
    pub(crate) async fn session(&self) -> String {
        let reply = self.authenticate(self.sandbox.edgeiq().user()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body["session_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn me_request(&self) -> RequestBuilder {
        self.bare_get("me")
            .header("accept", "application/json")
            .header("content-type", "application/json")
    }

    pub(crate) async fn me(&self, authorization: &str) -> Reply {
        read(self.me_request().header("authorization", authorization)).await
    }

    pub(crate) async fn request_reset(&self, email: &str) -> Reply {
        let url = "https://app.edgeiq.io/reset_password";
        let body = json!({ "email": email, "url": url });
        self.post("user/password_reset_request", body).await
    }

    /// `token` as in the path: encoded already.
    pub(crate) async fn set_password(&self, token: &str, password: &str) -> Reply {
        let body = json!({ "password": password, "password_confirmation": password });
        self.post(&format!("user/password_reset/{token}"), body)
            .await
    }
}

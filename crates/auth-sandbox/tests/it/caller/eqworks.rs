//! Talks to the EQ Works of one sandbox.

use auth_sandbox::Sandbox;
use reqwest::{Client, RequestBuilder};

use super::{Reply, client, read};

pub(crate) struct EqWorksCaller<'a> {
    sandbox: &'a Sandbox,
    client: Client,
}

impl<'a> EqWorksCaller<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self {
            sandbox,
            client: client(),
        }
    }

    /// A GET below the stage `prod`.
    pub(crate) fn request(&self, call: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let base = self.sandbox.eqworks().base_url();
        let mut url = base.join("prod/").unwrap().join(call).unwrap();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.get(url)
    }

    pub(crate) fn any(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let url = self.sandbox.eqworks().base_url().join(path).unwrap();
        self.client.request(method, url)
    }

    pub(crate) async fn get(&self, call: &str, query: &[(&str, &str)]) -> Reply {
        read(self.request(call, query)).await
    }

    /// Asks for a passcode and reads it in the e-mail.
    pub(crate) async fn passcode(&self, user: &str, product: &str) -> String {
        let reply = self
            .get("login", &[("user", user), ("product", product)])
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let mail = self.sandbox.inbox(user).latest().unwrap();
        mail.code().unwrap().to_owned()
    }

    /// Logs a user in, by e-mail.
    pub(crate) async fn token(&self, user: &str, product: &str) -> String {
        let otp = self.passcode(user, product).await;
        let query = [("user", user), ("otp", &*otp), ("product", product)];
        let reply = self.get("verify", &query).await;
        token_in(&reply)
    }

    pub(crate) async fn with_jwt(&self, call: &str, jwt: &str, query: &[(&str, &str)]) -> Reply {
        read(self.request(call, query).header("eq-api-jwt", jwt)).await
    }
}

pub(crate) fn token_in(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body["token"].as_str().unwrap().to_owned()
}

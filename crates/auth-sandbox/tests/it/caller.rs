//! A client that only sends requests and reads answers.

pub(crate) mod edgeiq;
pub(crate) mod eqworks;
pub(crate) mod identityx;

use auth_sandbox::{IqmAccount, Sandbox, SandboxClock};
use reqwest::{Client, RequestBuilder, StatusCode, Url, header};
use serde_json::{Value, json};

/// A sandbox on a frozen clock.
pub(crate) fn frozen() -> (SandboxClock, Sandbox) {
    let clock = SandboxClock::frozen();
    let sandbox = Sandbox::builder().clock(clock.clone()).start().unwrap();
    (clock, sandbox)
}

/// An answer, read completely.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) hint: Option<String>,
    pub(crate) headers: header::HeaderMap,
    /// Null where the answer is not JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

/// The tokens in an answer, enveloped or bare.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Reply {
    /// Asserts status and hint.
    #[track_caller]
    pub(crate) fn assert(&self, status: u16, hint: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let sent = self.hint.as_deref().unwrap_or_default();
        assert!(sent.contains(hint), "{sent:?} does not say {hint:?}");
    }

    /// Asserts an error of IQM, and that it has a hint.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.error()), (status, text), "{self:?}");
        assert_eq!(self.body["success"], false);
        assert!(self.hint.is_some());
    }

    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        let data = self.body.get("data").unwrap_or(&self.body);
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    pub(crate) fn error(&self) -> &str {
        self.body["errorObjects"][0]["error"]
            .as_str()
            .unwrap_or_default()
    }
}

pub(crate) async fn read(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    let hint = headers.get(auth_sandbox::HINT_HEADER);
    let hint = hint.map(|hint| hint.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Reply {
        status,
        hint,
        headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

pub(crate) fn client() -> Client {
    // Where another crate of the workspace switches rustls on, reqwest needs a default provider of
    // cryptography. The first one that is installed stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Talks to the IQM of one sandbox.
pub(crate) struct Caller<'a> {
    sandbox: &'a Sandbox,
    client: Client,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self {
            sandbox,
            client: client(),
        }
    }

    /// A POST without credentials.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    /// A POST with the client credentials.
    pub(crate) fn basic(&self, path: &str) -> RequestBuilder {
        let iqm = self.sandbox.iqm();
        self.post(path)
            .basic_auth(iqm.client_id(), Some(iqm.client_secret()))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    fn url(&self, path: &str) -> Url {
        let base = self.sandbox.iqm().base_url().join("api/v3/ua/");
        base.unwrap().join(path).unwrap()
    }

    pub(crate) fn profile(&self, access: &str) -> RequestBuilder {
        self.get("profile")
            .bearer_auth(access)
            .header("X-IAA-OW-ID", self.sandbox.iqm().user().ow_id)
    }

    pub(crate) fn log_in_request(&self, user: IqmAccount) -> RequestBuilder {
        self.basic("login").json(
            &json!({ "grantType": "password", "email": user.email, "password": user.password }),
        )
    }

    pub(crate) fn refresh_request(&self, refresh: &str) -> RequestBuilder {
        self.basic("oauth/token")
            .form(&[("grant_type", "refresh_token"), ("refresh_token", refresh)])
    }

    pub(crate) async fn log_in_as(&self, user: IqmAccount) -> Reply {
        read(self.log_in_request(user)).await
    }

    pub(crate) async fn log_in_reply(&self) -> Reply {
        self.log_in_as(self.sandbox.iqm().user()).await
    }

    pub(crate) async fn log_in(&self) -> Tokens {
        self.log_in_reply().await.tokens()
    }

    pub(crate) async fn refresh(&self, refresh: &str) -> Reply {
        read(self.refresh_request(refresh)).await
    }
}

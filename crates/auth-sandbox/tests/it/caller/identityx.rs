//! Talks to the IdentityX of one sandbox.

use auth_sandbox::{Mail, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::{Reply, client, read};

pub(crate) const SEND_APP_LINK: &str = "mutation($input: SendAppUserLoginLinkMutationInput!) { \
                                        sendAppUserLoginLink(input: $input) }";
pub(crate) const LOG_IN_APP_USER: &str = "mutation($input: LoginAppUserMutationInput!) { \
    loginAppUser(input: $input) { loginSource additionalContext token { id value } user { id email \
    domain name givenName familyName displayName verified lastLoggedIn createdAt updatedAt } } }";
pub(crate) const LOG_OUT_APP_USER: &str =
    "mutation($input: LogoutAppUserMutationInput!) { logoutAppUser(input: $input) }";
pub(crate) const ACTIVE_APP_USER: &str = "{ activeAppUser { id email } }";
pub(crate) const CREATE_APP_USER: &str = "mutation($input: CreateAppUserMutationInput!) { \
    createAppUser(input: $input) { id email givenName familyName name verified createdAt } }";
pub(crate) const SEND_ORG_LINK: &str =
    "mutation($input: SendUserLoginLinkMutationInput!) { sendUserLoginLink(input: $input) }";
pub(crate) const LOG_IN_ORG_USER: &str = "mutation($input: UserLoginMutationInput!) { \
    userLogin(input: $input) { token { id value } user { id email givenName familyName photoURL } } }";
pub(crate) const LOG_OUT_ORG_USER: &str = "mutation { userLogout }";
pub(crate) const API_TOKEN: &str = "mutation { createActiveUserApiToken }";
pub(crate) const ACTIVE_USER: &str = "{ activeUser { id email givenName familyName photoURL } }";
pub(crate) const ORGANIZATIONS: &str = "{ userOrganizations { id role organization { id name } } }";
pub(crate) const APPLICATIONS: &str = "{ organizationApplications { id name description } }";

pub(crate) const AUTH_URL: &str = "https://app.example.test/authenticate";

pub(crate) struct IdentityXCaller<'a> {
    pub(crate) sandbox: &'a Sandbox,
    client: Client,
}

impl<'a> IdentityXCaller<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self {
            sandbox,
            client: client(),
        }
    }

    /// A POST to the endpoint, without a body.
    pub(crate) fn bare(&self) -> RequestBuilder {
        self.client.post(self.sandbox.identityx().endpoint())
    }

    pub(crate) fn any(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let url = self.sandbox.identityx().base_url().join(path).unwrap();
        self.client.request(method, url)
    }

    pub(crate) fn request(&self, query: &str, input: &Value) -> RequestBuilder {
        let variables = json!({ "input": input });
        self.bare()
            .json(&json!({ "query": query, "variables": variables }))
    }

    /// Without any header of this vendor.
    pub(crate) async fn send(&self, query: &str, input: Value) -> Reply {
        read(self.request(query, &input)).await
    }

    /// For the application of every new sandbox.
    pub(crate) async fn for_app(&self, query: &str, input: Value) -> Reply {
        let id = self.sandbox.identityx().application_id();
        self.for_app_id(id, query, input).await
    }

    pub(crate) async fn for_app_id(&self, id: &str, query: &str, input: Value) -> Reply {
        read(self.request(query, &input).header("x-app-id", id)).await
    }

    pub(crate) async fn authorized(&self, authorization: &str, query: &str) -> Reply {
        let request = self.bare().json(&json!({ "query": query }));
        read(request.header("authorization", authorization)).await
    }

    pub(crate) async fn applications(&self, authorization: &str, organization: &str) -> Reply {
        let request = self.bare().json(&json!({ "query": APPLICATIONS }));
        let request = request.header("authorization", authorization);
        read(request.header("x-org-id", organization)).await
    }

    /// The e-mail with a link for the app user of every new sandbox.
    pub(crate) async fn app_link(&self) -> Mail {
        let email = self.sandbox.identityx().app_user().email;
        let input = json!({ "email": email, "authUrl": AUTH_URL });
        let reply = self.for_app(SEND_APP_LINK, input).await;
        assert_eq!(reply.data(), &json!({ "sendAppUserLoginLink": "ok" }));
        self.sandbox.inbox(email).latest().unwrap()
    }

    /// The e-mail with a link for the administrator of every new sandbox.
    pub(crate) async fn org_link(&self) -> Mail {
        let email = self.sandbox.identityx().org_user().email;
        let reply = self.send(SEND_ORG_LINK, json!({ "email": email })).await;
        assert_eq!(reply.data(), &json!({ "sendUserLoginLink": "ok" }));
        self.sandbox.inbox(email).latest().unwrap()
    }

    /// Logs the app user in, by e-mail.
    pub(crate) async fn app_session(&self) -> String {
        let mail = self.app_link().await;
        let input = json!({ "token": mail.code().unwrap() });
        let reply = self.for_app(LOG_IN_APP_USER, input).await;
        text(&reply.data()["loginAppUser"]["token"]["value"])
    }

    /// Logs the administrator in, by e-mail.
    pub(crate) async fn org_session(&self) -> String {
        let mail = self.org_link().await;
        let input = json!({ "token": mail.code().unwrap() });
        let reply = self.send(LOG_IN_ORG_USER, input).await;
        text(&reply.data()["userLogin"]["token"]["value"])
    }
}

impl Reply {
    /// The data of an answer without errors.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.body.get("errors"), None, "{self:?}");
        assert_eq!(self.hint, None, "{self:?}");
        &self.body["data"]
    }

    /// Asserts one error of a resolver, and the answer around it.
    #[track_caller]
    pub(crate) fn assert_graphql(&self, field: &str, nullable: bool, message: &str, ext: &Value) {
        assert_eq!(self.status, 200, "{self:?}");
        let data = if nullable {
            json!({ field: null })
        } else {
            Value::Null
        };
        assert_eq!(self.body.get("data"), Some(&data), "{self:?}");
        let errors = self.body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{self:?}");
        let place = &errors[0]["locations"][0];
        assert!(place["line"].as_u64() > Some(0) && place["column"].as_u64() > Some(0));
        let mut error = errors[0].clone();
        error.as_object_mut().unwrap().remove("locations");
        let expected = json!({ "message": message, "path": [field], "extensions": ext });
        assert_eq!(error, expected);
        assert!(self.body["extensions"].is_object(), "{self:?}");
        assert!(self.hint.is_some(), "{self:?}");
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The claims of a JWT.
pub(crate) fn claims(jwt: &str) -> Value {
    let parts: Vec<_> = jwt.split('.').collect();
    assert_eq!(parts.len(), 3);
    let decode = |part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    assert_eq!(decode(parts[0]), json!({ "alg": "HS256", "typ": "JWT" }));
    decode(parts[1])
}

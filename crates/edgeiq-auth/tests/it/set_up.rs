//! What most tests begin with.

use std::time::Duration;

use auth_sandbox::Sandbox;
use edgeiq_auth::http::RetryPolicy;
use edgeiq_auth::store::{MemoryStore, StoreKey};
use edgeiq_auth::{
    Authenticated, Client, ClientBuilder, Error, Lifetime, Login, Renewer, ResetEmail, ResetToken,
    SecretString, Session, Token,
};
use vendor_tests::{PasswordLogin, Url, Vendor};

pub(crate) use vendor_tests::{always, only, sandbox, sandbox_with, shown};

/// How long the sandbox's tokens live unless more is asked for, as the vendor's.
pub(crate) const LIFETIME: Duration = Lifetime::DEFAULT;

pub(crate) struct EdgeIq;

vendor_tests::functions! { EdgeIq:
    base_url -> Url,
    builder -> ClientBuilder,
    client -> Client,
    email -> &'static str,
    log_in -> impl Future<Output = Token>,
    session -> Session
}

impl Vendor for EdgeIq {
    type Client = Client;
    type ClientBuilder = ClientBuilder;
    type Token = Token;
    type Error = Error;
    type Renewer = Renewer;

    const RENEWAL: &'static str = "edgeiq.authenticate";
    const RENEWS_BY_LOG_IN: bool = true;
    const RENEWS_AT: Duration = LIFETIME;
    const ENDS_AT_A_MOMENT: bool = true;

    vendor_tests::vendor_methods!();

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.edgeiq().base_url()
    }

    fn builder(sandbox: &Sandbox) -> ClientBuilder {
        Client::builder()
            .base_url(base_url(sandbox))
            .clock(sandbox.clock())
            .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
    }

    fn email(sandbox: &Sandbox) -> &'static str {
        sandbox.edgeiq().user().email
    }

    async fn log_in_by(sandbox: &Sandbox, client: &Client) -> Token {
        let password = password(sandbox);
        let authenticated = client.authenticate(email(sandbox), &password, Lifetime::Default);
        authenticated.await.unwrap().token
    }

    /// It holds the password.
    fn session(sandbox: &Sandbox) -> Session {
        let password = sandbox.edgeiq().user().password;
        Self::session_with_password(&client(sandbox), email(sandbox), password)
    }

    fn session_in_store(sandbox: &Sandbox, store: MemoryStore) -> Session {
        client(sandbox)
            .session(Login::password(email(sandbox), password(sandbox)))
            .store(store)
            .build()
            .unwrap()
    }

    fn key(sandbox: &Sandbox) -> StoreKey {
        client(sandbox).store_key(email(sandbox))
    }
}

impl PasswordLogin for EdgeIq {
    const LOG_IN: &'static str = Self::RENEWAL;

    fn session_with_password(client: &Client, email: &str, password: &str) -> Session {
        let login = Login::password(email, password);
        client.session(login).build().unwrap()
    }

    fn end_tokens(sandbox: &Sandbox) {
        sandbox.edgeiq().revoke_sessions(email(sandbox));
    }

    fn change_password(sandbox: &Sandbox) {
        sandbox.edgeiq().set_password(email(sandbox), "another one");
    }
}

pub(crate) fn password(sandbox: &Sandbox) -> SecretString {
    sandbox.edgeiq().user().password.into()
}

/// Logs the sandbox's user in.
pub(crate) async fn authenticate(
    sandbox: &Sandbox,
    lifetime: impl Into<Lifetime>,
) -> Result<Authenticated, Error> {
    let (client, password) = (client(sandbox), password(sandbox));
    let log_in = client.authenticate(email(sandbox), &password, lifetime.into());
    log_in.await
}

/// The token of a reset e-mail that was asked for.
pub(crate) async fn reset_token(sandbox: &Sandbox) -> ResetToken {
    client(sandbox)
        .request_password_reset(email(sandbox), &ResetEmail::new())
        .await
        .unwrap();
    let mail = sandbox.inbox(email(sandbox)).latest().unwrap();
    ResetToken::from_link(&mail.link().unwrap().as_str().into()).unwrap()
}

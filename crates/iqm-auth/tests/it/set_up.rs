//! What most tests begin with.

use std::time::Duration;

use auth_sandbox::Sandbox;
use iqm_auth::http::RetryPolicy;
use iqm_auth::store::{MemoryStore, StoreKey};
use iqm_auth::{
    Client, ClientBuilder, Error, Login, PendingLogin, Renewer, SecretString, Session, Token,
};
use vendor_tests::{PasswordLogin, Url, Vendor};

pub(crate) use vendor_tests::{always, assert_refused, sandbox, sandbox_with, shown};

/// How long the sandbox's tokens live: `expires_in` of the vendor's samples.
pub(crate) const LIFETIME: Duration = Duration::from_secs(35_999);

pub(crate) struct Iqm;

vendor_tests::functions! { Iqm:
    base_url -> Url,
    builder -> ClientBuilder,
    client -> Client,
    email -> &'static str,
    log_in -> impl Future<Output = Token>,
    session -> Session
}

impl Vendor for Iqm {
    type Client = Client;
    type ClientBuilder = ClientBuilder;
    type Token = Token;
    type Error = Error;
    type Renewer = Renewer;

    const RENEWAL: &'static str = "iqm.refresh";
    const RENEWS_AT: Duration = LIFETIME;

    vendor_tests::vendor_methods!();

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.iqm().base_url()
    }

    fn builder(sandbox: &Sandbox) -> ClientBuilder {
        let iqm = sandbox.iqm();
        Client::builder(iqm.client_id(), iqm.client_secret())
            .base_url(base_url(sandbox))
            .clock(sandbox.clock())
            .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
    }

    fn email(sandbox: &Sandbox) -> &'static str {
        sandbox.iqm().user().email
    }

    async fn log_in_by(sandbox: &Sandbox, client: &Client) -> Token {
        client
            .log_in(email(sandbox), &password(sandbox))
            .await
            .unwrap()
    }

    /// It holds the password.
    fn session(sandbox: &Sandbox) -> Session {
        let password = sandbox.iqm().user().password;
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

impl PasswordLogin for Iqm {
    const LOG_IN: &'static str = "iqm.log_in";

    fn session_with_password(client: &Client, email: &str, password: &str) -> Session {
        let login = Login::password(email, password);
        client.session(login).build().unwrap()
    }

    fn end_tokens(sandbox: &Sandbox) {
        sandbox.iqm().revoke_access_tokens(email(sandbox));
    }

    fn change_password(sandbox: &Sandbox) {
        sandbox.iqm().revoke_all(email(sandbox));
        sandbox.iqm().set_password(email(sandbox), "another one");
    }
}

/// The log-in of the user with a second factor, as far as the password brings it.
pub(crate) async fn pending(sandbox: &Sandbox) -> PendingLogin {
    let user = sandbox.iqm().mfa_user();
    let password = user.password.into();
    match client(sandbox).log_in(user.email, &password).await {
        Err(Error::MfaRequired { login, .. }) => *login,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn password(sandbox: &Sandbox) -> SecretString {
    sandbox.iqm().user().password.into()
}

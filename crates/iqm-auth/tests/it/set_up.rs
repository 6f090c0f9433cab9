//! What most tests begin with.

#[path = "../../../auth-core/tests/vendor/set_up.rs"]
mod every_vendor;

use std::time::Duration;

use auth_sandbox::Sandbox;
use iqm_auth::{Client, ClientBuilder, RetryPolicy, SecretString, Session, Token};
use url::Url;

pub(crate) use self::every_vendor::{always, client, only, sandbox, sandbox_with, settled, shown};

/// How long the sandbox's tokens live: `expires_in` of the vendor's samples.
pub(crate) const LIFETIME: Duration = Duration::from_secs(35_999);

pub(crate) fn base_url(sandbox: &Sandbox) -> Url {
    sandbox.iqm().base_url()
}

pub(crate) fn builder(sandbox: &Sandbox) -> ClientBuilder {
    let iqm = sandbox.iqm();
    Client::builder(iqm.client_id(), iqm.client_secret())
        .base_url(base_url(sandbox))
        .clock(sandbox.clock())
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
}

pub(crate) fn email(sandbox: &Sandbox) -> &'static str {
    sandbox.iqm().user().email
}

pub(crate) fn password(sandbox: &Sandbox) -> SecretString {
    sandbox.iqm().user().password.into()
}

pub(crate) async fn log_in(sandbox: &Sandbox) -> Token {
    client(sandbox)
        .log_in(email(sandbox), &password(sandbox))
        .await
        .unwrap()
}

/// A session of the sandbox's user that holds the password.
pub(crate) fn session(sandbox: &Sandbox) -> Session {
    client(sandbox)
        .session_with_password(email(sandbox), password(sandbox))
        .unwrap()
}

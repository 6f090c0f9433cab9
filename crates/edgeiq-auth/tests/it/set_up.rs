//! What most tests begin with.

#[path = "../../../auth-core/tests/vendor/set_up.rs"]
mod every_vendor;

use std::time::Duration;

use auth_sandbox::Sandbox;
use edgeiq_auth::{
    Client, ClientBuilder, DEFAULT_LIFETIME, Lifetime, ResetEmail, ResetToken, RetryPolicy,
    SecretString, Session, Token,
};
use url::Url;

pub(crate) use self::every_vendor::{always, client, only, sandbox, sandbox_with, settled, shown};

/// How long the sandbox's tokens live unless more is asked for, as the vendor's.
pub(crate) const LIFETIME: Duration = DEFAULT_LIFETIME;

pub(crate) fn base_url(sandbox: &Sandbox) -> Url {
    sandbox.edgeiq().base_url()
}

pub(crate) fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder()
        .base_url(base_url(sandbox))
        .clock(sandbox.clock())
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
}

pub(crate) fn email(sandbox: &Sandbox) -> &'static str {
    sandbox.edgeiq().user().email
}

pub(crate) fn password(sandbox: &Sandbox) -> SecretString {
    sandbox.edgeiq().user().password.into()
}

pub(crate) async fn log_in(sandbox: &Sandbox) -> Token {
    client(sandbox)
        .authenticate(email(sandbox), &password(sandbox), Lifetime::Default)
        .await
        .unwrap()
        .token
}

/// A session of the sandbox's user that holds the password.
pub(crate) fn session(sandbox: &Sandbox) -> Session {
    client(sandbox)
        .session_with_password(email(sandbox), password(sandbox))
        .unwrap()
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

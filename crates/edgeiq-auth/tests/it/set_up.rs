//! What most tests begin with.

use std::error::Error as StdError;
use std::time::Duration;

use auth_sandbox::{Entry, Sandbox, SandboxBuilder, SandboxClock};
use edgeiq_auth::{
    Client, ClientBuilder, DEFAULT_LIFETIME, Lifetime, ResetEmail, ResetToken, RetryPolicy,
    SecretString, Session, State, Token,
};

/// How long the sandbox's tokens live unless more is asked for, as the vendor's.
pub(crate) const LIFETIME: Duration = DEFAULT_LIFETIME;

/// A sandbox whose time the test moves.
pub(crate) fn sandbox() -> Sandbox {
    sandbox_with(|builder| builder)
}

pub(crate) fn sandbox_with(set: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Sandbox {
    set(Sandbox::builder().clock(SandboxClock::frozen()))
        .start()
        .unwrap()
}

/// A client of the sandbox that pauses between attempts only if the vendor asks for it.
pub(crate) fn client(sandbox: &Sandbox) -> Client {
    builder(sandbox).build().unwrap()
}

pub(crate) fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder()
        .base_url(sandbox.edgeiq().base_url())
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
pub(crate) fn session_with_password(sandbox: &Sandbox) -> Session {
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

/// The one request of this operation.
pub(crate) fn only(sandbox: &Sandbox, operation: &str) -> Entry {
    sandbox.log().assert_count(operation, 1);
    sandbox.log().last(operation).unwrap()
}

/// An error as a program shows it: the message and its causes, each in both forms.
pub(crate) fn shown(error: &dyn StdError) -> String {
    let mut texts = vec![format!("{error}\n{error:?}\n{error:#?}")];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(format!("{error}\n{error:?}"));
        cause = error.source();
    }
    texts.join("\n")
}

/// Waits until no renewal is under way.
pub(crate) async fn settled(session: &Session) -> State {
    let mut states = session.states();
    loop {
        let state = states.next().await.unwrap();
        if state != State::Renewing {
            return state;
        }
    }
}

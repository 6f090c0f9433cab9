//! What most tests begin with.

use std::error::Error as StdError;
use std::time::Duration;

use auth_sandbox::{Entry, Sandbox, SandboxBuilder, SandboxClock};
use iqm_auth::{Client, ClientBuilder, RetryPolicy, SecretString, Session, State, Token};

/// How long the sandbox's tokens live: `expires_in` of the vendor's samples.
pub(crate) const LIFETIME: Duration = Duration::from_secs(35_999);

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
    let iqm = sandbox.iqm();
    Client::builder(iqm.client_id(), iqm.client_secret())
        .base_url(iqm.base_url())
        .clock(sandbox.clock())
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
}

pub(crate) fn password(sandbox: &Sandbox) -> SecretString {
    sandbox.iqm().user().password.into()
}

pub(crate) async fn log_in(sandbox: &Sandbox) -> Token {
    client(sandbox)
        .log_in(sandbox.iqm().user().email, &password(sandbox))
        .await
        .unwrap()
}

/// A session of the sandbox's user that holds the password.
pub(crate) fn session_with_password(sandbox: &Sandbox) -> Session {
    client(sandbox)
        .session_with_password(sandbox.iqm().user().email, password(sandbox))
        .unwrap()
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

//! What most tests of every vendor begin with: a module of each vendor crate's
//! `tests/it/set_up.rs`, which names the crate's `Client` and its `builder` for a sandbox.

use std::error::Error as StdError;

use auth_core::{Renew, Session, State};
use auth_sandbox::{Entry, Sandbox, SandboxBuilder, SandboxClock};
use httpmock::{MockServer, Then};

use super::{Client, builder};

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

/// The one request of this operation.
pub(crate) fn only(sandbox: &Sandbox, operation: &str) -> Entry {
    sandbox.log().assert_count(operation, 1);
    sandbox.log().last(operation).unwrap()
}

/// A server of nothing but this response, whatever is asked.
pub(crate) async fn always(response: impl FnOnce(Then) -> Then) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.any_request();
            response(then);
        })
        .await;
    server
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
pub(crate) async fn settled<R: Renew>(session: &Session<R>) -> State {
    let mut states = session.states();
    loop {
        let state = states.next().await.unwrap();
        if state != State::Renewing {
            return state;
        }
    }
}

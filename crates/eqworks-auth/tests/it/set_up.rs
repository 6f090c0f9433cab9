//! What most tests begin with.

use std::error::Error as StdError;
use std::time::Duration;

use auth_sandbox::{Entry, Sandbox, SandboxBuilder, SandboxClock};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eqworks_auth::{
    Client, ClientBuilder, Product, RetryPolicy, SecretString, Session, Stage, State, Token,
};

/// How long the sandbox's tokens live: 90 days.
pub(crate) const LIFETIME: Duration = eqworks_auth::TOKEN_LIFETIME;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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
    builder_for(sandbox, Product::ATOM)
}

pub(crate) fn builder_for(sandbox: &Sandbox, product: Product) -> ClientBuilder {
    Client::builder(Stage::Prod, product)
        .base_url(sandbox.eqworks().base_url())
        .clock(sandbox.clock())
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
}

/// The address of the sandbox's user, who may use `atom`.
pub(crate) fn user(sandbox: &Sandbox) -> String {
    sandbox.eqworks().user().email.to_string()
}

/// The passcode from the user's mailbox, after asking for it.
pub(crate) async fn passcode(sandbox: &Sandbox) -> SecretString {
    let user = user(sandbox);
    client(sandbox).request_passcode(&user).await.unwrap();
    let mail = sandbox.inbox(&user).latest().unwrap();
    mail.code().unwrap().into()
}

pub(crate) async fn log_in(sandbox: &Sandbox) -> Token {
    let passcode = passcode(sandbox).await;
    let pending = client(sandbox).pending_login(user(sandbox));
    pending.complete(&passcode).await.unwrap()
}

/// A token of the sandbox's user that nobody had to log in for.
pub(crate) fn minted(sandbox: &Sandbox) -> Token {
    let jwt = sandbox.eqworks().mint_token(&user(sandbox), "atom");
    Token::from_jwt(jwt).unwrap()
}

/// A session of the sandbox's user, whose token is brand new.
pub(crate) fn session(sandbox: &Sandbox) -> Session {
    client(sandbox).session(minted(sandbox)).unwrap()
}

/// The one request of this operation.
pub(crate) fn only(sandbox: &Sandbox, operation: &str) -> Entry {
    sandbox.log().assert_count(operation, 1);
    sandbox.log().last(operation).unwrap()
}

/// A JWT with these claims, which nobody signed.
pub(crate) fn jwt(claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
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

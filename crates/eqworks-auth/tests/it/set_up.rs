//! What most tests begin with.

#[path = "../../../auth-core/tests/vendor/set_up.rs"]
mod every_vendor;

use std::time::Duration;

use auth_sandbox::Sandbox;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eqworks_auth::{
    Client, ClientBuilder, Product, RetryPolicy, SecretString, Session, Stage, Token,
};
use url::Url;

pub(crate) use self::every_vendor::{always, client, only, sandbox, settled, shown};

/// How long the sandbox's tokens live: 90 days.
pub(crate) const LIFETIME: Duration = eqworks_auth::TOKEN_LIFETIME;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn base_url(sandbox: &Sandbox) -> Url {
    sandbox.eqworks().base_url()
}

pub(crate) fn builder(sandbox: &Sandbox) -> ClientBuilder {
    builder_for(sandbox, Product::ATOM)
}

pub(crate) fn builder_for(sandbox: &Sandbox, product: Product) -> ClientBuilder {
    Client::builder(Stage::Prod, product)
        .base_url(base_url(sandbox))
        .clock(sandbox.clock())
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
}

/// The address of the sandbox's user, who may use `atom`.
pub(crate) fn email(sandbox: &Sandbox) -> &'static str {
    sandbox.eqworks().user().email
}

/// The passcode from the user's mailbox, after asking for it.
pub(crate) async fn passcode(sandbox: &Sandbox) -> SecretString {
    let user = email(sandbox);
    client(sandbox).request_passcode(user).await.unwrap();
    let mail = sandbox.inbox(user).latest().unwrap();
    mail.code().unwrap().into()
}

pub(crate) async fn log_in(sandbox: &Sandbox) -> Token {
    let passcode = passcode(sandbox).await;
    let pending = client(sandbox).pending_login(email(sandbox));
    pending.complete(&passcode).await.unwrap()
}

/// A token of the sandbox's user that nobody had to log in for.
pub(crate) fn minted(sandbox: &Sandbox) -> Token {
    let jwt = sandbox.eqworks().mint_token(email(sandbox), "atom");
    Token::from_jwt(jwt).unwrap()
}

/// A session of the sandbox's user, whose token is brand new.
pub(crate) fn session(sandbox: &Sandbox) -> Session {
    client(sandbox).session(minted(sandbox)).unwrap()
}

/// A JWT with these claims, which nobody signed.
pub(crate) fn jwt(claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

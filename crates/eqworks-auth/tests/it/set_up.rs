//! What most tests begin with.

use std::time::Duration;

use auth_sandbox::Sandbox;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eqworks_auth::http::RetryPolicy;
use eqworks_auth::store::{self, MemoryStore, StoreKey};
use eqworks_auth::{
    Client, ClientBuilder, Error, Login, Product, Renewer, SecretString, Session, Stage, Token,
};
use vendor_tests::{InteractiveLogin, Url, Vendor};

pub(crate) use vendor_tests::{always, assert_refused, only, sandbox, settled, shown};

/// How long the sandbox's tokens live: 90 days.
pub(crate) const LIFETIME: Duration = Token::LIFETIME;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A third of the life, which is when a renewal is due, and a quarter of that for the jitter: one
/// moment after the latest.
pub(crate) const DUE: Duration = Duration::from_secs(68 * 24 * 60 * 60);

pub(crate) struct EqWorks;

vendor_tests::functions! { EqWorks:
    base_url -> Url,
    builder -> ClientBuilder,
    client -> Client,
    email -> &'static str,
    log_in -> impl Future<Output = Token>,
    session -> Session
}

impl Vendor for EqWorks {
    type Client = Client;
    type ClientBuilder = ClientBuilder;
    type Token = Token;
    type Error = Error;
    type Renewer = Renewer;

    const RENEWAL: &'static str = "eqworks.refresh";
    /// A token that has ended cannot be renewed.
    const RENEWS_AT: Duration = DUE;
    const ENDS_AT_A_MOMENT: bool = true;

    vendor_tests::vendor_methods!();

    fn base_url(sandbox: &Sandbox) -> Url {
        sandbox.eqworks().base_url()
    }

    fn builder(sandbox: &Sandbox) -> ClientBuilder {
        builder_for(sandbox, Product::ATOM)
    }

    /// This user may use `atom`.
    fn email(sandbox: &Sandbox) -> &'static str {
        sandbox.eqworks().user().email
    }

    async fn log_in_by(sandbox: &Sandbox, client: &Client) -> Token {
        let passcode = passcode(sandbox).await;
        let pending = client.pending_login(email(sandbox));
        pending.complete(&passcode).await.unwrap()
    }

    /// Its token is brand new.
    fn session(sandbox: &Sandbox) -> Session {
        client(sandbox).session(minted(sandbox)).build().unwrap()
    }

    fn session_in_store(sandbox: &Sandbox, store: MemoryStore) -> Session {
        client(sandbox)
            .session(Login::stored(email(sandbox)))
            .store(store)
            .build()
            .unwrap()
    }

    fn key(sandbox: &Sandbox) -> StoreKey {
        client(sandbox).store_key(email(sandbox))
    }
}

impl InteractiveLogin for EqWorks {
    fn session_without_token(sandbox: &Sandbox) -> Session {
        Self::session_in_store(sandbox, MemoryStore::new())
    }

    fn is_login_required(error: &Error) -> bool {
        matches!(error, Error::LoginRequired { .. })
    }

    fn assert_users(sandbox: &Sandbox, token: store::Token) {
        assert_eq!(token.account(), Some(email(sandbox)));
    }
}

pub(crate) fn builder_for(sandbox: &Sandbox, product: Product) -> ClientBuilder {
    Client::builder(Stage::Prod, product)
        .base_url(base_url(sandbox))
        .clock(sandbox.clock())
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
}

/// The passcode from the user's mailbox, after asking for it.
pub(crate) async fn passcode(sandbox: &Sandbox) -> SecretString {
    let user = email(sandbox);
    client(sandbox).request_passcode(user).await.unwrap();
    let mail = sandbox.inbox(user).latest().unwrap();
    mail.code().unwrap().into()
}

/// A token of the sandbox's user without a log-in.
pub(crate) fn minted(sandbox: &Sandbox) -> Token {
    let jwt = sandbox.eqworks().mint_token(email(sandbox), "atom");
    Token::from_jwt(jwt).unwrap()
}

/// A JWT with these claims and an invalid signature.
pub(crate) fn jwt(claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

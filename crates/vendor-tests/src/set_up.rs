//! What most tests of every vendor begin with.

use std::error::Error as StdError;

use auth_core::{AuthError, ErrorKind, Renew, Session, State};
use auth_sandbox::{Entry, Sandbox, SandboxBuilder, SandboxClock};
use httpmock::{MockServer, Then};

/// Writes the functions of [`Vendor`](crate::Vendor) that call a method of the same name in every
/// vendor crate.
#[macro_export]
macro_rules! vendor_methods {
    () => {
        const PACKAGE: &'static str = env!("CARGO_PKG_NAME");

        fn with_base_url(builder: Self::ClientBuilder, base_url: &str) -> Self::ClientBuilder {
            builder.base_url(base_url)
        }

        fn with_allowed_host(builder: Self::ClientBuilder, host: &str) -> Self::ClientBuilder {
            builder.allow_host(host)
        }

        fn with_http(
            builder: Self::ClientBuilder,
            adjust: impl FnOnce(::auth_core::HttpBuilder) -> ::auth_core::HttpBuilder,
        ) -> Self::ClientBuilder {
            builder.http(adjust)
        }

        fn build(builder: Self::ClientBuilder) -> Result<Self::Client, Self::Error> {
            builder.build()
        }

        fn auth_headers(token: &Self::Token) -> Result<::auth_core::AuthHeaders, Self::Error> {
            token.auth_headers()
        }

        fn session_with_token(
            client: &Self::Client,
            token: Self::Token,
        ) -> Result<$crate::Session<Self>, Self::Error> {
            client.session(token).build()
        }
    };
}

/// Makes functions of a [`Vendor`](crate::Vendor) functions of the module, for the vendor's own
/// tests.
#[macro_export]
macro_rules! functions {
    ($vendor:ident: $($function:ident -> $result:ty),+) => {
        $(
            pub(crate) fn $function(sandbox: &::auth_sandbox::Sandbox) -> $result {
                <$vendor as $crate::Vendor>::$function(sandbox)
            }
        )+
    };
}

/// A sandbox whose time the test moves.
pub fn sandbox() -> Sandbox {
    sandbox_with(|builder| builder)
}

/// The same, with other settings.
pub fn sandbox_with(set: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Sandbox {
    set(Sandbox::builder().clock(SandboxClock::frozen()))
        .start()
        .unwrap()
}

/// The one request of this operation.
#[track_caller]
pub fn only(sandbox: &Sandbox, operation: &str) -> Entry {
    sandbox.log().assert_count(operation, 1);
    sandbox.log().last(operation).unwrap()
}

/// A server of nothing but this response, whatever is asked.
pub async fn always(response: impl FnOnce(Then) -> Then) -> MockServer {
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
pub fn shown(error: &dyn StdError) -> String {
    let mut texts = vec![format!("{error}\n{error:?}\n{error:#?}")];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(format!("{error}\n{error:?}"));
        cause = error.source();
    }
    texts.join("\n")
}

/// `error` is of this kind, and its message holds `text`.
#[track_caller]
pub fn assert_refused(error: &impl AuthError, kind: ErrorKind, text: &str) {
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(
        error.to_string().contains(text),
        "'{text}' is not in: {error}"
    );
}

/// Waits until no renewal is under way.
pub async fn settled<R: Renew>(session: &Session<R>) -> State {
    let mut states = session.states();
    loop {
        let state = states.next().await.unwrap();
        if state != State::Renewing {
            return state;
        }
    }
}

//! What every vendor crate would otherwise write again, letter for letter.

/// The settings that every vendor's `ClientBuilder` has.
///
/// The caller supplies: a field `http: HttpBuilder`, and an associated `DEFAULT_BASE_URL`.
#[doc(hidden)]
#[macro_export]
macro_rules! client_builder_methods {
    () => {
        /// Another address than [`Self::DEFAULT_BASE_URL`]: https, or http to a loopback host.
        pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
            self.http = self.http.base_url(base_url);
            self
        }

        /// Where the time comes from: the system by default.
        pub fn clock(mut self, clock: impl $crate::Clock) -> Self {
            self.http = self.http.clock(::std::sync::Arc::new(clock));
            self
        }

        /// Lets sessions put their headers on requests to `host` (with its port, where that is
        /// not 443), besides the vendor's own.
        pub fn allow_host(mut self, host: impl Into<String>) -> Self {
            self.http = self.http.allow_host(host);
            self
        }

        /// Adjusts time limits, retries and the HTTP library (a proxy, root certificates, a client
        /// identity). See [`HttpBuilder`](crate::http::HttpBuilder).
        pub fn http(
            mut self,
            adjust: impl FnOnce($crate::HttpBuilder) -> $crate::HttpBuilder,
        ) -> Self {
            self.http = adjust(self.http);
            self
        }
    };
}

/// The methods of a session, for the page of a vendor's alias: rustdoc shows none there.
#[doc(hidden)]
#[macro_export]
macro_rules! session_methods {
    () => {
        "
# Methods

| to | call |
| --- | --- |
| make a call with reqwest | [`send`](auth_core::Session::send), [`send_once`](auth_core::Session::send_once) |
| put the headers on a request, if its host is the vendor's | [`authorize`](auth_core::Session::authorize), [`authorize_with`](auth_core::Session::authorize_with) (reqwest), [`apply_to`](auth_core::Session::apply_to) (any client), [`headers_for_blocking`](auth_core::Session::headers_for_blocking) |
| have the headers, for whatever host | [`headers`](auth_core::Session::headers), [`apply`](auth_core::Session::apply), [`auth_headers`](auth_core::Session::auth_headers); without waiting [`try_headers`](auth_core::Session::try_headers), [`try_apply`](auth_core::Session::try_apply) |
| report a refusal | [`invalidate`](auth_core::Session::invalidate) |
| renew | [`renew`](auth_core::Session::renew), [`refresh_in_background`](auth_core::Session::refresh_in_background) |
| log in and out | [`set_token`](auth_core::Session::set_token), [`save`](auth_core::Session::save), [`log_out`](auth_core::Session::log_out) |
| end the process | [`settled`](auth_core::Session::settled) |
| see how it is | [`state`](auth_core::Session::state), [`states`](auth_core::Session::states), [`expiry`](auth_core::Session::expiry), [`allowed_hosts`](auth_core::Session::allowed_hosts) |
| do without a runtime | [`headers_blocking`](auth_core::Session::headers_blocking), [`apply_blocking`](auth_core::Session::apply_blocking), [`auth_headers_blocking`](auth_core::Session::auth_headers_blocking), [`renew_blocking`](auth_core::Session::renew_blocking), [`set_token_blocking`](auth_core::Session::set_token_blocking), [`log_out_blocking`](auth_core::Session::log_out_blocking), [`settled_blocking`](auth_core::Session::settled_blocking) |

Every session is an [`Authorizer`](auth_core::Authorizer), for signatures without a vendor's types and for tests. Clones are cheap and share the token.
"
    };
}

/// The methods of a session's builder, likewise.
#[doc(hidden)]
#[macro_export]
macro_rules! session_builder_methods {
    () => {
        "
# Methods

[`store`](auth_core::SessionBuilder::store), [`store_as`](auth_core::SessionBuilder::store_as) and [`renew_without_lease`](auth_core::SessionBuilder::renew_without_lease) for a token store,
[`renew_in_foreground`](auth_core::SessionBuilder::renew_in_foreground) and [`wait_on_drop`](auth_core::SessionBuilder::wait_on_drop) for programs that do not run for long,
[`label`](auth_core::SessionBuilder::label) and [`hash_account`](auth_core::SessionBuilder::hash_account) for what logs say,
[`token`](auth_core::SessionBuilder::token) to start with one, [`allowed_hosts`](auth_core::SessionBuilder::allowed_hosts), and [`build`](auth_core::SessionBuilder::build). The rest is for
vendor crates: [`http`](auth_core::SessionBuilder::http), [`clock`](auth_core::SessionBuilder::clock), [`key`](auth_core::SessionBuilder::key), [`needs_store`](auth_core::SessionBuilder::needs_store).
"
    };
}

/// The methods of a pool of sessions, likewise.
#[doc(hidden)]
#[macro_export]
macro_rules! session_pool_methods {
    () => {
        "
# Methods

[`new`](auth_core::SessionPool::new) with [`idle`](auth_core::SessionPool::idle) and [`clock`](auth_core::SessionPool::clock);
[`get_or_make`](auth_core::SessionPool::get_or_make), [`get`](auth_core::SessionPool::get), [`remove`](auth_core::SessionPool::remove);
[`for_each`](auth_core::SessionPool::for_each), [`snapshot`](auth_core::SessionPool::snapshot) and [`states`](auth_core::SessionPool::states) for an operator;
[`settle`](auth_core::SessionPool::settle) before the process ends; [`evict_idle`](auth_core::SessionPool::evict_idle), [`len`](auth_core::SessionPool::len), [`is_empty`](auth_core::SessionPool::is_empty).
"
    };
}

/// A vendor's `Token`: an [`auth_core::Token`](crate::Token) in a type of its own.
///
/// The caller supplies: the docs, the type's name, `$headers` (a function of the crate that makes
/// the headers of an `auth_core::Token`), `$account` (a function that writes an account as the
/// vendor does), an `Error` with `From<auth_core::Error>`, and the typed
/// getters in an `impl` of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! vendor_token {
    ($(#[$docs:meta])* $name:ident, $headers:path, $account:path) => {
        $(#[$docs])*
        #[derive(Clone, Debug)]
        pub struct $name($crate::Token);

        impl $name {
            /// The secret that authorises calls.
            pub fn access_token(&self) -> &$crate::SecretString {
                self.0.access()
            }

            /// When the token ends.
            pub fn expiry(&self) -> $crate::Expiry {
                self.0.expiry()
            }

            /// When the token was asked for, by the local wall clock.
            pub fn issued_at(&self) -> ::std::time::SystemTime {
                self.0.issued_at()
            }

            /// Whose token it is, where that is known: from a log-in, or by
            /// [`with_account`](Self::with_account).
            pub fn account(&self) -> Option<&str> {
                self.0.account()
            }

            /// Names the account of a token that came without one, as a store needs it.
            pub fn with_account(self, account: impl AsRef<str>) -> Self {
                Self(self.0.with_account($account(account.as_ref())))
            }

            /// A short text that tells this token from others and reveals nothing of it.
            pub fn fingerprint(&self) -> $crate::Fingerprint {
                self.0.fingerprint()
            }

            /// The token's headers, for calls without a session.
            ///
            /// # Errors
            ///
            /// [`Error::Core`] if the token holds characters that no header can carry.
            pub fn auth_headers(&self) -> Result<$crate::AuthHeaders, Error> {
                Ok($crate::AuthHeaders::new(&self.0, &$headers(&self.0)?)?)
            }
        }

        /// The token as a session and a store take it.
        impl From<$name> for $crate::Token {
            fn from(token: $name) -> Self {
                token.0
            }
        }

        // Hidden, since the two types have one name: the docs would show the same line twice. A
        // program that makes a token has typed ways of its vendor.
        #[doc(hidden)]
        impl From<$crate::Token> for $name {
            fn from(token: $crate::Token) -> Self {
                Self(token)
            }
        }
    };
}

/// What every vendor's `Error` does alike.
///
/// The caller supplies: an enum with a variant `Core(auth_core::Error)`, the names of the other variants
/// that may be transient, each with a field `retry_after: Option<Duration>`, and in an `impl` of its own
/// `kind()` and `http_status()`, each of which decides for every variant.
#[doc(hidden)]
#[macro_export]
macro_rules! vendor_error {
    ($name:ident, $($transient:ident),+) => {
        impl $name {
            /// How long to wait before the next call. From a call: what the vendor asked for, where it
            /// said so (after a 429, and after a 503, which is [`ErrorKind::Unavailable`]). From a
            /// session whose last renewal failed: the time that is left until it tries again.
            pub fn retry_after(&self) -> Option<::std::time::Duration> {
                match self {
                    Self::Core(error) => $crate::AuthError::retry_after(error),
                    $(Self::$transient { retry_after, .. } => *retry_after,)+
                    _ => None,
                }
            }
        }

        impl $crate::AuthError for $name {
            fn kind(&self) -> $crate::ErrorKind {
                self.kind()
            }

            fn retry_after(&self) -> Option<::std::time::Duration> {
                self.retry_after()
            }

            fn retrying_in(mut self, left: ::std::time::Duration) -> Self {
                match &mut self {
                    Self::Core(error) => *error = $crate::AuthError::retrying_in(error.clone(), left),
                    $(Self::$transient { retry_after, .. } => *retry_after = Some(left),)+
                    _ => {}
                }
                self
            }

            fn http_status(&self) -> Option<u16> {
                self.http_status()
            }
        }
    };
}

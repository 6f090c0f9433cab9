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

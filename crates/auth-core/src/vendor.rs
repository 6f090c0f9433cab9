//! What every vendor crate would otherwise write again, word for word.

/// The settings that every vendor's `ClientBuilder` has. It keeps an
/// [`HttpBuilder`] in its field `http`, and the crate has a
/// `DEFAULT_BASE_URL`.
#[doc(hidden)]
#[macro_export]
macro_rules! client_builder_methods {
    () => {
        /// Another address than [`DEFAULT_BASE_URL`]: https, or http to a loopback host.
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
        /// identity). See [`HttpBuilder`].
        pub fn http(
            mut self,
            adjust: impl FnOnce($crate::HttpBuilder) -> $crate::HttpBuilder,
        ) -> Self {
            self.http = adjust(self.http);
            self
        }
    };
}

/// The sessions of a vendor whose `Client` can log in with an e-mail address and a password. The
/// crate's `Renewer` has a `with_password(client, email, password)`, the client its `http`.
#[doc(hidden)]
#[macro_export]
macro_rules! password_session_methods {
    () => {
        /// A session that logs in when it is first used, and again whenever there is no other way
        /// to renew its token: it keeps the password for as long as it lives.
        ///
        /// # Errors
        ///
        /// None at present.
        pub fn session_with_password(
            &self,
            email: impl Into<String>,
            password: impl Into<$crate::SecretString>,
        ) -> Result<Session, Error> {
            self.session_builder_with_password(email, password).build()
        }

        /// As [`Client::session_builder`]; like [`Client::session_with_password`], it also logs in.
        pub fn session_builder_with_password(
            &self,
            email: impl Into<String>,
            password: impl Into<$crate::SecretString>,
        ) -> $crate::SessionBuilder<Renewer> {
            let renewer = Renewer::with_password(self.clone(), email.into(), password.into());
            self.0.http.session(renewer)
        }
    };
}

/// A vendor's `Token`: an [`auth_core::Token`](crate::Token) with typed getters, which the vendor
/// crate adds. Its headers come from `$headers`, a function of the crate.
#[doc(hidden)]
#[macro_export]
macro_rules! vendor_token {
    ($(#[$docs:meta])* $name:ident, $headers:path) => {
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

            /// A short text that tells this token from others and gives nothing away.
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

        impl From<$name> for $crate::Token {
            fn from(token: $name) -> Self {
                token.0
            }
        }

        impl From<$crate::Token> for $name {
            fn from(token: $crate::Token) -> Self {
                Self(token)
            }
        }
    };
}

/// A vendor's `Error`: the variants that are peculiar to the vendor, in `kind` what the caller can
/// do about each of these, and behind them the variants that every vendor has. Where a variant of
/// the vendor knows how long to wait, its kind says so.
#[doc(hidden)]
#[macro_export]
macro_rules! vendor_error {
    (
        $(#[$docs:meta])*
        pub enum $name:ident { $($variants:tt)* }
        kind { $($kinds:tt)* }
    ) => {
        $(#[$docs])*
        #[derive(Clone, Debug, ::thiserror::Error)]
        #[non_exhaustive]
        pub enum $name {
            $($variants)*
            /// The token was refused: it is wrong, has ended, or was revoked.
            #[error("the token was refused: {message}")]
            TokenRejected {
                /// What the vendor said.
                message: String,
            },
            /// The session has nothing left to renew by: somebody must log in.
            #[error("somebody must log in: {reason}")]
            LoginRequired {
                /// Why.
                reason: String,
            },
            /// Everything that is not peculiar to the vendor: the way there, the configuration,
            /// the token store, an response that nobody documented.
            #[error(transparent)]
            Core(#[from] $crate::Error),
        }

        impl $name {
            /// What the caller can do.
            pub fn kind(&self) -> $crate::ErrorKind {
                match self {
                    $($kinds)*
                    Self::TokenRejected { .. } => $crate::ErrorKind::TokenRejected,
                    Self::LoginRequired { .. } => $crate::ErrorKind::InteractionRequired,
                    Self::Core(error) => error.kind(),
                }
            }

            /// How long the vendor asked to wait before the next call, where it said so: after a
            /// 429, and after a 503, which is [`ErrorKind::Unavailable`].
            pub fn retry_after(&self) -> Option<::std::time::Duration> {
                match (self, self.kind()) {
                    (Self::Core(error), _) => $crate::AuthError::retry_after(error),
                    (_, $crate::ErrorKind::RateLimited { retry_after }) => retry_after,
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
        }
    };
}

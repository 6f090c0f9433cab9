//! What a test can set before the sandbox starts.

use std::time::Duration;

use crate::sandbox::SandboxBuilder;

/// IQM's limit, in requests a minute.
const RATE_LIMIT: u32 = 20;

/// How IQM's token endpoint wraps its answer to the password grant. The vendor documents both forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IqmTokenEnvelope {
    /// `{"success":true,"data":{…}}`, as in the vendor's sample.
    #[default]
    Enveloped,
    /// The tokens and nothing around them, as RFC 6749 has it.
    Bare,
}

#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(super) rotate_refresh_tokens: bool,
    pub(super) token_lifetime: Duration,
    pub(super) refresh_token_lifetime: Option<Duration>,
    pub(super) token_envelope: IqmTokenEnvelope,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rotate_refresh_tokens: false,
            // `expires_in` in IQM's samples.
            token_lifetime: Duration::from_secs(35_999),
            refresh_token_lifetime: None,
            token_envelope: IqmTokenEnvelope::default(),
        }
    }
}

impl SandboxBuilder {
    /// Whether every refresh at IQM gives a new refresh token. Using an old one again then revokes the
    /// whole family of tokens: those that descend from the same log-in (reuse detection, as RFC
    /// 9700 recommends). Default: `false`, as in the vendor's samples, where a refresh gives back
    /// the refresh token that was sent.
    pub fn iqm_rotate_refresh_tokens(self, rotate: bool) -> Self {
        self.set(|iqm: &mut Settings| iqm.rotate_refresh_tokens = rotate)
    }

    /// How long IQM's access tokens live. Default: 35 999 s, as in its samples.
    ///
    /// `expires_in` is in whole seconds, rounded down.
    pub fn iqm_token_lifetime(self, lifetime: Duration) -> Self {
        self.set(|iqm: &mut Settings| iqm.token_lifetime = lifetime)
    }

    /// How long IQM's refresh tokens live. Default: `None`, until they are revoked.
    pub fn iqm_refresh_token_lifetime(self, lifetime: Option<Duration>) -> Self {
        self.set(|iqm: &mut Settings| iqm.refresh_token_lifetime = lifetime)
    }

    /// How IQM's token endpoint wraps its answer to the password grant. Default:
    /// [`IqmTokenEnvelope::Enveloped`].
    pub fn iqm_token_envelope(self, envelope: IqmTokenEnvelope) -> Self {
        self.set(|iqm: &mut Settings| iqm.token_envelope = envelope)
    }

    /// As [`rate_limit`](Self::rate_limit), for each vendor, with the limit that IQM documents: 20
    /// requests a minute.
    pub fn iqm_rate_limit(self) -> Self {
        self.rate_limit(Some(RATE_LIMIT))
    }
}

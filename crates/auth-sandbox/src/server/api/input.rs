//! What a call of the API says: its query and its body, strictly.

use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use tokio::time::Instant;

use super::Refused;

/// The query.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Refused::bad(rejection.body_text())),
        }
    }
}

/// The body: JSON, or nothing where nothing has to be said. The header that each change needs makes a
/// check of the content type superfluous, and `curl --data` sends that of a form.
pub(super) struct Input<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|rejection| Refused::bad(rejection.body_text()))?;
        let json = if body.is_empty() { b"{}" } else { &*body };
        match serde_json::from_slice(json) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Refused::bad(format!("the body does not fit: {error}"))),
        }
    }
}

/// A duration as people write it: `90s`, `1h 30m`, `500ms`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span = humantime::parse_duration(&text);
        span.map(Self)
            .map_err(|error| D::Error::custom(format!("{text:?} is no duration: {error}")))
    }
}

/// The longest wait of a call.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Until when a call waits. Without a wait it does not.
pub(super) fn deadline(wait: Option<Span>) -> Instant {
    let wait = wait.map_or(Duration::ZERO, |Span(wait)| wait.min(LONGEST_WAIT));
    Instant::now() + wait
}

/// A time, in UTC, to the millisecond.
pub(super) fn date(at: SystemTime) -> String {
    crate::date::format(at)
}

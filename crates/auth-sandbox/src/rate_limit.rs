//! A limit on requests a minute, by the sandbox's clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;

use crate::answer::Refusal;
use crate::vendor_clock::VendorClock;

const WINDOW: Duration = Duration::from_secs(60);

/// Lets this many requests a minute through, and refuses the others.
pub(crate) fn limited(
    router: Router,
    a_minute: Option<u32>,
    clock: VendorClock,
    refuse: fn(String) -> Refusal,
) -> Router {
    let Some(limit) = a_minute else {
        return router;
    };
    let limit = RateLimit {
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        passed: VecDeque::new(),
    };
    let limit = Arc::new(Mutex::new(limit));
    router.layer(from_fn(move |request: Request<Body>, next: Next| {
        let mut state = limit.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = state.pass(clock.now());
        drop(state);
        async move {
            let Err(wait) = passed else {
                return next.run(request).await;
            };
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let hint = format!("the rate limit is used up; the next request passes in {seconds} s");
            let mut response = refuse(hint).into_response();
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
    }))
}

/// Counts the requests of the last minute.
///
/// A sliding window: the vendors name only the number, and with it a test can say exactly when the
/// next request is let through.
struct RateLimit {
    limit: usize,
    passed: VecDeque<Duration>,
}

impl RateLimit {
    /// Lets a request through, or says how long to wait. A refused request does not count.
    fn pass(&mut self, now: Duration) -> Result<(), Duration> {
        let is_past = |then: &Duration| now >= *then + WINDOW;
        while self.passed.front().is_some_and(is_past) {
            self.passed.pop_front();
        }
        if self.passed.len() < self.limit {
            self.passed.push_back(now);
            return Ok(());
        }
        // A limit of zero never lets a request through. It names a minute, too.
        let first = self.passed.front();
        Err(first.map_or(WINDOW, |then| (*then + WINDOW).saturating_sub(now)))
    }
}

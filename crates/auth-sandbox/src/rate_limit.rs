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

/// When requests of the last minute were let through.
pub(crate) type Passed = Arc<Mutex<VecDeque<Duration>>>;

/// Lets this many requests a minute through, and refuses the others.
pub(crate) fn limited(
    router: Router,
    a_minute: Option<u32>,
    passed: &Passed,
    clock: VendorClock,
    refuse: fn(String) -> Refusal,
) -> Router {
    let Some(limit) = a_minute else {
        return router;
    };
    let limit = RateLimit {
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        passed: Arc::clone(passed),
    };
    router.layer(from_fn(move |request: Request<Body>, next: Next| {
        let passed = limit.pass(clock.now());
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
#[derive(Clone)]
struct RateLimit {
    limit: usize,
    passed: Passed,
}

impl RateLimit {
    /// Lets a request through, or says how long to wait. A refused request does not count.
    fn pass(&self, now: Duration) -> Result<(), Duration> {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_past = |then: &Duration| now >= *then + WINDOW;
        while passed.front().is_some_and(is_past) {
            passed.pop_front();
        }
        if passed.len() < self.limit {
            passed.push_back(now);
            return Ok(());
        }
        // A limit of zero never lets a request through. It names a minute, too.
        let first = passed.front();
        Err(first.map_or(WINDOW, |then| (*then + WINDOW).saturating_sub(now)))
    }
}

//! What the routers of all vendors have in common.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::{self, MethodFilter, MethodRouter};

use crate::answer::Refusal;
use crate::rate_limit::RateLimit;
use crate::request::Call;
use crate::vendor_clock::VendorClock;

pub(crate) type Answer<R = Refusal> = Result<Response<Body>, R>;

/// Routes to a plain function: nothing in a vendor's memory waits.
pub(crate) fn on<S, R>(
    method: MethodFilter,
    handle: fn(&S, &Call) -> Result<Response<Body>, R>,
) -> MethodRouter<Arc<S>>
where
    S: Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    routing::on(
        method,
        move |State(state): State<Arc<S>>, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            handle(&state, &Call { uri, headers, body })
        },
    )
}

/// Lets this many requests a minute through, and answers the others in the vendor's shape.
pub(crate) fn limited(
    router: Router,
    a_minute: Option<u32>,
    clock: &VendorClock,
    refuse: fn(String) -> Refusal,
) -> Router {
    let limit = Arc::new(Mutex::new(RateLimit::new(a_minute)));
    let clock = clock.clone();
    router.layer(from_fn(move |request: Request<Body>, next: Next| {
        let passed = limit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pass(clock.now());
        async move {
            let Err(wait) = passed else {
                return next.run(request).await;
            };
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let hint = format!("the rate limit is used up; the next request passes in {seconds} s");
            let mut response = refuse(hint).into_response();
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }))
}

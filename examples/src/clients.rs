//! One call each by other HTTP clients than reqwest: what `session.send(request)` does, in their terms.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use iqm_auth::Session;
use iqm_auth::session::middleware::AuthMiddleware;
use iqm_auth::session::tower::AuthLayer;
use iqm_auth::session::{Authorizer as _, Refusal};
use tower::{Layer as _, ServiceExt as _};
use url::Url;

/// The status and the body of a response.
pub type Answer = Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>>;

/// By a service of `tower`, here hyper's own client. The layer checks the host, puts the headers on,
/// and renews a token that the vendor refuses.
///
/// # Errors
///
/// If the token must not go to the host, cannot be renewed, or no response comes.
pub async fn by_tower(session: &Session, url: &str) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    // `resending`: the body is `Clone`, so that a refused request can be sent once more.
    let client = AuthLayer::resending(session.clone()).layer(client);

    let request = Request::get(url).body(Full::default())?;
    let (head, body) = client.oneshot(request).await?.into_parts();
    Ok((head.status, body.collect().await?.to_bytes()))
}

/// By `reqwest-middleware`: a client with other middlewares (retries, tracing) beside this one.
///
/// # Errors
///
/// As [`by_tower`].
pub async fn by_middleware(session: &Session, url: &str) -> Answer {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let client = reqwest_middleware::ClientBuilder::new(http)
        .with(AuthMiddleware::new(session.clone()))
        .build();

    let response = client.get(url).send().await?;
    Ok((response.status(), response.bytes().await?))
}

/// By ureq, on a thread without a runtime. Renewals have a thread of their own.
///
/// # Errors
///
/// As [`by_tower`].
pub fn by_ureq(session: &Session, url: &str) -> Answer {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0);
    let agent = ureq::Agent::from(config.build());
    let address: Url = url.parse()?;
    let mut is_first = true;
    loop {
        let headers = session.headers_for_blocking(url)?;
        let mut request = Request::get(url).body(())?;
        headers.apply(request.headers_mut());
        let (head, mut body) = agent.run(request)?.into_parts();
        let body = Bytes::from(body.read_to_vec()?);
        // IQM refuses by the status alone. Where that leaves it open, the body decides.
        let refusal = session.refusal(&address, head.status, Some(&body));
        if refusal != Refusal::Yes {
            return Ok((head.status, body));
        }
        session.invalidate(&headers);
        if !std::mem::take(&mut is_first) {
            return Ok((head.status, body));
        }
    }
}

/// By anything else that takes a map of headers. A refused token is reported, and the next call
/// has another.
///
/// # Errors
///
/// As [`by_tower`].
pub async fn by_hand(session: &Session, url: &str) -> Answer {
    let mut headers = HeaderMap::new();
    session.apply_to(url, &mut headers).await?;
    let mut request = Request::get(url).body(Full::<Bytes>::default())?;
    request.headers_mut().extend(headers);

    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(request).await?.into_parts();
    Ok((head.status, body.collect().await?.to_bytes()))
}

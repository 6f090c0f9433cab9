//! What keeps web pages of others away from the API: a check of the host that a request names, and a
//! header that such a page cannot send.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::api::Refused;
use super::app::App;

/// The header of each call that changes something. A page of another origin would have to ask first
/// whether it may send it, and is never told yes.
pub(super) const CHANGE_HEADER: &str = "x-auth-sandbox";

/// The host's name in a URL.
pub(super) fn host_of(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.host_str()?.to_owned())
}

/// Refuses a request that the browser of the person who tests was tricked into.
pub(super) fn check(app: &App, parts: &Parts) -> Result<(), Refused> {
    let path = parts.uri.path();
    // Health checks name what they like, and learn nothing.
    if path != "/health" && !is_allowed(app, parts) {
        let text = "the request is for a host that the sandbox does not know; start it with \
                    --allow-host NAME";
        return Err(Refused(StatusCode::MISDIRECTED_REQUEST, text.to_owned()));
    }
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    let is_api =
        path.starts_with("/_sandbox") || (path.starts_with("/ns/") && path.contains("/_sandbox"));
    if is_api && !is_read && !parts.headers.contains_key(CHANGE_HEADER) {
        let text = format!("a call that changes something needs the header {CHANGE_HEADER}: 1");
        return Err(Refused(StatusCode::FORBIDDEN, text));
    }
    Ok(())
}

/// A name in DNS may lead here by a trick of its owner. An address cannot.
fn is_allowed(app: &App, parts: &Parts) -> bool {
    let named = parts.uri.authority().map(|it| it.as_str().to_owned());
    let sent = || Some(parts.headers.get(header::HOST)?.to_str().ok()?.to_owned());
    let Some(host) = named.or_else(sent) else {
        return false;
    };
    let Some(host) = host_of(&format!("http://{host}/")) else {
        return false;
    };
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    literal.parse::<IpAddr>().is_ok()
        || host == "localhost"
        || host.ends_with(".localhost")
        || app.hosts.iter().any(|it| it.eq_ignore_ascii_case(&host))
}

/// The headers of every answer of the API and the page.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

//! The page.

use std::fmt::Write as _;

use axum::Extension;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};

use super::app::Here;
use crate::server::api::request_json;

/// The requests as a list.
pub(super) async fn page(Extension(here): Extension<Here>) -> Response<Body> {
    let sandbox = here.sandbox();
    let mut list = String::new();
    for entry in sandbox.exchange.log.lock().entries.iter().rev().take(100) {
        let text = request_json(entry).to_string();
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = write!(list, "<li>{text}</li>");
    }
    let page = format!("<!doctype html><html lang=en><title>auth-sandbox</title><ul>{list}</ul>");
    let mut response = Response::new(Body::from(page));
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

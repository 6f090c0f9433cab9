//! Calls of scripts in a browser: any origin, method and header is allowed, as in the source code that the
//! vendor has published.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

pub(super) async fn any_origin(request: Request, next: Next) -> Response {
    let wanted = header::ACCESS_CONTROL_REQUEST_HEADERS;
    let wanted = request.headers().get(wanted).cloned();
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    if is_preflight {
        let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        let wanted = wanted.map(|wanted| (header::ACCESS_CONTROL_ALLOW_HEADERS, wanted));
        headers.extend(wanted);
    }
    response
}

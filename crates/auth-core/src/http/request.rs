//! A request before it is sent, and its name in the spans.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tracing::Span;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::auth_headers::AuthHeaders;
use crate::hosts::BaseUrl;
use crate::redact::Redactor;
use crate::retry::Idempotency;
use crate::{Error, ErrorKind, secret};

/// The name of a call, as spans and errors show it: `iqm.log_in`.
///
/// Made by [`operation!`](crate::operation), since `tracing` wants a span's name to be a literal.
#[derive(Clone, Copy)]
pub struct Operation {
    name: &'static str,
    span: fn() -> Span,
}

impl Operation {
    #[doc(hidden)]
    pub const fn new(name: &'static str, span: fn() -> Span) -> Self {
        Self { name, span }
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn span(self) -> Span {
        (self.span)()
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Names an [`Operation`]. Its span has the fields `status`, `attempt`, `duration_ms` (of the last
/// attempt) and `error`, and never a URL, a header or a body.
#[macro_export]
macro_rules! operation {
    ($name:literal) => {
        $crate::Operation::new($name, || {
            $crate::__tracing::info_span!(
                $name,
                status = $crate::__tracing::field::Empty,
                attempt = $crate::__tracing::field::Empty,
                duration_ms = $crate::__tracing::field::Empty,
                error = $crate::__tracing::field::Empty
            )
        })
    };
}

/// All but the unreserved characters of RFC 3986, so that a space is `%20`: a `+` stands for a space
/// in some decoders and for itself in others.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One call to a vendor. Everything secret in it is known to its [`Redactor`].
pub struct Request {
    operation: Operation,
    method: Method,
    path: String,
    /// What follows the path.
    segments: Vec<String>,
    query: Zeroizing<String>,
    headers: HeaderMap,
    body: Bytes,
    pub(super) idempotency: Idempotency,
    redactor: Redactor,
    failure: Option<Error>,
}

/// The bytes of a body, wiped when the last attempt is over.
struct Body(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Request {
    /// A call to `path` below the service's address. The parts between slashes become one segment
    /// each; a part that a caller chose goes through [`Request::segment`].
    pub fn new(operation: Operation, method: Method, path: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            operation,
            method,
            path: path.to_owned(),
            segments: Vec::new(),
            query: Zeroizing::default(),
            headers,
            body: Bytes::new(),
            idempotency: Idempotency::No,
            redactor: Redactor::new(),
            failure: None,
        }
    }

    /// A `GET`, which may always be repeated.
    pub fn get(operation: Operation, path: &str) -> Self {
        Self::new(operation, Method::GET, path).idempotency(Idempotency::Yes)
    }

    /// A `POST`, which is not repeated where it may have had its effect, unless told otherwise.
    pub fn post(operation: Operation, path: &str) -> Self {
        Self::new(operation, Method::POST, path)
    }

    /// Adds one segment to the path, percent-encoded.
    ///
    /// What URLs give a meaning of their own (nothing, `.` and `..`), or leave out (line breaks),
    /// makes [`Http::send`](super::Http::send) fail with [`ErrorKind::InvalidConfig`]: it could
    /// change the path.
    pub fn segment(mut self, segment: &str) -> Self {
        if matches!(segment, "" | "." | "..") || segment.contains(|c: char| c.is_ascii_control()) {
            self.fail("a part of the path is empty, dots alone or holds a line break".to_owned());
        }
        self.segments.push(segment.to_owned());
        self
    }

    /// As [`Request::segment`], with a secret.
    pub fn secret_segment(self, segment: &SecretString) -> Self {
        self.secret(segment).segment(segment.expose_secret())
    }

    /// Adds `pairs` to the query, names and values percent-encoded. They are part of no span and no
    /// error. A secret goes through [`Request::secret_query`].
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        for (name, value) in pairs {
            if !self.query.is_empty() {
                self.query.push('&');
            }
            self.query.extend(utf8_percent_encode(name, QUERY_VALUE));
            self.query.push('=');
            self.query.extend(utf8_percent_encode(value, QUERY_VALUE));
        }
        self
    }

    /// As [`Request::query`], with a secret as the value.
    pub fn secret_query(self, name: &str, value: &SecretString) -> Self {
        self.secret(value).query(&[(name, value.expose_secret())])
    }

    /// How safe it is to send this again.
    pub fn idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Registers a secret, so that it is cut out of whatever the vendor says. Private: every way to
    /// put a secret into a request does this.
    fn secret(mut self, secret: &SecretString) -> Self {
        self.redactor.add(secret);
        self
    }

    /// Adds a header that is no secret.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.insert(name, value);
            }
            Err(_) => self.fail(format!("the value of header {name} cannot be sent")),
        }
        self
    }

    /// Adds `Authorization: Basic …` (RFC 7617).
    pub fn basic(mut self, id: &str, secret: &SecretString) -> Self {
        use base64::Engine as _;
        const SCHEME: &str = "Basic ";
        let pair = Zeroizing::new([id, ":", secret.expose_secret()].concat());
        let length = SCHEME.len() + pair.len().div_ceil(3) * 4;
        // With room for all of it, so that no part is left behind.
        let mut value = Zeroizing::new(String::with_capacity(length));
        value.push_str(SCHEME);
        base64::engine::general_purpose::STANDARD.encode_string(pair.as_bytes(), &mut value);
        self.redactor.add(secret);
        self.redactor.take(value[SCHEME.len()..].into());
        // Base64 is always a header value.
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }

    /// Adds the headers of `auth_headers`.
    pub fn auth_headers(mut self, auth_headers: &AuthHeaders) -> Self {
        auth_headers.apply(&mut self.headers);
        self.redactor.add(auth_headers.token().access());
        self
    }

    /// Sends `body` as JSON. The secrets in it are written by
    /// [`serialize_secret`](crate::serialize_secret), and known by that.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let (bytes, secrets) = secret::write_json(body);
        for secret in secrets {
            self.redactor.take(secret);
        }
        match bytes {
            Ok(bytes) => self.set_body(bytes, "application/json"),
            // The reason might quote a value.
            Err(_) => self.fail("the request could not be written as json".to_owned()),
        }
        self
    }

    /// Sends `fields` and `secrets` as a form.
    pub fn form(mut self, fields: &[(&str, &str)], secrets: &[(&str, &SecretString)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        for (name, secret) in secrets {
            form.append_pair(name, secret.expose_secret());
            self.redactor.add(secret);
        }
        let encoded = form.finish();
        self.set_body(encoded.into_bytes(), "application/x-www-form-urlencoded");
        self
    }

    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(super) fn prepare(&self, base: &BaseUrl) -> Result<reqwest::Request, Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let path = self.path.split('/').filter(|part| !part.is_empty());
        let mut url = base.join(path.chain(self.segments.iter().map(String::as_str)));
        if !self.query.is_empty() {
            url.set_query(Some(&self.query));
        }
        let mut request = reqwest::Request::new(self.method.clone(), url);
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = Some(self.body.clone().into());
        Ok(request)
    }

    fn set_body(&mut self, bytes: Vec<u8>, content_type: &'static str) {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = Bytes::from_owner(Body(Zeroizing::new(bytes)));
    }

    fn fail(&mut self, message: String) {
        self.failure
            .get_or_insert_with(|| Error::new(ErrorKind::InvalidConfig, message));
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither path nor query (a reset token may stand there) nor headers nor body.
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("idempotency", &self.idempotency)
            .finish_non_exhaustive()
    }
}

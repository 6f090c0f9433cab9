//! What a vendor supplies, and what the sandbox derives from it: routes, operations and errors.
//!
//! The list of all vendors is in `vendors.rs`, above their modules, so that no import runs in a circle.

use std::any::Any;
use std::cell::LazyCell;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use axum::routing;
use serde_json::Value;
use url::Url;

use crate::answer::{Answer, Content, Failure, Refusal};
use crate::inbox::Post;
use crate::rate_limit::{self, Passed};
use crate::request::{Call, Problem};
use crate::vendor_clock::VendorClock;

/// An emulated vendor of one sandbox, with everything that it remembers.
pub(crate) trait Vendor: Any + Send + Sync + Sized {
    /// The path of its base URL, with a slash at both ends.
    const PREFIX: &'static str;
    /// What stands between the prefix and the paths of the table: one text for each stage.
    const BASES: &'static [&'static str] = &[""];
    /// Its table. A request belongs to the first operation that it matches.
    const OPERATIONS: &'static [Operation<Self>];
    /// The text of an error with status 429.
    const TOO_MANY: &'static str;

    /// What a test can set before the sandbox starts.
    type Settings: Clone + Default + Send + Sync + 'static;

    fn new(context: Context, settings: Self::Settings) -> Self;

    /// What the body asks for, where one path has several operations. See [`Operation::when`].
    fn asks_for(_body: &[u8]) -> Option<String> {
        None
    }

    /// An error in the shape of this vendor.
    fn error_body(status: StatusCode, text: &str) -> Value;

    /// The answer to an unknown path or a wrong method.
    fn not_found(hint: String) -> Refusal {
        refuse::<Self>(StatusCode::NOT_FOUND, "Not Found", hint)
    }

    /// The answer to an unknown path.
    fn unknown_path(_path: &str, hint: String) -> Refusal {
        Self::not_found(hint)
    }

    /// What stands in front of all calls.
    fn wrapped(router: Router) -> Router {
        router
    }

    /// The answer to a malformed request. Decision: status and text, unless a vendor has others.
    fn malformed(problem: Problem) -> Refusal {
        refuse::<Self>(StatusCode::BAD_REQUEST, "Bad Request", problem.hint)
    }
}

/// What a vendor of one sandbox is made of.
pub(crate) struct Context {
    pub(crate) clock: VendorClock,
    pub(crate) post: Post,
    pub(crate) base_url: Url,
}

/// What answers an operation. Nothing in a vendor's memory waits.
type Handler<V> = fn(&V, &Call) -> Answer;

/// One row of a vendor's table.
pub(crate) struct Operation<V> {
    name: &'static str,
    method: Method,
    /// Its last segment may be a parameter in braces, which is a secret.
    path: &'static str,
    when: &'static [&'static str],
    handler: Handler<V>,
}

impl<V> Operation<V> {
    /// An operation that is a GET. A HEAD takes the same effect.
    pub(crate) const fn get(name: &'static str, path: &'static str, handler: Handler<V>) -> Self {
        Self::new(name, Method::GET, path, handler)
    }

    pub(crate) const fn post(name: &'static str, path: &'static str, handler: Handler<V>) -> Self {
        Self::new(name, Method::POST, path, handler)
    }

    const fn new(
        name: &'static str,
        method: Method,
        path: &'static str,
        handler: Handler<V>,
    ) -> Self {
        Self {
            name,
            method,
            path,
            when: &[],
            handler,
        }
    }

    /// Only requests whose body asks for one of these. All operations of one path have one handler.
    pub(crate) const fn when(mut self, asked_for: &'static [&'static str]) -> Self {
        self.when = asked_for;
        self
    }

    /// Whether this is its path, below the bases.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        self.path == path
    }

    fn matches(&self, path: &str) -> bool {
        match self.path.split_once('{') {
            None => path == self.path,
            Some((start, _)) => {
                let segment = path.strip_prefix(start);
                segment.is_some_and(|it| !it.is_empty() && !it.contains('/'))
            }
        }
    }
}

/// What the log and the faults know a request by.
pub(crate) struct Recognized {
    pub(crate) operation: &'static str,
    /// The path, with an ellipsis in the place of a secret.
    pub(crate) shown_path: String,
}

/// A [`Vendor`] without its type, as the list of vendors holds it.
pub(crate) struct VendorEntry {
    pub(crate) prefix: &'static str,
    /// The names in the table.
    pub(crate) operations: fn() -> Vec<&'static str>,
    /// Takes the settings of all vendors, by their type, and the requests a minute.
    pub(crate) start: fn(Context, &Extensions, Option<u32>) -> RunningVendor,
}

impl VendorEntry {
    pub(crate) const fn of<V: Vendor>() -> Self {
        Self {
            prefix: V::PREFIX,
            operations: || V::OPERATIONS.iter().map(|row| row.name).collect(),
            start: start::<V>,
        }
    }
}

/// A vendor of a sandbox that runs.
pub(crate) struct RunningVendor {
    pub(crate) prefix: &'static str,
    pub(crate) router: Router,
    pub(crate) recognize: fn(&Parts, &[u8]) -> Option<Recognized>,
    pub(crate) error_body: fn(StatusCode, &str) -> Value,
    #[cfg_attr(
        not(feature = "server"),
        allow(dead_code, reason = "snapshots have it")
    )]
    pub(crate) passed: Passed,
    state: Arc<dyn Any + Send + Sync>,
}

impl RunningVendor {
    /// What the vendor remembers, if it is a `V`.
    pub(crate) fn state<V: Vendor>(&self) -> Option<&V> {
        self.state.downcast_ref()
    }
}

fn start<V: Vendor>(
    context: Context,
    settings: &Extensions,
    requests_a_minute: Option<u32>,
) -> RunningVendor {
    let clock = context.clock.clone();
    let settings = settings.get::<V::Settings>().cloned().unwrap_or_default();
    let vendor = Arc::new(V::new(context, settings));
    let (a_minute, passed) = (requests_a_minute, Passed::default());
    let router = rate_limit::limited(router(&vendor), a_minute, &passed, clock, too_many::<V>);
    RunningVendor {
        prefix: V::PREFIX,
        passed,
        router: V::wrapped(router),
        recognize: recognize::<V>,
        error_body: V::error_body,
        state: vendor,
    }
}

fn too_many<V: Vendor>(hint: String) -> Refusal {
    refuse::<V>(StatusCode::TOO_MANY_REQUESTS, V::TOO_MANY, hint)
}

/// An error in the vendor's shape.
pub(crate) fn refuse<V: Vendor>(status: StatusCode, text: &str, hint: String) -> Refusal {
    Refusal {
        status,
        body: Content::Json(V::error_body(status, text)),
        hint,
    }
}

fn recognize<V: Vendor>(parts: &Parts, body: &[u8]) -> Option<Recognized> {
    let path = parts.uri.path();
    let below = path.strip_prefix(V::PREFIX)?;
    let below = V::BASES.iter().find_map(|base| below.strip_prefix(base))?;
    let method = match &parts.method {
        // The router takes it for a GET, too.
        &Method::HEAD => &Method::GET,
        method => method,
    };
    let asked_for = LazyCell::new(|| V::asks_for(body));
    let is_asked_for = |row: &Operation<V>| {
        row.when.is_empty()
            || asked_for
                .as_deref()
                .is_some_and(|it| row.when.contains(&it))
    };
    let mut rows = V::OPERATIONS.iter();
    let row = rows.find(|row| row.method == *method && row.matches(below) && is_asked_for(row))?;
    let shown_path = match path.rsplit_once('/') {
        Some((start, _)) if row.path.ends_with('}') => format!("{start}/…"),
        _ => path.to_owned(),
    };
    Some(Recognized {
        operation: row.name,
        shown_path,
    })
}

fn router<V: Vendor>(vendor: &Arc<V>) -> Router {
    let mut router = Router::new();
    let mut paths = Vec::new();
    for row in V::OPERATIONS {
        if paths.contains(&row.path) {
            continue;
        }
        paths.push(row.path);
        let handler = row.handler;
        let route = move |State(vendor): State<Arc<V>>,
                          uri: Uri,
                          headers: HeaderMap,
                          body: Bytes| async move {
            answer(&*vendor, handler, &Call { uri, headers, body })
        };
        let route = if row.method == Method::GET {
            routing::get(route)
        } else {
            routing::post(route)
        };
        let wrong_method = move || async move {
            let method = &row.method;
            V::not_found(format!(
                "the path is right and the method wrong: it takes {method}"
            ))
        };
        let route = route.fallback(wrong_method);
        for base in V::BASES {
            let path = format!("{}{base}{}", V::PREFIX, row.path);
            router = router.route(&path, route.clone());
        }
    }
    let unknown_path = |uri: Uri| async move {
        let below: Vec<_> = V::BASES
            .iter()
            .map(|base| format!("{}{base}", V::PREFIX))
            .collect();
        let below = below.join(" and ");
        let hint = format!("no such path; the calls are below {below}");
        V::unknown_path(uri.path(), hint)
    };
    router.fallback(unknown_path).with_state(Arc::clone(vendor))
}

fn answer<V: Vendor>(vendor: &V, handler: Handler<V>, call: &Call) -> Response<Body> {
    handler(vendor, call).unwrap_or_else(|failure| {
        let refusal = match failure {
            Failure::Malformed(problem) => V::malformed(problem),
            Failure::Refused(refusal) => refusal,
        };
        refusal.into_response()
    })
}

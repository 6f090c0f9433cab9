//! The program's state, and the way of a request to a vendor, to the API or to the page.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Request, Uri};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::options::Options;
use super::space::{Space, Spaces};
use super::{api, guard};
use crate::exchange::Answered;
use crate::sandbox::Sandbox;

pub(crate) struct App {
    address: SocketAddr,
    /// The address in magic links, without a slash at its end.
    pub(super) public_url: String,
    /// The names that requests may be sent to, beside those of the loopback interface.
    pub(super) hosts: Vec<String>,
    pub(super) spaces: Spaces,
    router: Router,
}

/// What a handler of the API needs: the program and the namespace that the request is for.
#[derive(Clone)]
pub(super) struct Here {
    pub(super) app: Arc<App>,
    pub(super) space: Arc<Space>,
}

impl Here {
    pub(super) fn sandbox(&self) -> Arc<Sandbox> {
        self.space.sandbox()
    }
}

impl App {
    pub(super) fn new(options: Options, address: SocketAddr) -> io::Result<Self> {
        let public_url = match options.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://localhost:{}", address.port()),
        };
        let mut hosts = options.allowed_hosts;
        hosts.extend(guard::host_of(&public_url));
        Ok(Self {
            address,
            spaces: Spaces::new(address, public_url.clone())?,
            public_url,
            hosts,
            router: api::router(),
        })
    }

    /// Answers any request.
    pub(super) async fn answer(
        self: Arc<Self>,
        mut parts: Parts,
        body: Bytes,
        connection: u64,
    ) -> Answered {
        if let Err(refusal) = guard::check(&self, &parts) {
            return Ok(refusal);
        }
        let space = match self.take_space(&mut parts) {
            Ok(space) => space,
            Err(refusal) => return Ok(refusal.into()),
        };
        let path = parts.uri.path();
        let is_own = path == "/" || path == "/health" || path.starts_with("/_sandbox");
        if !is_own {
            let sandbox = space.sandbox();
            return sandbox.exchange.answer(parts, body, connection).await;
        }
        parts.extensions.insert(Here {
            app: Arc::clone(&self),
            space,
        });
        let router = TowerToHyperService::new(self.router.clone());
        let answer = router.call(Request::from_parts(parts, Body::from(body)));
        match answer.await {
            Ok(mut response) => {
                guard::protect(response.headers_mut());
                Ok(response)
            }
            Err(never) => match never {},
        }
    }

    /// The namespace of a request, which then looks as if there were no namespaces.
    fn take_space(&self, parts: &mut Parts) -> Result<Arc<Space>, api::Refused> {
        let Some(below) = parts.uri.path().strip_prefix("/ns/") else {
            return Ok(self.spaces.default());
        };
        let (name, _) = below.split_once('/').unwrap_or((below, ""));
        let space = self.spaces.named(name)?;
        let target = parts.uri.path_and_query().map_or("", |it| it.as_str());
        let rest = target.get("/ns/".len() + name.len()..).unwrap_or_default();
        let rest = if rest.starts_with('/') {
            rest.to_owned()
        } else {
            format!("/{rest}")
        };
        parts.uri = rest.parse::<Uri>().unwrap_or_default();
        Ok(space)
    }

    /// What the program prints when it listens.
    pub(super) fn greeting(&self) -> String {
        let Self {
            address,
            public_url,
            ..
        } = self;
        format!("auth-sandbox listens on http://{address}\n\n  page  {public_url}/\n")
    }
}

//! Namespaces: sandboxes that share the port and nothing else.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::StatusCode;
use tokio::sync::watch;

use super::api::Refused;
use crate::log::Keep;
use crate::sandbox::{Sandbox, SandboxBuilder};

/// How many namespaces there may be beside the default one.
const MOST: usize = 100;
/// The longest name.
const LONGEST: usize = 64;

/// One sandbox, which can be replaced by another while clients watch.
pub(super) struct Space {
    /// Empty for the default namespace.
    pub(super) name: String,
    sandbox: RwLock<Arc<Sandbox>>,
    /// Notifies when the API has changed something, and when there is another sandbox.
    pub(super) changed: watch::Sender<u64>,
}

impl Space {
    pub(super) fn sandbox(&self) -> Arc<Sandbox> {
        let sandbox = self.sandbox.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&sandbox)
    }

    /// To be called after each change that the API makes.
    pub(super) fn touch(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }
}

pub(super) struct Spaces {
    address: SocketAddr,
    public_url: String,
    default: Arc<Space>,
    named: Mutex<BTreeMap<String, Arc<Space>>>,
}

impl Spaces {
    pub(super) fn new(address: SocketAddr, public_url: String) -> io::Result<Self> {
        let default = space(address, &public_url, String::new())?;
        Ok(Self {
            address,
            public_url,
            default: Arc::new(default),
            named: Mutex::default(),
        })
    }

    /// The namespace of requests that name none.
    pub(super) fn default(&self) -> Arc<Space> {
        Arc::clone(&self.default)
    }

    /// The namespace of this name, made if there is none yet.
    pub(super) fn named(&self, name: &str) -> Result<Arc<Space>, Refused> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(is_plain) {
            let text = format!(
                "the name of a namespace has 1 to {LONGEST} letters, digits, dots, hyphens and \
                 underscores"
            );
            return Err(Refused(StatusCode::BAD_REQUEST, text));
        }
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(space) = named.get(name) {
            return Ok(Arc::clone(space));
        }
        if named.len() >= MOST {
            let text = format!("there are {MOST} namespaces already; delete one");
            return Err(Refused(StatusCode::INSUFFICIENT_STORAGE, text));
        }
        let space = space(self.address, &self.public_url, name.to_owned())
            .map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        let space = Arc::new(space);
        named.insert(name.to_owned(), Arc::clone(&space));
        Ok(space)
    }
}

fn space(address: SocketAddr, public_url: &str, name: String) -> io::Result<Space> {
    let origin = if name.is_empty() {
        public_url.to_owned()
    } else {
        format!("{public_url}/ns/{name}")
    };
    let builder = SandboxBuilder {
        keep: Keep {
            entries: 10_000,
            bytes: 64 * 1024 * 1024,
            body: 64 * 1024,
            answers: true,
        },
        ..SandboxBuilder::default()
    };
    Ok(Space {
        name,
        sandbox: RwLock::new(Arc::new(builder.assemble(address, &origin)?)),
        changed: watch::Sender::new(0),
    })
}

//! Namespaces: sandboxes that share the port and nothing else.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use tokio::sync::watch;

use super::api::{Refused, parse_date};
use super::seed::{Seed, Settings};
use super::snapshot::Snapshot;
use crate::clock::SandboxClock;
use crate::log::Keep;
use crate::sandbox::{Sandbox, SandboxBuilder};

/// The longest name.
const LONGEST: usize = 64;

/// What every sandbox of the program is made with.
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    /// Without a slash at its end.
    pub(super) public_url: String,
    pub(super) seed: Seed,
    pub(super) frozen_at: Option<SystemTime>,
    pub(super) keep: Keep,
    /// How many namespaces there may be beside the default one.
    pub(super) most: usize,
}

impl Plan {
    /// Where the vendors of a namespace are, without a slash at its end.
    pub(super) fn origin(&self, name: &str) -> String {
        let url = &self.public_url;
        if name.is_empty() {
            url.clone()
        } else {
            format!("{url}/ns/{name}")
        }
    }

    fn new_sandbox(&self, name: &str, seed: &Seed) -> Result<Live, String> {
        let at = seed
            .clock
            .frozen_at
            .as_deref()
            .map(parse_date)
            .transpose()?;
        let clock = match self.frozen_at.or(at) {
            Some(at) => SandboxClock::frozen_at(at),
            None => SandboxClock::new(),
        };
        let live = self.assemble(name, &seed.settings, clock)?;
        seed.plant(&live.sandbox)?;
        Ok(live)
    }

    fn restored(&self, name: &str, snapshot: Snapshot) -> Result<Live, String> {
        let clock = SandboxClock::restored(snapshot.clock);
        let live = self.assemble(name, &snapshot.settings, clock)?;
        snapshot.restore(&live.sandbox)?;
        Ok(live)
    }

    fn assemble(
        &self,
        name: &str,
        settings: &Settings,
        clock: SandboxClock,
    ) -> Result<Live, String> {
        let builder = SandboxBuilder {
            keep: self.keep,
            ..SandboxBuilder::default()
        };
        let builder = settings.apply(builder.clock(clock));
        let sandbox = builder.assemble(self.address, &self.origin(name));
        Ok(Live {
            sandbox: Arc::new(sandbox.map_err(|error| error.to_string())?),
            settings: settings.clone(),
        })
    }
}

/// A sandbox, and what it was made with.
struct Live {
    sandbox: Arc<Sandbox>,
    settings: Settings,
}

/// One sandbox, which can be replaced by another while clients watch.
pub(super) struct Space {
    /// Empty for the default namespace.
    pub(super) name: String,
    live: RwLock<Live>,
    /// Notifies when the API has changed something, and when there is another sandbox.
    pub(super) changed: watch::Sender<u64>,
}

impl Space {
    fn new(name: &str, live: Live) -> Self {
        Self {
            name: name.to_owned(),
            live: RwLock::new(live),
            changed: watch::Sender::new(0),
        }
    }

    pub(super) fn sandbox(&self) -> Arc<Sandbox> {
        Arc::clone(&self.live().sandbox)
    }

    /// To be called after each change that the API makes.
    pub(super) fn touch(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }

    pub(super) fn snapshot(&self) -> serde_json::Result<Snapshot> {
        let live = self.live();
        let (sandbox, settings) = (Arc::clone(&live.sandbox), live.settings.clone());
        drop(live);
        Snapshot::of(&sandbox, &settings)
    }

    fn replace(&self, live: Live) {
        let mut place = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, live);
        drop(place);
        old.sandbox.let_go();
        self.touch();
    }

    fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Lets the calls pass that wait for something which never comes.
    fn let_go(&self) {
        self.exchange.faults.clear();
        self.exchange.faults.open_all();
        self.exchange
            .clock
            .advance(Duration::from_secs(100 * 365 * 86_400));
    }
}

pub(super) struct Spaces {
    pub(super) plan: Plan,
    default: Arc<Space>,
    named: Mutex<BTreeMap<String, Arc<Space>>>,
}

impl Spaces {
    pub(super) fn new(plan: Plan) -> Result<Self, String> {
        let live = plan.new_sandbox("", &plan.seed)?;
        Ok(Self {
            default: Arc::new(Space::new("", live)),
            plan,
            named: Mutex::default(),
        })
    }

    /// The namespace of requests that name none.
    pub(super) fn default(&self) -> Arc<Space> {
        Arc::clone(&self.default)
    }

    /// The namespace of this name, made if there is none yet.
    pub(super) fn named(&self, name: &str) -> Result<Arc<Space>, Refused> {
        check(name)?;
        let mut named = self.lock();
        if let Some(space) = named.get(name) {
            return Ok(Arc::clone(space));
        }
        if named.len() >= self.plan.most {
            let most = self.plan.most;
            let text = format!("there are {most} namespaces already; delete one");
            return Err(Refused(StatusCode::INSUFFICIENT_STORAGE, text));
        }
        let live = self.plan.new_sandbox(name, &self.plan.seed);
        let live = live.map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, error))?;
        let space = Arc::new(Space::new(name, live));
        named.insert(name.to_owned(), Arc::clone(&space));
        Ok(space)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Whether there was such a namespace.
    pub(super) fn remove(&self, name: &str) -> bool {
        let space = self.lock().remove(name);
        if let Some(space) = &space {
            space.sandbox().let_go();
        }
        space.is_some()
    }

    /// Begins again.
    pub(super) fn reset(&self, space: &Space, seed: &Seed) -> Result<(), String> {
        space.replace(self.plan.new_sandbox(&space.name, seed)?);
        Ok(())
    }

    pub(super) fn restore(&self, space: &Space, snapshot: Snapshot) -> Result<(), String> {
        space.replace(self.plan.restored(&space.name, snapshot)?);
        Ok(())
    }

    /// Another number after each change of any namespace.
    pub(super) fn stamp(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for space in self.all() {
            let sandbox = space.sandbox();
            let revision = sandbox.exchange.log.lock().revision;
            let mails = *sandbox.post.subscribe().borrow();
            (&space.name, *space.changed.borrow(), revision, mails).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The default namespace, then the others.
    pub(super) fn all(&self) -> Vec<Arc<Space>> {
        let named = self.lock();
        [&self.default]
            .into_iter()
            .chain(named.values())
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Space>>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(name: &str) -> Result<(), Refused> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(is_plain) {
        return Err(Refused::bad(format!(
            "the name of a namespace has 1 to {LONGEST} letters, digits, dots, hyphens and underscores"
        )));
    }
    Ok(())
}

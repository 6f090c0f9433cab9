//! A model test of sessions: several processes, their callers, a store and a vendor do what a seed
//! says, in simulated time, and [`broken`] says which rule does not hold.
//!
//! ```text
//! cargo nextest run -p auth-core --lib model                                   2,000 seeds
//! MODEL_SEEDS=1000000 cargo test --release -p auth-core --lib model         as many as you like
//! MODEL_SEED=4711 cargo test -p auth-core --lib model -- --nocapture        one of them, with its steps
//! ```
//!
//! The rules: one session at a time renews. Generations never go back but by a log-in or a log-out. No
//! caller waits for ever. After a log-out there is neither a renewal nor a save. It leaves no valid token
//! at the vendor, deletes none that was asked for since, and what is asked for since starts from nothing of
//! before. No renewed token is lost. The state is true.
//! Renewals keep their distance. A refused refresh token is not believed while another process may
//! hold what was not saved. Once nothing fails any more and a person has logged in, every session gets a
//! token. The tasks end with the sessions.
//!
//! Await points interleave; threads do not. Tokio does not let a seed choose in which order it wakes
//! those who wait for one channel, so one replay in a few may differ: a seed is replayed ten times.

mod store;
mod vendor;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep, timeout};

use self::store::{Shelf, Store, pause};
use self::vendor::{Renewer, Vendor};
use crate::clock::{Clock, Moment};
use crate::session::Session;
use crate::simulation::{Random, Simulated};
use crate::state::State;
use crate::store::StoreKey;
use crate::{AuthHeaders, BoxFuture, ErrorKind, Expiry, PasswordSource, Token};

/// How many seeds the normal test run takes.
const SEEDS: u64 = 2_000;

/// No call waits so long for its outcome.
const FOR_EVER: Duration = Duration::from_secs(300);

/// Longer than any pause that a session makes.
const LONGEST_PAUSE: Duration = Duration::from_secs(2 * 3_600);

/// So many refusals come before one is believed while a lease is marked: two in each of four renewals, by
/// whichever process. The one that believes it clears the mark for all.
const BELIEVED: u64 = 8;

thread_local! {
    static BROKEN: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Since when steps are told.
    static TOLD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Says what happens, if a person wants to know.
fn tell(process: &Process, what: impl FnOnce() -> String) {
    if let Some(begun) = TOLD.get() {
        eprintln!("{:?} #{} {}", begun.elapsed(), process.number, what());
    }
}

/// Notes that a rule does not hold. Not by a panic, which a session takes for one of its renewer.
#[track_caller]
fn broken(rule: &str) {
    let place = std::panic::Location::caller();
    tell(&Process::default(), || format!("BROKEN: {rule}"));
    BROKEN.with_borrow_mut(|broken| {
        broken.get_or_insert_with(|| format!("{rule} ({}:{})", place.file(), place.line()));
    });
}

/// The simulated clocks: Tokio's paused one, and a wall clock that is set now and then.
#[derive(Clone, Debug)]
struct SimClock {
    origin: Instant,
    wall_offset: Arc<AtomicI64>,
}

impl SimClock {
    fn new() -> Self {
        Self {
            origin: Instant::now(),
            wall_offset: Arc::default(),
        }
    }

    fn set_by(&self, seconds: i64) {
        self.wall_offset.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        // In the middle of what a clock can say, so that it can be set back.
        let start = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let monotonic = self.origin.elapsed();
        let offset = self.wall_offset.load(Ordering::Relaxed);
        let seconds = Duration::from_secs(offset.unsigned_abs());
        let wall = start + monotonic;
        let wall = if offset < 0 {
            wall - seconds
        } else {
            wall + seconds
        };
        Moment::new(wall, monotonic)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(duration))
    }
}

/// What the model knows of one process.
#[derive(Default)]
struct Process {
    number: usize,
    /// Counts what wants a token: explicit renewals and log-ins.
    wants: AtomicU64,
    /// How many wants there were with the last log-in.
    log_in: AtomicU64,
    /// How many wants there were before the last log-out.
    leaving: Mutex<Option<u64>>,
    /// The same, of a log-out that has returned.
    logged_out: Mutex<Option<u64>>,
    /// How many log-outs have not returned.
    log_outs: AtomicUsize,
    /// The tokens that they have to revoke.
    unwanted: Mutex<Vec<u64>>,
    /// The vendor has refused a token, and may be asked once more.
    looks_again: AtomicBool,
    calls: AtomicUsize,
    issued: AtomicU64,
    seen: Mutex<Seen>,
}

/// The generations that were seen last.
#[derive(Default)]
struct Seen {
    /// The session's epoch, and its last look into the store.
    since: (u64, Duration),
    needs_log_in: bool,
    newest: u64,
    present: u64,
}

impl Process {
    fn is_logged_out(&self) -> bool {
        *self.logged_out.lock().unwrap() == Some(self.wants.load(Ordering::Relaxed))
    }

    fn wants_a_token(&self) {
        self.wants.fetch_add(1, Ordering::Relaxed);
    }

    /// A log-out begins.
    fn leaves(&self) -> u64 {
        let wants = self.wants.load(Ordering::Relaxed);
        *self.leaving.lock().unwrap() = Some(wants);
        self.log_outs.fetch_add(1, Ordering::Relaxed);
        wants
    }

    /// Whether the last log-out came after there were so many wants.
    fn has_left_since(&self, wants: u64) -> bool {
        self.leaving
            .lock()
            .unwrap()
            .is_some_and(|left| wants <= left)
    }
}

/// A process: what the model knows, and the session in it.
#[derive(Clone)]
struct Running {
    process: Arc<Process>,
    session: Session<Renewer>,
    begun: Instant,
}

/// Everything that a seed decides, and what all processes share.
struct World {
    clock: SimClock,
    vendor: Arc<Vendor>,
    /// `None`: each process is alone.
    shelf: Option<Arc<Shelf>>,
    has_password: bool,
    running: Mutex<Vec<Running>>,
    random: Random,
}

impl World {
    fn new(random: &Random) -> Self {
        let clock = SimClock::new();
        let vendor = Arc::new(Vendor::new(random, &clock));
        let shelf = random.chance(80).then(|| Arc::new(Shelf::new(random)));
        if let Some(shelf) = shelf
            .as_ref()
            .filter(|_| vendor.is_steady || random.chance(30))
        {
            let first = vendor.log_in(&Process::default()).with_generation(1);
            *shelf.token.lock().unwrap() = Some(first);
        }
        Self {
            clock,
            vendor,
            shelf,
            has_password: random.chance(40),
            running: Mutex::default(),
            random: random.fork(),
        }
    }

    /// Starts a process.
    fn start(&self) -> Running {
        let process = Arc::new(Process {
            number: self.vendor.processes.fetch_add(1, Ordering::Relaxed),
            ..Process::default()
        });
        let password = self.has_password.then(|| PasswordSource::held("pass"));
        let mut builder = Session::builder(Renewer {
            vendor: Arc::clone(&self.vendor),
            process: Arc::clone(&process),
            password,
            random: self.random.fork(),
            shelf: self.shelf.clone(),
        })
        .clock(Arc::new(self.clock.clone()));
        if let Some(shelf) = &self.shelf {
            let store = Store {
                shelf: Arc::clone(shelf),
                process: Arc::clone(&process),
                random: self.random.fork(),
            };
            let key = StoreKey {
                vendor: "model".to_owned(),
                account: "sue".to_owned(),
                scope: String::new(),
                base_url: String::new(),
            };
            builder = builder.store_as(store, key);
        }
        // In a steady world, all tokens descend from the one in the store.
        if self.shelf.is_none() || !self.vendor.is_steady && self.random.chance(30) {
            process.wants_a_token();
            builder = builder.token(self.vendor.log_in(&process));
        }
        Running {
            process,
            session: builder.build().unwrap(),
            begun: Instant::now(),
        }
    }

    fn note(running: &Running, what: &str) {
        tell(&running.process, || {
            let newest = running.session.shared.lock().token.clone();
            let generation = newest.map(|newest| newest.generation());
            format!("{what}: {generation:?} {:?}", running.session)
        });
    }

    /// Checks what must hold at any time.
    fn observe(&self, running: &Running, what: &str) {
        Self::note(running, what);
        let Running {
            process, session, ..
        } = running;
        let state = session.state();
        let is_valid = session.shared.valid(self.clock.now()).is_some();
        let is_true = match &state {
            State::Fresh | State::Unsaved { .. } | State::RenewedWithoutLease { .. } => is_valid,
            State::Absent => !is_valid,
            State::Failing { token_is_valid, .. } => *token_is_valid == is_valid,
            State::Renewing => session.shared.lock().under_way().is_some(),
            State::LoginRequired { .. } => true,
        };
        if !is_true {
            broken("the state is true");
        }
        if let State::LoginRequired { reason } = &state
            && self.vendor.is_steady
            && reason.kind() == ErrorKind::TokenRejected
            && self.vendor.refusals.load(Ordering::Relaxed) < BELIEVED
        {
            broken("a refusal is not believed while another process may hold what was not saved");
        }
        let present = session.shared.present();
        let present = present.map_or(0, |present| present.token().generation());
        let locked = session.shared.lock();
        // A look into the store may find another process's log-in.
        let since = (locked.epoch, locked.looked_at.monotonic());
        let newest = locked.token.as_ref().map_or(0, Token::generation);
        drop(locked);
        let mut seen = process.seen.lock().unwrap();
        let is_the_same = seen.since == since && !seen.needs_log_in;
        if is_the_same && (newest < seen.newest || present != 0 && present < seen.present) {
            broken("generations never go back but by a log-in or a log-out");
        }
        *seen = Seen {
            since,
            // A look that is under way stays one when `renew()` forgets the failure and joins it.
            needs_log_in: matches!(state, State::LoginRequired { .. })
                || seen.since == since && seen.needs_log_in && state == State::Renewing,
            newest,
            // After a look that found another process's log-in, the present one is of before.
            present: present
                .min(newest)
                .max(if is_the_same { seen.present } else { 0 }),
        };
        drop(seen);
        // One more by each explicit renewal and log-in.
        let hold = running.begun.elapsed().as_secs() / 10;
        let wants = process.wants.load(Ordering::Relaxed);
        if process.issued.load(Ordering::Relaxed) > 11 + hold + wants {
            broken("renewals keep their distance");
        }
    }
}

/// Waits for `call`, or drops it in the middle.
async fn call<T>(random: &Random, call: impl Future<Output = T>) -> Option<T> {
    if random.chance(15) {
        return timeout(Duration::from_millis(random.below(3_000)), call)
            .await
            .ok();
    }
    let outcome = timeout(FOR_EVER, call).await.ok();
    if outcome.is_none() {
        broken("no caller waits for ever");
    }
    outcome
}

/// One caller in the process of `slot`.
async fn caller(world: Arc<World>, slot: usize, random: Random, steps: u64) {
    let mut last: Option<AuthHeaders> = None;
    let is_hasty = random.chance(20);
    for _ in 0..steps {
        let scale = if is_hasty || random.chance(50) {
            Duration::from_millis(200)
        } else {
            world.vendor.lifetime.max(Duration::from_secs(1)) * 2
        };
        sleep(scale * random.pick(&[0, 1, 5, 20, 100, 300, 700, 950, 1_000]) / 1_000).await;
        let running = world.running.lock().unwrap()[slot].clone();
        let what = random.below(if world.vendor.is_steady { 16 } else { 20 });
        world.observe(&running, &format!("before {what}"));
        step(&world, slot, &running, &random, what, &mut last).await;
        world.observe(&running, &format!("after {what}"));
        if BROKEN.with_borrow(Option::is_some) {
            return;
        }
    }
}

async fn step(
    world: &Arc<World>,
    slot: usize,
    running: &Running,
    random: &Random,
    what: u64,
    last: &mut Option<AuthHeaders>,
) {
    let Running {
        process, session, ..
    } = running;
    match what {
        0..=7 => {
            let clock = world.clock.wall_offset.load(Ordering::Relaxed);
            let before = session.shared.present();
            let headers = call(random, session.auth_headers()).await;
            if let Some(Ok(headers)) = headers {
                // One that is new may end while it is saved.
                let is_new = before.is_none_or(|before| !Arc::ptr_eq(&before, &headers.0));
                let is_set = world.clock.wall_offset.load(Ordering::Relaxed) != clock;
                if !is_set && !is_new && !headers.0.is_valid(world.clock.now()) {
                    broken("callers get valid tokens");
                }
                *last = Some(headers);
            }
        }
        8 => drop(session.try_headers()),
        9 => {
            if let Some(headers) = last.take() {
                session.invalidate(&headers);
            }
        }
        10 => {
            process.wants_a_token();
            call(random, session.renew()).await;
        }
        11 => {
            call(random, session.save()).await;
        }
        12 => {
            let guard = session.refresh_in_background().unwrap();
            sleep(Duration::from_secs(random.below(120))).await;
            drop(guard);
        }
        13 => world
            .clock
            .set_by(random.below(7_200).cast_signed() - 3_600),
        14 | 15 => {
            let mut states = session.states();
            let two = async { (states.next().await, states.next().await) };
            let _ = timeout(Duration::from_secs(random.below(30)), two).await;
        }
        16 => {
            process.wants_a_token();
            let log_in = world.vendor.log_in(process);
            call(random, session.set_token(log_in)).await;
        }
        17 => {
            if random.chance(30) {
                // The log-out waits for this renewal.
                process.wants_a_token();
                let within = Duration::from_millis(random.below(50));
                let _ = timeout(within, session.renew()).await;
            }
            let wants = process.leaves();
            let present = session.shared.valid(world.clock.now());
            let unwanted = present.map(|present| vendor::number(present.token()));
            process.unwanted.lock().unwrap().extend(unwanted);
            let meanwhile = async {
                if random.chance(50) {
                    return;
                }
                pause(random, 200).await;
                process.wants_a_token();
                if random.chance(50) {
                    let log_in = world.vendor.log_in(process);
                    call(random, session.set_token(log_in)).await;
                } else {
                    call(random, session.renew()).await;
                }
            };
            let (left, ()) = tokio::join!(call(random, session.log_out()), meanwhile);
            if left.is_some() {
                *process.logged_out.lock().unwrap() = Some(wants);
                let others = process.log_outs.fetch_sub(1, Ordering::Relaxed) - 1;
                let unwanted = process.unwanted.lock().unwrap();
                let is_alone = world.shelf.is_none() || world.vendor.has_one_process();
                if is_alone && others == 0 && !world.vendor.has_revoked(&unwanted) {
                    broken("a log-out leaves no valid token of the session at the vendor");
                }
            }
        }
        18 => {
            let new = world.start();
            world.running.lock().unwrap()[slot] = new;
        }
        _ => {
            if let Some(shelf) = &world.shelf {
                let mut stored = shelf.token.lock().unwrap();
                let generation = stored.as_ref().map_or(0, Token::generation) + 1;
                let sent = world.clock.now().wall();
                let end = Expiry::after(sent, Duration::from_secs(3_600));
                *stored = Some(Token::new("a\nb".into(), end, sent).with_generation(generation));
            }
        }
    }
}

/// After all callers: nothing fails any more, and a person logs in.
async fn recover(world: &World) {
    // A log-out whose caller left first deletes what is stored by then.
    sleep(FOR_EVER).await;
    world.vendor.recover();
    if let Some(shelf) = &world.shelf {
        shelf.recover();
    }
    let running = world.running.lock().unwrap().clone();
    // Shorter ones have ended when they arrive.
    if world.vendor.lifetime < Duration::from_secs(15) {
        return;
    }
    for running in &running {
        // What was not saved, while its process lives.
        let _ = timeout(FOR_EVER, running.session.save()).await;
    }
    if !world.vendor.is_steady {
        if world.random.chance(30) {
            // The log-in comes while this process logs out or renews, and counts.
            drop(running[0].session.try_headers());
            let within = Duration::from_millis(world.random.below(100));
            running[0].process.wants_a_token();
            if world.random.chance(50) {
                running[0].process.leaves();
                let _ = timeout(within, running[0].session.log_out()).await;
            } else {
                let _ = timeout(within, running[0].session.renew()).await;
            }
        }
        running[0].process.wants_a_token();
        let log_in = world.vendor.log_in(&running[0].process);
        let log_in = running[0].session.set_token(log_in);
        if timeout(FOR_EVER, log_in).await.is_err() {
            broken("no caller waits for ever");
        }
    }
    for running in &running {
        let is_alone = world.shelf.is_none() && running.process.number != 0;
        if is_alone || running.session.shared.is_logged_out() {
            continue;
        }
        let until = Instant::now() + LONGEST_PAUSE;
        loop {
            let headers = timeout(FOR_EVER, running.session.auth_headers()).await;
            world.observe(running, "at the end");
            match headers {
                Ok(Ok(_)) => break,
                Ok(Err(_)) if Instant::now() < until => sleep(Duration::from_secs(30)).await,
                Ok(Err(error)) => {
                    World::note(running, &format!("{error:?}"));
                    broken("once nothing fails any more, every session gets a token");
                    break;
                }
                Err(_) => {
                    broken("no caller waits for ever");
                    break;
                }
            }
        }
    }
}

#[derive(Debug, Default)]
struct Figures {
    renewals: u64,
    simulated: Duration,
}

/// Lives through what `seed` says.
fn live(seed: u64, is_verbose: bool) -> Result<Figures, String> {
    let random = Random::new(seed);
    let _simulated = Simulated::with(random.fork());
    BROKEN.set(None);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let figures = runtime.block_on(async {
        let begun = Instant::now();
        TOLD.set(is_verbose.then_some(begun));
        let world = Arc::new(World::new(&random));
        let slots = random.pick(&[1, 2, 3]);
        for _ in 0..slots {
            let running = world.start();
            world.running.lock().unwrap().push(running);
        }
        let callers: Vec<_> = (0..slots)
            .flat_map(|slot| (0..=random.below(3)).map(move |_| slot))
            .map(|slot| {
                let steps = 5 + random.below(15);
                tokio::spawn(caller(Arc::clone(&world), slot, random.fork(), steps))
            })
            .collect();
        for caller in callers {
            if caller.await.is_err() {
                broken("a caller panics");
            }
        }
        recover(&world).await;
        let renewals = world.vendor.renewals.load(Ordering::Relaxed);
        drop(world);
        let until = Instant::now() + LONGEST_PAUSE;
        while Handle::current().metrics().num_alive_tasks() > 0 {
            if Instant::now() > until {
                broken("the tasks end with the sessions");
                break;
            }
            sleep(Duration::from_secs(10)).await;
        }
        Figures {
            renewals,
            simulated: begun.elapsed(),
        }
    });
    match BROKEN.take() {
        Some(rule) => Err(rule),
        None => Ok(figures),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person says how many seeds, or which one"
)]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_the_rules_of_sessions_hold() {
    // What the vendor's panics say is of no use.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some("as the model asked") {
            hook(info);
        }
    }));
    if let Some(seed) = setting("MODEL_SEED") {
        for _ in 0..10 {
            live(seed, true).unwrap();
        }
        return;
    }
    let first = setting("MODEL_FIRST").unwrap_or_default();
    let seeds = first..first + setting("MODEL_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new((Figures::default(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || total.lock().unwrap().1.len() > 9 {
                        return;
                    }
                    let lived = live(seed, false);
                    let mut total = total.lock().unwrap();
                    match lived {
                        Ok(figures) => {
                            total.0.renewals += figures.renewals;
                            total.0.simulated += figures.simulated;
                        }
                        Err(rule) => total.1.push(format!("MODEL_SEED={seed}: {rule}")),
                    }
                }
            });
        }
    });
    let (figures, found) = total.into_inner().unwrap();
    let hours = figures.simulated.as_secs() / 3_600;
    eprintln!(
        "{} seeds, {} renewals, {hours} simulated hours",
        seeds.end - seeds.start,
        figures.renewals
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

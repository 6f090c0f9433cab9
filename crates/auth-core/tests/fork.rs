//! A child process made by `fork()`: it has its parent's memory, and of its threads only the one that forked. A
//! binary of its own, so that no other test's thread runs meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that ends like this has failed, which is what it is for"
)]
#![cfg(target_os = "linux")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime};

use auth_core::{
    Error, Expiry, Header, MemoryStore, Reason, Renew, Session, State, StoreKey, Token,
};
use tokio::sync::Semaphore;

/// Issues a token for each permit. A child needs none: its parent's renewal may stand in the queue.
struct Vendor {
    process: u32,
    permits: Arc<Semaphore>,
    calls: Arc<AtomicU64>,
}

impl Renew for Vendor {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if self.process == std::process::id() {
            self.permits.acquire().await.unwrap().forget();
        }
        Ok(Token::new(
            format!("token-{number}").into(),
            Expiry::Never,
            SystemTime::now(),
        ))
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        Ok(vec![Header::new(
            http::header::AUTHORIZATION,
            token.access(),
        )?])
    }
}

struct Setting {
    session: Session<Vendor>,
    permits: Arc<Semaphore>,
    calls: Arc<AtomicU64>,
}

fn setting() -> Setting {
    let permits = Arc::new(Semaphore::new(0));
    let calls = Arc::<AtomicU64>::default();
    let vendor = Vendor {
        process: std::process::id(),
        permits: Arc::clone(&permits),
        calls: Arc::clone(&calls),
    };
    let key = StoreKey {
        vendor: "test".to_owned(),
        account: "sue@example.com".to_owned(),
        scope: String::new(),
        base_url: "https://api.example.com/".to_owned(),
    };
    let session = Session::builder(vendor).store_as(MemoryStore::new(), key);
    Setting {
        session: session.build().unwrap(),
        permits,
        calls,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// Waits until the thread of renewals waits: a lock that is held while the process forks stays locked in the child.
fn until_idle() {
    let is_idle = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let status = |task: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(task.ok()?.path().join("stat")).ok()
        };
        tasks
            .filter_map(status)
            .any(|it| it.contains("(auth-renewal) S"))
    };
    while !is_idle() {
        std::thread::yield_now();
    }
}

/// Runs `task` in a child process; true if it returned in time.
fn in_a_child(task: impl FnOnce() + Send + 'static) -> bool {
    match fork::fork().unwrap() {
        fork::Fork::Parent(child) => {
            let status = fork::waitpid(child).unwrap();
            fork::WEXITSTATUS(status) == 0 && fork::WIFEXITED(status)
        }
        fork::Fork::Child => {
            let (done, is_done) = channel();
            std::thread::spawn(move || {
                task();
                done.send(()).unwrap();
            });
            // What hangs, hangs for ever.
            let outcome = is_done.recv_timeout(Duration::from_secs(20));
            std::process::exit(i32::from(outcome.is_err()))
        }
    }
}

async fn until(session: &Session<Vendor>, wanted: impl Fn(&State) -> bool) {
    let mut states = session.states();
    while !wanted(&session.state()) {
        states.next().await;
    }
}

fn with_a_guard_in_the_parent() {
    let setting = setting();
    let session = setting.session;
    setting.permits.add_permits(10);
    let guard = session.refresh_in_background().unwrap();
    block_on(until(&session, |state| matches!(state, State::Fresh)));
    until_idle();
    let of_child = session.clone();
    assert!(in_a_child(move || {
        assert_eq!(
            block_on(of_child.headers()).unwrap()["authorization"],
            "token-1"
        );
        let renewed = block_on(of_child.renew()).unwrap();
        assert_eq!(renewed.headers()["authorization"], "token-2");
        // The guard of the parent renews nothing here; one of its own does.
        drop(guard);
        let guard = of_child.refresh_in_background().unwrap();
        of_child.invalidate(&renewed);
        block_on(until(&of_child, |state| matches!(state, State::Fresh)));
        assert_eq!(of_child.try_headers().unwrap()["authorization"], "token-3");
        drop(guard);
    }));
    // The parent's renewals are as they were.
    let renewed = block_on(session.renew()).unwrap();
    assert_eq!(renewed.headers()["authorization"], "token-2");
}

fn in_the_middle_of_a_renewal() {
    let setting = setting();
    let parents = setting.session.clone();
    let waiting = std::thread::spawn(move || block_on(parents.headers()));
    while setting.calls.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    until_idle();
    let of_child = setting.session.clone();
    assert!(in_a_child(move || {
        assert_eq!(of_child.state(), State::Absent);
        block_on(of_child.settled());
        let own = block_on(of_child.headers()).unwrap();
        assert_eq!(own["authorization"], "token-2");
        block_on(of_child.settled());
    }));
    setting.permits.add_permits(1);
    let own = waiting.join().unwrap().unwrap();
    assert_eq!(own["authorization"], "token-1");
}

#[test]
fn a_forked_child_renews_on_a_thread_of_its_own_and_waits_for_no_renewal_of_its_parent() {
    with_a_guard_in_the_parent();
    in_the_middle_of_a_renewal();
}

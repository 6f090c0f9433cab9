//! Nothing runs for long when nothing is due. A binary of its own, since it looks at the whole process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a test that ends like this has failed, which is what it is for"
)]
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use auth_core::{Error, Expiry, Header, Reason, Renew, Session, Token};

/// Notes the threads on which it was asked.
#[derive(Clone, Default)]
struct Vendor(Arc<Mutex<HashSet<ThreadId>>>);

impl Renew for Vendor {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        let thread = std::thread::current();
        assert_eq!(thread.name(), Some("auth-renewal"));
        self.0.lock().unwrap().insert(thread.id());
        Ok(Token::new(
            "t".into(),
            Expiry::Never,
            std::time::SystemTime::now(),
        ))
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        Ok(vec![Header::new(
            http::header::AUTHORIZATION,
            token.access(),
        )?])
    }
}

/// How long the thread waits for another renewal.
const LINGERS: Duration = Duration::from_secs(1);

fn renewal_threads() -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.trim() == "auth-renewal")
        .count()
}

fn until_renewal_threads(wanted: usize) {
    let begun = Instant::now();
    // A new thread gives itself its name, and one that has ended stays in the list for a moment.
    while renewal_threads() != wanted {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "never {wanted} threads"
        );
        std::thread::yield_now();
    }
}

#[test]
fn the_thread_of_renewals_serves_a_burst_and_ends_a_moment_after_the_last_of_them() {
    assert_eq!(renewal_threads(), 0, "building a session starts nothing");
    let vendor = Vendor::default();
    let sessions: Vec<_> = (0..50)
        .map(|_| Session::builder(vendor.clone()).build().unwrap())
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let log_in_all = || {
        let begun = Instant::now();
        for session in &sessions {
            runtime.block_on(session.renew()).unwrap();
        }
        (vendor.0.lock().unwrap().len(), begun.elapsed())
    };
    let (threads, took) = log_in_all();
    // On a machine that stands still in between, the thread may end.
    assert!(
        threads == 1 || took > LINGERS,
        "{threads} threads in {took:?}"
    );
    until_renewal_threads(0);
    // It has ended, and another one starts.
    assert!(log_in_all().0 > threads);
    until_renewal_threads(0);

    let guard = sessions[0].refresh_in_background().unwrap();
    until_renewal_threads(1);
    drop(guard);
    until_renewal_threads(0);
}

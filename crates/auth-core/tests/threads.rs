//! Nothing runs when nothing is due. A binary of its own, since it looks at the whole process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a test that ends like this has failed, which is what it is for"
)]
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use auth_core::{Error, Expiry, Header, Reason, Renew, Session, Token};

struct Vendor;

impl Renew for Vendor {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        // The thread of the renewal before may be on its way out.
        assert!(renewal_threads() >= 1);
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
fn the_thread_of_renewals_ends_with_the_last_of_them() {
    assert_eq!(renewal_threads(), 0, "building a session starts nothing");
    let sessions: Vec<_> = (0..50)
        .map(|_| Session::builder(Vendor).build().unwrap())
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for session in &sessions {
        runtime.block_on(session.headers()).unwrap();
    }
    until_renewal_threads(0);

    let guard = sessions[0].refresh_in_background().unwrap();
    until_renewal_threads(1);
    drop(guard);
    until_renewal_threads(0);
}

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
        assert_eq!(renewal_threads(), 1);
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

fn until_no_renewal_thread() {
    let begun = Instant::now();
    while renewal_threads() > 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the thread stays"
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
    until_no_renewal_thread();

    let guard = sessions[0].keep_fresh().unwrap();
    assert_eq!(renewal_threads(), 1);
    drop(guard);
    until_no_renewal_thread();
}

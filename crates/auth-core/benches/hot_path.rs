//! What a session costs on every call, beside the floor below which nothing can go.
//!
//! `cargo bench -p auth-core --bench hot_path`. The floor is what handing out one header must cost:
//! one `ArcSwap` load, one look at the wall clock, one clone of a prebuilt sensitive value, one
//! insert into a cleared map. A session looks at *two* clocks (the wall clock, and elapsed time,
//! since either may be wrong), so a floor with two is shown as well, and both with the coarse
//! clocks of Linux, which is what a session reads there.

#![allow(
    clippy::print_stdout,
    reason = "its figures are what a benchmark is for"
)]
#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot run has nothing to print"
)]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use auth_core::{Clock as _, Error, Expiry, Header, Reason, Renew, Session, SystemClock, Token};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

const TOKEN: &str = "d90fa7de-534c-4652-ad8f-c4f6f70461ac";
const THREADS: usize = 2;
const TASKS: usize = 64;

/// Never asked: the sessions start with a token that lives for a day.
struct Never {
    headers: usize,
}

impl Renew for Never {
    type Error = Error;

    async fn renew(&self, _: Option<&Token>, _: Reason) -> Result<Token, Error> {
        Err(Error::new(
            auth_core::ErrorKind::Unavailable,
            "the benchmark took a day",
        ))
    }

    fn headers(&self, token: &Token) -> Result<Vec<Header>, Error> {
        let mut headers = vec![Header::with_scheme(
            AUTHORIZATION,
            "Bearer ",
            token.access(),
        )?];
        if self.headers == 2 {
            headers.push(Header::new(
                HeaderName::from_static("x-iaa-ow-id"),
                &"200001".into(),
            )?);
        }
        Ok(headers)
    }
}

fn session(headers: usize) -> Session<Never> {
    let now = SystemTime::now();
    let token = Token::new(
        TOKEN.into(),
        Expiry::after(now, Duration::from_secs(86_400)),
        now,
    );
    Session::builder(Never { headers })
        .token(token)
        .build()
        .expect("a valid token")
}

/// A value as the peers keep it: one for all threads.
fn shared_value() -> HeaderValue {
    let mut value = HeaderValue::from_str(&format!("Bearer {TOKEN}")).expect("a valid header");
    value.set_sensitive(true);
    // Its first clone makes the shared count.
    let _ = value.clone();
    value
}

/// What the floor looks at.
#[derive(Clone, Copy)]
enum Clocks {
    Wall,
    WallAndMonotonic,
    Coarse,
}

#[inline]
fn floor(current: &ArcSwap<HeaderValue>, clocks: Clocks, map: &mut HeaderMap) {
    map.clear();
    match clocks {
        Clocks::Wall => drop(black_box(SystemTime::now())),
        Clocks::WallAndMonotonic => drop(black_box((SystemTime::now(), Instant::now()))),
        Clocks::Coarse => drop(black_box(SystemClock.now())),
    }
    let value = current.load();
    map.insert(AUTHORIZATION, HeaderValue::clone(&value));
    black_box(&*map);
}

#[inline]
fn apply(session: &Session<Never>, map: &mut HeaderMap) {
    map.clear();
    {
        let future = pin!(session.apply(map));
        let done = future.poll(&mut Context::from_waker(Waker::noop()));
        assert!(
            matches!(done, Poll::Ready(Ok(()))),
            "a valid token is there at once"
        );
    }
    black_box(&*map);
}

/// Nanoseconds a call, with all tasks of all threads at once.
fn contended(mut calls: u64, each: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .build()
        .expect("threads");
    let each = Arc::new(each);
    let tasks = (THREADS * TASKS) as u64;
    calls = calls.div_ceil(tasks);
    let begun = Instant::now();
    runtime.block_on(async {
        let handles: Vec<_> = (0..tasks)
            .map(|_| {
                let each = Arc::clone(&each);
                tokio::spawn(async move {
                    let mut map = HeaderMap::with_capacity(8);
                    for call in 0..calls {
                        each(&mut map);
                        if call % 64 == 63 {
                            tokio::task::yield_now().await;
                        }
                    }
                })
            })
            .collect();
        for handle in handles {
            handle.await.expect("the task ends well");
        }
    });
    begun.elapsed()
}

/// The best of many short runs of each, taken in turns, so that a busy neighbour slows all alike.
fn side_by_side<const N: usize>(mut runs: [&mut dyn FnMut(u64) -> Duration; N]) -> [f64; N] {
    const CALLS: u64 = 20_000;
    let mut best = [f64::MAX; N];
    for _ in 0..200 {
        for (run, best) in runs.iter_mut().zip(&mut best) {
            #[allow(clippy::cast_precision_loss, reason = "a few thousand nanoseconds")]
            let nanos = run(CALLS).as_nanos() as f64 / CALLS as f64;
            *best = best.min(nanos);
        }
    }
    best
}

fn timed(calls: u64, mut each: impl FnMut(&mut HeaderMap)) -> Duration {
    let mut map = HeaderMap::with_capacity(8);
    each(&mut map);
    let begun = Instant::now();
    for _ in 0..calls {
        each(&mut map);
    }
    begun.elapsed()
}

fn main() {
    let current = ArcSwap::from_pointee(shared_value());
    let (one, two) = (session(1), session(2));
    let [wall, both, coarse, first, second] = side_by_side([
        &mut |calls| timed(calls, |map| floor(&current, Clocks::Wall, map)),
        &mut |calls| timed(calls, |map| floor(&current, Clocks::WallAndMonotonic, map)),
        &mut |calls| timed(calls, |map| floor(&current, Clocks::Coarse, map)),
        &mut |calls| timed(calls, |map| apply(&one, map)),
        &mut |calls| timed(calls, |map| apply(&two, map)),
    ]);
    let mut map = HeaderMap::with_capacity(8);
    let allocations = |session: &Session<Never>, map: &mut HeaderMap| {
        allocation_counter::measure(|| (0..1_000).for_each(|_| apply(session, map))).count_total
            / 1_000
    };
    println!("\nhot path, one task, nanoseconds a call (best of 200 interleaved runs)");
    println!("  floor: load, wall clock, clone, insert          {wall:>7.1}");
    println!("  floor with wall clock and elapsed time          {both:>7.1}");
    println!("  floor with both, coarse (what a session reads)  {coarse:>7.1}");
    println!(
        "  apply, one header   {first:>7.1}  = {:.2} x floor, {:.2} x floor with two clocks, {:.2} x coarse floor; {} allocations",
        first / wall,
        first / both,
        first / coarse,
        allocations(&one, &mut map)
    );
    println!(
        "  apply, two headers  {second:>7.1}  = {:.2} x floor; {} allocations",
        second / wall,
        allocations(&two, &mut map)
    );

    let current = Arc::new(current);
    let [shared, first, second] = side_by_side_contended([
        &|calls| {
            let current = Arc::clone(&current);
            contended(calls, move |map| floor(&current, Clocks::Wall, map))
        },
        &|calls| {
            let session = one.clone();
            contended(calls, move |map| apply(&session, map))
        },
        &|calls| {
            let session = two.clone();
            contended(calls, move |map| apply(&session, map))
        },
    ]);
    println!(
        "\nhot path, {THREADS} threads x {TASKS} tasks, wall nanoseconds a call over all threads"
    );
    println!("  floor with one value for all threads  {shared:>7.1}");
    println!(
        "  apply, one header                     {first:>7.1}  = {:.2} x",
        first / shared
    );
    println!(
        "  apply, two headers                    {second:>7.1}  = {:.2} x",
        second / shared
    );
}

fn side_by_side_contended<const N: usize>(runs: [&dyn Fn(u64) -> Duration; N]) -> [f64; N] {
    const CALLS: u64 = 1_000_000;
    let mut best = [f64::MAX; N];
    for _ in 0..10 {
        for (run, best) in runs.iter().zip(&mut best) {
            #[allow(clippy::cast_precision_loss, reason = "a few thousand nanoseconds")]
            let nanos = run(CALLS).as_nanos() as f64 / CALLS as f64;
            *best = best.min(nanos);
        }
    }
    best
}

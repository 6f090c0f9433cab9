//! Real processes that run for a moment: none of them needs a person, however many days they run, and
//! wherever in a renewal they exit.
//!
//! `cargo xtask soak` runs this at full size (`AUTH_SOAK`) and shows its figures.

#![allow(
    clippy::disallowed_methods,
    reason = "a program reads its environment; at a random moment it exits"
)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use auth_sandbox::{Fault, Sandbox, SandboxBuilder};
use auth_store::FileStore;
use examples::short_lived::{Process, Way};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_resume");

const HOUR: Duration = Duration::from_secs(3_600);

const DAY: Duration = Duration::from_secs(86_400);

/// The small size, or the full one.
fn size(small: u32, full: u32) -> u32 {
    let is_soak = std::env::var_os("AUTH_SOAK").is_some();
    if is_soak { full } else { small }
}

/// Shows a figure, whether or not the tests' output is captured.
fn figure(text: &str) {
    // Not by `eprintln!`, which is captured.
    let mut out = std::io::stderr().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.write_all(b"\n").unwrap();
}

/// Where the processes keep their token, and the vendor.
struct Scene {
    sandbox: Sandbox,
    folder: TempDir,
    elapsed: Duration,
}

impl Scene {
    fn new(sandbox: SandboxBuilder) -> Self {
        Self {
            sandbox: sandbox.start().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            elapsed: Duration::ZERO,
        }
    }

    fn tokens(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    fn pass(&mut self, time: Duration) {
        self.sandbox.clock().advance(time);
        self.elapsed += time;
    }

    /// A person logs in at IQM, once.
    fn log_in_at_iqm(&self) {
        let iqm = self.sandbox.iqm();
        let client = iqm_auth::Client::builder(iqm.client_id(), iqm.client_secret())
            .base_url(iqm.base_url())
            .clock(self.sandbox.clock())
            .build()
            .unwrap();
        let login = iqm_auth::Login::password(iqm.user().email, iqm.user().password);
        let session = client.session(login).store(FileStore::at(self.tokens()));
        session.build().unwrap().headers_blocking().unwrap();
    }

    fn start(&self, way: Way, after: Duration) -> Process {
        let program = Path::new(PROGRAM);
        let tokens = self.tokens();
        Process::start(program, &self.sandbox, &tokens, self.elapsed, (way, after)).unwrap()
    }

    /// One process that uses IQM; whether it exited in the middle of its renewal.
    fn run(&self, way: Way, after: Duration) -> bool {
        let ended = self.start(way, after).exit().unwrap();
        assert!(
            ended.well,
            "{way:?}, {} days later",
            self.elapsed.as_secs() / 86_400
        );
        ended.while_renewing
    }
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// IQM's access tokens live 10 hours, so each run refreshes, and each refresh token works once.
#[test]
fn a_program_that_runs_once_a_day_at_iqm_never_needs_a_person_again() {
    let days = size(20, 400);
    let lifetime = DAY * size(5, 90);
    let mut scene = Scene::new(
        Sandbox::builder()
            .iqm_rotate_refresh_tokens(true)
            .iqm_refresh_token_lifetime(Some(lifetime)),
    );
    scene.log_in_at_iqm();
    let begun = Instant::now();
    for _ in 0..days {
        scene.pass(DAY);
        scene.run(Way::Call, Duration::ZERO);
    }
    let log = scene.sandbox.log();
    log.assert_count("iqm.log_in", 1);
    log.assert_count("iqm.refresh", days.try_into().unwrap());
    assert_eq!(scene.sandbox.iqm().reuse_detected(), 0);
    figure(&format!(
        "IQM, once a day for {days} days with refresh tokens of {} days that work once: 1 log-in, {days} refreshes, \
         no person; {:.1?}",
        lifetime.as_secs() / 86_400,
        begun.elapsed()
    ));
}

/// EQ Works' tokens live 90 days, and only a token that is valid can be renewed.
#[test]
fn a_program_that_runs_once_a_day_at_eqworks_never_needs_a_person_again() {
    // The first renewal is due 37 days before the end at the earliest.
    let first = size(50, 1);
    let days = size(95, 400);
    let mut scene = Scene::new(Sandbox::builder());
    let eqworks = scene.sandbox.eqworks();
    let user = eqworks.user().email;
    let (base_url, product) = (eqworks.base_url(), eqworks_auth::Product::ATOM);
    let jwt = eqworks.mint_token(user, product.as_str());
    let client = eqworks_auth::Client::builder(eqworks_auth::Stage::Prod, product)
        .base_url(base_url.as_str())
        .clock(scene.sandbox.clock())
        .build()
        .unwrap();
    let token = eqworks_auth::Token::from_jwt(jwt).unwrap();
    let session = client.session(token).store(FileStore::at(scene.tokens()));
    // Its drop waits until the token is saved.
    drop(session.build().unwrap());
    let begun = Instant::now();
    scene.pass(DAY * first);
    for day in first..=days {
        let mut program = Command::new(PROGRAM);
        program
            .args(["--run", base_url.as_str()])
            .arg(scene.tokens());
        program.args([user, &day.to_string()]);
        // Without a person.
        let output = program.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "day {day}: {output:?}");
        scene.pass(DAY);
    }
    let log = scene.sandbox.log();
    log.assert_count("eqworks.verify", 0);
    let renewals = log.count("eqworks.refresh");
    // Each token is renewed once, when it has 22 to 37 days left.
    assert!(
        (days / 69..=days / 52).contains(&u32::try_from(renewals).unwrap()),
        "{renewals}"
    );
    figure(&format!(
        "EQ Works, once a day until day {days}: no log-in after the first, {renewals} renewals; {:.1?}",
        begun.elapsed()
    ));
}

/// The vendor takes the old refresh token as spent when it answers. What it has answered is saved.
#[test]
fn a_process_that_exits_at_any_moment_of_a_renewal_loses_no_token() {
    let count = size(30, 1_000);
    let mut scene = Scene::new(Sandbox::builder().iqm_rotate_refresh_tokens(true));
    scene.log_in_at_iqm();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let begun = Instant::now();
    let mut cut = 0;
    for number in 1..=count {
        // The token is due, and valid: callers do not wait for the renewal.
        scene.pass(HOUR * 19 / 2);
        // The refresh token is spent at once, and the answer comes later.
        let (fault, gate) = Fault::hold_answer();
        scene.sandbox.fault(fault.on("iqm.refresh"));
        let answered_after = Duration::from_micros(random.below(60_000));
        let answering = std::thread::spawn(move || {
            std::thread::sleep(answered_after);
            drop(gate);
        });
        let ways = Way::EXITS;
        let way = ways[usize::try_from(number).unwrap() % ways.len()];
        let after = Duration::from_micros(random.below(40_000));
        cut += u32::from(scene.run(way, after));
        answering.join().unwrap();
        let log = scene.sandbox.log();
        assert_eq!(
            log.count("iqm.refresh"),
            usize::try_from(number).unwrap(),
            "{way:?}"
        );
    }
    scene.sandbox.log().assert_count("iqm.log_in", 1);
    assert_eq!(scene.sandbox.iqm().reuse_detected(), 0);
    // What is left in the store is good.
    scene.pass(DAY);
    scene.run(Way::Call, Duration::ZERO);
    assert!(cut >= count / 10, "{cut} of {count} exited in the middle");
    figure(&format!(
        "{count} processes, {cut} of which exited in the middle of their renewal: {count} refreshes, 1 log-in, \
         no refresh token used twice; {:.1?}",
        begun.elapsed()
    ));
}

/// What the other test would find if nothing waited.
#[test]
fn a_process_that_does_not_wait_loses_the_token_that_it_has_asked_for() {
    let mut scene = Scene::new(Sandbox::builder().iqm_rotate_refresh_tokens(true));
    scene.log_in_at_iqm();
    scene.pass(HOUR * 19 / 2);
    let (fault, gate) = Fault::hold_answer();
    scene.sandbox.fault(fault.on("iqm.refresh"));
    let careless = scene.start(Way::Careless, Duration::ZERO);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(gate.reached());
    let ended = careless.exit().unwrap();
    assert!(ended.well && ended.while_renewing);
    drop(gate);
    scene.pass(DAY);
    let next = scene.start(Way::Call, Duration::ZERO).exit().unwrap();
    assert!(!next.well, "the refresh token is spent");
}

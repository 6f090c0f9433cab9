//! Real processes that share one account of a vendor whose refresh tokens work once: it is asked
//! once for each lifetime, and a worker that is killed on the way harms no other.
//!
//! `cargo xtask soak` runs this at full size (`AUTH_SOAK`) and shows its figures.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auth_sandbox::{Fault, Gate, Sandbox};
use examples::fleet::{Report, Task, Worker};
use tempfile::TempDir;

/// IQM's tokens live 10 hours.
const LIFETIME: Duration = Duration::from_secs(36_000);

/// So long before its end every token is due.
const LATE: Duration = Duration::from_secs(120);

const PROGRAM: &str = env!("CARGO_BIN_EXE_shared_store");

fn is_soak() -> bool {
    std::env::var_os("AUTH_SOAK").is_some()
}

/// Shows a figure, whether or not the tests' output is captured.
fn figure(text: &str) {
    // Not by `eprintln!`, which is captured.
    let mut out = std::io::stderr().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.write_all(b"\n").unwrap();
}

/// Where a fleet keeps its token.
enum Store {
    Files(TempDir),
    Redis(Redis),
}

/// A server of the test's own, which is killed with it.
struct Redis {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Redis {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        Self {
            process: launch(port, &folder),
            port,
            folder,
        }
    }
}

/// Begins empty, and keeps nothing on disk.
fn launch(port: u16, folder: &TempDir) -> Child {
    let process = Command::new("redis-server")
        .args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--port",
            &port.to_string(),
        ])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "redis-server");
        std::thread::yield_now();
    }
    process
}

impl Redis {
    fn signal(&self, name: &str) {
        let process = self.process.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &process]).status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Store {
    fn both() -> [Self; 2] {
        let files = tempfile::tempdir().unwrap();
        [Self::Files(files), Self::Redis(Redis::start())]
    }

    fn task(&self) -> Task {
        match self {
            Self::Files(folder) => Task::new(folder.path().join("tokens").to_string_lossy()),
            Self::Redis(redis) => Task::new(format!("redis://127.0.0.1:{}", redis.port)),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::Redis(_) => "redis",
        }
    }
}

fn vendor() -> Sandbox {
    let sandbox = Sandbox::builder().iqm_rotate_refresh_tokens(true);
    sandbox.iqm_token_lifetime(LIFETIME).start().unwrap()
}

fn worker(sandbox: &Sandbox, task: &Task) -> Worker {
    Worker::start(Path::new(PROGRAM), sandbox, task).unwrap()
}

fn advance(sandbox: &Sandbox, workers: &mut [&mut Worker], time: Duration) {
    sandbox.clock().advance(time);
    for worker in workers {
        worker.advance(time).unwrap();
    }
}

fn run(worker: &mut Worker, tasks: u64) -> Report {
    worker.begin(tasks).unwrap();
    worker.report().unwrap()
}

#[track_caller]
fn assert_all_valid(report: &Report, tasks: u64) {
    assert_eq!((report.valid, report.refused), (tasks, 0), "{report:?}");
    assert_eq!(report.state, "Fresh", "{report:?}");
}

/// (log-ins, refreshes)
fn seen(sandbox: &Sandbox) -> (usize, usize) {
    let log = sandbox.log();
    (log.count("iqm.log_in"), log.count("iqm.refresh"))
}

#[test]
fn a_fleet_renews_once_for_each_lifetime() {
    let (processes, tasks, lifetimes) = (8, 200, 5);
    for store in Store::both() {
        let begun = Instant::now();
        let sandbox = vendor();
        let task = store.task();
        let mut workers: Vec<_> = (0..processes).map(|_| worker(&sandbox, &task)).collect();
        let mut all: Vec<&mut Worker> = workers.iter_mut().collect();
        for life in 0..=lifetimes {
            for worker in &mut all {
                worker.begin(tasks).unwrap();
            }
            let reports: Vec<_> = all.iter_mut().map(|it| it.report().unwrap()).collect();
            for report in &reports {
                assert_all_valid(report, tasks);
                assert_eq!(report.token, reports[0].token, "they have two tokens");
            }
            let renewals: u64 = reports.iter().map(|report| report.renewals).sum();
            assert_eq!(renewals, life + 1);
            assert_eq!(seen(&sandbox), (1, usize::try_from(life).unwrap()));
            // Due, and every other time already over.
            let late = if life % 2 == 0 { LATE } else { Duration::ZERO };
            advance(&sandbox, &mut all, LIFETIME.checked_sub(late).unwrap());
        }
        assert_eq!(sandbox.iqm().reuse_detected(), 0);
        figure(&format!(
            "{processes} processes x {tasks} tasks, {}: 1 log-in, {lifetimes} refreshes in \
             {lifetimes} lifetimes, none twice, every task served; {:.1} s",
            store.name(),
            begun.elapsed().as_secs_f64()
        ));
    }
}

/// Where a worker is killed in the middle of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    BeforeTheRequest,
    BeforeItsEffect,
    BeforeTheAnswer,
    BeforeTheSave,
    AfterTheSave,
}

use Step::{AfterTheSave, BeforeItsEffect, BeforeTheAnswer, BeforeTheRequest, BeforeTheSave};

const STEPS: [Step; 5] = [
    BeforeTheRequest,
    BeforeItsEffect,
    BeforeTheAnswer,
    BeforeTheSave,
    AfterTheSave,
];

impl Step {
    fn stop(self) -> Option<&'static str> {
        match self {
            BeforeTheRequest => Some("before the request"),
            BeforeTheSave => Some("before the save"),
            AfterTheSave => Some("after the save"),
            BeforeItsEffect | BeforeTheAnswer => None,
        }
    }

    fn fault(self) -> Option<(Fault, Gate)> {
        match self {
            BeforeItsEffect => Some(Fault::hold()),
            BeforeTheAnswer => Some(Fault::hold_answer()),
            _ => None,
        }
    }

    /// Whether no worker has the new refresh token, and the old one is spent.
    fn loses_the_family(self) -> bool {
        matches!(self, BeforeTheAnswer | BeforeTheSave)
    }
}

/// Has a worker begin a renewal, and kills it at `step`. The token of before has ended then. What
/// the vendor has not done by now, it does not do before the gate is dropped.
fn kill_at(
    step: Step,
    sandbox: &Sandbox,
    task: &Task,
    runtime: &tokio::runtime::Runtime,
) -> Option<Gate> {
    run(&mut worker(sandbox, task), 1);
    let mut victim = worker(
        sandbox,
        &Task {
            stops: step.stop(),
            ..task.clone()
        },
    );
    advance(sandbox, &mut [&mut victim], LIFETIME);
    let fault = step.fault().map(|(fault, gate)| {
        sandbox.fault(fault.on("iqm.refresh"));
        gate
    });
    victim.begin(10).unwrap();
    match &fault {
        Some(gate) => runtime.block_on(gate.reached()),
        None => victim.stopped().unwrap(),
    }
    victim.kill().unwrap();
    sandbox.clear_faults();
    fault
}

fn soon(store: &Store) -> Task {
    Task {
        // Files are freed by the kernel; this is what the others wait for with Redis.
        lease_time: Duration::from_secs(1),
        ..store.task()
    }
}

#[test]
fn whoever_is_killed_in_the_middle_of_a_renewal_takes_nobody_with_them() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for store in Store::both() {
        for step in STEPS {
            let sandbox = vendor();
            // A store of its own: another sandbox has another address.
            let task = soon(&store);
            let _gate = kill_at(step, &sandbox, &task, &runtime);
            let killed = Instant::now();
            let mut survivor = worker(&sandbox, &task);
            survivor.advance(LIFETIME).unwrap();
            let report = run(&mut survivor, 20);
            assert_all_valid(&report, 20);
            let took = killed.elapsed();
            assert!(took < task.lease_wait, "{step:?}: {took:?}");

            let reused = sandbox.iqm().reuse_detected();
            let (log_ins, refreshes) = seen(&sandbox);
            if step.loses_the_family() {
                // The response is lost, and the password helps.
                assert_eq!((log_ins, reused), (2, 1), "{step:?}");
            } else {
                assert_eq!((log_ins, reused), (1, 0), "{step:?}");
            }
            let sent_by_the_victim = usize::from(step != BeforeTheRequest);
            let sent_by_the_survivor = usize::from(step != AfterTheSave);
            assert_eq!(
                refreshes,
                sent_by_the_victim + sent_by_the_survivor,
                "{step:?}"
            );
            figure(&format!(
                "killed {step:?}, {}: served again after {:.1} s, {}",
                store.name(),
                took.as_secs_f64(),
                match report.renewals {
                    0 => "with the dead one's token",
                    _ if log_ins == 2 => "by a new log-in, since the response was lost",
                    _ => "by a refresh",
                }
            ));
        }
    }
}

#[test]
fn without_a_password_a_lost_answer_is_told_as_such() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for store in Store::both() {
        let sandbox = vendor();
        let task = soon(&store);
        kill_at(BeforeTheSave, &sandbox, &task, &runtime);
        let mut survivor = worker(
            &sandbox,
            &Task {
                holds_password: false,
                ..task
            },
        );
        survivor.advance(LIFETIME).unwrap();
        let report = run(&mut survivor, 5);
        assert_eq!((report.valid, report.refused), (0, 0), "{report:?}");
        assert_eq!(report.failed.len(), 5);
        for failure in &report.failed {
            assert!(failure.starts_with("OutcomeUnknown: "), "{failure}");
            assert!(
                failure.contains("may have spent the refresh token"),
                "{failure}"
            );
        }
        // A refusal of a token is believed when it comes twice.
        assert_eq!(seen(&sandbox), (1, 3));
    }
}

/// Short of a token's end, the fleet is not hurt by what becomes of its store.
#[test]
fn a_store_that_is_away_for_a_while_is_not_noticed_while_the_token_is_valid() {
    let away = Duration::from_secs(if is_soak() { 5 } else { 1 });
    let sandbox = vendor();
    let mut redis = Redis::start();
    let task = Task {
        lease_time: Duration::from_secs(1),
        ..Task::new(format!("redis://127.0.0.1:{}", redis.port))
    };
    let mut workers: Vec<_> = (0..3).map(|_| worker(&sandbox, &task)).collect();
    for worker in &mut workers {
        assert_all_valid(&run(worker, 10), 10);
    }
    // Every token is due, and so every call wants to renew.
    let mut all: Vec<&mut Worker> = workers.iter_mut().collect();
    advance(&sandbox, &mut all, LIFETIME.checked_sub(LATE).unwrap());

    let mut calls = 0;
    let mut serve = |all: &mut [&mut Worker], time: Duration| {
        let begun = Instant::now();
        loop {
            for worker in &mut *all {
                worker.begin(50).unwrap();
            }
            for worker in &mut *all {
                let report = worker.report().unwrap();
                assert_eq!((report.valid, report.refused), (50, 0), "{report:?}");
                calls += 50;
            }
            if begun.elapsed() > time {
                break;
            }
        }
    };
    redis.signal("STOP");
    serve(&mut all, away);
    assert_eq!(seen(&sandbox), (1, 0), "without the lease no worker renews");
    redis.signal("CONT");
    redis.process.kill().unwrap();
    redis.process.wait().unwrap();
    serve(&mut all, Duration::ZERO);
    assert_eq!(seen(&sandbox), (1, 0));

    // Back, and empty: the fleet has the token.
    redis.process = launch(redis.port, &redis.folder);
    advance(&sandbox, &mut all, LATE + LATE);
    serve(&mut all, Duration::ZERO);
    let (log_ins, refreshes) = seen(&sandbox);
    assert_eq!((log_ins, refreshes), (1, 1));
    assert_eq!(sandbox.iqm().reuse_detected(), 0);
    figure(&format!(
        "redis silent for {} s, then killed, then empty: {calls} calls served, none failed, one \
         refresh afterwards",
        away.as_secs()
    ));
}

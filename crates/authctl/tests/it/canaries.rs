//! No secret is where it was not asked for, and nothing is lost when the program is killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use auth_core::ExposeSecret as _;
use auth_sandbox::Fault;

use crate::machine::{Ended, Machine, Talk, wait};

/// Fails if any secret is in what the program tells beside its answer.
fn quiet(ended: &Ended, secrets: &[String]) {
    for secret in secrets {
        assert!(!ended.err.contains(secret), "{secret} in {}", ended.err);
    }
}

/// What other programs can see of a process.
fn visible(process: u32) -> String {
    let read = |name: &str| fs::read(Path::new("/proc").join(process.to_string()).join(name));
    let bytes = [read("cmdline").unwrap(), read("environ").unwrap()].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn no_secret_is_told_beside_the_answer_however_much_is_told() {
    let machine = Machine::new();
    let iqm = machine.sandbox.iqm();
    let mut secrets = vec![
        iqm.user().password.to_owned(),
        iqm.client_secret().to_owned(),
    ];
    let words = format!("{} --client-secret-stdin -vvv", machine.login("iqm"));
    let input = format!("{}\n{}\n", secrets[1], secrets[0]);
    let mut command = machine.command(&words);
    command.env_remove("AUTHCTL_CLIENT_SECRET");
    // A vendor that repeats what it was sent.
    machine.sandbox.fault(Fault::echo(400).on("iqm.log_in"));
    quiet(&crate::machine::piped(&mut command, &input), &secrets);
    let ended = crate::machine::piped(&mut command, &input).ok();
    quiet(&ended, &secrets);
    assert!(ended.err.contains("iqm.log_in"), "{}", ended.err);
    assert_eq!(ended.out, "");
    for round in 0..2 {
        let (_, token) = machine.stored();
        secrets.push(token.access().expose_secret().to_owned());
        secrets.extend(
            token
                .refresh()
                .map(|token| token.expose_secret().to_owned()),
        );
        machine.age_to(None);
        machine.sandbox.fault(Fault::echo(500).on("iqm.refresh"));
        for command in [
            "token",
            "refresh --force",
            "status --check",
            "iqm me",
            "profiles",
        ] {
            let mut command = machine.command(&format!("{command} -vvv"));
            command.env_remove("AUTHCTL_CLIENT_SECRET");
            let ended = crate::machine::piped(&mut command, "");
            assert!(ended.code == 0 || round == 0, "{ended:?}");
            quiet(&ended, &secrets);
        }
    }
    let config = fs::read_to_string(machine.config()).unwrap();
    assert!(
        secrets.iter().all(|secret| !config.contains(secret)),
        "{config}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn no_secret_is_among_the_arguments_or_in_the_environment_of_a_process() {
    let machine = Machine::new();
    let iqm = machine.sandbox.iqm();
    let (fault, gate) = Fault::hold();
    machine.sandbox.fault(fault.on("iqm.log_in"));
    let words = format!("{} --client-secret-stdin", machine.login("iqm"));
    let mut command = machine.command(&words);
    command.env_remove("AUTHCTL_CLIENT_SECRET");
    let mut talk = Talk::start(&mut command);
    talk.line(iqm.client_secret());
    talk.line(iqm.user().password);
    wait(gate.reached());
    let seen = visible(talk.process());
    assert!(
        seen.contains("--client-secret-stdin") && seen.contains("XDG_STATE_HOME"),
        "{seen}"
    );
    for secret in [iqm.client_secret(), iqm.user().password] {
        assert!(!seen.contains(secret), "{seen}");
    }
    gate.release();
    talk.end().ok();
}

/// How a process ends that is killed by a fault, where the limit allows a dump of its memory.
#[cfg(target_os = "linux")]
fn is_dumped(machine: &Machine, program: &str) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    let mut command = machine.command("");
    let set = format!("ulimit -c unlimited; cd \"$HOME\"; exec {program}");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &set]).env_clear();
    shell.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command = shell;
    command
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Where it waits for input.
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut stderr, &mut String::new()).unwrap();
    let process = child.id().to_string();
    let kill = ["-SEGV", &process];
    assert!(
        std::process::Command::new("kill")
            .args(kill)
            .status()
            .unwrap()
            .success()
    );
    child.wait().unwrap().core_dumped()
}

#[cfg(target_os = "linux")]
#[test]
fn a_fault_writes_no_memory_to_the_disk() {
    let machine = Machine::new();
    let words = machine.login("eqworks");
    let program = format!("{} {words}", env!("CARGO_BIN_EXE_authctl"));
    assert!(!is_dumped(&machine, &program));
    // A control, which says something only where the system dumps at all.
    let other = "sh -c 'echo ready >&2; read line'";
    println!(
        "other programs are dumped here: {}",
        is_dumped(&machine, other)
    );
}

/// Waits for a random time of at most so many milliseconds.
fn moments() -> impl FnMut(u64) {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    move |most| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // The moment itself is what is random: there is nothing to wait for.
        std::thread::park_timeout(Duration::from_micros(random % (most * 1000)));
    }
}

#[test]
fn a_program_that_is_killed_at_any_moment_loses_nothing() {
    let count = std::env::var("AUTHCTL_KILLS").map_or(15, |text| text.parse().unwrap());
    let machine = Machine::new().logged_in("iqm");
    let mut moment = moments();
    for _ in 0..count {
        machine.age_to(None);
        let talk = machine.start("refresh --force");
        moment(60);
        talk.kill();
        // It can be read, and has what the next renewal needs.
        assert!(machine.stored().1.refresh().is_some());
    }
    machine.run("token").ok();
    assert!(
        machine
            .sandbox
            .iqm()
            .accepts(machine.run("token").ok().out.trim_end())
    );
    machine.run("logout").ok();
}

/// The status of the answer to one request; `None` if it broke off.
fn call(proxy: &mut BufReader<TcpStream>, request: &str) -> Option<String> {
    proxy.get_mut().write_all(request.as_bytes()).ok()?;
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let from = head.len();
        (proxy.read_line(&mut head).ok()? > 0).then_some(())?;
        if let Some(text) = head[from..].strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    proxy.read_exact(&mut body).ok()?;
    Some(head[9..12].to_owned() + &String::from_utf8_lossy(&body))
}

/// Calls the vendor by way of the proxy whose address stands in the first line of what `from` reads, on
/// four connections, for as long as the proxy lives. Each answer is told. Returns when no process has the
/// other end of `from`.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the end of the load is that of the sender"
)]
fn load(from: impl Read, answered: mpsc::Sender<()>) {
    let mut from = BufReader::new(from);
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    let mut words = line.split(['"', '\n']);
    let Some((address, secret)) =
        words.find_map(|word| word.strip_prefix("http://")?.split_once('/'))
    else {
        return;
    };
    let request =
        format!("GET /{secret}/iqm/api/v3/ua/profile HTTP/1.1\r\nHost: {address}\r\n\r\n");
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let Ok(proxy) = TcpStream::connect(address) else {
                    return;
                };
                let mut proxy = BufReader::new(proxy);
                while let Some(status) = call(&mut proxy, &request) {
                    assert!(status.starts_with("200"), "{status}");
                    let _ = answered.send(());
                }
            });
        }
        assert_eq!(from.read_to_end(&mut Vec::new()).unwrap(), 0);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_proxy_that_is_killed_at_any_moment_loses_nothing_and_leaves_no_program_behind() {
    let count = std::env::var("AUTHCTL_KILLS").map_or(6, |text| text.parse().unwrap());
    let machine = Machine::new().logged_in("iqm");
    let iqm = machine.sandbox.iqm();
    let (mut moment, mut calls) = (moments(), 0);
    for kill in 0..count {
        // Every second one renews when it starts, and may be killed before it serves. So does one whose token
        // is refused, because the last one was killed before it had another: of two tokens that are
        // refused at once the session makes a pause.
        let token = machine.stored().1;
        let early = kill % 2 == 0 || !iqm.accepts(token.access().expose_secret());
        if early {
            machine.age_to(None);
        }
        let mut command = machine.command("--json proxy");
        if kill % 4 < 2 {
            let script = r#"echo "$AUTHCTL_PROXY_URL"; exec sleep 1000"#;
            command.args(["--", "sh", "-c", script]);
        }
        let mut proxy = command.stderr(Stdio::null()).spawn().unwrap();
        let out = proxy.stdout.take().unwrap();
        let (sender, answered) = mpsc::channel();
        std::thread::scope(|threads| {
            threads.spawn(|| load(out, sender));
            if early {
                moment(200);
            } else {
                answered.recv().unwrap();
            }
            iqm.revoke_access_tokens(iqm.user().email);
            moment(20);
            proxy.kill().unwrap();
            proxy.wait().unwrap();
        });
        calls += answered.iter().count();
        assert!(machine.stored().1.refresh().is_some());
    }
    machine.age_to(None);
    let token = machine.run("token").ok().out;
    assert!(iqm.accepts(token.trim_end()));
    machine.sandbox.log().assert_count("iqm.log_in", 1);
    let renewals = machine.sandbox.log().count("iqm.refresh");
    println!("{count} kills, {calls} calls, {renewals} renewals, 1 log-in");
}

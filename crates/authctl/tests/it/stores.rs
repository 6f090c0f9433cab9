//! Where tokens are kept.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::machine::{Machine, piped};

#[test]
fn without_a_keyring_and_a_choice_nothing_is_kept_in_clear() {
    let machine = Machine::new();
    let started = Instant::now();
    let words = machine.login("edgeiq").replace("--store file ", "");
    let ended = machine
        .pipe(&words, machine.sandbox.edgeiq().user().password)
        .failed(7);
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    assert!(
        ended.err.contains("--store file") && ended.err.contains("keyring"),
        "{}",
        ended.err
    );
    assert!(machine.sandbox.log().entries().is_empty());
    assert!(!machine.config().exists() && !machine.state().join("tokens").exists());
}

/// A bus that takes connections and never answers.
#[test]
fn a_keyring_that_hangs_is_an_error_within_four_seconds() {
    let machine = Machine::new();
    let path = machine.home().join("bus");
    let _bus = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let words = machine.login("edgeiq").replace("--store file ", "");
    let mut command = machine.command(&words);
    command.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", path.display()),
    );
    let started = Instant::now();
    let ended = piped(&mut command, "x").failed(7);
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    assert!(ended.err.contains("did not answer"), "{}", ended.err);
}

#[test]
fn a_sealed_file_needs_its_key() {
    let machine = Machine::new();
    let key = machine.home().join("key");
    std::fs::write(&key, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
    let sealed = |words: &str, input: &str| {
        let program = machine.command(words);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!(
            "AUTHCTL_KEY_FD=7 exec \"$0\" {words} 7<{}",
            key.display()
        ));
        shell.arg(program.get_program()).env_clear();
        shell.envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        shell
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        piped(&mut shell, input)
    };
    let words = machine
        .login("edgeiq")
        .replace("--store file", "--store file --seal fd");
    let password = machine.sandbox.edgeiq().user().password;
    machine.pipe(&words, password).failed(7);
    sealed(&words, password).ok();
    let token = sealed("token", "").ok().out;
    machine.run("token").failed(7);
    for file in std::fs::read_dir(machine.state().join("sealed")).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains(token.trim_end()), "{text}");
    }
    std::fs::write(&key, "not a key").unwrap();
    sealed("token", "").failed(2);
}

#[test]
fn redis_takes_no_password_from_the_configuration() {
    let machine = Machine::new();
    let words = machine.login("edgeiq");
    let words = words.replace(
        "--store file",
        "--store redis --redis-url redis://:pw@127.0.0.1:1/",
    );
    let ended = machine.pipe(&words, "x").failed(2);
    assert!(ended.err.contains("AUTHCTL_REDIS_URL"), "{}", ended.err);
    let words = words.replace(":pw@", "");
    let ended = machine.pipe(&words, "x").failed(7);
    assert!(ended.err.contains("refuses connections"), "{}", ended.err);
    assert!(machine.sandbox.log().entries().is_empty());
}

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

/// Without a folder of services, so that the bus starts none.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// 7 is what it ends with while the keyring is not ready.
const IN_THE_SESSION: &str = r#"
    printf %s password-of-the-keyring |
        gnome-keyring-daemon --unlock --foreground --components=secrets >/dev/null 2>&1 &
    daemon=$!
    attempts=0
    while $LOGIN < "$HOME/password" 2> "$HOME/errors"; [ $? = 7 ] && [ $attempts -lt 300 ]; do
        attempts=$((attempts + 1))
    done
    cat "$HOME/errors" >&2
    "$PROGRAM" token
    $LOGIN --profile sealed --store file --seal keyring < "$HOME/password"
    "$PROGRAM" token --profile sealed
    "$PROGRAM" logout --profile edgeiq
    "$PROGRAM" token --profile edgeiq
    echo $?
    kill $daemon
"#;

#[test]
fn the_keyring_is_the_default_and_keeps_the_key_of_sealed_files() {
    let machine = Machine::new();
    let (bus, home) = (
        machine.home().join("bus.conf"),
        machine.home().display().to_string(),
    );
    std::fs::write(&bus, BUS).unwrap();
    let password = machine.sandbox.edgeiq().user().password;
    std::fs::write(machine.home().join("password"), password).unwrap();
    let program = env!("CARGO_BIN_EXE_authctl");
    let login = machine.login("edgeiq").replace("--store file ", "");
    let mut session = Command::new("dbus-run-session");
    session
        .arg("--config-file")
        .arg(&bus)
        .args(["--", "sh", "-c", IN_THE_SESSION])
        .env_clear();
    let environment = machine.command("");
    session.envs(
        environment
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    session
        .env("PROGRAM", program)
        .env("LOGIN", format!("{program} {login}"));
    for name in ["XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
        let folder = format!("{home}/{name}");
        std::fs::create_dir(&folder).unwrap();
        crate::machine::executable(folder.as_ref());
        session.env(name, folder);
    }
    let output = session.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("kept in the keyring"), "{told}");
    assert!(told.contains("kept in sealed files"), "{told}");
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}{told}");
    for token in &lines[..2] {
        assert!(machine.sandbox.edgeiq().accepts(token), "{shown}{told}");
    }
    assert_eq!(lines[2], "4", "{told}");
    assert!(!machine.state().join("tokens").exists());
}

#[test]
fn redis_keeps_the_token_of_a_fleet() {
    let machine = Machine::new();
    let socket = machine.home().join("redis.sock");
    let mut server = Command::new("redis-server");
    server
        .args([
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--unixsocket",
        ])
        .arg(&socket);
    server
        .current_dir(machine.home())
        .stdout(std::process::Stdio::piped());
    let mut server = server.spawn().unwrap();
    let said = std::io::BufReader::new(server.stdout.take().unwrap());
    let mut said = std::io::BufRead::lines(said).map_while(Result::ok);
    assert!(said.any(|line| line.contains("eady to accept connections")));
    let url = format!("--store redis --redis-url unix://{}", socket.display());
    let words = machine.login("edgeiq").replace("--store file", &url);
    machine
        .pipe(&words, machine.sandbox.edgeiq().user().password)
        .ok();
    let token = machine.run("token").ok().out;
    assert!(machine.sandbox.edgeiq().accepts(token.trim_end()));
    let status = machine.run("status --json").ok().json();
    assert_eq!(status["store"], "entries of Redis");
    server.kill().unwrap();
    server.wait().unwrap();
    machine.run("token").failed(7);
}

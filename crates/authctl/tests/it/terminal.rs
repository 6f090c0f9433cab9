//! A person at a terminal, which `script` makes.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::machine::Machine;

struct Terminal {
    child: Child,
    shown: ChildStdout,
    seen: String,
}

impl Terminal {
    fn start(machine: &Machine, words: &str) -> Self {
        let program = machine.command(words);
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command"]);
        script.arg(format!("{} {words}", program.get_program().display()));
        script.arg("/dev/null").env_clear().env("TERM", "dumb");
        script.envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().unwrap();
        let shown = child.stdout.take().unwrap();
        Self {
            child,
            shown,
            seen: String::new(),
        }
    }

    #[track_caller]
    fn until(&mut self, text: &str) {
        let from = self.seen.len();
        while !self.seen[from..].contains(text) {
            let mut byte = [0];
            let read = self.shown.read(&mut byte).unwrap();
            assert!(read > 0, "no {text} in {}", self.seen);
            self.seen.push(char::from(byte[0]));
        }
    }

    fn keys(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Answers a question.
    #[track_caller]
    fn answer(&mut self, question: &str, text: &str) {
        self.until(question);
        self.keys(&format!("{text}\r"));
    }

    /// Its end: the exit code and all that was shown.
    fn end(mut self) -> (i32, String) {
        self.shown.read_to_string(&mut self.seen).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.seen)
    }
}

#[test]
fn what_is_missing_is_asked_for_and_secrets_are_not_shown() {
    let machine = Machine::new();
    let user = machine.sandbox.edgeiq().user();
    let words = format!(
        "login edgeiq --store file --base-url {}",
        machine.base_url("edgeiq")
    );
    let mut terminal = Terminal::start(&machine, &words);
    terminal.answer("E-mail address: ", user.email);
    terminal.answer("Password: ", user.password);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Logged in to EdgeIQ as"), "{shown}");
    assert!(!shown.contains(user.password), "{shown}");
    machine.run("token").ok();
}

#[test]
fn a_mistyped_passcode_is_asked_for_again_and_ctrl_c_is_resumed() {
    let machine = Machine::new();
    let words = machine.login("eqworks").replace(" --link-stdin", "");
    let mut terminal = Terminal::start(&machine, &words);
    terminal.until("Passcode or link: ");
    terminal.keys("\u{3}");
    let (code, shown) = terminal.end();
    assert_ne!(code, 0, "{shown}");
    assert!(
        shown.contains("authctl login --resume --profile eqworks"),
        "{shown}"
    );

    let email = machine.sandbox.eqworks().user().email;
    let code = machine
        .sandbox
        .inbox(email)
        .latest()
        .unwrap()
        .code()
        .unwrap()
        .to_owned();
    let mut terminal = Terminal::start(&machine, "login --resume");
    terminal.answer("Passcode or link: ", "zzz zzz");
    terminal.until("paste it again");
    terminal.answer("Passcode or link: ", &code);
    let (ended, shown) = terminal.end();
    assert_eq!(ended, 0, "{shown}");
    assert!(!shown.contains(&code), "{shown}");
    machine.run("token").ok();
    machine
        .sandbox
        .log()
        .assert_count("eqworks.request_passcode", 1);
}

#[test]
fn without_a_keyring_the_user_is_asked_once_where_tokens_shall_be() {
    let machine = Machine::new();
    let user = machine.sandbox.edgeiq().user();
    let words = machine
        .login("edgeiq")
        .replace("--store file ", "")
        .replace(" --password-stdin", "");
    let mut terminal = Terminal::start(&machine, &words);
    terminal.until("as plain text");
    terminal.answer("Your choice: ", "4");
    assert_eq!(terminal.end().0, 7);
    assert!(!machine.config().exists());

    let mut terminal = Terminal::start(&machine, &words);
    terminal.answer("Your choice: ", "1");
    terminal.answer("Password: ", user.password);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let text = std::fs::read_to_string(machine.config()).unwrap();
    assert!(text.starts_with("store = \"file\"\n"), "{text}");
    // Not again.
    let mut terminal = Terminal::start(&machine, &format!("{words} --profile other"));
    terminal.answer("Password: ", user.password);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("Your choice"), "{shown}");
}

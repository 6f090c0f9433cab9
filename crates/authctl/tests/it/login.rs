//! Log-ins of each kind, by pipes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use auth_core::ExposeSecret as _;
use auth_sandbox::Fault;

use crate::machine::Machine;

const VENDORS: [&str; 4] = ["iqm", "edgeiq", "eqworks", "identityx"];

#[test]
fn each_vendor_logs_in_and_its_token_is_printed() {
    for vendor in VENDORS {
        let machine = Machine::new().logged_in(vendor);
        let (_, token) = machine.stored();
        let printed = machine.run("token").ok();
        assert_eq!(
            printed.out.trim_end(),
            token.access().expose_secret(),
            "{vendor}"
        );
        assert_eq!(printed.err, "", "{vendor}");
    }
}

#[test]
fn without_input_a_log_in_ends_at_once_and_sends_nothing() {
    let started = Instant::now();
    for vendor in VENDORS {
        let machine = Machine::new();
        let words = machine.login(vendor);
        // An option, and stdin is empty; and no option.
        machine.run(&words).failed(2);
        let bare = words
            .replace(" --password-stdin", "")
            .replace(" --link-stdin", "");
        machine.run(&bare).failed(2);
        assert!(machine.sandbox.log().entries().is_empty(), "{vendor}");
        // Nothing is left of it.
        assert!(!machine.config().exists(), "{vendor}");
    }
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_missing_name_is_asked_for_by_its_option() {
    let machine = Machine::new();
    let ended = machine
        .pipe("login edgeiq --store file --password-stdin", "x")
        .failed(2);
    assert!(ended.err.contains("--email ADDRESS"), "{}", ended.err);
    let ended = machine.run("login --password hunter2").failed_usage();
    assert!(ended.contains("unexpected argument"), "{ended}");
}

impl crate::machine::Ended {
    /// Clap's own text.
    #[track_caller]
    fn failed_usage(self) -> String {
        assert_eq!(self.code, 2, "{self:?}");
        self.err
    }
}

#[test]
fn a_wrong_password_is_asked_for_once_and_keeps_nothing() {
    for (vendor, operation) in [("iqm", "iqm.log_in"), ("edgeiq", "edgeiq.authenticate")] {
        let machine = Machine::new();
        let ended = machine.pipe(&machine.login(vendor), "wrong\n").failed(4);
        assert!(!ended.err.contains("wrong\n"), "{}", ended.err);
        machine.sandbox.log().assert_count(operation, 1);
        assert!(!machine.config().exists(), "{vendor}");
    }
}

#[test]
fn the_client_secret_comes_from_the_environment_or_is_kept() {
    let machine = Machine::new();
    let (user, secret) = (
        machine.sandbox.iqm().user(),
        machine.sandbox.iqm().client_secret(),
    );
    let words = format!("{} --client-secret-stdin", machine.login("iqm"));
    let without = |words: &str, input: &str| {
        let mut command = machine.command(words);
        command.env_remove("AUTHCTL_CLIENT_SECRET");
        crate::machine::piped(&mut command, input)
    };
    without(&words, &format!("{secret}\n{}\n", user.password)).ok();
    machine.age_to(None);
    without("token", "").ok();
    machine.sandbox.log().assert_count("iqm.refresh", 1);
    // A later log-in finds it.
    without("login --password-stdin", user.password).ok();

    let other = Machine::new().logged_in("iqm");
    other.age_to(None);
    let mut command = other.command("token");
    command.env_remove("AUTHCTL_CLIENT_SECRET");
    let ended = crate::machine::piped(&mut command, "").failed(4);
    assert!(ended.err.contains("AUTHCTL_CLIENT_SECRET"), "{}", ended.err);
}

#[test]
fn iqm_asks_for_the_second_factor() {
    let machine = Machine::new();
    let user = machine.sandbox.iqm().mfa_user();
    let words = machine
        .login("iqm")
        .replace(machine.sandbox.iqm().user().email, user.email);
    let mut talk = machine.start(&format!("{words} --code-stdin"));
    talk.line(user.password);
    talk.until("has sent a code");
    let code = machine.sandbox.iqm().mfa_code(user.email).unwrap();
    talk.say(&code).ok();
    let printed = machine.run("token").ok();
    assert!(machine.sandbox.iqm().accepts(printed.out.trim_end()));
}

#[test]
fn iqm_logs_in_with_a_browser_that_comes_back_with_the_state() {
    let machine = Machine::new();
    let iqm = machine.sandbox.iqm();
    let words = machine
        .login("iqm")
        .replace(" --password-stdin", " --browser");
    let mut command = machine.command(&words);
    // Opens nothing, and shows its arguments.
    let seen = machine.home().join("browser");
    let script = machine.home().join("browser.sh");
    let text = format!(
        "#!/bin/sh\necho \"$@\" > {0}.new\nmv {0}.new {0}\n",
        seen.display()
    );
    std::fs::write(&script, text).unwrap();
    crate::machine::executable(&script);
    let mut talk = crate::machine::Talk::start(command.env("BROWSER", &script));
    let url = url::Url::parse(talk.until("https://").trim()).unwrap();
    let value = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
            .unwrap()
    };
    let redirect = value("redirect_uri");
    let code = iqm.authorization_code(iqm.user().email, &redirect);
    let answer = |query: &str| {
        let address = url::Url::parse(&redirect).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", address.port().unwrap())).unwrap();
        write!(stream, "GET /callback?{query} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(answer(&format!("code={code}&state=other")).starts_with("HTTP/1.1 404"));
    let state = value("state");
    assert!(answer(&format!("code={code}&state={state}")).starts_with("HTTP/1.1 200"));
    talk.end().ok();
    assert!(iqm.accepts(machine.run("token").ok().out.trim_end()));
    let arguments = std::fs::read_to_string(seen).unwrap();
    assert!(!arguments.contains(&state), "{arguments}");
}

#[test]
fn edgeiq_takes_a_permanent_token_that_the_vendor_accepts() {
    let machine = Machine::new();
    let user = machine.sandbox.edgeiq().user();
    let token = machine.sandbox.edgeiq().api_token(user.email).unwrap();
    let words = machine
        .login("edgeiq")
        .replace("--password-stdin", "--api-token --token-stdin");
    machine.pipe(&words, "not-the-token").failed(4);
    machine.pipe(&words, &token).ok();
    assert_eq!(machine.run("token").ok().out.trim_end(), token);
    assert_eq!(
        machine.run("status --json").ok().json()["never_expires"],
        true
    );
}

#[test]
fn identityx_knows_administrators_and_their_permanent_tokens() {
    let machine = Machine::new();
    let identityx = machine.sandbox.identityx();
    let email = identityx.org_user().email;
    let base = machine.base_url("identityx");
    let words = format!("--store file --base-url {base} --email {email}");
    let words = format!(
        "login identityx {words} --organization {}",
        identityx.organization_id()
    );
    let mut talk = machine.start(&format!("{words} --as org-user --code-stdin"));
    talk.until("valid for one hour");
    let mail = machine.sandbox.inbox(email).latest().unwrap();
    talk.say(mail.link_text().unwrap()).ok();
    let status = machine.run("status --json --check").ok().json();
    assert_eq!(status["check"]["message"], email);

    let token = identityx.mint_api_token(email);
    let words = format!("{words} --as api-token --token-stdin --profile bot");
    machine.pipe(&words, &token).ok();
    assert_eq!(
        machine.run("token --profile bot").ok().out.trim_end(),
        token
    );
}

#[test]
fn a_log_in_by_mail_is_resumed_without_a_second_mail() {
    for (vendor, operation) in [
        ("eqworks", "eqworks.request_passcode"),
        ("identityx", "identityx.send_app_user_login_link"),
    ] {
        let machine = Machine::new();
        machine.run("login --resume --link-stdin").failed(2);
        let mut talk = machine.start(&machine.login(vendor));
        talk.until("valid for");
        talk.kill();
        let link = machine.mailed(vendor);
        // A mistake does not end it.
        machine
            .pipe("login --resume --link-stdin", "nothing at all")
            .failed(4);
        machine.pipe("login --resume --link-stdin", &link).ok();
        machine.run("token").ok();
        machine.sandbox.log().assert_count(operation, 1);
        machine.pipe("login --resume --link-stdin", &link).failed(2);
    }
}

#[test]
fn a_mail_that_may_have_been_sent_is_not_sent_again() {
    let machine = Machine::new();
    machine
        .sandbox
        .fault(Fault::lost_answer().on("eqworks.request_passcode"));
    let ended = machine.pipe(&machine.login("eqworks"), "").code;
    assert_eq!(ended, 2);
    let mut talk = machine.start(&machine.login("eqworks"));
    talk.until("login --resume");
    let ended = talk.end().failed(8);
    assert!(ended.err.contains("look into the mailbox"), "{}", ended.err);
    machine
        .pipe("login --resume --link-stdin", &machine.mailed("eqworks"))
        .ok();
    machine
        .sandbox
        .log()
        .assert_count("eqworks.request_passcode", 1);
}

#[test]
fn a_mail_that_was_not_sent_leaves_nothing_to_resume() {
    let machine = Machine::new();
    let words = machine.login("eqworks").replace("--email ", "--email un");
    let talk = machine.start(&words);
    talk.end().failed(6);
    machine.run("login --resume --link-stdin").failed(2);
}

#[test]
fn the_link_of_another_user_logs_nobody_in() {
    let machine = Machine::new();
    let other = machine.sandbox.eqworks().atom_user().email;
    let words = machine.login("eqworks");
    let strange = words.replace(machine.sandbox.eqworks().user().email, other);
    let mut talk = machine.start(&strange.replace("--product locus", "--product atom"));
    talk.until("valid for");
    talk.kill();
    let stranger = machine.sandbox.inbox(other).latest().unwrap();
    let mut talk = machine.start(&format!("{words} --profile own"));
    talk.until("valid for");
    talk.say(stranger.link_text().unwrap()).failed(4);
    machine.run("token").failed(4);
}

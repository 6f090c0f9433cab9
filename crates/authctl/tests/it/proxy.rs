//! `authctl proxy` with the programs that people use.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::prepared::{Prepared, VENDORS, succeeded};

/// Two calls on one connection, by the library of each language.
const PYTHON: &str = r#"
import os, requests
session = requests.Session()
url = os.environ["AUTHCTL_PROXY_URL"] + os.environ["URL_PATH"]
post = os.environ["POST"].split()
for _ in range(2):
    if post: response = session.post(url, post[1], headers={"content-type": "application/json"})
    else: response = session.get(url, headers={"accept": "application/json"})
    print(response.status_code, response.text)
"#;

const NODE: &str = r#"
const url = process.env.AUTHCTL_PROXY_URL + process.env.URL_PATH;
const body = process.env.POST.split(" ")[1];
const headers = body ? { "content-type": "application/json" } : { accept: "application/json" };
(async () => {
    for (let i = 0; i < 2; i++) {
        const response = await fetch(url, { method: body ? "POST" : "GET", body, headers });
        console.log(response.status, await response.text());
    }
})();
"#;

const PHP: &str = r#"
$url = getenv("AUTHCTL_PROXY_URL") . getenv("URL_PATH");
$body = explode(" ", getenv("POST"))[1] ?? null;
$type = $body ? "content-type: application/json" : "accept: application/json";
$http = ["method" => $body ? "POST" : "GET", "content" => $body, "header" => $type];
for ($i = 0; $i < 2; $i++) {
    $text = file_get_contents($url, false, stream_context_create(["http" => $http]));
    echo explode(" ", $http_response_header[0])[1], " ", $text, "\n";
}
"#;

/// The Python that has `requests`: the system's own, where the first on the path has not.
fn python() -> &'static str {
    let has = |python: &str| {
        let check = Command::new(python)
            .args(["-c", "import requests"])
            .output();
        check.is_ok_and(|output| output.status.success())
    };
    if has("python3") {
        "python3"
    } else {
        "/usr/bin/python3"
    }
}

#[test]
fn curl_python_node_and_php_call_each_vendor_without_a_header_of_their_own() {
    let has_php = Command::new("php").arg("--version").output().is_ok();
    let clients = [
        (python(), "-c", PYTHON),
        ("node", "-e", NODE),
        ("php", "-r", PHP),
    ];
    for vendor in VENDORS {
        let user = Prepared::of(vendor);
        let script = r#"curl -sS -w '%{http_code}\n' $POST "$AUTHCTL_PROXY_URL$URL_PATH""#;
        let curl = user.prints(&["proxy", "--", "sh", "-c", script]);
        assert!(
            curl.contains(user.email) && curl.ends_with("200\n"),
            "{vendor}: {curl}"
        );
        for (program, option, script) in clients {
            if program == "php" && !has_php {
                continue;
            }
            let printed = user.prints(&["proxy", "--", program, option, script]);
            assert_eq!(
                printed.matches("200 ").count(),
                2,
                "{vendor}, {program}: {printed}"
            );
            assert!(
                printed.contains(user.email),
                "{vendor}, {program}: {printed}"
            );
        }
    }
}

/// A proxy without a program.
struct Running {
    child: Child,
    /// What it printed.
    says: Value,
}

impl Running {
    fn of(user: &Prepared) -> Self {
        let mut command = user.authctl(&["-vvv", "--json", "proxy"]);
        let log = fs::File::create(user.home.path().join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let says = serde_json::from_str(&line).unwrap();
        Self { child, says }
    }

    fn text(&self, key: &str) -> &str {
        self.says[key].as_str().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_token_that_the_vendor_ends_is_renewed_behind_the_callers_back() {
    let user = Prepared::of("iqm");
    let mut proxy = Running::of(&user);
    user.sandbox.log().clear();
    let call = |url: &str| user.shell("sh", &format!("curl -sS -w '%{{http_code}}' '{url}'"));
    let url = format!("{}{}", proxy.text("url"), user.path());
    assert!(call(&url).ends_with("200"));
    user.sandbox.iqm().revoke_access_tokens(user.email);
    assert!(call(&url).ends_with("200"));
    user.sandbox.log().assert_count("iqm.refresh", 1);
    user.sandbox.log().assert_count("iqm.profile", 3);

    // By the header in the place of the path, and without either.
    let address = proxy.text("url").rsplit_once('/').unwrap().0.to_owned() + user.path();
    let (header, secret) = (proxy.text("header"), proxy.text("secret"));
    assert!(call(&format!("{address}' -H '{header}: {secret}")).ends_with("200"));
    assert_eq!(call(&address), "403");

    // What the process shows to other programs of the user, and in its log.
    let token = user.prints(&["token"]);
    assert_ne!(token.trim(), user.token);
    let of_process = |file: &str| {
        // Only root can read the environment of a process that is not dumpable.
        let bytes = fs::read(format!("/proc/{}/{file}", proxy.child.id()));
        String::from_utf8(bytes.unwrap_or_default()).unwrap()
    };
    let log = fs::read_to_string(user.home.path().join("log")).unwrap();
    assert!(log.contains("answered"), "{log}");
    for (place, text) in [
        ("the arguments", of_process("cmdline")),
        ("the environment", of_process("environ")),
        ("the log", log),
    ] {
        for secret in [token.trim(), &user.token, secret] {
            assert!(!text.contains(secret), "a secret is in {place}");
        }
    }

    signal("TERM", &proxy.child);
    assert_eq!(proxy.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_proxy_ends_as_its_program_does() {
    let user = Prepared::of("edgeiq");
    for (script, code) in [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 143)] {
        let status = user
            .authctl(&["proxy", "--", "sh", "-c", script])
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{script}");
    }
    for (program, code) in [("/nowhere/at-all", 127), ("/etc/passwd", 126)] {
        let output = user.authctl(&["proxy", "--", program]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{program}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(program));
    }
}

#[test]
fn a_signal_to_the_proxy_reaches_its_program_and_none_is_left_behind() {
    let user = Prepared::of("edgeiq");
    let script = "trap 'kill $!; exit 7' TERM; sleep 1000 & echo ready; wait";
    let start = |script: &str| {
        let mut command = user.authctl(&["proxy", "--", "bash", "-c", script]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        (child, out)
    };
    let (mut child, _) = start(script);
    // What a terminal sends goes to the program as well, which decides.
    signal("INT", &child);
    signal("TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(7));

    let (mut child, mut out) = start("echo ready; exec sleep 1000");
    child.kill().unwrap();
    child.wait().unwrap();
    // The program held the other end.
    assert_eq!(out.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let user = Prepared::of("edgeiq");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = user.authctl(&["proxy", "--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(&port));
    drop(taken);
    let says = user.prints(&[
        "proxy",
        "--port",
        &port,
        "--",
        "sh",
        "-c",
        "echo $AUTHCTL_PROXY_URL",
    ]);
    assert!(
        says.starts_with(&format!("http://127.0.0.1:{port}/")),
        "{says}"
    );
    assert_eq!(
        succeeded(&user.authctl(&["proxy", "--", "true"]).output().unwrap()),
        ""
    );
}

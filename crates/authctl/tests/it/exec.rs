//! `authctl exec`: what the program gets, and what becomes of its end.

use std::os::unix::process::ExitStatusExt as _;

use crate::prepared::{Prepared, VENDORS, succeeded};

#[test]
fn a_program_calls_each_vendor_with_the_headers_from_its_environment() {
    for vendor in VENDORS {
        let user = Prepared::of(vendor);
        let script = r#"authctl exec -- python3 -c '
import json, os, urllib.request
post = os.environ["POST"].split()
headers = {"accept": "application/json"} | json.loads(os.environ["AUTHCTL_HEADERS"])
if post: headers["content-type"] = "application/json"
request = urllib.request.Request(os.environ["URL"], post[1].encode() if post else None, headers)
print(urllib.request.urlopen(request).read().decode())'"#;
        let response = user.shell("bash", script);
        assert!(response.contains(user.email), "{vendor}: {response}");
    }
}

#[test]
fn the_exit_code_and_the_signal_are_the_programs() {
    let user = Prepared::of("iqm");
    for (script, code, signal) in [
        ("exit 0", Some(0), None),
        ("exit 42", Some(42), None),
        ("kill -TERM $$", None, Some(15)),
        ("kill -KILL $$", None, Some(9)),
    ] {
        let status = user
            .authctl(&["exec", "--", "sh", "-c", script])
            .status()
            .unwrap();
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
    }
    for (program, code) in [("/nowhere/at-all", 127), ("/etc/passwd", 126)] {
        let output = user.authctl(&["exec", "--", program]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{program}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(
            errors.contains(program) && errors.lines().count() == 2,
            "{errors}"
        );
    }
}

#[test]
fn the_program_takes_the_place_of_the_process() {
    let user = Prepared::of("iqm");
    let mut command = user.authctl(&["exec", "--", "sh", "-c", "echo $$"]);
    let child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    assert_eq!(
        succeeded(&child.wait_with_output().unwrap()).trim(),
        id.to_string()
    );
}

#[test]
fn a_second_one_for_the_same_profile_is_refused_unless_it_is_wanted() {
    let user = Prepared::of("iqm");
    let nested = ["exec", "--", "authctl", "exec", "--", "true"];
    let output = user.authctl(&nested).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("profile work")
    );
    user.prints(&["exec", "--", "authctl", "exec", "--nested", "--", "true"]);
    // Another profile is no nesting.
    let mut other = user.authctl(&["exec", "--", "sh", "-c", "echo $AUTHCTL_ACTIVE"]);
    let output = other.env("AUTHCTL_ACTIVE", "home").output().unwrap();
    assert_eq!(succeeded(&output), "home,work\n");
}

#[test]
fn the_headers_of_another_profile_do_not_stay() {
    let user = Prepared::of("iqm");
    let mut command = user.authctl(&["exec", "--", "env"]);
    command
        .env("AUTHCTL_HEADER_X_OLD", "old")
        .env("AUTHCTL_TOKEN", "old");
    let environment = succeeded(&command.output().unwrap());
    assert!(environment.contains(&format!("AUTHCTL_TOKEN={}\n", user.token)));
    assert!(environment.contains("AUTHCTL_PROFILE=work\n"));
    assert!(!environment.contains("=old"), "{environment}");
}

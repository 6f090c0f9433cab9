//! What a command ends with, for each kind of failure.

use std::time::Duration;

use auth_sandbox::Fault;
use serde_json::Value;

use crate::machine::{Ended, Machine};

/// The commands that need a valid token.
const NEED_A_TOKEN: [&str; 3] = ["token", "refresh", "iqm me"];

/// The same failure as JSON.
#[track_caller]
fn kind(ended: &Ended) -> String {
    let last = ended.err.lines().last().unwrap_or_default();
    let value: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!(value["error"]["exit_code"], ended.code, "{ended:?}");
    value["error"]["kind"].as_str().unwrap().to_owned()
}

#[test]
fn a_renewal_that_fails_ends_each_command_with_the_code_of_its_kind() {
    let hour = Duration::from_secs(3600);
    let faults: [(&str, i32, Fault); 4] = [
        ("unavailable", 5, Fault::error_page(403)),
        ("rate_limited", 5, Fault::retry_after(429, hour)),
        ("protocol", 1, Fault::garbage_json()),
        ("outcome_unknown", 8, Fault::lost_answer()),
    ];
    for (name, code, fault) in faults {
        let machine = Machine::new().logged_in("iqm");
        machine.age_to(None);
        machine.sandbox.fault(fault.on("iqm.refresh").always());
        for command in NEED_A_TOKEN {
            machine.run(command).failed(code);
            let ended = machine.run(&format!("{command} --json"));
            assert_eq!((ended.code, &*kind(&ended)), (code, name), "{command}");
        }
    }
}

#[test]
fn what_only_a_person_can_change_is_four() {
    let machine = Machine::new().logged_in("iqm");
    machine.age_to(None);
    machine
        .sandbox
        .iqm()
        .revoke_all(machine.sandbox.iqm().user().email);
    for command in NEED_A_TOKEN {
        let ended = machine.run(command).failed(4);
        assert!(
            ended.err.contains("authctl login --profile iqm"),
            "{}",
            ended.err
        );
    }
    assert_eq!(kind(&machine.run("token --json")), "token_rejected");
    machine.run("logout").ok();
    for command in NEED_A_TOKEN {
        assert_eq!(
            kind(&machine.run(&format!("{command} --json"))),
            "interaction_required"
        );
    }
}

#[test]
fn a_store_that_others_can_read_is_seven_for_each_command() {
    let machine = Machine::new().logged_in("iqm");
    let directory = machine.state().join("tokens");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    for command in ["token", "refresh", "logout", "iqm me"] {
        machine.run(command).failed(7);
        assert_eq!(
            kind(&machine.run(&format!("{command} --json"))),
            "store",
            "{command}"
        );
    }
    assert_eq!(machine.run("status").code, 7);
    machine.pipe(&machine.login("iqm"), "x").failed(7);
}

#[test]
fn a_log_in_ends_with_the_code_of_its_kind() {
    let machine = Machine::new();
    let (iqm, eqworks) = (machine.login("iqm"), machine.login("eqworks"));
    let on_hold = machine.sandbox.iqm().on_hold_user();
    let held = iqm.replace(machine.sandbox.iqm().user().email, on_hold.email);
    let identityx = machine.login("identityx");
    let id = machine.sandbox.identityx().application_id();
    let unknown = identityx.replace(id, "ffffffffffffffffffffffff");
    for (words, input, code, name) in [
        (&*iqm, "wrong", 4, "invalid_credentials"),
        (&held, on_hold.password, 6, "denied"),
        (
            &eqworks.replace("--email ", "--email no"),
            "x",
            6,
            "not_found",
        ),
        (&unknown, "x", 6, "denied"),
        (&identityx.replace(id, "x"), "x", 2, "invalid_config"),
        ("login iqm --store file", "", 2, "usage"),
        ("nonsense", "", 2, "usage"),
    ] {
        let ended = machine.pipe(&format!("{words} --json"), input);
        assert_eq!(
            (ended.code, &*kind(&ended)),
            (code, name),
            "{words}: {ended:?}"
        );
    }
    for (fault, code) in [
        (Fault::retry_after(429, Duration::from_secs(3600)), 5),
        (Fault::garbage_json(), 1),
    ] {
        machine.sandbox.fault(fault.on("iqm.log_in"));
        machine
            .pipe(&iqm, machine.sandbox.iqm().user().password)
            .failed(code);
    }
}

#[test]
fn a_configuration_that_is_wrong_is_two_for_each_command() {
    let machine = Machine::new().logged_in("iqm");
    let text = std::fs::read_to_string(machine.config()).unwrap();
    std::fs::write(machine.config(), format!("colour = \"red\"\n{text}")).unwrap();
    for command in ["token", "status", "refresh", "logout", "profiles", "iqm me"] {
        let ended = machine.run(command).failed(2);
        assert!(
            ended.err.contains("`colour` is no setting"),
            "{}",
            ended.err
        );
    }
    std::fs::write(machine.config(), text.replace("127.0.0.1", "evil.example")).unwrap();
    let ended = machine.run("token").failed(2);
    assert!(ended.err.contains("https"), "{}", ended.err);
}

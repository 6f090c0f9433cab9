//! What the program knows of a token, renews and forgets.

use std::time::Duration;

use auth_core::ExposeSecret as _;
use auth_sandbox::Fault;

use crate::machine::Machine;

#[test]
fn the_state_is_told_without_asking_the_vendor() {
    let machine = Machine::new();
    machine.run("status").failed(4);
    let machine = machine.logged_in("iqm");
    machine.sandbox.log().clear();
    let status = machine.run("status --json").ok().json();
    assert_eq!(status["state"], "valid");
    assert_eq!(status["account"], machine.sandbox.iqm().user().email);
    assert_eq!(status["renews_itself"], true);
    let end = status["expires_at_epoch"].as_u64().unwrap();
    let text = machine.run("status").ok().out;
    assert!(text.contains("valid for 9 hours 59 minutes ("), "{text}");
    assert!(text.contains(&format!("Z, {end})")), "{text}");
    assert!(text.contains("kept in: files in "), "{text}");
    machine.age_to(Some(Duration::from_secs(60)));
    assert_eq!(machine.run("status --json").ok().json()["state"], "due");
    machine.age_to(None);
    assert_eq!(machine.run("status --json").ok().json()["state"], "expired");
    assert!(machine.sandbox.log().entries().is_empty());
}

#[test]
fn a_token_that_nothing_renews_asks_for_a_log_in() {
    let machine = Machine::new().logged_in("edgeiq");
    machine.age_to(None);
    let ended = machine.run("status");
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(
        ended.out.contains("authctl login --profile edgeiq"),
        "{ended:?}"
    );
    assert_eq!(
        machine.run("status --json").json()["state"],
        "login_required"
    );
    machine.run("token").failed(4);
}

#[test]
fn an_outage_is_never_shown_as_invalid() {
    for vendor in ["iqm", "edgeiq", "eqworks", "identityx"] {
        let machine = Machine::new().logged_in(vendor);
        let ended = machine.run("status --check --json").ok().json();
        assert_eq!(ended["check"]["result"], "accepted", "{vendor}");
        machine.sandbox.fault(Fault::status(503).always());
        let ended = machine.run("status --check --json");
        assert_eq!(ended.code, 5, "{ended:?}");
        assert_eq!(ended.json()["check"]["result"], "unknown", "{vendor}");
        assert_eq!(ended.json()["state"], "valid", "{vendor}");
        let text = machine.run("status --check").out;
        assert!(text.contains("says nothing about the token"), "{text}");
        assert!(
            !text.contains("invalid") && !text.contains("refused"),
            "{text}"
        );
    }
}

#[test]
fn a_revoked_token_is_refused_where_the_vendor_is_asked() {
    let machine = Machine::new().logged_in("iqm");
    machine
        .sandbox
        .iqm()
        .revoke_access_tokens(machine.sandbox.iqm().user().email);
    let ended = machine.run("status --check --json");
    assert_eq!(
        (ended.code, &ended.json()["check"]["result"]),
        (4, &"refused".into())
    );
    machine.run("refresh --force").ok();
    machine.run("status --check").ok();
}

#[test]
fn a_token_is_renewed_when_it_is_due_and_when_that_is_forced() {
    let machine = Machine::new().logged_in("iqm");
    let log = machine.sandbox.log();
    let first = machine.run("refresh --json").ok().json();
    assert_eq!(first["renewed"], false);
    log.assert_count("iqm.refresh", 0);
    assert_eq!(
        machine.run("refresh --force --json").ok().json()["renewed"],
        true
    );
    log.assert_count("iqm.refresh", 1);
    // Due, and still valid: renewed before the answer.
    machine.age_to(Some(Duration::from_secs(60)));
    let (_, old) = machine.stored();
    let printed = machine.run("token").ok().out;
    log.assert_count("iqm.refresh", 2);
    assert_ne!(printed.trim_end(), old.access().expose_secret());
    // An outage leaves the valid token in use.
    machine.age_to(Some(Duration::from_secs(60)));
    machine.sandbox.fault(Fault::status(503).always());
    machine.run("token").ok();
    machine.age_to(None);
    machine.run("token").failed(5);
    machine.sandbox.clear_faults();
    // Nothing was left half done.
    machine.run("token").ok();
    assert!(
        machine
            .run("status -vv")
            .ok()
            .err
            .lines()
            .all(|line| !line.contains("abandoned"))
    );
}

#[test]
fn a_log_out_forgets_and_says_whether_the_vendor_does() {
    for (vendor, says) in [
        ("iqm", "IQM has ended the token"),
        ("edgeiq", "EdgeIQ has no call that ends a token"),
        ("eqworks", "EQ Works has no call that ends a token"),
        ("identityx", "IdentityX has ended the token"),
    ] {
        let machine = Machine::new().logged_in(vendor);
        let printed = machine.run("token").ok().out;
        let ended = machine.run("logout").ok();
        assert!(ended.err.contains(says), "{}", ended.err);
        machine.run("token").failed(4);
        assert_eq!(machine.run("status --json").json()["state"], "logged_out");
        assert!(machine.run("logout").ok().err.contains("already"));
        if vendor == "iqm" {
            assert!(!machine.sandbox.iqm().accepts(printed.trim_end()));
        }
        machine.run(&format!("profiles remove {vendor}")).ok();
        assert_eq!(
            machine.run("profiles --json").ok().json()["profiles"],
            serde_json::json!([])
        );
    }
}

#[test]
fn a_vendor_that_cannot_be_told_leaves_nothing_here() {
    let machine = Machine::new().logged_in("iqm");
    machine.sandbox.fault(Fault::status(503).always());
    let ended = machine.run("logout").failed(5);
    assert!(ended.err.contains("forgotten here"), "{}", ended.err);
    machine.run("token").failed(4);
}

#[test]
fn profiles_are_listed_chosen_and_removed() {
    let machine = Machine::new().logged_in("iqm").logged_in("edgeiq");
    let ended = machine.run("token").failed(2);
    assert!(
        ended.err.contains("there are: iqm, edgeiq"),
        "{}",
        ended.err
    );
    machine.run("token --profile edgeiq").ok();
    machine.run("profiles default iqm").ok();
    let list = machine.run("profiles --json").ok().json();
    assert_eq!(list["profiles"][0]["default"], true);
    assert_eq!(list["profiles"][1]["vendor"], "edgeiq");
    let mut command = machine.command("status --json");
    command.env("AUTHCTL_PROFILE", "edgeiq");
    assert_eq!(
        crate::machine::piped(&mut command, "").ok().json()["vendor"],
        "edgeiq"
    );
    assert_eq!(
        machine
            .run("status --all --json")
            .ok()
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    machine.run("profiles remove iqm").failed(2);
    machine.run("token --profile none").failed(2);
    let text = std::fs::read_to_string(machine.config()).unwrap();
    for secret in [
        machine.sandbox.iqm().user().password,
        machine.sandbox.iqm().client_secret(),
    ] {
        assert!(!text.contains(secret), "{text}");
    }
}

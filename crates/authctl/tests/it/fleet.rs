//! Many processes at once.

use auth_sandbox::Fault;

use crate::machine::{Ended, Machine};

const PROCESSES: usize = 50;

fn at_once(machine: &Machine, words: &str) -> Vec<Ended> {
    let talks: Vec<_> = (0..PROCESSES).map(|_| machine.start(words)).collect();
    talks.into_iter().map(crate::machine::Talk::end).collect()
}

#[test]
fn fifty_processes_with_an_expired_token_cause_one_refresh() {
    let machine = Machine::new().logged_in("iqm");
    machine.age_to(None);
    let ended = at_once(&machine, "token");
    let first = ended[0].out.clone();
    for one in ended {
        assert_eq!(one.ok().out, first);
    }
    machine.sandbox.log().assert_count("iqm.refresh", 1);
    machine.sandbox.log().assert_count("iqm.log_in", 1);
}

#[test]
fn fifty_processes_send_no_mail_where_only_a_person_can_help() {
    let machine = Machine::new().logged_in("eqworks");
    machine.age_to(None);
    machine.sandbox.log().clear();
    for one in at_once(&machine, "token") {
        let one = one.failed(4);
        assert!(
            one.err.contains("authctl login --profile eqworks"),
            "{}",
            one.err
        );
    }
    assert!(machine.sandbox.log().entries().is_empty());
}

#[test]
fn fifty_processes_with_a_dead_refresh_token_ask_the_vendor_as_one_would() {
    let machine = Machine::new().logged_in("iqm");
    machine.age_to(None);
    machine
        .sandbox
        .iqm()
        .revoke_all(machine.sandbox.iqm().user().email);
    for one in at_once(&machine, "token") {
        one.failed(4);
    }
    // A refusal is believed the second time.
    let asked = machine.sandbox.log().count("iqm.refresh");
    assert!(asked <= 2, "{asked}");
    // It is remembered, until a log-in or an explicit request.
    machine.run("token").failed(4);
    machine.sandbox.log().assert_count("iqm.refresh", asked);
    machine
        .pipe(
            "login --password-stdin",
            machine.sandbox.iqm().user().password,
        )
        .ok();
    machine.run("token").ok();
}

#[test]
fn fifty_processes_share_one_outage_and_the_next_tries_again() {
    let machine = Machine::new().logged_in("iqm");
    machine.age_to(None);
    machine
        .sandbox
        .fault(Fault::error_page(403).on("iqm.refresh").always());
    machine.run("token").failed(5);
    let one = machine.sandbox.log().count("iqm.refresh");
    for ended in at_once(&machine, "token") {
        ended.failed(5);
    }
    // Those that started after the first had failed asked once more.
    let all = machine.sandbox.log().count("iqm.refresh");
    assert!(all <= 6 * one, "{all}, and one alone {one}");
    machine.sandbox.clear_faults();
    machine.run("token").ok();
}

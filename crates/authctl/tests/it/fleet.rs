//! Many processes at once.

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

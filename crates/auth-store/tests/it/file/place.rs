//! The directory of the store.

use std::process::Command;

use super::processes::{Process, is_child, say};
use super::*;

#[test]
fn the_state_directory_is_that_of_the_xdg_specification() {
    if is_child().is_some() {
        let store = FileStore::in_state_directory().unwrap();
        say(store.directory().display());
        return;
    }
    let test = "file::place::the_state_directory_is_that_of_the_xdg_specification";
    for (state, expected) in [
        ("/somewhere/state", "/somewhere/state/auth-store"),
        // A relative path is ignored.
        ("state", "/home/user/.local/state/auth-store"),
        ("", "/home/user/.local/state/auth-store"),
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env("HOME", "/home/user")
            .env("XDG_STATE_HOME", state);
        let said = Process::run_as(command, test, Path::new("/")).lines_to_the_end();
        assert_eq!(said, [expected], "{state}");
    }
}

#[test]
fn a_relative_directory_stays_where_it_was() {
    let store = FileStore::at("tokens");
    let here = std::env::current_dir().unwrap();
    assert_eq!(store.directory(), here.join("tokens"));
    assert!(
        format!("{store:?}").contains("lease_wait: 30s"),
        "{store:?}"
    );
}

//! Where the store of a user's own is.

use std::process::Command;

use super::processes::{Process, is_child, say};
use super::*;

#[test]
fn a_users_own_store_is_where_the_xdg_specification_has_it() {
    if is_child().is_some() {
        let store = FileStore::in_state_directory().unwrap();
        say(store.directory().display());
        return;
    }
    let test = "file::place::a_users_own_store_is_where_the_xdg_specification_has_it";
    for (state, expected) in [
        ("/somewhere/state", "/somewhere/state/auth-store"),
        // A relative path counts for nothing.
        ("state", "/home/somebody/.local/state/auth-store"),
        ("", "/home/somebody/.local/state/auth-store"),
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env("HOME", "/home/somebody")
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

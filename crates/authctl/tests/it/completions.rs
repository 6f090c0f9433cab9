//! `authctl completions` and `authctl man`: what shells and readers make of them.

use std::process::Command;

use crate::prepared::succeeded;

fn authctl(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authctl"));
    succeeded(&command.args(arguments).output().unwrap())
}

#[test]
fn bash_completes_commands_and_their_options() {
    let script = r#"source <(authctl completions bash)
        COMP_WORDS=(authctl header --f) COMP_CWORD=2 COMP_LINE='authctl header --f' COMP_POINT=18
        _authctl authctl --f header; echo "${COMPREPLY[*]}"
        COMP_WORDS=(authctl pro) COMP_CWORD=1; _authctl authctl pro authctl; echo "${COMPREPLY[*]}""#;
    let path = std::path::Path::new(env!("CARGO_BIN_EXE_authctl"))
        .parent()
        .unwrap();
    let mut command = Command::new("bash");
    command.args(["-c", script]);
    let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    let completed = succeeded(&command.env("PATH", path).output().unwrap());
    let mut lines: Vec<Vec<&str>> = completed
        .lines()
        .map(|it| it.split(' ').collect())
        .collect();
    lines.iter_mut().for_each(|line| line.sort_unstable());
    assert_eq!(lines, [vec!["--format"], vec!["profiles", "proxy"]]);
}

#[test]
fn each_shell_has_completions_and_each_command_a_page() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = authctl(&["completions", shell]);
        assert!(text.contains("credential-helper"), "{shell}");
    }
    assert!(authctl(&["man"]).contains(".TH authctl 1"));
    let directory = tempfile::tempdir().unwrap();
    authctl(&["man", "--directory", directory.path().to_str().unwrap()]);
    for page in ["authctl.1", "authctl-proxy.1", "authctl-header.1"] {
        assert!(directory.path().join(page).exists(), "{page}");
    }
}

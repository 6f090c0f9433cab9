//! The README's transcript is what happens.

use std::process::{Command, Stdio};

use crate::machine::Machine;

const README: &str = include_str!("../../README.md");

/// The commands of the transcript, and the lines that follow each.
fn transcript() -> Vec<(&'static str, Vec<&'static str>)> {
    let (_, after) = README.split_once("```console\n").unwrap();
    let (block, _) = after.split_once("```").unwrap();
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command, Vec::new())),
            (None, Some(step)) => step.1.push(line),
            (None, None) => panic!("{line}"),
        }
    }
    steps
}

/// Times differ from run to run.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('0') => {}
            '0'..='9' => out.push('0'),
            c => out.push(c),
        }
    }
    out
}

#[test]
fn the_transcript_of_the_readme_is_what_happens() {
    let machine = Machine::new();
    let user = machine.sandbox.edgeiq().user();
    let base = machine.base_url("edgeiq");
    let base = base.trim_end_matches('/');
    // The one difference: where the vendor and the tokens are.
    std::fs::create_dir_all(machine.config().parent().unwrap()).unwrap();
    let settings =
        format!("[profiles.edgeiq]\nvendor = \"edgeiq\"\nbase-url = {base:?}\nstore = \"file\"\n");
    std::fs::write(machine.config(), settings).unwrap();
    std::fs::write(machine.home().join("password"), user.password).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_authctl"));
    let program = program.parent().unwrap().display();

    let steps = transcript();
    assert!(steps.len() >= 8, "{}", steps.len());
    for (command, expected) in steps {
        let mut shell = Command::new("sh");
        let real = command
            .replace("https://api.edgeiq.io/api/v1/platform", base)
            .replace("URL/api/v1/platform", "URL/edgeiq/api/v1/platform")
            .replace("user@example.com", user.email);
        let script = format!("exec 2>&1; PATH={program}:$PATH; cd \"$HOME\"; {real}");
        shell.args(["-c", &script]).stdin(Stdio::null()).env_clear();
        let environment = machine.command("");
        shell.envs(
            environment
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let output = shell.output().unwrap();
        let shown = String::from_utf8(output.stdout)
            .unwrap()
            .replace(user.email, "user@example.com");
        let files = format!("files in {}", machine.state().join("tokens").display());
        let shown = without_numbers(&shown.replace(&files, "the keyring"));
        let shown: Vec<_> = shown.lines().collect();
        assert_eq!(shown.len(), expected.len(), "{command}: {shown:#?}");
        for (shown, expected) in shown.iter().zip(expected) {
            let expected = without_numbers(expected);
            match expected.strip_suffix('…') {
                Some(start) => assert!(shown.starts_with(start), "{command}: {shown}"),
                None => assert_eq!(*shown, expected, "{command}"),
            }
        }
    }
}

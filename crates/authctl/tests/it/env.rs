//! `authctl env`, evaluated by the shells themselves.

use std::fs;

use auth_store::FileStore;
use edgeiq_auth::{ApiToken, Client};
use serde_json::Value;

use crate::prepared::{Prepared, VENDORS};

/// Evaluates the output in each shell that there is, and has it show what it understood.
const SHELLS: [(&str, &str); 6] = [
    ("bash", r#"eval "$(authctl env --shell bash)""#),
    ("dash", r#"eval "$(authctl env --shell bash)""#),
    ("zsh", r#"eval "$(authctl env --shell zsh)""#),
    (
        "zsh",
        r#"setopt rc_quotes; eval "$(authctl env --shell zsh)""#,
    ),
    ("fish", "authctl env --shell fish | source"),
    (
        "pwsh",
        "authctl env --shell powershell | Out-String | Invoke-Expression",
    ),
];

/// A token with what shells take for their own.
const NASTY: &str = r#"it's $HOME `id`; !! \n "a" (b) * ~ % # {c} \' \\ '' end"#;

fn is_there(shell: &str) -> bool {
    let version = std::process::Command::new(shell)
        .args(["-c", "exit 0"])
        .output();
    version.is_ok_and(|output| output.status.success())
}

/// A user of EdgeIQ whose permanent token is the nasty one.
fn nasty() -> Prepared {
    let mut user = Prepared::of("edgeiq");
    let tokens = user.home.path().join("tokens");
    fs::remove_dir_all(&tokens).unwrap();
    let token = ApiToken::new(NASTY).with_account(user.email);
    let client = Client::builder().base_url(user.sandbox.edgeiq().base_url());
    let session = client
        .build()
        .unwrap()
        .session(token)
        .store(FileStore::at(tokens));
    let session = session.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(session.save()).unwrap();
    NASTY.clone_into(&mut user.token);
    user
}

#[test]
fn values_survive_the_evaluation_by_every_shell() {
    let user = nasty();
    let dotenv = user.prints(&["env", "--shell", "dotenv"]);
    fs::write(user.home.path().join("env"), dotenv).unwrap();
    let files = [("bash", "set -a; . ~/env"), ("dash", "set -a; . ~/env")];
    let mut evaluated = 0;
    for (shell, script) in SHELLS
        .into_iter()
        .chain(files)
        .filter(|(shell, _)| is_there(shell))
    {
        // The environment, as the shell's children get it.
        let environment = user.shell(shell, &format!("{script}; env -0"));
        let value = |name: &str| {
            let mut variables = environment
                .split('\0')
                .filter_map(|line| line.split_once('='));
            let found = variables.find(|(each, _)| *each == name);
            found
                .unwrap_or_else(|| panic!("{shell}: no {name} in {environment}"))
                .1
                .to_owned()
        };
        assert_eq!(value("AUTHCTL_TOKEN"), user.token, "{shell}");
        assert_eq!(value("AUTHCTL_HEADER_AUTHORIZATION"), user.token, "{shell}");
        assert!(
            value("AUTHCTL_BASE_URL").starts_with("http://127.0.0.1:"),
            "{shell}"
        );
        let headers: Value = serde_json::from_str(&value("AUTHCTL_HEADERS")).unwrap();
        assert_eq!(headers["authorization"], user.token, "{shell}");
        assert_eq!(value("AUTHCTL_EXPIRES_AT"), "", "{shell}");
        evaluated += 1;
    }
    // Those two are on every system on which the tests run.
    assert!(evaluated >= 3, "{evaluated}");
}

#[test]
fn node_reads_the_file_of_variables() {
    for vendor in VENDORS {
        let user = Prepared::of(vendor);
        let dotenv = user.prints(&["env", "--shell", "dotenv"]);
        fs::write(user.home.path().join("env"), dotenv).unwrap();
        let script = r#"node --env-file="$HOME/env" -p 'process.env.AUTHCTL_TOKEN + "\n" +
            Object.keys(JSON.parse(process.env.AUTHCTL_HEADERS)).length'"#;
        let seen = user.shell("bash", script);
        let headers = user.prints(&["header"]).lines().count();
        assert_eq!(seen, format!("{}\n{headers}\n", user.token), "{vendor}");
    }
}

#[test]
fn a_workflow_masks_the_values_before_it_sets_them() {
    let user = Prepared::of("iqm");
    let file = user.home.path().join("github-env");
    let mut command = user.authctl(&["env", "--shell", "github"]);
    let output = command.env("GITHUB_ENV", &file).output().unwrap();
    let masks = crate::prepared::succeeded(&output);
    let set = fs::read_to_string(&file).unwrap();
    assert!(
        set.contains(&format!("\nAUTHCTL_TOKEN={}\n", user.token)),
        "{set}"
    );
    let lines = set.lines().filter_map(|line| line.split_once('='));
    for (name, value) in lines.filter(|(_, value)| value.contains(&user.token)) {
        assert!(masks.contains(&format!("::add-mask::{value}\n")), "{name}");
    }
    assert!(
        masks.lines().all(|line| line.starts_with("::add-mask::")),
        "{masks}"
    );

    let output = user
        .authctl(&["env", "--shell", "github"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

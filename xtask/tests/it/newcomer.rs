//! A newcomer's first hour: a project outside of this workspace, with a crate out of the registry
//! and the code of its README, against the sandbox.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use auth_sandbox::{
    EdgeIqUser, EqWorksUser, IdentityXAppUser, IdentityXApplication, IqmUser, Sandbox,
};
use tempfile::TempDir;

use super::repository::{CRATES, Repository, success};

const EMAIL: &str = "newcomer@example.com";
const PASSWORD: &str = "a password that stands in no README";
const APPLICATION: &str = "0123456789abcdef01234567";
/// What the code of a README prints, by crate.
const HEADERS: [(&str, &[&str]); 4] = [
    ("edgeiq-auth", &["authorization"]),
    ("eqworks-auth", &["eq-api-jwt", "eq-api-user"]),
    ("identityx-auth", &["authorization", "x-app-id"]),
    ("iqm-auth", &["authorization", "x-iaa-ow-id"]),
];

/// A project that was never built.
struct Project<'a> {
    repository: &'a Repository,
    folder: TempDir,
}

impl<'a> Project<'a> {
    /// An empty one. It begins with the lock file of this repository, so that a new release of a third party's crate
    /// is no business of these tests.
    fn new(repository: &'a Repository, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "[package]\nname = \"newcomer-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\n"
        );
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.lock");
        fs::copy(lock, folder.path().join("Cargo.lock")).unwrap();
        Self { repository, folder }
    }

    fn cargo(&self, line: &str) -> Command {
        self.repository.cargo(self.folder.path(), line)
    }

    fn write_main(&self, code: &str) {
        fs::write(self.folder.path().join("src/main.rs"), code).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    /// The crates of this repository in its lock file, with their versions; all of them from the registry.
    fn published(&self) -> Vec<String> {
        let mut found = Vec::new();
        for package in self.read("Cargo.lock").split("[[package]]").skip(1) {
            let field = |key: &str| {
                let start = format!("{key} = \"");
                let mut lines = package.lines();
                lines.find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'))
            };
            let name = field("name").unwrap();
            if CRATES.contains(&name) {
                let source = field("source").unwrap_or("a path");
                assert!(source.starts_with("registry+"), "{name} is from {source}");
                found.push(format!("{name} {}", field("version").unwrap()));
            }
        }
        found
    }

    /// Builds and runs it. `typed` is asked again and again for what the user types into it.
    fn run(&self, typed: impl Fn() -> Option<String>) -> String {
        success(&mut self.cargo("build"));
        let mut child = self
            .cargo("run --quiet")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // The mail is there before the program waits for the line, or the program has failed.
        while child.try_wait().unwrap().is_none() {
            if let Some(line) = typed() {
                let _ = writeln!(input, "{line}");
                break;
            }
            std::thread::yield_now();
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The first Rust in a README, as it stands there.
fn first_code(readme: &str) -> String {
    let mut blocks = readme.split("\n```").skip(1).step_by(2);
    let is_rust = |tags: &str| {
        let mut tags = tags.split(',');
        tags.all(|tag| ["", "rust", "no_run"].contains(&tag.trim()))
    };
    let code = blocks.find_map(|block| {
        let (tags, code) = block.split_once('\n')?;
        is_rust(tags).then(|| format!("{code}\n"))
    });
    let code = code.unwrap();
    let hidden = code.lines().find(|line| line.starts_with("# "));
    assert_eq!(hidden, None, "a reader of the README does not see this line");
    code
}

/// The line of a README's install lines that is for this crate.
fn install_line<'a>(readme: &'a str, name: &str) -> &'a str {
    let start = format!("{name} = ");
    let mut lines = readme.lines();
    lines.find(|line| line.starts_with(&start)).unwrap()
}

/// What a reader has to put in the place of what, for this vendor: an address and credentials.
fn substitutions(name: &str, sandbox: &Sandbox) -> Vec<(String, String)> {
    let words = |old: &str, new: String| (old.to_owned(), new);
    let with_url = |builder: &str, new: &str, url: &str| {
        let new = format!("{new}.base_url({url:?})");
        words(builder, new)
    };
    let password = format!("{EMAIL:?}, {PASSWORD:?}");
    match name {
        "iqm-auth" => {
            let iqm = sandbox.iqm();
            iqm.add_user(IqmUser::new(EMAIL, PASSWORD));
            let credentials = format!("{:?}, {:?}", iqm.client_id(), iqm.client_secret());
            let old = "Client::builder(\"client id\", \"client secret\")";
            let new = format!("Client::builder({credentials})");
            vec![
                with_url(old, &new, iqm.base_url().as_str()),
                words("\"user1@iqm.com\", \"123456\"", password),
            ]
        }
        "edgeiq-auth" => {
            let edgeiq = sandbox.edgeiq();
            edgeiq.add_user(EdgeIqUser::new(EMAIL, PASSWORD));
            let old = "Client::builder()";
            vec![
                with_url(old, old, edgeiq.base_url().as_str()),
                words("\"user@example.com\", \"password\"", password),
            ]
        }
        "eqworks-auth" => {
            let eqworks = sandbox.eqworks();
            eqworks.add_user(EqWorksUser::new(EMAIL));
            let old = "Client::builder(Stage::Prod, Product::ATOM)";
            vec![
                with_url(old, old, eqworks.base_url().as_str()),
                words("\"sue@acme.test\"", format!("{EMAIL:?}")),
            ]
        }
        "identityx-auth" => {
            let identityx = sandbox.identityx();
            identityx.add_application(IdentityXApplication::new(APPLICATION, "Newcomers"));
            identityx.add_app_user(IdentityXAppUser::new(EMAIL).application(APPLICATION));
            let old = "Client::builder()";
            vec![
                with_url(old, old, identityx.base_url().as_str()),
                words("\"60a1b2c3d4e5f60718293a01\"", format!("{APPLICATION:?}")),
                words("\"ann@example.test\"", format!("{EMAIL:?}")),
            ]
        }
        other => panic!("no substitutions for the README of {other}"),
    }
}

fn substitute(code: &str, changes: &[(String, String)]) -> String {
    let mut code = code.to_owned();
    for (old, new) in changes {
        assert_eq!(code.matches(old).count(), 1, "{old} in:\n{code}");
        assert_ne!(old, new);
        code = code.replace(old, new);
    }
    code
}

/// What a person who has got a mail would paste.
fn mailed(sandbox: &Sandbox) -> Option<String> {
    let mail = sandbox.inbox(EMAIL).latest()?;
    mail.link_text().or(mail.code()).map(str::to_owned)
}

/// Without cargo's trial builds: what is published is built right after, as users build it.
fn publish(repository: &Repository, crates: &str) {
    let line = format!("release publish --yes --no-verify --registry test {crates}");
    success(&mut repository.xtask(&line));
}

#[test]
fn each_vendor_crate_alone_does_what_its_readme_says() {
    let repository = Repository::copy_for_newcomers();
    publish(&repository, "auth-core");
    for (name, headers) in HEADERS {
        publish(&repository, name);
        let sandbox = Sandbox::start().unwrap();
        let readme = repository.read(&format!("crates/{name}/README.md"));
        let project = Project::new(&repository, name);
        success(&mut project.cargo(&format!("add {name}")));
        let tokio = install_line(&readme, "tokio");
        let manifest = format!("{}{tokio}\n", project.read("Cargo.toml"));
        fs::write(project.folder.path().join("Cargo.toml"), manifest).unwrap();
        let changes = substitutions(name, &sandbox);
        project.write_main(&substitute(&first_code(&readme), &changes));

        let printed = project.run(|| mailed(&sandbox));
        let expected: Vec<_> =
            headers.iter().map(|header| format!("\"{header}\": Sensitive")).collect();
        assert_eq!(printed, format!("{{{}}}\n", expected.join(", ")), "{name}");
        assert_eq!(project.published(), ["auth-core 0.1.0".to_owned(), format!("{name} 0.1.0")]);
        sandbox.log().assert_no_hints();
    }
    // The rest was not needed for that.
    let published = ["auth-core", "edgeiq-auth", "eqworks-auth", "identityx-auth", "iqm-auth"];
    assert_eq!(repository.registry.stored(), published.map(|name| format!("{name}-0.1.0")));
    assert_eq!(repository.registry.state().uploads.len(), published.len());
    assert_eq!(repository.git(&["tag", "--list"]).lines().count(), published.len());
}

/// Two crates that share a store, and so must have the same auth-core.
const TOGETHER: &str = r#"
use edgeiq_auth::ADDED_LATER;
use iqm_auth::store::MemoryStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new();
    let iqm = iqm_auth::Client::builder("IQM_ID", "IQM_SECRET").base_url("IQM_URL").build()?;
    let edgeiq = edgeiq_auth::Client::builder().base_url("EDGEIQ_URL").build()?;
    for round in 1..=2 {
        let login = iqm_auth::Login::password("EMAIL", "PASSWORD");
        let iqm = iqm.session(login).store(store.clone()).build()?;
        let login = edgeiq_auth::Login::password("EMAIL", "PASSWORD");
        let edgeiq = edgeiq.session(login).store(store.clone()).build()?;
        println!("{round} {ADDED_LATER} {:?} {:?}", iqm.headers().await?, edgeiq.headers().await?);
    }
    Ok(())
}
"#;

#[test]
fn crates_of_different_release_dates_share_one_core() {
    let repository = Repository::copy_for_newcomers();
    publish(&repository, "auth-core iqm-auth");

    // What is added to auth-core, and used by the one vendor crate that is released after that.
    let added = "\n/// Added later.\npub const ADDED_LATER: u32 = 7;";
    repository.append("crates/auth-core/src/lib.rs", added, "");
    let again = "\npub use auth_core::ADDED_LATER;";
    repository.append("crates/edgeiq-auth/src/lib.rs", again, "");
    let (old, new) = ("version = \"0.1.0\"", "version = \"0.1.1\"");
    repository.replace("crates/auth-core/Cargo.toml", old, new);
    let dependency = |version| format!("auth-core = {{ version = \"{version}\"");
    repository.replace("Cargo.toml", &dependency("0.1.0"), &dependency("0.1.1"));
    success(&mut repository.cargo(&repository.path(), "update --workspace"));
    repository.commit("feat(auth-core,edgeiq-auth): add a number");
    publish(&repository, "auth-core edgeiq-auth");
    assert_eq!(
        repository.registry.stored(),
        ["auth-core-0.1.0", "iqm-auth-0.1.0", "auth-core-0.1.1", "edgeiq-auth-0.1.0"]
    );

    let sandbox = Sandbox::start().unwrap();
    let (iqm, edgeiq) = (sandbox.iqm(), sandbox.edgeiq());
    iqm.add_user(IqmUser::new(EMAIL, PASSWORD));
    edgeiq.add_user(EdgeIqUser::new(EMAIL, PASSWORD));
    let mut code = TOGETHER.to_owned();
    for (word, value) in [
        ("IQM_ID", iqm.client_id()),
        ("IQM_SECRET", iqm.client_secret()),
        ("IQM_URL", iqm.base_url().as_str()),
        ("EDGEIQ_URL", edgeiq.base_url().as_str()),
        ("EMAIL", EMAIL),
        ("PASSWORD", PASSWORD),
    ] {
        code = code.replace(&format!("\"{word}\""), &format!("{value:?}"));
    }
    let project = Project::new(&repository, "together");
    success(&mut project.cargo("add iqm-auth edgeiq-auth"));
    success(&mut project.cargo("add tokio@1 --features macros,rt-multi-thread"));
    project.write_main(&code);
    let printed = project.run(|| None);
    let line = |round| {
        format!(
            "{round} 7 {{\"authorization\": Sensitive, \"x-iaa-ow-id\": Sensitive}} \
             {{\"authorization\": Sensitive}}\n"
        )
    };
    assert_eq!(printed, line(1) + &line(2));
    assert_eq!(project.published(), ["auth-core 0.1.1", "edgeiq-auth 0.1.0", "iqm-auth 0.1.0"]);
    // The second round's sessions found what the first had put into the store.
    sandbox.log().assert_count("iqm.log_in", 1);
    sandbox.log().assert_count("edgeiq.authenticate", 1);
}

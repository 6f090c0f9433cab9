//! A newcomer's first hour: a project outside of this workspace, with crates out of the registry
//! and the code of a README, against the sandbox.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use auth_sandbox::{
    EdgeIqUser, EqWorksUser, IdentityXAppUser, IdentityXApplication, IqmUser, Sandbox,
};
use regex::Regex;
use toml_edit::DocumentMut;

use super::repository::{CRATES, Repository, here, success};

/// The vendor crates, and who logs in in their READMEs.
const USERS: [(&str, &str); 4] = [
    ("edgeiq-auth", "user@example.com"),
    ("eqworks-auth", "sue@acme.test"),
    ("identityx-auth", "ann@example.test"),
    ("iqm-auth", "user1@iqm.com"),
];

/// Knows those whom the READMEs name.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start().unwrap();
    sandbox.edgeiq().add_user(EdgeIqUser::new("user@example.com", "password"));
    sandbox.eqworks().add_user(EqWorksUser::new("sue@acme.test"));
    let application = "60a1b2c3d4e5f60718293a01";
    sandbox.identityx().add_application(IdentityXApplication::new(application, "Newcomers"));
    let user = IdentityXAppUser::new("ann@example.test").application(application);
    sandbox.identityx().add_app_user(user);
    sandbox.iqm().add_user(IqmUser::new("user1@iqm.com", "123456"));
    sandbox
}

/// The first code of a README in this language, as a reader sees it.
fn first_code(readme: &str, language: &str) -> String {
    let code = readme.split(&format!("\n```{language}")).nth(1).unwrap();
    let code = code.split("\n```").next().unwrap().split_once('\n').unwrap().1;
    assert!(!code.contains("\n# "), "a reader of the README does not see this line");
    format!("{code}\n")
}

/// The code with what a reader has to put into it: the vendor's address and the client's secret.
fn with_address(code: &str, name: &str, sandbox: &Sandbox) -> String {
    let iqm = sandbox.iqm();
    let (url, arguments) = match name {
        "edgeiq-auth" => (sandbox.edgeiq().base_url(), "$1".to_owned()),
        "eqworks-auth" => (sandbox.eqworks().base_url(), "$1".to_owned()),
        "identityx-auth" => (sandbox.identityx().base_url(), "$1".to_owned()),
        _ => (iqm.base_url(), format!("{:?}, {:?}", iqm.client_id(), iqm.client_secret())),
    };
    let builder = Regex::new(r"Client::builder\(([^()]*)\)(?:\s*//.*)*\s*\.build\(\)").unwrap();
    assert!(builder.is_match(code), "{code}");
    let with_url = format!("Client::builder({arguments}).base_url({:?}).build()", url.as_str());
    builder.replace(code, with_url).into_owned()
}

/// Builds and runs a project that was never built. What is mailed to the user is typed into it.
/// Returns what it prints, and the crates of this repository in its lock file.
fn run(at: &Repository, project: [&str; 2], sandbox: &Sandbox, email: &str) -> [String; 2] {
    let [manifest, code] = project;
    let folder = tempfile::tempdir().unwrap();
    let path = |file: &str| folder.path().join(file);
    fs::create_dir(path("src")).unwrap();
    fs::write(path("src/main.rs"), code).unwrap();
    let package = "[package]\nname = \"newcomer\"\nedition = \"2024\"\n\n";
    fs::write(path("Cargo.toml"), format!("{package}{manifest}")).unwrap();
    // So a new release of a third party's crate is no business of this test.
    fs::copy(here().join("Cargo.lock"), path("Cargo.lock")).unwrap();
    success(&mut at.cargo(folder.path(), "build --jobs 1"));
    let mut program = at.cargo(folder.path(), "run --quiet");
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // The mail is there before the program waits for the line, or the program has ended.
    while child.try_wait().unwrap().is_none() {
        if let Some(mail) = sandbox.inbox(email).latest() {
            let _ = writeln!(input, "{}", mail.link_text().or(mail.code()).unwrap());
            break;
        }
        std::thread::yield_now();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lock: DocumentMut = fs::read_to_string(path("Cargo.lock")).unwrap().parse().unwrap();
    let mut published = Vec::new();
    for package in lock["package"].as_array_of_tables().unwrap() {
        let text = |key: &str| package.get(key).and_then(|it| it.as_str()).unwrap_or_default();
        if CRATES.contains(&text("name")) {
            assert!(text("source").starts_with("registry+"), "{package}");
            published.push(format!("{}-{}", text("name"), text("version")));
        }
    }
    [String::from_utf8(output.stdout).unwrap(), published.join(" ")]
}

/// Two crates that share a store, and so must have the same auth-core.
const TOGETHER: &str = r#"
use edgeiq_auth::ADDED_LATER;
use iqm_auth::store::MemoryStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new();
    let iqm = iqm_auth::Client::builder("", "").build()?;
    let edgeiq = edgeiq_auth::Client::builder().build()?;
    for round in 1..=2 {
        let login = iqm_auth::Login::password("user1@iqm.com", "123456");
        let iqm = iqm.session(login).store(store.clone()).build()?;
        let login = edgeiq_auth::Login::password("user@example.com", "password");
        let edgeiq = edgeiq.session(login).store(store.clone()).build()?;
        println!("{round} {ADDED_LATER} {:?} {:?}", iqm.headers().await?, edgeiq.headers().await?);
    }
    Ok(())
}
"#;

#[test]
fn each_vendor_crate_alone_does_what_its_readme_says_and_later_releases_go_with_it() {
    let repository = Repository::copy_for_newcomers();
    // Without cargo's trial builds: what is published is built right after, as users build it.
    let publish = |crates: &str| {
        let line = format!("release publish --yes --no-verify --registry test {crates}");
        success(&mut repository.xtask(&line));
    };
    publish("auth-core");
    for (name, email) in USERS {
        publish(name);
        let sandbox = sandbox();
        let readme = repository.read(&format!("crates/{name}/README.md"));
        let (manifest, code) = (first_code(&readme, "toml"), first_code(&readme, "rust"));
        let said = code.split("println!(\"{headers:?}\"); // ").nth(1).unwrap();
        let expected = format!("{}\n", said.lines().next().unwrap());
        let code = with_address(&code, name, &sandbox);
        let [printed, published] = run(&repository, [&manifest, &code], &sandbox, email);
        assert_eq!(printed, expected, "{name}");
        assert_eq!(published, format!("auth-core-0.1.0 {name}-0.1.0"));
        sandbox.log().assert_no_hints();
    }
    // The rest was not needed for that.
    let names = ["auth-core"].into_iter().chain(USERS.map(|(name, _)| name));
    let mut expected: Vec<_> = names.map(|name| format!("{name}-0.1.0")).collect();
    assert_eq!(repository.registry.stored(), expected);
    assert_eq!(repository.tags().len(), expected.len());

    // Something more in auth-core, which one vendor crate passes on.
    let added = "\n/// Added later.\npub const ADDED_LATER: u32 = 7;";
    repository.append("crates/auth-core/src/lib.rs", added, "");
    let again = "\npub use auth_core::ADDED_LATER;";
    let message = "feat(auth-core,edgeiq-auth): add a number";
    repository.append("crates/edgeiq-auth/src/lib.rs", again, message);
    success(&mut repository.xtask("release prepare auth-core edgeiq-auth"));
    publish("auth-core edgeiq-auth");
    expected.extend(["auth-core-0.1.1", "edgeiq-auth-0.1.1"].map(str::to_owned));
    assert_eq!(repository.registry.stored(), expected);
    assert_eq!(repository.registry.state().uploads, expected);

    let sandbox = sandbox();
    let readme = repository.read("crates/iqm-auth/README.md");
    let manifest = first_code(&readme, "toml") + "edgeiq-auth = \"0.1.1\"\n";
    let code = with_address(TOGETHER, "iqm-auth", &sandbox);
    let code = with_address(&code, "edgeiq-auth", &sandbox);
    let [printed, published] = run(&repository, [&manifest, &code], &sandbox, "");
    let edgeiq = r#"{"authorization": Sensitive}"#;
    let both = format!("7 {} {edgeiq}", edgeiq.replace('}', r#", "x-iaa-ow-id": Sensitive}"#));
    assert_eq!(printed, format!("1 {both}\n2 {both}\n"));
    assert_eq!(published, "auth-core-0.1.1 edgeiq-auth-0.1.1 iqm-auth-0.1.0");
    // The second round's sessions found what the first had put into the store.
    sandbox.log().assert_count("iqm.log_in", 1);
    sandbox.log().assert_count("edgeiq.authenticate", 1);
}

//! A user who has logged in to one vendor of the sandbox.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use auth_core::ExposeSecret as _;
use auth_sandbox::Sandbox;
use auth_store::FileStore;
use tempfile::TempDir;

/// Each vendor, as commands name it.
pub(crate) const VENDORS: [&str; 4] = ["iqm", "edgeiq", "eqworks", "identityx"];

/// A user's machine with one profile, `work`, whose token is in a file.
pub(crate) struct Prepared {
    pub(crate) vendor: &'static str,
    pub(crate) sandbox: Sandbox,
    pub(crate) home: TempDir,
    /// The access token.
    pub(crate) token: String,
    /// An address of the vendor that wants the headers.
    pub(crate) url: String,
    /// What the response to a call of that address has in it, if the headers are right.
    pub(crate) email: &'static str,
}

impl Prepared {
    pub(crate) fn of(vendor: &'static str) -> Self {
        Self::with(vendor, Sandbox::start().unwrap())
    }

    pub(crate) fn with(vendor: &'static str, sandbox: Sandbox) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = FileStore::at(home.path().join("tokens"));
        let (token, url, email, settings) = log_in(vendor, &sandbox, store);
        let tokens = home.path().join("tokens");
        let config = format!(
            "[profiles.work]\nvendor = \"{vendor}\"\naccount = \"{email}\"\nstore = \"file\"\n\
             store-path = \"{}\"\n{settings}",
            tokens.display()
        );
        std::fs::create_dir(home.path().join("authctl")).unwrap();
        std::fs::write(home.path().join("authctl/config.toml"), config).unwrap();
        Self {
            vendor,
            sandbox,
            home,
            token,
            url,
            email,
        }
    }

    /// `authctl` of this user.
    pub(crate) fn authctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authctl"));
        command.args(arguments);
        self.place(&mut command);
        command
    }

    /// Has `command` run as this user, with `authctl` on the path.
    pub(crate) fn place(&self, command: &mut Command) {
        let mut path: Vec<PathBuf> = vec![PathBuf::from(env!("CARGO_BIN_EXE_authctl"))];
        path[0].pop();
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        command
            .env_clear()
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path())
            .env("AUTHCTL_CLIENT_SECRET", self.sandbox.iqm().client_secret())
            .env("URL", &self.url)
            .env("URL_PATH", self.path())
            .env("POST", self.post());
    }

    /// The path of the address.
    pub(crate) fn path(&self) -> &str {
        let host = self.url.find("://").unwrap() + 3;
        &self.url[host + self.url[host..].find('/').unwrap()..]
    }

    /// Arguments of curl beside the address; no blanks within any of them.
    pub(crate) fn post(&self) -> &'static str {
        match self.vendor {
            "identityx" => {
                r#"--data {"query":"{activeAppUser{email}}"} --header content-type:application/json"#
            }
            _ => "",
        }
    }

    /// What a script of the shell prints, which must succeed.
    pub(crate) fn shell(&self, shell: &str, script: &str) -> String {
        let mut command = Command::new(shell);
        command.args(["-c", script]);
        self.place(&mut command);
        succeeded(&command.output().unwrap())
    }

    /// What `authctl` prints, which must succeed.
    pub(crate) fn prints(&self, arguments: &[&str]) -> String {
        succeeded(&self.authctl(arguments).output().unwrap())
    }

    /// What becomes of `authctl` with `input` at its standard input.
    pub(crate) fn with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.authctl(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }
}

/// The standard output of a program that succeeded.
pub(crate) fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {errors}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Puts a token into the store. Returns it, an address, the account and the profile's other settings.
fn log_in(
    vendor: &str,
    sandbox: &Sandbox,
    store: FileStore,
) -> (String, String, &'static str, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        match vendor {
            "iqm" => {
                use iqm_auth::{Client, Login};
                let (iqm, user) = (sandbox.iqm(), sandbox.iqm().user());
                let client = Client::builder(iqm.client_id(), iqm.client_secret());
                let client = client.base_url(iqm.base_url()).build().unwrap();
                let login = Login::password(user.email, user.password);
                let session = client.session(login).store(store).build().unwrap();
                let headers = session.auth_headers().await.unwrap();
                let base = iqm.base_url();
                let settings = format!(
                    "base-url = \"{base}\"\nclient-id = \"{}\"\n",
                    iqm.client_id()
                );
                let url = base.join("api/v3/ua/profile").unwrap();
                (access(&headers), url.into(), user.email, settings)
            }
            "edgeiq" => {
                use edgeiq_auth::{Client, Login};
                let (edgeiq, user) = (sandbox.edgeiq(), sandbox.edgeiq().user());
                let client = Client::builder()
                    .base_url(edgeiq.base_url())
                    .build()
                    .unwrap();
                let login = Login::password(user.email, user.password);
                let session = client.session(login).store(store).build().unwrap();
                let headers = session.auth_headers().await.unwrap();
                let base = edgeiq.base_url();
                let settings = format!("base-url = \"{base}\"\n");
                let url = base.join("me").unwrap();
                (access(&headers), url.into(), user.email, settings)
            }
            "eqworks" => {
                use eqworks_auth::{Client, Product, Stage, Token};
                let (eqworks, user) = (sandbox.eqworks(), sandbox.eqworks().user());
                let base = eqworks.base_url();
                let client = Client::builder(Stage::Prod, Product::ATOM).base_url(base.clone());
                let client = client.build().unwrap();
                let token = Token::from_jwt(eqworks.mint_token(user.email, "atom")).unwrap();
                let session = client.session(token).store(store).build().unwrap();
                let headers = session.auth_headers().await.unwrap();
                session.save().await.unwrap();
                let settings = format!("base-url = \"{base}\"\nproduct = \"atom\"\n");
                let url = base.join("prod/confirm").unwrap();
                (access(&headers), url.into(), user.email, settings)
            }
            _ => {
                use identityx_auth::{AppUser, Client};
                let (identityx, user) = (sandbox.identityx(), sandbox.identityx().app_user());
                let application = identityx.application_id();
                let base = identityx.base_url();
                let client = Client::builder().base_url(base.clone()).build().unwrap();
                let id = identityx_auth::ApplicationId::new(application).unwrap();
                let jwt = identityx.mint_app_user_session(application, user.email);
                let token = AppUser::from_jwt(jwt, &id)
                    .unwrap()
                    .with_account(user.email);
                let session = client.session(token).store(store).build().unwrap();
                let headers = session.auth_headers().await.unwrap();
                session.save().await.unwrap();
                let settings = format!("base-url = \"{base}\"\napplication = \"{application}\"\n");
                (
                    access(&headers),
                    identityx.endpoint().into(),
                    user.email,
                    settings,
                )
            }
        }
    })
}

fn access(headers: &auth_core::AuthHeaders) -> String {
    headers.token().access().expose_secret().to_owned()
}

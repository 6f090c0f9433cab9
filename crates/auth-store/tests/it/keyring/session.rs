//! A session with a private bus and a private keyring. The test runs itself again in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auth_core::Error;
use auth_store::KeyringStore;
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;

/// Set in the session. The value is its folder.
const FOLDER: &str = "AUTH_STORE_TEST_SESSION";

const PASSWORD: &str = "the password of a keyring that lives for one test";

/// Runs `body` in a session in which only the test itself can start services.
pub(crate) fn inside<F: AsyncFnOnce(PathBuf)>(body: F) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        return runtime.unwrap().block_on(body(folder.into()));
    }
    let folder = tempfile::tempdir().unwrap();
    let bus = folder.path().join("bus.conf");
    std::fs::write(&bus, BUS).unwrap();
    let mut command = Command::new("dbus-run-session");
    command.arg("--config-file").arg(&bus).arg("--");
    command.arg(std::env::current_exe().unwrap());
    command.args([test_of::<F>(), "--exact", "--nocapture"]);
    for variable in [
        "HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
    ] {
        let folder = folder.path().join(variable);
        std::fs::create_dir(&folder).unwrap();
        set_private(&folder);
        command.env(variable, folder);
    }
    // A prompt would open there.
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let output = command.env(FOLDER, folder.path()).output();
    let output = output.expect("dbus-run-session is installed: apt-get install dbus");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    // A wrong name would run no test.
    assert!(said.contains("1 passed"), "{said}\n{complained}");
}

/// The name of the test that holds the closure `F`.
fn test_of<F>() -> &'static str {
    let closure = std::any::type_name::<F>();
    let (_, path) = closure.split_once("::").unwrap();
    path.split("::{{").next().unwrap()
}

fn set_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// Without a folder of services, so that the bus starts none.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A keyring daemon, killed with the test.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts it with an unlocked keyring, and waits until it can be used.
    pub(crate) async fn start() -> Self {
        let daemon = Self::launch();
        let began = Instant::now();
        // It does not report when it is ready. Each attempt waits for the bus, so there is no pause.
        while let Err(error) = KeyringStore::open().await {
            assert!(began.elapsed() < Duration::from_secs(20), "{error}");
        }
        daemon
    }

    fn launch() -> Self {
        let mut child = Command::new("gnome-keyring-daemon")
            .args(["--unlock", "--foreground", "--components=secrets"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("gnome-keyring-daemon is installed: apt-get install gnome-keyring");
        // Closed at once, because the end of the input ends the password.
        child
            .stdin
            .take()
            .unwrap()
            .write_all(PASSWORD.as_bytes())
            .unwrap();
        Self(child)
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// `STOP`: it answers nothing. `CONT`: it answers again.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does something to the keyring that the store cannot, on a thread that may block.
pub(crate) async fn with_service<T: Send + 'static>(
    work: impl FnOnce(&SecretService<'static>) -> T + Send + 'static,
) -> T {
    let work = move || work(&SecretService::connect(EncryptionType::Plain).unwrap());
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// Locks the keyring, as a desktop does after a while.
pub(crate) async fn lock() {
    with_service(|service| service.get_default_collection().unwrap().lock().unwrap()).await;
}

/// The result of a call, which must end in time.
pub(crate) async fn in_time<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let began = Instant::now();
    let outcome = call.await;
    // Three seconds, and some time for a slow machine.
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    outcome
}

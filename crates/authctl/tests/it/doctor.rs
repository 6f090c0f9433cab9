//! `authctl doctor`: each thing that is broken on purpose has a line and a remedy.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use auth_core::TokenStore as _;
use auth_sandbox::{Fault, Sandbox};
use auth_store::FileStore;
use serde_json::Value;

use crate::prepared::Prepared;

/// The exit code, and the checks that failed with their messages and remedies.
fn failures(user: &Prepared, environment: &[(&str, &str)]) -> (i32, Vec<(String, String, String)>) {
    let mut command = user.authctl(&["--json", "doctor"]);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.is_empty(), "{errors}");
    assert!(
        !text.contains(&user.token) && !text.contains("hunter22"),
        "{text}"
    );
    let findings: Value = serde_json::from_str(&text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let failed = findings["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["ok"] == false);
    let failed = failed.map(|it| {
        (
            text(&it["check"]),
            text(&it["message"]),
            text(&it["remedy"]),
        )
    });
    (output.status.code().unwrap(), failed.collect())
}

/// The profile with another address.
fn with_base_url(base_url: &str) -> Prepared {
    let user = Prepared::of("edgeiq");
    let file = user.home.path().join("authctl/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    let base = user.sandbox.edgeiq().base_url();
    fs::write(&file, text.replace(base.as_str(), base_url)).unwrap();
    user
}

#[test]
fn nothing_is_found_where_all_is_well() {
    for vendor in crate::prepared::VENDORS {
        let user = Prepared::of(vendor);
        assert_eq!(failures(&user, &[]), (0, vec![]), "{vendor}");
        let lines = user.prints(&["doctor"]);
        for check in [
            "configuration",
            "store",
            "lease",
            "token",
            "network",
            "clock",
        ] {
            assert!(lines.contains(&format!("ok    {check}")), "{lines}");
        }
        assert_eq!(user.prints(&["doctor", "--offline"]).lines().count(), 4);
    }
}

#[test]
fn each_broken_part_of_a_connection_has_its_own_line() {
    let no_tls = TcpListener::bind("127.0.0.1:0").unwrap();
    let no_tls_url = format!("https://{}/", no_tls.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in no_tls.incoming() {
            let _ = std::io::Write::write_all(&mut connection.unwrap(), b"HTTP/1.1 400 No\r\n\r\n");
        }
    });
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let closed = format!("https://{nobody}/");
    let proxy = format!("http://user:hunter22@{nobody}");
    let elsewhere = "https://api.vendor.invalid/";
    for (base_url, environment, check, remedy) in [
        (elsewhere, &[][..], "dns", "getent hosts api.vendor.invalid"),
        (
            elsewhere,
            &[("HTTPS_PROXY", proxy.as_str())],
            "proxy",
            "NO_PROXY",
        ),
        (&no_tls_url, &[], "tls", "SSL_CERT_FILE"),
        (&closed, &[], "network", "firewall"),
    ] {
        let user = with_base_url(base_url);
        let (_, failed) = failures(&user, environment);
        // Under another address there is no token.
        let found = failed.iter().find(|(name, ..)| name != "token").unwrap();
        assert_eq!(found.0, check, "{failed:?}");
        assert!(found.2.contains(remedy), "{failed:?}");
    }
}

#[test]
fn a_vendor_that_is_down_and_a_clock_that_is_wrong_are_told_apart() {
    let user = Prepared::of("edgeiq");
    user.sandbox.fault(Fault::status(503).always());
    let (code, failed) = failures(&user, &[]);
    assert_eq!((code, failed.len()), (5, 1), "{failed:?}");
    assert!(
        failed[0].0 == "network" && failed[0].1.contains("503"),
        "{failed:?}"
    );

    for (sandbox, words) in [
        (
            Sandbox::builder().server_ahead_by(Duration::from_secs(7200)),
            "behind",
        ),
        (
            Sandbox::builder().server_behind_by(Duration::from_secs(7200)),
            "ahead of",
        ),
    ] {
        let user = Prepared::with("identityx", sandbox.start().unwrap());
        let (code, failed) = failures(&user, &[]);
        assert_eq!((code, failed.len()), (2, 1), "{failed:?}");
        assert!(
            failed[0].0 == "clock" && failed[0].1.contains(words),
            "{failed:?}"
        );
        assert!(failed[0].2.contains("timedatectl"), "{failed:?}");
    }
}

#[test]
fn rights_of_other_users_a_held_lease_and_a_missing_token_are_found() {
    let user = Prepared::of("edgeiq");
    let mode = |path: &str, mode| {
        fs::set_permissions(user.home.path().join(path), Permissions::from_mode(mode)).unwrap();
    };
    mode("authctl/config.toml", 0o666);
    mode("tokens", 0o755);
    let (code, failed) = failures(&user, &[]);
    let names: Vec<&str> = failed.iter().map(|(check, ..)| check.as_str()).collect();
    assert_eq!(
        (code, &names[..]),
        (2, &["configuration", "store"][..]),
        "{failed:?}"
    );
    assert!(failed[0].2.contains("chmod go-w"), "{failed:?}");
    assert!(failed[1].1.contains("chmod 700"), "{failed:?}");
    mode("authctl/config.toml", 0o600);
    mode("tokens", 0o700);

    let store = FileStore::at(user.home.path().join("tokens"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let key = runtime.block_on(store.list()).unwrap().remove(0);
    let lease = runtime.block_on(store.lease(&key)).unwrap();
    let (code, failed) = failures(&user, &[]);
    assert_eq!((code, failed.len()), (7, 1), "{failed:?}");
    assert_eq!(failed[0].0, "lease");
    runtime.block_on(lease.release()).unwrap();

    runtime.block_on(store.delete(&key)).unwrap();
    let (code, failed) = failures(&user, &[]);
    assert_eq!((code, failed.len()), (4, 1), "{failed:?}");
    assert!(
        failed[0].0 == "token" && failed[0].2.contains("authctl login"),
        "{failed:?}"
    );

    fs::write(
        user.home.path().join("authctl/config.toml"),
        "profiles = hunter22",
    )
    .unwrap();
    let (code, failed) = failures(&user, &[]);
    assert_eq!((code, failed.len()), (2, 1), "{failed:?}");
    assert_eq!(failed[0].0, "configuration");
}

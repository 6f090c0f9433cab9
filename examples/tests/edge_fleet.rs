//! The service for many customers shows an operator what it does, and ends when it is told.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_edge_fleet");

#[tokio::test]
async fn an_operator_reads_metrics_and_health_and_no_token_is_lost_at_the_end() {
    let mut process = Command::new(PROGRAM)
        .args(["--memory", "--hold"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("serving ").unwrap().to_owned();
    edgeiq_auth::http::install_crypto_provider();
    let http = reqwest::Client::new();
    let get = async |path: &str| {
        let response = http.get(format!("{address}{path}")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let healthy = (200, r#"{"problems":[],"sessions":{}}"#.to_owned());
    assert_eq!(get("/healthz").await, healthy);
    for customer in ["north", "south"] {
        let (status, email) = get(&format!("/customers/{customer}")).await;
        assert_eq!((status, email), (200, format!("{customer}@example.com")));
    }
    let (status, refusal) = get("/customers/stranger").await;
    assert_eq!(status, 403, "{refusal}");
    let (status, health) = get("/healthz").await;
    assert_eq!(status, 503);
    let sessions = r#""sessions":{"fresh":2,"login_required":1}"#;
    assert!(health.contains(sessions), "{health}");
    assert!(
        health.contains(r#""customer":"stranger","state":"only a log-in helps: "#),
        "{health}"
    );
    let (_, metrics) = get("/metrics").await;
    for line in [
        r#"auth_renewals_total{vendor="edgeiq",reason="missing",outcome="renewed"} 2"#,
        r#"auth_renewals_total{vendor="edgeiq",reason="missing",outcome="invalid_credentials"} 1"#,
        r#"auth_sessions{vendor="edgeiq",state="fresh"} 2"#,
        r#"auth_sessions{vendor="edgeiq",state="login_required"} 1"#,
        r#"auth_store_saves_total{vendor="edgeiq",outcome="saved"} 2"#,
        "# TYPE auth_renewal_duration_seconds histogram",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    drop(process.stdin.take());
    let (mut rest, mut log) = (String::new(), String::new());
    output.read_to_string(&mut rest).unwrap();
    process
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(rest, "shutting down\nevery token is saved\n");
    // Events name the customer; its address is in none.
    assert!(
        log.contains("renewed") && log.contains("renewal failed"),
        "{log}"
    );
    assert!(
        log.contains("north") && !log.contains("example.com"),
        "{log}"
    );
}

#[test]
fn it_runs_by_itself_on_a_store_that_it_starts() {
    let output = Command::new(PROGRAM).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    for text in [
        "/healthz: 200",
        "/healthz: 503",
        "east: 403",
        "auth_sessions",
        "every token is saved",
    ] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
}

//! The requests in the API.

use serde_json::{Value, json};

use super::Program;
use crate::caller::read;

fn ids(list: &Value) -> Vec<u64> {
    let requests = list["requests"].as_array().unwrap().iter();
    requests.map(|it| it["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn they_are_listed_by_pages_and_by_filter() {
    let program = Program::start(&[]);
    for password in ["123456", "wrong-1", "wrong-2"] {
        program.iqm_log_in("", password).await;
    }
    program.request_passcode("", "sue@eqworks.example").await;
    program.edgeiq_me("unheard-of").await;
    let list = |query: &'static str| {
        let program = &program;
        async move { program.json(&format!("/_sandbox/requests{query}")).await }
    };
    let all = list("").await;
    assert_eq!(ids(&all), [5, 4, 3, 2, 1]);
    assert_eq!(
        (&all["matching"], &all["kept"], &all["arrived"]),
        (&json!(5), &json!(5), &json!(5))
    );
    assert_eq!(all["next"], Value::Null);
    for (query, expected) in [
        ("?vendor=iqm", &[3, 2, 1][..]),
        ("?operation=eqworks.request_passcode", &[4]),
        ("?status=200", &[4, 1]),
        ("?status=4xx&vendor=edgeiq", &[5]),
        ("?refused=true", &[5, 3, 2]),
        ("?text=never+issued", &[5]),
        ("?after=3", &[5, 4]),
        ("?before=3", &[2, 1]),
        ("?vendor=iqm&before=3&after=1", &[2]),
    ] {
        assert_eq!(ids(&list(query).await), expected, "{query}");
    }
    // Page by page.
    let (mut next, mut seen) = (json!(99), Vec::new());
    while let Some(before) = next.as_u64() {
        let page = program
            .json(&format!("/_sandbox/requests?limit=2&before={before}"))
            .await;
        seen.extend(ids(&page));
        next = page["next"].clone();
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);

    let refused = read(program.get("/_sandbox/requests?operation=iqm.refesh")).await;
    assert_eq!(refused.status, 400);
    let refused = read(program.get("/_sandbox/requests?vendr=iqm")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body["error"].as_str().unwrap().contains("vendr"));

    program.delete("/_sandbox/requests").await;
    let empty = list("").await;
    assert_eq!((&empty["kept"], &empty["arrived"]), (&json!(0), &json!(5)));
}

#[tokio::test]
async fn they_are_counted_and_can_be_waited_for() {
    let program = Program::start(&[]);
    program.iqm_log_in("", "wrong").await;
    program.iqm_log_in("", "123456").await;
    let counts = program.json("/_sandbox/requests/counts?vendor=iqm").await;
    let expected = json!({
        "total": 2, "refused": 1, "pending": 0, "hints": 1,
        "operations": { "iqm.log_in": 2 }, "statuses": { "200": 1, "403": 1 },
    });
    assert_eq!(counts, expected);

    let path = "/_sandbox/requests/counts?operation=iqm.log_in&at_least=3&wait=20s";
    let (counts, _) = tokio::join!(program.json(path), program.iqm_log_in("", "123456"));
    assert_eq!(counts["total"], 3);
    // In vain.
    let path = "/_sandbox/requests/counts?operation=iqm.log_in&at_least=4&wait=10ms";
    assert_eq!(program.json(path).await["total"], 3);

    // Until all are answered.
    let hold = json!({ "operation": "iqm.log_in", "steps": [{ "kind": "hold" }] });
    let id = program.done("/_sandbox/faults", hold).await["id"].clone();
    let release = async {
        program
            .json(&format!("/_sandbox/faults/{id}/gate?wait=20s"))
            .await;
        assert_eq!(
            program.json("/_sandbox/requests/counts").await["pending"],
            1
        );
        let settled = program.json("/_sandbox/requests/counts?settled=true&wait=20s");
        let path = format!("/_sandbox/faults/{id}/release");
        let release = program.done(&path, json!({}));
        let (settled, _) = tokio::join!(settled, release);
        assert_eq!(settled["pending"], 0);
    };
    tokio::join!(program.iqm_log_in("", "123456"), release);
}

#[tokio::test]
async fn request_and_answer_stand_side_by_side_and_secrets_are_hidden_until_they_are_asked_for() {
    let program = Program::start(&[]);
    let secrets = |reply: &Value| {
        let text = |name: &str| reply["data"][name].as_str().unwrap().to_owned();
        [text("access_token"), text("refresh_token")]
    };
    let log_in = program.iqm_log_in("", "123456").await;
    let [access, refresh] = secrets(&log_in.body);
    // The token in a header, and repeated in the answer of a fault.
    let echo = json!({ "steps": [{ "kind": "echo", "status": 400 }] });
    program.done("/_sandbox/faults", echo).await;
    let url = format!("{}/iqm/api/v3/ua/oauth/token?token={access}", program.url);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let request = program.client.post(url).form(&form);
    read(request.basic_auth("iqm-sandbox-client", Some("iqm-sandbox-secret"))).await;
    program.edgeiq_me("s3cr3t-of-the-header").await;
    let set = "/edgeiq/api/v1/platform/user/password_reset/s3cr3t%2Fof-the-path";
    let body = json!({ "password": "s3cr3t-new", "password_confirmation": "s3cr3t-new" });
    read(
        program
            .client
            .post(format!("{}{set}", program.url))
            .json(&body)
            .header("accept", "*/*"),
    )
    .await;
    // Neither JSON nor a form, with a secret in it.
    let url = format!("{}/iqm/api/v3/ua/login", program.url);
    read(
        program
            .client
            .post(url)
            .body("{\"password\": \"s3cr3t-half"),
    )
    .await;
    read(program.get("/nowhere/s3cr3t-of-an-unknown-path-0123")).await;

    let all = [
        &*access,
        &*refresh,
        "123456",
        "iqm-sandbox-secret",
        "aXFtLXNhbmRib3gt",
        "s3cr3t",
    ];
    for id in 1..=6 {
        let shown = read(program.get(&format!("/_sandbox/requests/{id}"))).await;
        assert_eq!(shown.status, 200);
        for secret in all {
            assert!(
                !shown.text.contains(secret),
                "{id}: {secret} in {}",
                shown.text
            );
        }
        assert!(
            shown.text.contains("•••") || shown.text.contains("hidden"),
            "{}",
            shown.text
        );
    }
    let list = read(program.get("/_sandbox/requests")).await;
    assert!(
        all.iter().all(|secret| !list.text.contains(secret)),
        "{}",
        list.text
    );

    let shown = program.json("/_sandbox/requests/1").await;
    assert_eq!(
        shown["request"]["body"]
            .as_str()
            .unwrap()
            .matches("•••")
            .count(),
        1
    );
    assert_eq!(
        shown["answer"]["body"]
            .as_str()
            .unwrap()
            .matches("•••")
            .count(),
        2
    );
    assert_eq!(shown["revealed"], false);
    let shown = program.json("/_sandbox/requests/1?reveal=true").await;
    let answer: Value = serde_json::from_str(shown["answer"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(answer, log_in.body);
    assert!(
        shown["request"]["body"]
            .as_str()
            .unwrap()
            .contains("123456")
    );
    let headers = shown["request"]["headers"].as_array().unwrap();
    assert!(
        headers
            .iter()
            .any(|it| it[0] == "authorization" && it[1].as_str().unwrap().starts_with("Basic a"))
    );
    assert_eq!(read(program.get("/_sandbox/requests/99")).await.status, 404);
}

#[tokio::test]
async fn a_refusal_says_what_was_expected_and_what_came() {
    let program = Program::start(&[]);
    let iqm = format!("{}/iqm/api/v3/ua/", program.url);
    let basic = |path: &str| {
        let request = program.client.post(format!("{iqm}{path}"));
        request.basic_auth("iqm-sandbox-client", Some("iqm-sandbox-secret"))
    };
    let edgeiq = program.get("/edgeiq/api/v1/platform/me");
    let cases = [
        (
            basic("login").body("{}"),
            "Content-Type: application/json",
            "no Content-Type",
        ),
        (
            basic("login")
                .header("content-type", "text/plain")
                .body("{}"),
            "Content-Type: application/json",
            "content-type: text/plain",
        ),
        (
            program.client.post(format!("{iqm}login")),
            "Authorization",
            "no Authorization",
        ),
        (program.client.get(format!("{iqm}login")), "POST", "GET"),
        (
            program.client.get(format!("{iqm}log-in")),
            "a path below /iqm/api/v3/ua/",
            "/iqm/api/v3/ua/log-in",
        ),
        (
            basic("login").json(&json!({ "email": "a", "pin": "b" })),
            "only the fields",
            "email, pin",
        ),
        (
            edgeiq
                .header("accept", "text/html")
                .header("authorization", "a"),
            "accept: application/json",
            "accept: text/html",
        ),
    ];
    for (number, (request, expected, got)) in cases.into_iter().enumerate() {
        read(request).await;
        let id = number + 1;
        let why = &program.json(&format!("/_sandbox/requests/{id}")).await["why"];
        let text = |name: &str| why[name].as_str().unwrap_or_default().to_owned();
        assert!(text("expected").contains(expected), "{why}");
        assert!(text("got").contains(got), "{why}");
    }
}

#[tokio::test]
async fn the_log_keeps_no_more_than_it_was_told() {
    let program = Program::start(&["--log-size", "3", "--log-memory", "1"]);
    for _ in 0..5 {
        program.iqm_log_in("", "wrong").await;
    }
    let list = program.json("/_sandbox/requests").await;
    assert_eq!(ids(&list), [5, 4, 3]);
    assert_eq!(list["arrived"], 5);
    // Of a large body the start is kept.
    let large = "x".repeat(300_000);
    let url = format!("{}/iqm/api/v3/ua/login", program.url);
    read(program.client.post(url).body(large)).await;
    let shown = program.json("/_sandbox/requests/6?reveal=true").await;
    assert_eq!(shown["request"]["length"], 300_000);
    assert_eq!(shown["request"]["is_whole"], false);
    assert_eq!(shown["request"]["body"].as_str().unwrap().len(), 64 * 1024);
}

#[tokio::test]
async fn a_call_of_curl_is_the_same_request_once_more() {
    let program = Program::start(&[]);
    let url = format!("{}/iqm/api/v3/ua/login?a=it's&b=%20", program.url);
    let body = "{\"grantType\":\"password\",\"email\":\"user1@iqm.com\",\"password\":\"it's $HOME `x` \\\\\"}";
    let request = program.client.post(url).body(body);
    let request = request.header("x-quoted", "it's \"$HOME\" \\");
    let request = request.header("content-type", "application/json");
    read(request.basic_auth("iqm-sandbox-client", Some("iqm-sandbox-secret"))).await;
    let first = program.json("/_sandbox/requests/1?reveal=true").await;
    let curl = first["curl"].as_str().unwrap();
    let here = curl.replace("http://localhost:", "http://127.0.0.1:");
    let run = std::process::Command::new("sh")
        .arg("-c")
        .arg(&here)
        .output()
        .unwrap();
    assert!(run.status.success(), "{curl}: {run:?}");
    let second = program.json("/_sandbox/requests/2?reveal=true").await;
    for same in ["method", "target", "status", "why", "operation"] {
        assert_eq!(first[same], second[same], "{curl}");
    }
    assert_eq!(first["request"]["body"], second["request"]["body"]);
    let header = |of: &Value, name: &str| {
        let headers = of["request"]["headers"].as_array().unwrap().iter();
        headers
            .filter(|it| it[0] == name)
            .map(|it| it[1].clone())
            .collect::<Vec<_>>()
    };
    for name in ["x-quoted", "authorization", "content-type"] {
        assert_eq!(header(&first, name), header(&second, name), "{curl}");
    }
}

#[tokio::test]
async fn a_test_in_rust_is_copied_as_it_is_compiled_here() {
    let program = Program::start(&[]);
    let url = format!("{}/iqm/api/v3/ua/login", program.url);
    let body = "{\"grantType\":\"password\",\"email\":\"user1@iqm.com\",\"password\":\"it's \\\"wrong\\\"\"}";
    let request = program
        .client
        .post(url)
        .body(body)
        .header("content-type", "application/json");
    read(request.basic_auth("iqm-sandbox-client", Some("iqm-sandbox-secret"))).await;
    let rust = program.json("/_sandbox/requests/1?reveal=true").await["rust"].clone();
    // Without the formatting, which is rustfmt's.
    let bare = |text: &str| {
        text.split_whitespace()
            .collect::<String>()
            .replace(",)", ")")
    };
    let compiled = include_str!("copied.rs");
    let compiled = &compiled[compiled.find("#[tokio::test]").unwrap()..];
    assert_eq!(
        bare(rust.as_str().unwrap()),
        bare(compiled),
        "{}",
        rust.as_str().unwrap()
    );
}

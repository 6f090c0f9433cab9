//! Users and switches in the API.

use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::caller::{Reply, read};

async fn patch(program: &Program, path: &str, body: Value) -> Reply {
    read(program.request(Method::PATCH, path).json(&body)).await
}

#[tokio::test]
async fn a_change_of_a_user_keeps_the_other_fields_and_every_token() {
    let program = Program::start(&[]);
    let mut tokens = Vec::new();
    for (vendor, kind, owner, list, change) in [
        (
            "iqm",
            "access",
            "user1@iqm.com",
            "iqm",
            json!({ "first_name": "New", "password": "n3w" }),
        ),
        (
            "edgeiq",
            "session",
            "ed@edgeiq.example",
            "edgeiq",
            json!({ "last_name": "New" }),
        ),
        (
            "eqworks",
            "jwt",
            "sue@eqworks.example",
            "eqworks",
            json!({ "products": ["atom"] }),
        ),
        (
            "identityx",
            "app_session",
            "ann@identityx.example",
            "identityx_app",
            json!({ "given_name": "New" }),
        ),
        (
            "identityx",
            "org_session",
            "ada@identityx.example",
            "identityx_org",
            json!({ "photo_url": "https://a.example/" }),
        ),
    ] {
        let make = json!({ "vendor": vendor, "kind": kind, "owner": owner });
        tokens.push((
            vendor,
            program.done("/_sandbox/tokens", make).await["value"].clone(),
        ));
        let path = "/_sandbox/users?reveal=true";
        let find = |all: Value| {
            let mut users = all[list].as_array().unwrap().clone().into_iter();
            users.find(|user| user["email"] == owner).unwrap()
        };
        let mut expected = find(program.json(path).await);
        let reply = patch(
            &program,
            &format!("/_sandbox/users/{list}/{owner}"),
            change.clone(),
        )
        .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        for (name, value) in change.as_object().unwrap() {
            expected[name] = value.clone();
        }
        assert_eq!(find(program.json(path).await), expected);
    }
    for (vendor, token) in tokens {
        let decoded = program
            .done("/_sandbox/tokens/decode", json!({ "token": token }))
            .await;
        assert_eq!(decoded["accepted"], vendor);
    }
    assert_eq!(program.iqm_log_in("", "n3w").await.status, 200);
    assert_eq!(program.iqm_log_in("", "123456").await.status, 403);
}

#[tokio::test]
async fn records_are_added_with_defaults_and_removed() {
    let program = Program::start(&[]);
    let mut count = 0;
    for (list, name, fields) in [
        (
            "iqm",
            "ann@example.com",
            json!({ "email": "ann@example.com", "password": "p" }),
        ),
        (
            "edgeiq",
            "ann@example.com",
            json!({ "email": "ann@example.com", "password": "p" }),
        ),
        (
            "eqworks",
            "ann@example.com",
            json!({ "email": "ANN@example.com ", "products": ["locus"] }),
        ),
        (
            "identityx_app",
            "ann@example.com",
            json!({ "email": "Ann@example.com" }),
        ),
        (
            "identityx_org",
            "ann@example.com",
            json!({ "email": "Ann@example.com", "memberships": [{ "organization_id": "o", "role": "Owner" }] }),
        ),
        (
            "identityx_applications",
            "60a1",
            json!({ "id": "60a1", "name": "New" }),
        ),
        ("identityx_organizations", "o", json!({ "id": "o" })),
    ] {
        let path = format!("/_sandbox/users/{list}");
        program.done(&path, fields.clone()).await;
        // Once more: it replaces the first.
        program.done(&path, fields).await;
        let all = program.json("/_sandbox/users").await;
        let is_it = |it: &&Value| it["email"] == name || it["id"] == name;
        assert_eq!(
            all[list].as_array().unwrap().iter().filter(is_it).count(),
            1,
            "{list}: {all}"
        );
        let path = format!("{path}/{name}");
        assert_eq!(program.delete(&path).await.status, 200);
        assert_eq!(program.delete(&path).await.status, 404);
        count += 1;
    }
    assert_eq!(
        program
            .json("/_sandbox/users")
            .await
            .as_object()
            .unwrap()
            .len(),
        count
    );
    let shown = read(program.get("/_sandbox/users")).await;
    assert!(!shown.text.contains("123456") && shown.text.contains("•••"));
    for (path, fields) in [
        ("iqm", json!({})),
        ("iqm", json!({ "email": 1 })),
        ("iqm", json!({ "email": "a@b.example", "pin": "p" })),
        ("iqm", json!({ "email": "a@b.example", "ow_id": "x" })),
        ("nobody", json!({ "email": "a@b.example" })),
    ] {
        let reply = program
            .post(&format!("/_sandbox/users/{path}"), fields)
            .await;
        assert_eq!(reply.status, 400, "{reply:?}");
    }
    let rename = patch(
        &program,
        "/_sandbox/users/iqm/user1@iqm.com",
        json!({ "email": "x@y.example" }),
    )
    .await;
    assert_eq!(rename.status, 400);
    assert!(
        rename.body["error"]
            .as_str()
            .unwrap()
            .contains("cannot be changed")
    );
    assert_eq!(
        patch(&program, "/_sandbox/users/iqm/nobody", json!({}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_vendor_is_switched_and_tells_its_numbers() {
    let program = Program::start(&[]);
    program.iqm_log_in("", "123456").await;
    let vendors = program.json("/_sandbox/vendors").await;
    assert_eq!(
        vendors["vendors"]["iqm"]["counts"],
        json!({ "issued": 1, "reuse_detected": 0 })
    );
    let iqm = vendors["vendors"]["iqm"]["base_url"].as_str().unwrap();
    assert!(
        iqm.starts_with("http://localhost:") && iqm.ends_with("/iqm/"),
        "{iqm}"
    );
    assert_eq!(vendors["iqm_client"]["id"], "iqm-sandbox-client");

    let down = json!({ "outage": "connect ECONNREFUSED", "blocked": ["60a1b2c3d4e5f60718293a02"] });
    let switches = patch(&program, "/_sandbox/vendors/identityx", down.clone()).await;
    for name in ["outage", "blocked"] {
        assert_eq!(switches.body[name], down[name]);
    }
    assert_eq!(switches.body["bearer_form"], false);
    let query = json!({ "query": "{ activeAppUser { id } }" });
    let url = format!("{}/identityx/graphql", program.url);
    let answer = read(program.client.post(url).json(&query)).await;
    assert!(answer.text.contains("ECONNREFUSED"), "{answer:?}");

    let white = json!({ "whitelist": ["noreply@example.com"] });
    assert_eq!(
        patch(&program, "/_sandbox/vendors/edgeiq", white.clone())
            .await
            .body,
        white
    );
    for (vendor, body) in [
        ("identityx", json!({ "outag": "a" })),
        ("identityx", json!({ "outage": true })),
        ("edgeiq", json!({ "blacklist": [] })),
        ("iqm", json!({ "a": 1 })),
        ("eqworks", json!({ "a": 1 })),
        ("nobody", json!({})),
    ] {
        let path = format!("/_sandbox/vendors/{vendor}");
        assert_eq!(patch(&program, &path, body).await.status, 400, "{vendor}");
    }
    let operations = program.json("/_sandbox/operations").await;
    assert_eq!(
        operations["operations"],
        json!(auth_sandbox::Sandbox::operations())
    );
}

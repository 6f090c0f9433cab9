//! Who may call the API, and what its answers forbid a browser.

use super::Program;
use crate::caller::read;

#[tokio::test]
async fn a_name_that_leads_here_by_a_trick_of_its_owner_is_refused() {
    let program = Program::start(&[
        "--allow-host",
        "sandbox",
        "--public-url",
        "https://public.example/",
    ]);
    for (host, status) in [
        ("evil.example", 421),
        ("evil.example:4010", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("app.localhost", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:4010", 200),
        ("sandbox:4010", 200),
        ("public.example", 200),
    ] {
        for path in ["/", "/_sandbox/clock", "/ns/a/_sandbox/clock"] {
            let reply = read(program.get(path).header("host", host)).await;
            assert_eq!(reply.status, status, "{host} {path}");
        }
        let vendor = read(
            program
                .get("/edgeiq/api/v1/platform/me")
                .header("host", host),
        )
        .await;
        assert_eq!(vendor.status == 421, status == 421, "{host}");
        assert_eq!(
            read(program.get("/health").header("host", host))
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn a_page_of_another_origin_can_change_nothing_and_embed_nothing() {
    let program = Program::start(&[]);
    for path in [
        "/_sandbox/clock",
        "/_sandbox/anything",
        "/ns/a/_sandbox/clock",
    ] {
        let request = program.client.post(format!("{}{path}", program.url));
        let reply = read(request.header("content-type", "text/plain").body("{}")).await;
        assert_eq!(reply.status, 403, "{path}");
        assert!(reply.text.contains("x-auth-sandbox"), "{reply:?}");
    }
    let page = read(program.get("/").header("origin", "https://evil.example")).await;
    assert!(page.headers.get("access-control-allow-origin").is_none());
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    // What such a page would have to ask first.
    let url = format!("{}/_sandbox/clock", program.url);
    let preflight = program.client.request(reqwest::Method::OPTIONS, url);
    let preflight = read(preflight.header("access-control-request-method", "POST")).await;
    assert_eq!(preflight.status, 403);
    assert!(
        preflight
            .headers
            .get("access-control-allow-headers")
            .is_none()
    );
}

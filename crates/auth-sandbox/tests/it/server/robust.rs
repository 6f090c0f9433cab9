//! Requests that no client means.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::Program;
use crate::caller::read;

/// Numbers that look random, and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const PATHS: &[&str] = &[
    "/iqm/api/v3/ua/login",
    "/iqm/api/v3/ua/oauth/token",
    "/edgeiq/api/v1/platform/me",
    "/eqworks/dev/login?user=a@b.example&redirect=%25",
    "/identityx/graphql",
    "/",
    "//",
    "/ns",
    "/ns/",
    "/ns//",
    "/ns/a",
    "/ns/a/ns/b/_sandbox/clock",
    "*",
    "http://[",
    "/%",
    "/%ff?%=%",
    "/_sandbox/requests/18446744073709551616",
    "/_sandbox/requests?limit=18446744073709551615",
];

const BODIES: &[&str] = &[
    "",
    "{",
    "{}",
    "[]",
    "null",
    "\"",
    "{\"by\":\"1000000000000years\"}",
    "{\"steps\":[{\"kind\":\"hold\"}]}",
    "{\"query\":\"{ping}\"}",
    "grant_type=refresh_token&refresh_token=%",
    "\u{0}\u{1}",
    "{\"email\":\"\\ud800\"}",
    "{\"vendor\":\"iqm\",\"kind\":\"access\",\"owner\":\"user1@iqm.com\",\"lives\":\"500years\"}",
    "{\"settings\":{\"server_behind_by\":\"500years\",\"server_ahead_by\":\"500years\"}}",
];

const METHODS: &[&str] = &[
    "GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "BREW", "get", "",
];

const HEADERS: &[&str] = &[
    "x-auth-sandbox: 1",
    "content-type: application/json",
    "authorization: Basic ====",
    "authorization: Bearer \u{e9}",
    "content-length: 99999999999999999999",
    "host: evil.example",
    "transfer-encoding: chunked",
    "expect: 100-continue",
    "last-event-id: 9.9.9",
    "x: \u{0}",
    ": ",
    "connection: upgrade",
    "accept: \t",
];

#[tokio::test]
async fn no_request_ends_the_program() {
    let program = Program::start(&["--log-size", "50"]);
    let operations = program.json("/_sandbox/openapi.json").await;
    let paths = operations["paths"].as_object().unwrap().keys();
    let mut paths: Vec<&str> = paths.map(String::as_str).collect();
    paths.extend(PATHS);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut numbers = Numbers(0x5eed_5eed_5eed_5eed);
    let address = program.url.strip_prefix("http://").unwrap().to_owned();
    for round in 0..400 {
        let mut text = if round % 10 == 0 {
            // Not even HTTP.
            (0..numbers.below(300))
                .map(|_| char::from(u8::try_from(numbers.below(256)).unwrap()))
                .collect()
        } else {
            let body = if round % 97 == 1 {
                &*deep
            } else {
                numbers.pick(BODIES)
            };
            let mut text = format!(
                "{} {} HTTP/1.1\r\n",
                numbers.pick(METHODS),
                numbers.pick(&paths)
            );
            if numbers.below(8) > 0 {
                text += "host: localhost\r\nx-auth-sandbox: 1\r\n";
                text += "content-length: ";
                text += &body.len().to_string();
                text += "\r\n";
            }
            for _ in 0..numbers.below(3) {
                text += numbers.pick(HEADERS);
                text += "\r\n";
            }
            text + "\r\n" + body
        }
        .into_bytes();
        if numbers.below(6) == 0 {
            let end = numbers.below(text.len() + 1);
            text.truncate(end);
        }
        let mut stream = TcpStream::connect(&address).unwrap();
        // Held calls and event streams do not answer.
        stream
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        let _ = stream.write_all(&text);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 1024]);
    }
    assert_eq!(program.json("/health").await, json!({ "status": "ok" }));
    program.done("/_sandbox/reset", json!({})).await;
    assert_eq!(program.iqm_log_in("", "123456").await.status, 200);
    program.json("/_sandbox/requests").await;
    program.json("/_sandbox/snapshot").await;
    assert_eq!(read(program.get("/")).await.status, 200);
}

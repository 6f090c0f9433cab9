//! The program and its JSON API, as a client of any language sees them.

mod access;
mod browser;
mod clocks;
mod copied;
mod events;
mod faults;
mod mails;
mod openapi;
mod requests;
mod robust;
mod snippets;
mod spaces;
mod states;
mod tokens;
mod users;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::caller::{Reply, client, read};

/// A running program. It is ended when this is dropped.
pub(crate) struct Program {
    pub(crate) child: Child,
    /// Without a slash at its end.
    pub(crate) url: String,
    pub(crate) client: Client,
    /// What it has printed until it was ready.
    pub(crate) greeting: String,
}

impl Program {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_auth-sandbox"))
            .args(["--port", "0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        while !greeting.ends_with("Ctrl-C ends it.\n") {
            let read = out.read_line(&mut greeting).unwrap();
            assert!(read > 0, "it ended with {greeting:?}");
        }
        let first = greeting.lines().next().unwrap();
        let port = first.rsplit(':').next().unwrap();
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            client: client(),
            greeting,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.header("x-auth-sandbox", "1")
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// What a GET of the API answers, which has to succeed.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let reply = read(self.get(path)).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.body
    }

    /// A call of the API that changes something.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        read(self.request(Method::POST, path).json(&body)).await
    }

    /// As [`post`](Self::post), and has to succeed.
    pub(crate) async fn done(&self, path: &str, body: Value) -> Value {
        let reply = self.post(path, body).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.body
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        read(self.request(Method::DELETE, path)).await
    }

    pub(crate) fn iqm_log_in_request(&self, space: &str, password: &str) -> RequestBuilder {
        let url = format!("{}{space}/iqm/api/v3/ua/login", self.url);
        let credentials =
            json!({ "grantType": "password", "email": "user1@iqm.com", "password": password });
        let request = self.client.post(url).json(&credentials);
        request.basic_auth("iqm-sandbox-client", Some("iqm-sandbox-secret"))
    }

    /// Logs in at IQM, in the namespace whose path this is.
    pub(crate) async fn iqm_log_in(&self, space: &str, password: &str) -> Reply {
        read(self.iqm_log_in_request(space, password)).await
    }

    /// Has EQ Works send an e-mail.
    pub(crate) async fn request_passcode(&self, space: &str, email: &str) -> Reply {
        read(self.get(&format!("{space}/eqworks/dev/login?user={email}"))).await
    }

    /// The status with which EdgeIQ answers a token.
    pub(crate) async fn edgeiq_me(&self, token: &str) -> u16 {
        let request = self.get("/edgeiq/api/v1/platform/me");
        let request = request.header("authorization", token);
        read(request.header("accept", "application/json"))
            .await
            .status
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The program and its JSON API, as a client of any language sees them.

mod access;
mod events;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::caller::{Reply, client, read};

/// A running program. It is ended when this is dropped.
pub(crate) struct Program {
    child: Child,
    /// Without a slash at its end.
    pub(crate) url: String,
    pub(crate) client: Client,
}

impl Program {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_auth-sandbox"))
            .args(["--port", "0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        let url = first.trim().strip_prefix("auth-sandbox listens on ");
        let port = url.unwrap().rsplit(':').next().unwrap();
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            client: client(),
        }
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
        let request = self.client.post(format!("{}{path}", self.url));
        read(request.header("x-auth-sandbox", "1").json(&body)).await
    }

    /// Logs in at IQM, in the namespace whose path this is.
    pub(crate) async fn iqm_log_in(&self, space: &str, password: &str) -> Reply {
        let url = format!("{}{space}/iqm/api/v3/ua/login", self.url);
        let credentials =
            json!({ "grantType": "password", "email": "user1@iqm.com", "password": password });
        let request = self.client.post(url).json(&credentials);
        read(request.basic_auth("iqm-sandbox-client", Some("iqm-sandbox-secret"))).await
    }

    /// Has EQ Works send an e-mail.
    pub(crate) async fn request_passcode(&self, space: &str, email: &str) -> Reply {
        read(self.get(&format!("{space}/eqworks/dev/login?user={email}"))).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

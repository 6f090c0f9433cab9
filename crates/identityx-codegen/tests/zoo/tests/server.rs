//! A service with the zoo's schema: apollo-compiler executes what it is sent, with random values.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use apollo_compiler::ExecutableDocument;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::Values;

pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) url: String,
    /// Each request as it came, and the response as it was sent.
    pub(crate) exchanges: Receiver<(Value, Value)>,
}

impl Server {
    pub(crate) fn start(values: Values) -> Self {
        let runtime = Runtime::new().unwrap();
        let values = Arc::new(Mutex::new(values));
        let (sender, exchanges) = channel();
        let answer = move |body: Bytes| async move {
            let request: Value = serde_json::from_slice(&body).unwrap();
            let response = match execute(&values.lock().unwrap(), &request) {
                Ok(data) => json!({ "data": data }),
                Err(message) => json!({"errors": [{ "message": message }]}),
            };
            let text = response.to_string();
            sender.send((request, response)).unwrap();
            ([("content-type", "application/json")], text)
        };
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(post(answer));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            runtime,
            url,
            exchanges,
        }
    }
}

/// The data for a request, of which nothing is known but the body.
fn execute(values: &Values, request: &Value) -> Result<Value, String> {
    let text = |key: &str| request[key].as_str().unwrap_or_default();
    let document = ExecutableDocument::parse_and_validate(&values.schema, text("query"), "query");
    let document = document.map_err(|error| error.to_string())?;
    values.data(&document, text("operationName"), &request["variables"])
}

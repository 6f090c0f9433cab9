//! The service: one call for a customer, and what an operator asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use edgeiq_auth::store::TokenStore;
use edgeiq_auth::{Client, Error, ErrorKind, Login, Session, SessionPool};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

/// What all calls share.
#[derive(Clone)]
pub(crate) struct Fleet {
    pub(crate) client: Client,
    pub(crate) pool: SessionPool<String>,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) password: fn(&str) -> String,
    pub(crate) metrics: PrometheusHandle,
}

pub(crate) fn email(customer: &str) -> String {
    format!("{customer}@example.com")
}

impl Fleet {
    /// The customer's session: that of the pool, or one that continues with the token in the store.
    fn session(&self, customer: &str) -> Result<Session, Error> {
        self.pool.get_or_make(&customer.to_owned(), || {
            let login = Login::password(email(customer), (self.password)(customer));
            let session = self.client.session(login).store(Arc::clone(&self.store));
            // Events name the customer, and no e-mail address.
            session.label(customer).build()
        })
    }
}

pub(crate) fn router(fleet: Fleet) -> Router {
    Router::new()
        .route("/customers/{customer}", get(who))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .with_state(fleet)
}

/// A call to the vendor for one customer.
async fn who(State(fleet): State<Fleet>, Path(customer): Path<String>) -> (StatusCode, String) {
    let asked = async {
        let session = fleet.session(&customer)?;
        fleet.client.me(&session.auth_headers().await?).await
    };
    match asked.await {
        Ok(user) => (StatusCode::OK, user.email.unwrap_or_default()),
        // What the caller can do decides the status.
        Err(error) => {
            let status = match error.kind() {
                ErrorKind::InvalidCredentials | ErrorKind::InteractionRequired => {
                    StatusCode::FORBIDDEN
                }
                kind if kind.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::BAD_GATEWAY,
            };
            (status, error.to_string())
        }
    }
}

/// 503 while a customer cannot be served: for an alert. The service itself is up, and serves the others.
async fn health(State(fleet): State<Fleet>) -> (StatusCode, String) {
    use edgeiq_auth::State;
    let mut states: BTreeMap<&str, u32> = BTreeMap::new();
    let mut problems = Vec::new();
    // Looking at a session is no use of it: idle ones still leave.
    for (customer, state) in fleet.pool.snapshot() {
        *states.entry(state.name()).or_default() += 1;
        match &state {
            State::LoginRequired { .. }
            | State::Failing {
                token_is_valid: false,
                ..
            } => problems.push(json!({ "customer": customer, "state": state.to_string() })),
            _ => {}
        }
    }
    let code = match problems[..] {
        [] => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({ "sessions": states, "problems": problems });
    (code, body.to_string())
}

async fn metrics(State(fleet): State<Fleet>) -> String {
    fleet.metrics.run_upkeep();
    fleet.metrics.render()
}

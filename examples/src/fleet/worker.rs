//! What a worker does.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_sandbox::SandboxClock;
use auth_store::FileStore;
use iqm_auth::http::RetryPolicy;
use iqm_auth::store::{
    BoxFuture, Error as StoreError, Lease, OnSaved, SaveOutcome, StoreKey, Token, TokenStore, Watch,
};
use iqm_auth::{Client, Login, Session, State};
use serde_json::{Value, json};

use crate::Outcome;

/// Does what it is told until its standard input ends.
///
/// # Errors
///
/// If it is told something that it does not understand.
pub async fn work() -> Outcome {
    let mut lines = std::io::stdin().lines();
    let task: Value = serde_json::from_str(&lines.next().ok_or("nothing to do")??)?;
    let clock = SandboxClock::new();
    let renewals = Arc::new(AtomicU64::new(0));
    let (client, session) = session(&task, &clock, &renewals)?;
    for line in lines {
        let line = line?;
        match line.split_once(' ') {
            Some(("advance", millis)) => {
                clock.advance(Duration::from_millis(millis.parse()?));
                println!("{}", json!({ "advanced": millis }));
            }
            Some(("use", tasks)) => {
                let mut report = run(&client, &session, tasks.parse()?).await?;
                report["renewals"] = renewals.load(Ordering::SeqCst).into();
                println!("{report}");
            }
            _ => return Err(format!("what is {line:?}?").into()),
        }
    }
    Ok(())
}

fn session(
    task: &Value,
    clock: &SandboxClock,
    renewals: &Arc<AtomicU64>,
) -> Result<(Client, Session), Box<dyn Error>> {
    let text = |name: &str| task[name].as_str().ok_or(format!("no {name}"));
    let time = |name: &str| Duration::from_millis(task[name].as_u64().unwrap_or_default());
    let client = Client::builder(text("client_id")?, text("client_secret")?)
        .base_url(text("base_url")?)
        .clock(clock.clone())
        .http(|http| http.retry(RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO)))
        .build()?;
    let place = text("store")?;
    let inner: Arc<dyn TokenStore> = match place.starts_with("redis://") {
        #[cfg(feature = "redis")]
        true => {
            let store = auth_store::RedisStore::builder(place.into())
                .lease_time(time("lease_time_ms"))
                .lease_wait(time("lease_wait_ms"));
            Arc::new(store.build()?)
        }
        _ => Arc::new(FileStore::at(place).lease_wait(time("lease_wait_ms"))),
    };
    let store = Arc::new(Observed {
        inner,
        renewals: Arc::clone(renewals),
        stops: task["stops"].as_str().map(str::to_owned),
    });
    let email = text("email")?;
    let login = match task["password"].as_str() {
        Some(password) => Login::password(email, password),
        None => Login::stored(email),
    };
    let session = client.session(login).store(store).build()?;
    Ok((client, session))
}

/// So many tasks at once, and what became of them.
async fn run(client: &Client, session: &Session, tasks: usize) -> Result<Value, Box<dyn Error>> {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.auth_headers().await })
        })
        .collect();
    let mut tokens = BTreeMap::new();
    let mut failed = Vec::new();
    for task in tasks {
        match task.await? {
            Ok(headers) => {
                let known = tokens
                    .entry(headers.fingerprint().to_string())
                    .or_insert((headers, 0_u64));
                known.1 += 1;
            }
            Err(error) => failed.push(format!("{:?}: {error}", error.kind())),
        }
    }
    let (mut valid, mut refused) = (0, 0);
    for (headers, holders) in tokens.values() {
        match client.profile(headers).await {
            Ok(_) => valid += holders,
            Err(_) => refused += holders,
        }
    }
    // The renewal that the tasks have begun without waiting for it.
    let mut states = session.states();
    let state = loop {
        match states.next().await.ok_or("the session is gone")? {
            State::Renewing => {}
            state => break state,
        }
    };
    let token = match session.try_headers() {
        Some(_) => session.auth_headers().await?.fingerprint().to_string(),
        None => "none".to_owned(),
    };
    Ok(json!({
        "valid": valid,
        "refused": refused,
        "failed": failed,
        "token": token,
        "state": format!("{state:?}"),
    }))
}

/// A store that counts what is saved (which is what the vendor has issued to this worker), and that
/// stops for good where a test wants to kill the worker.
#[derive(Debug)]
struct Observed {
    inner: Arc<dyn TokenStore>,
    renewals: Arc<AtomicU64>,
    stops: Option<String>,
}

impl Observed {
    async fn pass(&self, step: &str) {
        if self.stops.as_deref() == Some(step) {
            println!("{}", json!({ "stopped": step }));
            std::future::pending::<()>().await;
        }
    }
}

impl TokenStore for Observed {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Option<Token>, StoreError>> {
        self.inner.load(key)
    }

    fn save<'a>(
        &'a self,
        key: &'a StoreKey,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<SaveOutcome, StoreError>> {
        Box::pin(async move {
            self.pass("before the save").await;
            let saved = self.inner.save(key, token).await;
            self.pass("after the save").await;
            self.renewals.fetch_add(1, Ordering::SeqCst);
            saved
        })
    }

    fn delete<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.delete(key)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<StoreKey>, StoreError>> {
        self.inner.list()
    }

    fn lease<'a>(&'a self, key: &'a StoreKey) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        Box::pin(async move {
            let lease = self.inner.lease(key).await?;
            self.pass("before the request").await;
            Ok(lease)
        })
    }

    fn watch(&self, key: &StoreKey, on_saved: OnSaved) -> Option<Watch> {
        self.inner.watch(key, on_saved)
    }
}

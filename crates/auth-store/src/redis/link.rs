//! The connection to the server. One serves all requests. It is made for the first one and again after
//! it breaks. Each request is bounded in time.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::Error;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, PubSub};
use redis::{Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::failure::{explain, is_transient, timed_out, unknown_reply};

/// How often a request is sent before a broken connection becomes an error. A server that restarts
/// cuts the old connection.
const ATTEMPTS: u32 = 4;

/// The first pause between two attempts. Each later pause is twice as long.
const PAUSE: Duration = Duration::from_millis(40);

/// A request. Each may be sent again.
pub(super) enum Request {
    Command(Cmd),
    Commands(Pipeline),
    Script(ScriptInvocation<'static>),
}

impl Request {
    async fn send<T: FromRedisValue>(&self, manager: &mut ConnectionManager) -> RedisResult<T> {
        match self {
            Self::Command(command) => command.query_async(manager).await,
            Self::Commands(commands) => commands.query_async(manager).await,
            Self::Script(script) => script.invoke_async(manager).await,
        }
    }
}

/// Used only on the thread of the store.
pub(super) struct Link {
    client: Client,
    address: String,
    timeout: Duration,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    /// Counts the managers, so that only the one that failed is discarded.
    number: u64,
    manager: Option<ConnectionManager>,
}

impl Link {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self {
            address: client.get_connection_info().addr().to_string(),
            client,
            timeout,
            current: Mutex::default(),
        }
    }

    /// The same server, without a connection.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.client.clone(), self.timeout)
    }

    /// The host and port, or a path.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The deadline of a call that begins now.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Sends a request and returns the reply, before `deadline`.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<T, Error> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let (number, mut manager) = self.manager().map_err(|error| self.explain(&error))?;
            let error = match timeout_at(deadline, request.send(&mut manager)).await {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(error)) => error,
                Err(_) => {
                    // A connection that was lost silently would stay so for many minutes.
                    self.discard(number);
                    return Err(timed_out(&self.address, self.timeout));
                }
            };
            if !is_transient(&error) {
                // The manager would keep a refused password or an unknown host forever.
                self.discard(number);
                return Err(self.explain(&error));
            }
            if attempt == ATTEMPTS || Instant::now() + pause >= deadline {
                return Err(self.explain(&error));
            }
            sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// A separate connection for subscriptions.
    pub(super) async fn subscriber(&self) -> Result<PubSub, Error> {
        match timeout(self.timeout, self.client.get_async_pubsub()).await {
            Ok(connected) => connected.map_err(|error| self.explain(&error)),
            Err(_) => Err(timed_out(&self.address, self.timeout)),
        }
    }

    /// Waits for a reply on that connection.
    pub(super) async fn replied(
        &self,
        reply: impl Future<Output = RedisResult<()>>,
    ) -> Result<(), Error> {
        match timeout(self.timeout, reply).await {
            Ok(reply) => reply.map_err(|error| self.explain(&error)),
            Err(_) => Err(timed_out(&self.address, self.timeout)),
        }
    }

    fn explain(&self, error: &RedisError) -> Error {
        explain(error, &self.address)
    }

    pub(super) fn unknown_reply(&self) -> Error {
        unknown_reply(&self.address)
    }

    fn manager(&self) -> RedisResult<(u64, ConnectionManager)> {
        let mut current = self.current();
        if let Some(manager) = &current.manager {
            return Ok((current.number, manager.clone()));
        }
        // `ask` limits the time and the attempts of a whole request. The manager's own limit is for
        // its work in the background.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.timeout.saturating_mul(2)))
            .set_response_timeout(None);
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        current.number += 1;
        current.manager = Some(manager.clone());
        Ok((current.number, manager))
    }

    fn discard(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.manager = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.address)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

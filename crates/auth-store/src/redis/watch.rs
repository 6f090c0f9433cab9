//! Those who want to know what others save: one subscribing connection for all of them.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_core::{Error, Fingerprint, OnSaved, StoreKey};
use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep, sleep_until};

use super::Shared;
use super::failure::fault;
use crate::thread::Thread;

/// The pauses between two attempts to subscribe.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the connection may be silent before the server is asked whether it is still there: one
/// that was cut without a word looks like one on which nothing happens.
const SILENCE: Duration = Duration::from_secs(15);

/// So many channels are subscribed to in one command.
const CHANNELS_AT_ONCE: usize = 1000;

/// What the watching task is told.
pub(super) enum Order {
    Begin(StoreKey, Watcher),
    End(StoreKey, u64),
}

/// Somebody who watches a key.
pub(super) struct Watcher {
    pub(super) number: u64,
    pub(super) on_saved: OnSaved,
    pub(super) has_ended: Arc<AtomicBool>,
    /// What it was told last, so that it is not told again.
    pub(super) seen: Option<(u64, Fingerprint)>,
}

/// Ends a watch when it is dropped.
pub(super) struct Guard {
    pub(super) number: u64,
    pub(super) key: StoreKey,
    pub(super) has_ended: Arc<AtomicBool>,
    pub(super) orders: UnboundedSender<Order>,
    // The thread on which the watching goes on.
    pub(super) _thread: Thread,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // At once, whatever is on its way.
        self.has_ended.store(true, Ordering::Release);
        let _ = self.orders.send(Order::End(self.key.clone(), self.number));
    }
}

/// The watched keys by their channels.
type Watched = HashMap<String, (StoreKey, Vec<Watcher>)>;

/// Watches for as long as the store's thread runs. No connection is held while nobody watches.
pub(super) async fn watch(shared: Arc<Shared>, mut orders: UnboundedReceiver<Order>) {
    let mut watched = Watched::new();
    let mut pause = FIRST_PAUSE;
    loop {
        while watched.is_empty() {
            let Some(order) = orders.recv().await else {
                return;
            };
            obey(&shared, &mut watched, order);
        }
        let began = Instant::now();
        let Err(error) = subscribed(&shared, &mut watched, &mut orders).await else {
            continue;
        };
        if began.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        tracing::debug!(%error, "tokens that others save are not noticed at once");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Watches on one connection, until nobody watches or the connection breaks.
async fn subscribed(
    shared: &Shared,
    watched: &mut Watched,
    orders: &mut UnboundedReceiver<Order>,
) -> Result<(), Error> {
    let (mut sink, mut messages) = shared.link.subscriber().await?.split();
    while let Ok(order) = orders.try_recv() {
        obey(shared, watched, order);
    }
    let channels: Vec<_> = watched.keys().cloned().collect();
    for channels in channels.chunks(CHANNELS_AT_ONCE) {
        shared.link.answered(sink.subscribe(channels)).await?;
    }
    // What was saved while nobody listened.
    for channel in &channels {
        tell(shared, watched, channel).await?;
    }
    attend(shared, watched, orders, &mut sink, &mut messages).await
}

async fn attend(
    shared: &Shared,
    watched: &mut Watched,
    orders: &mut UnboundedReceiver<Order>,
    sink: &mut PubSubSink,
    messages: &mut PubSubStream,
) -> Result<(), Error> {
    let mut ask_at = Instant::now() + SILENCE;
    while !watched.is_empty() {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { return Ok(()) };
                match obey(shared, watched, order) {
                    Change::Began(channel) => {
                        shared.link.answered(sink.subscribe(&channel)).await?;
                        tell(shared, watched, &channel).await?;
                    }
                    Change::Ended(channel) => {
                        shared.link.answered(sink.unsubscribe(&channel)).await?;
                    }
                    Change::None => {}
                }
            }
            message = messages.next() => {
                let Some(message) = message else {
                    return Err(fault("the connection to redis was closed"));
                };
                tell(shared, watched, message.get_channel_name()).await?;
                ask_at = Instant::now() + SILENCE;
            }
            () = sleep_until(ask_at) => {
                let answer = async { sink.ping::<redis::Value>().await.map(drop) };
                shared.link.answered(answer).await?;
                ask_at = Instant::now() + SILENCE;
            }
        }
    }
    Ok(())
}

/// What an order asks for on the connection.
enum Change {
    Began(String),
    Ended(String),
    None,
}

fn obey(shared: &Shared, watched: &mut Watched, order: Order) -> Change {
    match order {
        Order::Begin(key, begun) => {
            let channel = shared.names.channel(&key);
            let (_, watchers) = watched
                .entry(channel.clone())
                .or_insert_with(|| (key, Vec::new()));
            watchers.push(begun);
            // For a further watcher of the same key, too: it wants to know how things stand.
            Change::Began(channel)
        }
        Order::End(key, number) => {
            let channel = shared.names.channel(&key);
            let Some((_, watchers)) = watched.get_mut(&channel) else {
                return Change::None;
            };
            watchers.retain(|watcher| watcher.number != number);
            if !watchers.is_empty() {
                return Change::None;
            }
            watched.remove(&channel);
            Change::Ended(channel)
        }
    }
}

/// Reads the token of a channel, and tells those who have not seen it.
async fn tell(shared: &Shared, watched: &mut Watched, channel: &str) -> Result<(), Error> {
    let Some((key, watchers)) = watched.get_mut(channel) else {
        return Ok(());
    };
    let Some(record) = shared.fetch(key).await? else {
        return Ok(());
    };
    let token = match shared.decode(key, &record) {
        Ok(token) => token,
        Err(error) => {
            tracing::warn!(%error, "what somebody else has saved cannot be read");
            return Ok(());
        }
    };
    let stamp = Some((token.generation(), token.fingerprint()));
    for watcher in watchers {
        if watcher.seen == stamp || watcher.has_ended.load(Ordering::Acquire) {
            continue;
        }
        watcher.seen = stamp;
        let told = catch_unwind(AssertUnwindSafe(|| (watcher.on_saved)(token.clone())));
        if told.is_err() {
            // One that panics must not end what the others hear.
            tracing::error!("a callback that was told of a saved token panicked");
        }
    }
    Ok(())
}

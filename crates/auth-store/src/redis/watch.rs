//! Notifications of what other workers save: one subscribed connection for all watches.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use auth_core::{Error, Fingerprint, OnSaved, StoreKey, Watch};
use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until};

use super::entries::Entries;
use crate::error::store_error;
use crate::thread::Thread;

/// The pauses between two attempts to subscribe.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the connection may be silent before the server is pinged. A connection that was cut
/// silently looks like one without messages.
const SILENCE: Duration = Duration::from_secs(15);

/// How many channels are subscribed to in one command.
const CHANNELS_AT_ONCE: usize = 1000;

/// Begins and ends the watches of one store.
#[derive(Clone)]
pub(super) struct Watches(UnboundedSender<Request>);

/// A request to the watching task.
enum Request {
    Begin(StoreKey, Watcher),
    End(StoreKey, u64),
}

/// The callback of one watch.
struct Watcher {
    number: u64,
    on_saved: OnSaved,
    has_ended: Arc<AtomicBool>,
    /// The token of the last notification, so that it is not repeated.
    seen: Option<(u64, Fingerprint)>,
}

/// Ends a watch when it is dropped.
struct Guard {
    number: u64,
    key: StoreKey,
    has_ended: Arc<AtomicBool>,
    watches: Watches,
    // Keeps the thread of the watching task.
    thread: Thread,
}

impl Watches {
    pub(super) fn start(thread: &Thread, entries: Arc<Entries>) -> Self {
        let (sender, requests) = unbounded_channel();
        thread.spawn(watch(entries, requests));
        Self(sender)
    }

    /// Calls `on_saved` with each token that another worker saves, until the watch is dropped.
    pub(super) fn begin(
        &self,
        key: &StoreKey,
        on_saved: OnSaved,
        thread: &Thread,
    ) -> Option<Watch> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let has_ended = Arc::new(AtomicBool::new(false));
        let watcher = Watcher {
            number,
            on_saved,
            has_ended: Arc::clone(&has_ended),
            seen: None,
        };
        self.0.send(Request::Begin(key.clone(), watcher)).ok()?;
        Some(Watch::new(Guard {
            number,
            key: key.clone(),
            has_ended,
            watches: self.clone(),
            thread: thread.clone(),
        }))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Ends the watch at once, even if a notification is under way.
        self.has_ended.store(true, Ordering::Release);
        if !self.thread.is_here() {
            // The parent of this process still watches.
            std::mem::forget((self.watches.clone(), self.thread.clone()));
            return;
        }
        let end = Request::End(self.key.clone(), self.number);
        let _ = self.watches.0.send(end);
    }
}

/// The watched keys by their channels.
type Watched = HashMap<String, (StoreKey, Vec<Watcher>)>;

/// Runs as long as the thread of the store. It holds a connection only while there are watches.
async fn watch(entries: Arc<Entries>, mut requests: UnboundedReceiver<Request>) {
    let mut watched = Watched::new();
    let mut pause = FIRST_PAUSE;
    loop {
        while watched.is_empty() {
            let Some(request) = requests.recv().await else {
                return;
            };
            handle(&entries, &mut watched, request);
        }
        let began = Instant::now();
        let Err(error) = subscribed(&entries, &mut watched, &mut requests).await else {
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

/// Serves the watches on one connection, until there are none or the connection breaks.
async fn subscribed(
    entries: &Entries,
    watched: &mut Watched,
    requests: &mut UnboundedReceiver<Request>,
) -> Result<(), Error> {
    let (mut sink, mut messages) = entries.link.subscriber().await?.split();
    while let Ok(request) = requests.try_recv() {
        handle(entries, watched, request);
    }
    let channels: Vec<_> = watched.keys().cloned().collect();
    for channels in channels.chunks(CHANNELS_AT_ONCE) {
        entries.link.replied(sink.subscribe(channels)).await?;
    }
    // For the tokens that were saved before the subscription.
    for channel in &channels {
        notify(entries, watched, channel).await?;
    }
    serve(entries, watched, requests, &mut sink, &mut messages).await
}

async fn serve(
    entries: &Entries,
    watched: &mut Watched,
    requests: &mut UnboundedReceiver<Request>,
    sink: &mut PubSubSink,
    messages: &mut PubSubStream,
) -> Result<(), Error> {
    let mut ping_at = Instant::now() + SILENCE;
    while !watched.is_empty() {
        tokio::select! {
            request = requests.recv() => {
                let Some(request) = request else { return Ok(()) };
                match handle(entries, watched, request) {
                    Change::Began(channel) => {
                        entries.link.replied(sink.subscribe(&channel)).await?;
                        notify(entries, watched, &channel).await?;
                    }
                    Change::Ended(channel) => {
                        entries.link.replied(sink.unsubscribe(&channel)).await?;
                    }
                    Change::None => {}
                }
            }
            message = messages.next() => {
                let Some(message) = message else {
                    return Err(store_error("the connection to redis was closed"));
                };
                notify(entries, watched, message.get_channel_name()).await?;
                ping_at = Instant::now() + SILENCE;
            }
            () = sleep_until(ping_at) => {
                let reply = async { sink.ping::<redis::Value>().await.map(drop) };
                entries.link.replied(reply).await?;
                ping_at = Instant::now() + SILENCE;
            }
        }
    }
    Ok(())
}

/// The change that a request makes to the subscriptions.
enum Change {
    Began(String),
    Ended(String),
    None,
}

fn handle(entries: &Entries, watched: &mut Watched, request: Request) -> Change {
    match request {
        Request::Begin(key, begun) => {
            let channel = entries.names.channel(&key);
            let (_, watchers) = watched
                .entry(channel.clone())
                .or_insert_with(|| (key, Vec::new()));
            watchers.push(begun);
            // Also for a further watch of the same key, which needs the current token.
            Change::Began(channel)
        }
        Request::End(key, number) => {
            let channel = entries.names.channel(&key);
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

/// Reads the token of a channel, and notifies the watchers that have not seen it.
async fn notify(entries: &Entries, watched: &mut Watched, channel: &str) -> Result<(), Error> {
    let Some((key, watchers)) = watched.get_mut(channel) else {
        return Ok(());
    };
    let Some(record) = entries.fetch(key).await? else {
        return Ok(());
    };
    let token = match entries.decode(key, &record) {
        Ok(token) => token,
        Err(error) => {
            tracing::warn!(%error, "a token that another worker saved cannot be read");
            return Ok(());
        }
    };
    let stamp = Some((token.generation(), token.fingerprint()));
    for watcher in watchers {
        if watcher.seen == stamp || watcher.has_ended.load(Ordering::Acquire) {
            continue;
        }
        watcher.seen = stamp;
        let called = catch_unwind(AssertUnwindSafe(|| (watcher.on_saved)(token.clone())));
        if called.is_err() {
            // One that panics must not end the notifications of the others.
            tracing::error!("a callback for saved tokens panicked");
        }
    }
    Ok(())
}

//! A watch notifies of all saves under its key, and of no others.

use std::time::Duration;

use auth_core::TokenStore;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::testing::samples::{token, whole};
use crate::testing::suite::{Suite, broken, delete, ended, put};

/// A watch may begin a little after the call.
const BEGIN: Duration = Duration::from_secs(1);

pub(in crate::testing) async fn check<S: TokenStore>(suite: &Suite<S>) {
    let rule = "a watch notifies of what others save under its key";
    let (key, another) = (suite.key("watch"), suite.key("watch-another"));
    let (sender, mut notified) = mpsc::unbounded_channel();
    let on_saved = Box::new(move |token| {
        let _ = sender.send(token);
    });
    let Some(watch) = suite.one.watch(&key, on_saved) else {
        return;
    };
    // Until the first notification, when the watch works.
    let mut number = 0;
    let first = ended(rule, async {
        loop {
            number += 1;
            put(rule, &*suite.other, &key, &token(number)).await;
            if let Ok(token) = timeout(BEGIN, notified.recv()).await {
                break token;
            }
        }
    })
    .await;
    put(rule, &*suite.other, &another, &token(1_000_000)).await;
    number += 1;
    put(rule, &*suite.other, &key, &token(number)).await;
    let mut last = first;
    while last.as_ref().is_none_or(|last| last.generation() < number) {
        last = ended(rule, notified.recv()).await;
        if last.is_none() {
            broken(rule, "the watch ended by itself");
        }
    }
    if last.as_ref().map(whole) != Some(whole(&token(number))) {
        let last = last.as_ref().map(whole);
        broken(
            rule,
            format!("notified of {last:?} after token {number} was saved"),
        );
    }
    drop(watch);
    // Its end drops the callback. A watch that continued would hold its session forever.
    ended(rule, async { while notified.recv().await.is_some() {} }).await;
    for key in [&key, &another] {
        delete(rule, &*suite.one, key).await;
    }
}

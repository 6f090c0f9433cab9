//! A store that can tell of changes tells of all, and of the right key.

use std::time::Duration;

use auth_core::TokenStore;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::samples::{token, whole};
use super::super::{Suite, broken, ended};
use super::{delete, put};

/// A watch may begin a little after it was asked for.
const BEGIN: Duration = Duration::from_secs(1);

pub(in super::super) async fn check<S: TokenStore>(suite: &Suite<S>) {
    let rule = "a watch tells of what others save under its key";
    let (key, another) = (suite.key("watch"), suite.key("watch-another"));
    let (tell, mut told) = mpsc::unbounded_channel();
    let on_saved = Box::new(move |token| {
        let _ = tell.send(token);
    });
    let Some(watch) = suite.one.watch(&key, on_saved) else {
        return;
    };
    // Until the first is told: the watch works then.
    let mut number = 0;
    let first = ended(rule, async {
        loop {
            number += 1;
            put(rule, &*suite.other, &key, &token(number)).await;
            if let Ok(told) = timeout(BEGIN, told.recv()).await {
                break told;
            }
        }
    })
    .await;
    put(rule, &*suite.other, &another, &token(1_000_000)).await;
    number += 1;
    put(rule, &*suite.other, &key, &token(number)).await;
    let mut last = first;
    while last.as_ref().is_none_or(|last| last.generation() < number) {
        last = ended(rule, told.recv()).await;
        if last.is_none() {
            broken(rule, "the watch ended by itself");
        }
    }
    if last.as_ref().map(whole) != Some(whole(&token(number))) {
        let told = last.as_ref().map(whole);
        broken(
            rule,
            format!("told of {told:?} after token {number} was saved"),
        );
    }
    drop(watch);
    // Its end drops what it calls; a watch that goes on holds its session for ever.
    ended(rule, async { while told.recv().await.is_some() {} }).await;
    for key in [&key, &another] {
        delete(rule, &*suite.one, key).await;
    }
}

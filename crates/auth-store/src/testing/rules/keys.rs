//! Keys are distinguished, and listed.

use auth_core::{StoreKey, TokenStore};

use crate::testing::samples::{ODD, short, token};
use crate::testing::suite::{Suite, broken, delete, done, expect, put};

pub(in crate::testing) async fn check<S: TokenStore>(suite: &Suite<S>) {
    let rule = "keys are distinguished, however odd, and listed in order";
    let keys = keys(suite);
    for (number, key) in (1..).zip(&keys) {
        expect(rule, &*suite.one, key, None).await;
        put(rule, &*suite.one, key, &token(number)).await;
    }
    for (number, key) in (1..).zip(&keys) {
        expect(rule, &*suite.other, key, Some(&token(number))).await;
    }
    let mut left = keys;
    loop {
        expect_listed(rule, suite, &left).await;
        let Some(key) = left.pop() else { break };
        delete(rule, &*suite.other, &key).await;
        expect(rule, &*suite.one, &key, None).await;
    }
}

/// Keys that differ from one another in one part, and odd ones.
fn keys<S: TokenStore>(suite: &Suite<S>) -> Vec<StoreKey> {
    let first = suite.key("keys");
    let mut keys = vec![first.clone()];
    for odd in ODD.iter().map(|it| (*it).to_owned()).chain([
        // Longer than any file name.
        "long".repeat(1000),
        "long".repeat(1001),
        first.scope.to_uppercase() + "1",
    ]) {
        let vendor = StoreKey {
            vendor: format!("{}{odd}:", first.vendor),
            ..first.clone()
        };
        let account = StoreKey {
            account: format!("{}:{odd}", first.account),
            ..first.clone()
        };
        let scope = StoreKey {
            scope: odd.clone(),
            ..first.clone()
        };
        let base_url = StoreKey {
            base_url: odd,
            ..first.clone()
        };
        keys.extend([vendor, account, scope, base_url]);
    }
    // The same letters, divided differently.
    keys.push(StoreKey {
        account: format!("{}{}", first.account, first.scope),
        scope: String::new(),
        ..first.clone()
    });
    keys.push(StoreKey {
        account: first.account.to_uppercase(),
        ..first
    });
    keys
}

async fn expect_listed<S: TokenStore>(rule: &str, suite: &Suite<S>, keys: &[StoreKey]) {
    let mut expected = keys.to_vec();
    expected.sort();
    let listed = done(rule, suite.other.list()).await;
    if !listed.is_sorted() {
        broken(rule, "the list is not in order");
    }
    // The storage may hold other keys.
    let run = suite.run.to_uppercase();
    let listed: Vec<_> = listed
        .into_iter()
        .filter(|key| key.account.to_uppercase().starts_with(&run))
        .collect();
    if let Some(key) = expected.iter().find(|key| !listed.contains(key)) {
        broken(rule, format!("a key is not listed: {}", short(key)));
    }
    if let Some(key) = listed.iter().find(|key| !expected.contains(key)) {
        broken(
            rule,
            format!("a key is listed that has no token: {}", short(key)),
        );
    }
    if listed.len() > expected.len() {
        broken(rule, "a key is listed twice");
    }
}

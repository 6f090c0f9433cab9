//! A token that is saved stays, complete, until it is deleted.

use std::time::{Duration, UNIX_EPOCH};

use auth_core::{Expiry, Token, TokenStore};

use crate::testing::samples::{ODD, token};
use crate::testing::suite::{Suite, delete, expect, put};

pub(in crate::testing) async fn check<S: TokenStore>(suite: &Suite<S>) {
    a_new_key_has_no_token(suite).await;
    another_handle_sees_what_one_does(suite).await;
    a_token_survives_whole(suite).await;
}

async fn a_new_key_has_no_token<S: TokenStore>(suite: &Suite<S>) {
    let rule = "a new key has no token, and deleting it is no error";
    let key = suite.key("nothing");
    expect(rule, &*suite.one, &key, None).await;
    delete(rule, &*suite.one, &key).await;
    expect(rule, &*suite.one, &key, None).await;
}

async fn another_handle_sees_what_one_does<S: TokenStore>(suite: &Suite<S>) {
    let rule = "another handle to the storage sees what is saved and deleted";
    let key = suite.key("handles");
    put(rule, &*suite.one, &key, &token(1)).await;
    expect(rule, &*suite.other, &key, Some(&token(1))).await;
    put(rule, &*suite.other, &key, &token(2)).await;
    expect(rule, &*suite.one, &key, Some(&token(2))).await;
    delete(rule, &*suite.one, &key).await;
    expect(rule, &*suite.other, &key, None).await;
    // A token that is deleted supersedes none.
    put(rule, &*suite.other, &key, &token(1)).await;
    expect(rule, &*suite.one, &key, Some(&token(1))).await;
    delete(rule, &*suite.other, &key).await;
}

async fn a_token_survives_whole<S: TokenStore>(suite: &Suite<S>) {
    let rule = "every part of a token survives";
    let key = suite.key("whole");
    let moment = UNIX_EPOCH + Duration::from_millis(1_699_964_001_999);
    let bare = Token::new("bare".into(), Expiry::Never, moment);
    let mut tokens = vec![
        bare.clone(),
        bare.clone().with_generation(u64::MAX),
        Token::new("ended".into(), Expiry::At(UNIX_EPOCH), moment),
        Token::new("x".repeat(64 * 1024).into(), Expiry::Never, moment),
    ];
    for odd in ODD {
        tokens.push(
            Token::new(odd.into(), Expiry::At(moment), moment)
                .with_refresh(Some(odd.into()))
                .with_attribute(odd, "value")
                .with_attribute("name", odd),
        );
    }
    for token in tokens {
        put(rule, &*suite.one, &key, &token).await;
        expect(rule, &*suite.other, &key, Some(&token)).await;
        delete(rule, &*suite.one, &key).await;
    }
}

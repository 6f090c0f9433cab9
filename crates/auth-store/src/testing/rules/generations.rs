//! A later token is never replaced by an earlier one.

use std::sync::Arc;

use auth_core::{SaveOutcome, Token, TokenStore};

use crate::testing::samples::{token, whole};
use crate::testing::suite::{Suite, broken, delete, done, expect, put, save};

/// How many save at once.
const WRITERS: u64 = 32;

pub(in crate::testing) async fn check<S: TokenStore>(suite: &Suite<S>) {
    the_later_token_is_kept(suite).await;
    generations_are_exact(suite).await;
    of_many_writers_the_last_generation_wins(suite).await;
}

async fn the_later_token_is_kept<S: TokenStore>(suite: &Suite<S>) {
    let rule = "a token that is superseded by the stored one is not saved, and save says so";
    let key = suite.key("later");
    let other_of_two = token(9).with_generation(2);
    let other_of_none = token(9).with_generation(0);
    for (offered, saved, held) in [
        (token(0), SaveOutcome::Saved, token(0)),
        // Again, as after a lost reply.
        (token(0), SaveOutcome::Saved, token(0)),
        (other_of_none, SaveOutcome::Superseded, token(0)),
        (token(1), SaveOutcome::Saved, token(1)),
        (token(2), SaveOutcome::Saved, token(2)),
        (token(2), SaveOutcome::Saved, token(2)),
        (token(1), SaveOutcome::Superseded, token(2)),
        (other_of_two, SaveOutcome::Superseded, token(2)),
        (token(100), SaveOutcome::Saved, token(100)),
        (token(99), SaveOutcome::Superseded, token(100)),
        // As numbers, not as texts.
        (token(9), SaveOutcome::Superseded, token(100)),
    ] {
        let said = save(rule, &*suite.one, &key, &offered).await;
        if said != saved {
            let offered = whole(&offered);
            let how = format!("saving {offered} gave {said:?} and should give {saved:?}");
            broken(rule, how);
        }
        expect(rule, &*suite.other, &key, Some(&held)).await;
    }
    delete(rule, &*suite.one, &key).await;
}

async fn generations_are_exact<S: TokenStore>(suite: &Suite<S>) {
    let rule = "generations are whole numbers of 64 bits";
    let key = suite.key("exact");
    // Generations that are equal as floating-point numbers.
    for generation in [1 << 53, (1 << 53) + 1, (1 << 63) + 1, u64::MAX] {
        put(rule, &*suite.one, &key, &token(generation)).await;
        expect(rule, &*suite.other, &key, Some(&token(generation))).await;
        let before = token(generation - 1);
        if save(rule, &*suite.other, &key, &before).await == SaveOutcome::Saved {
            broken(rule, format!("{} replaced {generation}", generation - 1));
        }
    }
    delete(rule, &*suite.one, &key).await;
}

async fn of_many_writers_the_last_generation_wins<S: TokenStore>(suite: &Suite<S>) {
    let rule = "of many that save at once, the last generation wins";
    let key = suite.key("writers");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        // In no order, and two of each generation.
        let generation = (writer * 7) % WRITERS / 2 + 1;
        let token = token(writer + 1000).with_generation(generation);
        let store = Arc::clone(if writer % 2 == 0 {
            &suite.one
        } else {
            &suite.other
        });
        let key = key.clone();
        writers.spawn(async move {
            let saved = store.save(&key, &token).await;
            saved.map(|saved| (saved, token))
        });
    }
    let mut saved_last: Vec<Token> = Vec::new();
    while let Some(ended) = writers.join_next().await {
        let (saved, token) = match ended {
            Ok(saved) => done(rule, std::future::ready(saved)).await,
            Err(error) => broken(rule, error),
        };
        if saved == SaveOutcome::Saved && token.generation() == WRITERS / 2 {
            saved_last.push(token);
        }
    }
    let [last] = &saved_last[..] else {
        let number = saved_last.len();
        broken(
            rule,
            format!("{number} different tokens of one generation were saved, not 1"),
        )
    };
    expect(rule, &*suite.one, &key, Some(last)).await;
    delete(rule, &*suite.one, &key).await;
}

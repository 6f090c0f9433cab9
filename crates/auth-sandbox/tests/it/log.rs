//! The request log and its assertions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use auth_sandbox::{Entry, Fault, Sandbox};

use crate::caller::{Caller, read};

fn panic_of(assertion: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    payload.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn an_entry_shows_what_was_sent_and_what_was_answered() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let tokens = caller.log_in().await;
    caller.refresh(&tokens.refresh).await;
    caller.refresh("unheard-of").await;

    let log = sandbox.log();
    let operations: Vec<_> = log.entries().iter().map(Entry::operation).collect();
    assert_eq!(operations, ["iqm.log_in", "iqm.refresh", "iqm.refresh"]);

    let log_in = &log.entries()[0];
    assert_eq!(
        log_in.field("email").as_deref(),
        Some(sandbox.iqm().user().email)
    );
    assert_eq!(log_in.header("content-type"), Some("application/json"));
    assert!(
        log_in
            .headers()
            .any(|(name, value)| name == "host" && !value.is_empty())
    );

    let refresh = &log.entries_of("iqm.refresh")[0];
    assert_eq!(refresh.method(), "POST");
    assert_eq!(refresh.path(), "/iqm/api/v3/ua/oauth/token");
    assert_eq!(refresh.query(), None);
    assert_eq!(
        refresh.field("refresh_token").as_deref(),
        Some(&*tokens.refresh)
    );
    assert!(refresh.body().contains(&tokens.refresh));
    assert_eq!(refresh.status(), Some(200));
    assert_eq!(refresh.hint(), None);
    assert_eq!(refresh.connection(), 1);

    let last = log.last("iqm.refresh").unwrap();
    assert_eq!(last.status(), Some(401));
    assert!(last.hint().unwrap().contains("never issued"));
}

#[tokio::test]
async fn a_failed_count_lists_what_arrived_without_secrets() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    let user = sandbox.iqm().user();
    let tokens = caller.log_in().await;
    caller.refresh(&tokens.refresh).await;
    sandbox.fault(Fault::cut());
    caller
        .refresh_request(&tokens.refresh)
        .send()
        .await
        .unwrap_err();
    caller.refresh("unheard-of").await;
    let log = sandbox.log();
    log.assert_count("iqm.refresh", 3);

    let message = panic_of(|| log.assert_count("iqm.refresh", 1));
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(
        lines[0],
        "expected 1 x iqm.refresh, but 3 arrived. In the log:"
    );
    let token = "iqm.refresh POST /iqm/api/v3/ua/oauth/token on connection";
    assert_eq!(
        lines[1],
        "  #1 iqm.log_in POST /iqm/api/v3/ua/login on connection 1: 200"
    );
    assert_eq!(lines[2], format!("  #2 {token} 1: 200"));
    assert_eq!(lines[3], format!("  #3 {token} 1: cut [fault: Cut]"));
    assert_eq!(
        lines[4],
        format!("  #4 {token} 2: 401 (the refresh token was never issued by this sandbox)")
    );

    let debug = format!("{log:?} {sandbox:?} {:?} {user:?}", sandbox.iqm());
    for secret in [
        &*tokens.refresh,
        user.password,
        sandbox.iqm().client_secret(),
        "Basic ",
    ] {
        assert!(
            !message.contains(secret) && !debug.contains(secret),
            "{secret} in {debug}"
        );
    }

    log.clear();
    log.assert_count("iqm.refresh", 0);
    let message = panic_of(|| log.assert_count("iqm.refresh", 1));
    assert_eq!(
        message,
        "expected 1 x iqm.refresh, but 0 arrived. In the log: nothing"
    );
}

#[tokio::test]
async fn an_unknown_path_may_hold_a_secret_and_is_not_shown() {
    let sandbox = Sandbox::start().unwrap();
    let secret = "s3cr3t-in-the-path";
    assert_eq!(read(Caller::new(&sandbox).get(secret)).await.status, 404);
    let entry = sandbox.log().last("unknown").unwrap();
    assert!(entry.path().ends_with(secret));
    assert!(!format!("{entry:?}").contains(secret));
}

#[test]
fn a_misspelt_operation_panics_wherever_it_is_named() {
    let sandbox = Sandbox::start().unwrap();
    let log = sandbox.log();
    let expected = "the sandbox has no operation \"iqm.refesh\"; there are: iqm.sign_up";
    assert!(panic_of(|| log.assert_count("iqm.refesh", 0)).starts_with(expected));
    assert!(panic_of(|| _ = log.entries_of("iqm.refesh")).starts_with(expected));
    assert!(panic_of(|| _ = Fault::cut().on("iqm.refesh")).starts_with(expected));
}

#[tokio::test]
async fn a_test_can_assert_that_there_are_no_hints() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    caller.log_in().await;
    sandbox.log().assert_no_hints();
    caller.refresh("unheard-of").await;
    let message = panic_of(|| sandbox.log().assert_no_hints());
    assert!(message.starts_with("expected no hint, but 1 answers carried one."));
}

#[tokio::test]
async fn a_test_can_wait_for_an_arrival() {
    let sandbox = Sandbox::start().unwrap();
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault);
    let request = Caller::new(&sandbox).log_in_request(sandbox.iqm().user());
    let waiting = tokio::spawn(read(request));
    sandbox.log().until_count("iqm.log_in", 1).await;
    gate.release();
    assert_eq!(waiting.await.unwrap().status, 200);
}

//! Each fault, as the client sees it, and whether the call took effect.

use std::time::Duration;

use auth_sandbox::{Fault, Sandbox};
use flate2::read::GzDecoder;
use reqwest::header;

use crate::caller::{Caller, client, frozen, read};

const MEGABYTE: usize = 1_000_000;

/// Sends one log-in with this fault and leaves the reading of the answer to the test.
async fn faulty(sandbox: &Sandbox, fault: Fault) -> reqwest::Result<reqwest::Response> {
    sandbox.fault(fault);
    Caller::new(sandbox)
        .log_in_request(sandbox.iqm().user())
        .send()
        .await
}

/// One address of each vendor.
fn base_urls(sandbox: &Sandbox) -> [url::Url; 4] {
    [
        sandbox.iqm().base_url(),
        sandbox.edgeiq().base_url(),
        sandbox.eqworks().base_url(),
        sandbox.identityx().base_url(),
    ]
}

#[tokio::test]
async fn a_status_is_answered_in_the_vendors_shape_and_without_effect() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.fault(Fault::status(503));
    let reply = Caller::new(&sandbox).log_in_reply().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.body["success"], false);
    assert!(!reply.error().is_empty());
    assert!(!reply.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(sandbox.iqm().issued(), 0);
}

#[tokio::test]
async fn retry_after_is_sent_in_seconds_or_as_a_date() {
    let (_, sandbox) = frozen();
    let wait = Duration::from_millis(1_500);
    let response = faulty(&sandbox, Fault::retry_after(429, wait))
        .await
        .unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()[header::RETRY_AFTER]
        ),
        (429, &"2".parse().unwrap())
    );
    let wait = Duration::from_secs(90);
    let response = faulty(&sandbox, Fault::retry_after_date(503, wait))
        .await
        .unwrap();
    assert_eq!(
        response.headers()[header::RETRY_AFTER],
        "Thu, 01 Jan 2026 00:01:30 GMT"
    );
    assert_eq!(sandbox.iqm().issued(), 0);
}

#[tokio::test]
async fn a_delay_is_over_when_the_clock_has_moved() {
    let (clock, sandbox) = frozen();
    sandbox.fault(Fault::delay(Duration::from_secs(5)));
    let request = Caller::new(&sandbox).log_in_request(sandbox.iqm().user());
    let waiting = tokio::spawn(read(request));
    clock.until_sleeping(1).await;
    assert_eq!(sandbox.iqm().issued(), 0);
    clock.advance(Duration::from_secs(5));
    assert_eq!(waiting.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_held_call_waits_for_its_gate_before_it_takes_effect() {
    let sandbox = Sandbox::start().unwrap();
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault);
    let request = Caller::new(&sandbox).log_in_request(sandbox.iqm().user());
    let waiting = tokio::spawn(read(request));
    gate.reached().await;
    assert_eq!((gate.calls(), sandbox.iqm().issued()), (1, 0));
    assert_eq!(sandbox.log().last("iqm.log_in").unwrap().status(), None);
    gate.release();
    assert_eq!(waiting.await.unwrap().status, 200);
    assert_eq!(sandbox.iqm().issued(), 1);
}

#[tokio::test]
async fn a_held_answer_waits_for_its_gate_after_the_effect() {
    let sandbox = Sandbox::start().unwrap();
    let (fault, gate) = Fault::hold_answer();
    sandbox.fault(fault);
    let request = Caller::new(&sandbox).log_in_request(sandbox.iqm().user());
    let waiting = tokio::spawn(read(request));
    gate.reached().await;
    assert_eq!(sandbox.iqm().issued(), 1);
    drop(gate);
    assert_eq!(waiting.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_gate_holds_several_calls_and_releases_them_all() {
    let sandbox = Sandbox::start().unwrap();
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault.times(3));
    let caller = Caller::new(&sandbox);
    let calls: Vec<_> = (0..3)
        .map(|_| tokio::spawn(read(caller.log_in_request(sandbox.iqm().user()))))
        .collect();
    gate.reached_by(3).await;
    assert_eq!(sandbox.iqm().issued(), 0);
    gate.release();
    for call in calls {
        assert_eq!(call.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_call_whose_client_has_gone_takes_effect_nevertheless() {
    let sandbox = Sandbox::start().unwrap();
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault);
    let request = Caller::new(&sandbox).log_in_request(sandbox.iqm().user());
    let waiting = tokio::spawn(request.send());
    gate.reached().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    gate.release();
    sandbox.log().until_settled().await;
    assert_eq!(sandbox.iqm().issued(), 1);
}

#[tokio::test]
async fn a_cut_call_has_no_effect_and_a_lost_answer_has() {
    let sandbox = Sandbox::start().unwrap();
    let error = faulty(&sandbox, Fault::cut()).await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(sandbox.iqm().issued(), 0);
    assert!(sandbox.log().last("iqm.log_in").unwrap().was_cut());

    let error = faulty(&sandbox, Fault::lost_answer()).await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(sandbox.iqm().issued(), 1);
    assert!(sandbox.log().last("iqm.log_in").unwrap().was_cut());
}

#[tokio::test]
async fn half_of_a_truncated_body_arrives() {
    let sandbox = Sandbox::start().unwrap();
    let mut response = faulty(&sandbox, Fault::truncated_body()).await.unwrap();
    assert_eq!(response.status(), 200);
    let length = response.content_length().unwrap();
    let half = response.chunk().await.unwrap().unwrap();
    assert!(half.starts_with(b"{\""));
    assert_eq!(half.len() as u64, length / 2);
    assert!(response.chunk().await.is_err());
    assert_eq!(sandbox.iqm().issued(), 1);
}

#[tokio::test]
async fn garbage_and_html_come_with_status_200_and_without_effect() {
    let sandbox = Sandbox::start().unwrap();
    for (fault, content_type) in [
        (Fault::garbage_json(), "application/json"),
        (Fault::html(), "text/html"),
    ] {
        let response = faulty(&sandbox, fault).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], content_type);
        assert!(
            serde_json::from_slice::<serde_json::Value>(&response.bytes().await.unwrap()).is_err()
        );
    }
    assert_eq!(sandbox.iqm().issued(), 0);
}

#[tokio::test]
async fn a_huge_body_is_valid_json_of_unknown_length() {
    let sandbox = Sandbox::start().unwrap();
    let response = faulty(&sandbox, Fault::huge_body()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key(header::CONTENT_LENGTH));
    let body = response.bytes().await.unwrap();
    assert!(body.len() >= 10 * MEGABYTE);
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    assert_eq!(sandbox.iqm().issued(), 0);
}

#[tokio::test]
async fn a_redirect_names_the_location_and_keeps_the_method() {
    let sandbox = Sandbox::start().unwrap();
    let elsewhere = url::Url::parse("http://127.0.0.1:9/elsewhere").unwrap();
    let response = faulty(&sandbox, Fault::redirect(&elsewhere)).await.unwrap();
    assert_eq!(response.status(), 307);
    assert_eq!(response.headers()[header::LOCATION], elsewhere.as_str());
    assert_eq!(sandbox.iqm().issued(), 0);
}

#[tokio::test]
async fn an_echo_repeats_every_secret_of_the_request() {
    let sandbox = Sandbox::start().unwrap();
    let (iqm, caller) = (sandbox.iqm(), Caller::new(&sandbox));
    sandbox.fault(Fault::echo(400).times(2));

    let reply = caller.log_in_as(iqm.user()).await;
    assert_eq!(reply.status, 400);
    for secret in [iqm.user().password, iqm.client_secret()] {
        assert!(
            reply.error().contains(secret),
            "no {secret} in {}",
            reply.error()
        );
    }
    let header = sandbox.log().last("iqm.log_in").unwrap();
    assert!(
        reply
            .error()
            .contains(header.header("authorization").unwrap())
    );

    let bearer = "a-bearer-token";
    assert!(read(caller.profile(bearer)).await.error().contains(bearer));
    assert_eq!(iqm.issued(), 0);
}

#[tokio::test]
async fn success_false_comes_with_status_200_for_every_vendor() {
    let sandbox = Sandbox::start().unwrap();
    for base_url in base_urls(&sandbox) {
        sandbox.fault(Fault::success_false());
        let reply = read(client().get(base_url)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.body["success"], false, "{reply:?}");
        assert!(reply.text.contains("was told to answer"), "{reply:?}");
    }
    sandbox.fault(Fault::success_false().on("iqm.log_in"));
    let reply = Caller::new(&sandbox).log_in_reply().await;
    assert!(!reply.error().is_empty(), "{reply:?}");
    assert_eq!(sandbox.iqm().issued(), 0);
}

#[tokio::test]
async fn an_error_page_has_the_status_and_no_word_of_the_vendor() {
    let sandbox = Sandbox::start().unwrap();
    for status in [401, 403, 404, 502] {
        sandbox.fault(Fault::error_page(status));
        let reply = Caller::new(&sandbox).log_in_reply().await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.headers[header::CONTENT_TYPE], "text/html");
        assert!(reply.text.starts_with("<html>"), "{reply:?}");
    }
    assert_eq!(sandbox.iqm().issued(), 0);
}

#[tokio::test]
async fn a_byte_order_mark_and_gzip_change_the_bytes_of_an_answer_alone() {
    let sandbox = Sandbox::start().unwrap();
    let mark = b"\xef\xbb\xbf";
    let response = faulty(&sandbox, Fault::byte_order_mark()).await.unwrap();
    let body = response.bytes().await.unwrap();
    let plain = body.strip_prefix(mark).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(plain).is_ok());

    let response = faulty(&sandbox, Fault::gzip()).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    let body = response.bytes().await.unwrap();
    let plain: serde_json::Value = serde_json::from_reader(GzDecoder::new(&body[..])).unwrap();
    assert_eq!(plain["success"], true);
    assert_eq!(sandbox.iqm().issued(), 2);
}

#[tokio::test]
async fn a_fault_waits_for_its_operation_and_is_used_up_in_order() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    sandbox.fault(Fault::status(503).on("iqm.refresh").times(2));
    sandbox.fault(Fault::status(500).on("iqm.refresh"));
    sandbox.fault(Fault::status(502).on("iqm.profile"));
    assert_eq!(sandbox.pending_faults(), 3);

    let tokens = caller.log_in().await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        sandbox.fault(Fault::status(418).times(0));
        statuses.push(caller.refresh(&tokens.refresh).await.status);
    }
    assert_eq!(statuses, [503, 503, 500, 200]);
    assert_eq!(sandbox.pending_faults(), 1);
    sandbox.clear_faults();
    assert_eq!(read(caller.profile(&tokens.access)).await.status, 200);
}

#[tokio::test]
async fn a_permanent_fault_stays_until_it_is_cleared() {
    let sandbox = Sandbox::start().unwrap();
    let caller = Caller::new(&sandbox);
    sandbox.fault(Fault::status(503).always());
    for _ in 0..5 {
        assert_eq!(caller.log_in_reply().await.status, 503);
    }
    sandbox.clear_faults();
    caller.log_in().await;
}

#[tokio::test]
async fn faults_can_be_combined() {
    let (clock, sandbox) = frozen();
    sandbox.fault(Fault::delay(Duration::from_secs(1)).then(Fault::lost_answer()));
    let request = Caller::new(&sandbox).log_in_request(sandbox.iqm().user());
    let waiting = tokio::spawn(request.send());
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(1));
    assert!(waiting.await.unwrap().is_err());
    assert_eq!(sandbox.iqm().issued(), 1);
}

#[test]
#[should_panic(expected = "99 is not the status of an answer")]
fn a_status_that_does_not_exist_is_refused() {
    Fault::status(99);
}

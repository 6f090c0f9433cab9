//! Each fault on a call of the program's own, by `session.send`: what was sent how often, and what the
//! caller got.

use std::time::Duration;

use auth_core::{AuthError as _, ErrorKind, HttpResponse, State};
use auth_sandbox::{Entry, Sandbox};

use crate::matrix::{Vendor, all, guarded, moving, sandbox};
use crate::trouble::{
    IMPATIENT, PATIENT, TROUBLES,
    Trouble::{
        self, Cut, Echo, ErrorPage, Hold, HoldAnswer, LostAnswer, Redirect, RetryAfter,
        RetryAfterDate, Status, TruncatedBody,
    },
};

/// By which the sandbox's log tells the program's requests from those of the vendor's crate.
const PROGRAM: &str = "program/1";

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// What the caller got: a response, or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Response(u16),
    Failed(ErrorKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) got: Got,
    pub(crate) sent: usize,
}

/// One cell for each fault.
pub(crate) async fn cells<V: Vendor>() -> Vec<Result<Sent, String>> {
    // Made once: with some backends each reads the certificates of the system.
    let [patient, impatient] = [PATIENT, IMPATIENT].map(program);
    // An iterator: an array of them would be larger than the stack.
    all(TROUBLES.into_iter().map(|trouble| {
        let patient = patient.clone();
        let during = if trouble.hangs() {
            impatient.clone()
        } else {
            patient.clone()
        };
        async move {
            let cell = guarded(cell::<V>(trouble, during, patient)).await;
            let cell = cell.and_then(|it| it);
            cell.map_err(|complaint| format!("session.send with {trouble}: {complaint}"))
        }
    }))
    .await
}

/// What the documents of `Session::send` say.
fn documented<V: Vendor>(trouble: Trouble, is_safe: bool) -> Sent {
    let got = match trouble {
        Status(status)
        | Echo(status)
        | ErrorPage(status)
        | RetryAfter(status, _)
        | RetryAfterDate(status, _) => Got::Response(status),
        Hold | HoldAnswer | Cut | LostAnswer => Got::lost(is_safe),
        // Where a body must be read to know, the half of one is as good as none.
        TruncatedBody if V::READS_EVERY_BODY => Got::lost(is_safe),
        Redirect => Got::Response(307),
        _ => Got::Response(200),
    };
    // Refused, renewed, and refused again: that is the caller's.
    let sent = if V::refuses_token(trouble) { 2 } else { 1 };
    Sent { got, sent }
}

impl Got {
    fn lost(is_safe: bool) -> Self {
        Self::Failed(if is_safe {
            ErrorKind::Unavailable
        } else {
            ErrorKind::OutcomeUnknown
        })
    }
}

async fn cell<V: Vendor>(
    trouble: Trouble,
    during: reqwest::Client,
    afterwards: reqwest::Client,
) -> Result<Sent, String> {
    let sandbox = sandbox();
    let client = V::client(&sandbox, PATIENT);
    let ready = V::ready(&sandbox, &client).await;
    let made = ready.make(&client, V::DATA.0).await;
    made.map_err(|error| format!("the call itself failed: {error:?}"))?;
    let like = sandbox
        .log()
        .last(V::DATA.1)
        .ok_or("the call was not seen")?;
    let session = ready.session(&client).await;
    let request = |http| request(http, &V::base_url(&sandbox), &like);
    let is_safe = matches!(like.method(), "GET" | "HEAD");

    let mut on = trouble.on(V::DATA.1);
    sandbox.fault(on.fault.clone());
    sandbox.log().clear();
    let answer = moving(sandbox.clock(), session.send(request(&during))).await;
    let outcome = Sent::of::<V>(&sandbox, &answer);
    let Sent { got, sent } = outcome;

    let expected = documented::<V>(trouble, is_safe);
    // What is given up by the clock may be given up before it has arrived, on a busy machine.
    let is_fewer = trouble.hangs() && got == expected.got && sent < expected.sent;
    if outcome != expected && !is_fewer {
        return Err(format!(
            "gave {outcome:?}, documented is {expected:?}: {answer:?}"
        ));
    }
    let elsewhere = on.stranger.as_ref().map(|it| it.log().entries().len());
    if elsewhere.is_some_and(|entries| entries > 0) {
        return Err("followed the redirect".to_owned());
    }
    let (renewals, due) = (sandbox.log().count(V::RENEWAL), expected.sent - 1);
    if renewals != due {
        return Err(format!("{renewals} renewals, {due} was due"));
    }
    // The session has lost nothing.
    drop(answer);
    sandbox.clear_faults();
    on.release();
    sandbox.log().until_settled().await;
    // It may have to wait before it renews again.
    sandbox.clock().advance(TEN_MINUTES);
    match moving(sandbox.clock(), session.send(request(&afterwards))).await {
        Ok(response) if response.status() == 200 => Ok(outcome),
        other => Err(format!("after the fault: {other:?}")),
    }
}

/// The vendor's own refusal of a token that it has revoked: what a session can renew, it renews; else
/// a person must log in. Returns how often the session renewed, too.
pub(crate) async fn after_a_revocation<V: Vendor>() -> (Sent, usize) {
    let sandbox = sandbox();
    let client = V::client(&sandbox, PATIENT);
    let ready = V::ready(&sandbox, &client).await;
    let like = example(&sandbox, &client, &ready).await;
    let session = ready.session(&client).await;
    session.headers().await.unwrap();
    ready.revoke(&sandbox);
    sandbox.log().clear();
    let request = request(&program(PATIENT), &V::base_url(&sandbox), &like);
    let answer = session.send(request).await;
    let sent = Sent::of::<V>(&sandbox, &answer);
    let state = session.state();
    let is_over = matches!(state, State::LoginRequired { .. });
    assert_eq!(
        is_over,
        sent.got == Got::Failed(ErrorKind::InteractionRequired),
        "{state:?}"
    );
    (sent, sandbox.log().count(V::RENEWAL))
}

impl Sent {
    fn of<V: Vendor>(sandbox: &Sandbox, answer: &Result<HttpResponse, V::Error>) -> Self {
        let got = match answer {
            Ok(response) => Got::Response(response.status().as_u16()),
            Err(error) => Got::Failed(error.kind()),
        };
        let of_program = |it: &Entry| it.header("user-agent") == Some(PROGRAM);
        let entries = sandbox.log().entries_of(V::DATA.1);
        let sent = entries.into_iter().filter(of_program).count();
        Self { got, sent }
    }
}

/// The call as the vendor's crate makes it.
async fn example<V: Vendor>(sandbox: &Sandbox, client: &V::Client, ready: &V) -> Entry {
    ready.make(client, V::DATA.0).await.unwrap();
    sandbox.log().last(V::DATA.1).unwrap()
}

fn program(limit: Duration) -> reqwest::Client {
    reqwest::Client::builder()
        .user_agent(PROGRAM)
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(limit)
        .build()
        .unwrap()
}

/// The same request, without its headers of authorisation.
fn request(
    http: &reqwest::Client,
    base: &vendor_tests::Url,
    like: &Entry,
) -> reqwest::RequestBuilder {
    let mut url = base.clone();
    url.set_path(like.path());
    url.set_query(like.query());
    let mut request = http.request(like.method().parse().unwrap(), url);
    for name in ["accept", "content-type"] {
        if let Some(value) = like.header(name) {
            request = request.header(name, value);
        }
    }
    if like.body().is_empty() {
        request
    } else {
        request.body(like.body().to_owned())
    }
}

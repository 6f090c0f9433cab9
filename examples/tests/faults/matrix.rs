//! Generates the matrix: every fault on every attempt of every call, each on a sandbox of its own.

use std::future::Future;
use std::time::Duration;

use auth_core::{AuthError, AuthHeaders, ErrorKind, HttpBuilder, Renew, RetryPolicy, Session};
use auth_sandbox::{Sandbox, SandboxClock};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vendor_tests::Url;

use crate::rules::{Call, Class, Outcome, documented};
use crate::sending;
use crate::table;
use crate::trouble::Trouble::{self, Echo, Status};
use crate::trouble::{IMPATIENT, PATIENT, SHORT, TROUBLES};

/// A cell that takes longer hangs: all its time limits and pauses are far below.
const HANGS: Duration = Duration::from_secs(20);

/// So many cells at a time, of all tests together. Most of them wait; but where the vendor never
/// answers, each attempt has to arrive within its time limit.
static TURNS: Semaphore = Semaphore::const_new(12);

/// A vendor: what its calls need, got before anything goes wrong.
pub(crate) trait Vendor: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    /// Every public call of the client, one for each operation of the sandbox at least.
    const CALLS: &'static [Call];
    /// The operation by which a session renews.
    const RENEWAL: &'static str;
    /// The call that stands for those of a program's own, and its operation.
    const DATA: (&'static str, &'static str);
    /// Whether a response with any status must be read to know whether it refuses the token.
    const READS_EVERY_BODY: bool = false;
    type Client: Send + Sync + 'static;
    type Error: AuthError;
    type Renewer: Renew<Error = Self::Error>;

    /// Where the vendor is in the sandbox.
    fn base_url(sandbox: &Sandbox) -> Url;

    /// A client of the vendor at `base`, by the sandbox's clock, [`within`] this time limit.
    fn client_at(base: Url, sandbox: &Sandbox, time_limit: Duration) -> Self::Client;

    /// A client of the sandbox.
    fn client(sandbox: &Sandbox, time_limit: Duration) -> Self::Client {
        Self::client_at(Self::base_url(sandbox), sandbox, time_limit)
    }

    fn ready(sandbox: &Sandbox, client: &Self::Client) -> impl Future<Output = Self> + Send;

    /// Makes the call of this name. What it sends is the same each time.
    fn make(
        &self,
        client: &Self::Client,
        call: &str,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What the call's documents tell the caller to do when the call had its effect and its
    /// outcome is unknown.
    fn go_on(
        &self,
        sandbox: &Sandbox,
        client: &Self::Client,
        call: &str,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// A session with a token, able to do what sessions of this vendor can do to renew it.
    fn session(&self, client: &Self::Client)
    -> impl Future<Output = Session<Self::Renewer>> + Send;

    /// Whether a response to [`DATA`](Vendor::DATA) with this fault refuses the token. A web page comes from something
    /// in between, which knows nothing of it.
    fn refuses_token(trouble: Trouble) -> bool {
        matches!(trouble, Status(401) | Echo(401))
    }

    /// Has the vendor refuse the session's token from now on.
    fn revoke(&self, sandbox: &Sandbox);

    /// Whether the vendor accepts it at present.
    fn accepts(sandbox: &Sandbox, auth_headers: &AuthHeaders) -> bool;
}

/// What became of a cell.
pub(crate) struct Cell {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) complaint: Option<String>,
}

/// A sandbox whose time stands still, at its strictest: refresh tokens work once.
pub(crate) fn sandbox() -> Sandbox {
    Sandbox::builder()
        .clock(SandboxClock::frozen())
        .iqm_rotate_refresh_tokens(true)
        .start()
        .unwrap()
}

/// A client whose attempts take so long at most, and which pauses only if the vendor asks.
pub(crate) fn within(http: HttpBuilder, time_limit: Duration) -> HttpBuilder {
    let retry = RetryPolicy::default().pauses(Duration::ZERO, Duration::ZERO);
    http.retry(retry).timeout(time_limit)
}

/// Awaits `future`, and moves the clock for what sleeps meanwhile.
pub(crate) async fn moving<T>(clock: SandboxClock, future: impl Future<Output = T>) -> T {
    let time = async {
        loop {
            clock.until_sleeping(1).await;
            clock.advance(SHORT);
        }
    };
    tokio::select! {
        done = future => done,
        () = time => unreachable!("time never ends"),
    }
}

/// Runs the cell in a task of its own, and says whether it panicked or hung.
pub(crate) async fn guarded<T: Send + 'static>(
    cell: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    match tokio::spawn(tokio::time::timeout(HANGS, cell)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(format!("hangs for more than {HANGS:?}")),
        Err(error) => Err(format!("panicked: {error}")),
    }
}

/// Runs all cells, and gives them in their order.
pub(crate) async fn all<T, F>(cells: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (number, cell) in cells.into_iter().enumerate() {
        tasks.spawn(async move {
            let _turn = TURNS.acquire().await;
            (number, cell.await)
        });
    }
    let mut done = tasks.join_all().await;
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, cell)| cell).collect()
}

/// Runs the vendor's part of the matrix, prints it if that is wanted, and fails if a cell is not
/// as the documents say.
pub(crate) async fn assert_as_documented<V: Vendor>() {
    let pairs = || {
        let row = |trouble| V::CALLS.iter().map(move |call| (trouble, call));
        TROUBLES.into_iter().flat_map(row)
    };
    let cells = all(pairs().map(|(trouble, call)| async move {
        match guarded(cell::<V>(trouble, call)).await {
            Ok(cell) => cell,
            Err(complaint) => Cell {
                outcome: None,
                complaint: Some(complaint),
            },
        }
    }))
    .await;
    let sent = Box::pin(sending::cells::<V>()).await;
    table::print::<V>(&cells, &sent);
    let complaints: Vec<_> = pairs()
        .zip(&cells)
        .filter_map(|((trouble, call), cell)| {
            let complaint = cell.complaint.as_ref()?;
            Some(format!("{} with {trouble}: {complaint}", call.name))
        })
        .chain(sent.into_iter().filter_map(Result::err))
        .collect();
    let count = complaints.len();
    assert!(
        complaints.is_empty(),
        "{count} cells of {}:\n{}",
        V::NAME,
        complaints.join("\n")
    );
}

async fn cell<V: Vendor>(trouble: Trouble, call: &'static Call) -> Cell {
    let sandbox = sandbox();
    let patient = V::client(&sandbox, PATIENT);
    let ready = V::ready(&sandbox, &patient).await;
    sandbox.log().clear();
    let mut on = trouble.on(call.operation);
    sandbox.fault(on.fault.clone());
    let impatient = trouble.hangs().then(|| V::client(&sandbox, IMPATIENT));
    let client = impatient.as_ref().unwrap_or(&patient);
    let made = moving(sandbox.clock(), ready.make(client, call.name)).await;
    let kind = made.as_ref().err().map(AuthError::kind);
    let (sent, of_all) = (
        sandbox.log().count(call.operation),
        sandbox.log().entries().len(),
    );
    let outcome = Outcome { kind, sent };

    let mut complaints = Vec::new();
    let expected = documented(trouble, call);
    // What is given up by the clock may be given up before it has arrived, on a busy machine.
    let is_fewer = trouble.hangs() && outcome.kind == expected.kind && sent < expected.sent;
    if outcome != expected && !is_fewer {
        complaints.push(format!(
            "gave {outcome:?}, documented is {expected:?}: {made:?}"
        ));
    }
    if of_all != sent {
        complaints.push(format!(
            "sent {of_all} requests, {sent} of them this call's"
        ));
    }
    let elsewhere = on.stranger.as_ref().map(|it| it.log().entries().len());
    if elsewhere.is_some_and(|entries| entries > 0) {
        complaints.push("followed the redirect".to_owned());
    }
    // What was held has its effect now, late.
    sandbox.clear_faults();
    on.release();
    sandbox.log().until_settled().await;
    complaints.extend(lost(&sandbox, &patient, &ready, (trouble, call), outcome).await);
    Cell {
        outcome: Some(outcome),
        complaint: (!complaints.is_empty()).then(|| complaints.join("; ")),
    }
}

/// What the caller has lost, now that the fault is over.
async fn lost<V: Vendor>(
    sandbox: &Sandbox,
    client: &V::Client,
    ready: &V,
    (trouble, call): (Trouble, &Call),
    Outcome { kind, sent }: Outcome,
) -> Option<String> {
    let (what, done) = match kind {
        None => return None,
        Some(ErrorKind::OutcomeUnknown) if trouble.takes_effect() && sent > 0 => {
            ("going on", ready.go_on(sandbox, client, call.name).await)
        }
        Some(_) => ("the same again", ready.make(client, call.name).await),
    };
    match done {
        Ok(()) => None,
        // It had ended the token, which is all that it was to do.
        Err(error)
            if call.class == Class::LogOut
                && trouble.takes_effect()
                && error.kind() == ErrorKind::TokenRejected =>
        {
            None
        }
        Err(error) => Some(format!("lost: {what} gave {error:?}")),
    }
}

//! Faults: what goes wrong with the next calls.

pub(crate) mod gate;
pub(crate) mod queue;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

pub use gate::Gate;
use gate::GateState;

/// Something that goes wrong with the next calls: of any operation, or of the one named with
/// [`on`](Self::on). It happens once, or as often as [`times`](Self::times) and [`always`](Self::always) say.
///
/// Faults wait in a queue. A call takes the first one that matches it, and only that one. With
/// [`then`](Self::then) several things happen to one call.
///
/// | fault | the client sees | does the call take effect? |
/// | --- | --- | --- |
/// | [`status`](Self::status), [`retry_after`](Self::retry_after), [`retry_after_date`](Self::retry_after_date) | an error in the vendor's shape | no |
/// | [`delay`](Self::delay), [`hold`](Self::hold) | the normal answer, later | yes, after the wait |
/// | [`hold_answer`](Self::hold_answer) | the normal answer, later | yes, before the wait |
/// | [`cut`](Self::cut) | a closed connection | no |
/// | [`lost_answer`](Self::lost_answer) | a closed connection | yes |
/// | [`truncated_body`](Self::truncated_body) | half of the normal answer, then a closed connection | yes |
/// | [`garbage_json`](Self::garbage_json) | 200 with JSON that ends half way | no |
/// | [`html`](Self::html) | 200 with a web page | no |
/// | [`huge_body`](Self::huge_body) | 200 with 10 MB of valid JSON | no |
/// | [`redirect`](Self::redirect) | 307 to another place | no |
/// | [`success_false`](Self::success_false) | 200 with `"success": false` and an error in the vendor's shape | no |
/// | [`error_page`](Self::error_page) | this status with a web page of a proxy | no |
/// | [`byte_order_mark`](Self::byte_order_mark) | the normal answer after a byte-order mark | yes |
/// | [`gzip`](Self::gzip) | the normal answer, compressed | yes |
/// | [`echo`](Self::echo) | an error whose text repeats the request's secrets | no |
///
/// # Example
///
/// ```
/// use auth_sandbox::{Fault, Sandbox};
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start()?;
/// sandbox.fault(Fault::status(503).on("iqm.refresh").times(2));
/// sandbox.fault(Fault::lost_answer().on("iqm.refresh"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Fault {
    /// Its number in the queue.
    id: u64,
    operation: Option<String>,
    left: Left,
    before: Vec<Wait>,
    outcome: Outcome,
    after: Vec<Wait>,
}

#[derive(Clone, Copy)]
enum Left {
    Times(usize),
    Always,
}

/// What a call waits for.
#[derive(Clone)]
pub(crate) enum Wait {
    Delay(Duration),
    Gate(Arc<GateState>),
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Answer,
    Status(StatusCode, Option<RetryAfter>),
    Cut,
    LostAnswer,
    TruncatedBody,
    GarbageJson,
    Html,
    HugeBody,
    Redirect(String),
    Echo(StatusCode),
    SuccessFalse,
    ErrorPage(StatusCode),
    ByteOrderMark,
    Gzip,
}

/// The two forms of the header.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RetryAfter {
    Seconds(u64),
    Date(Duration),
}

impl Fault {
    fn new(outcome: Outcome) -> Self {
        let (before, after) = (Vec::new(), Vec::new());
        Self {
            id: 0,
            operation: None,
            left: Left::Times(1),
            before,
            outcome,
            after,
        }
    }

    /// Answers with this status and an error in the vendor's shape.
    ///
    /// # Panics
    ///
    /// If the status is not between 200 and 599.
    #[track_caller]
    pub fn status(status: u16) -> Self {
        Self::new(Outcome::Status(checked(status), None))
    }

    /// As [`status`](Self::status), with a `Retry-After` header in whole seconds, rounded up.
    ///
    /// # Panics
    ///
    /// If the status is not between 200 and 599.
    #[track_caller]
    pub fn retry_after(status: u16, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::new(Outcome::Status(
            checked(status),
            Some(RetryAfter::Seconds(seconds)),
        ))
    }

    /// As [`retry_after`](Self::retry_after), with the header in its other form: a date, by the
    /// server's clock.
    ///
    /// # Panics
    ///
    /// If the status is not between 200 and 599.
    #[track_caller]
    pub fn retry_after_date(status: u16, wait: Duration) -> Self {
        Self::new(Outcome::Status(
            checked(status),
            Some(RetryAfter::Date(wait)),
        ))
    }

    /// The call waits this long, by the sandbox's clock, before it takes effect: a frozen clock has
    /// to be advanced.
    pub fn delay(wait: Duration) -> Self {
        let mut fault = Self::new(Outcome::Answer);
        fault.before.push(Wait::Delay(wait));
        fault
    }

    /// The call waits at the gate before it takes effect.
    ///
    /// With this a test says "while the refresh is on its way" without a sleep. Keep the gate: when
    /// it is dropped, it opens.
    pub fn hold() -> (Self, Gate) {
        let (mut fault, gate) = (Self::new(Outcome::Answer), Gate::new());
        fault.before.push(Wait::Gate(gate.state()));
        (fault, gate)
    }

    /// The call takes effect, and its answer waits at the gate.
    pub fn hold_answer() -> (Self, Gate) {
        let (mut fault, gate) = (Self::new(Outcome::Answer), Gate::new());
        fault.after.push(Wait::Gate(gate.state()));
        (fault, gate)
    }

    /// The connection is closed before anything is answered, and the call has no effect.
    pub fn cut() -> Self {
        Self::new(Outcome::Cut)
    }

    /// The call takes effect, then the connection is closed before anything is answered.
    pub fn lost_answer() -> Self {
        Self::new(Outcome::LostAnswer)
    }

    /// The call takes effect, and half of its answer arrives: `Content-Length` names more.
    pub fn truncated_body() -> Self {
        Self::new(Outcome::TruncatedBody)
    }

    /// Answers 200 with JSON that ends half way.
    pub fn garbage_json() -> Self {
        Self::new(Outcome::GarbageJson)
    }

    /// Answers 200 with a web page, as a proxy or a captive portal does.
    pub fn html() -> Self {
        Self::new(Outcome::Html)
    }

    /// Answers 200 with 10 MB of valid JSON, without a `Content-Length`: only a client that counts
    /// what it reads is safe.
    pub fn huge_body() -> Self {
        Self::new(Outcome::HugeBody)
    }

    /// Answers 307 with this `Location`: a client that follows it sends its secrets there.
    pub fn redirect(to: impl AsRef<str>) -> Self {
        Self::new(Outcome::Redirect(to.as_ref().to_owned()))
    }

    /// Answers with this status and an error whose text repeats the request: path and query (as
    /// sent, and decoded), headers, what is encoded in `Authorization`, and the body; so that a test
    /// can see whether the client removes secrets from what it reports.
    ///
    /// # Panics
    ///
    /// If the status is not between 200 and 599.
    #[track_caller]
    pub fn echo(status: u16) -> Self {
        Self::new(Outcome::Echo(checked(status)))
    }

    /// Answers 200 with `"success": false` and an error in the vendor's shape.
    pub fn success_false() -> Self {
        Self::new(Outcome::SuccessFalse)
    }

    /// Answers with this status and a web page, as a proxy does that refuses a request. The page
    /// says nothing of the vendor.
    ///
    /// # Panics
    ///
    /// If the status is not between 200 and 599.
    #[track_caller]
    pub fn error_page(status: u16) -> Self {
        Self::new(Outcome::ErrorPage(checked(status)))
    }

    /// The normal answer, with a byte-order mark (U+FEFF in UTF-8) before its body.
    pub fn byte_order_mark() -> Self {
        Self::new(Outcome::ByteOrderMark)
    }

    /// The normal answer, compressed by gzip, whether or not the client accepts that.
    pub fn gzip() -> Self {
        Self::new(Outcome::Gzip)
    }

    /// What is behind [`on`](Self::on), which checks the name first.
    pub(crate) fn for_operation(mut self, operation: String) -> Self {
        self.operation = Some(operation);
        self
    }

    /// The next `count` calls that match. Default: 1.
    pub fn times(mut self, count: usize) -> Self {
        self.left = Left::Times(count);
        self
    }

    /// All calls that match, until [`Sandbox::clear_faults`](crate::Sandbox::clear_faults).
    pub fn always(mut self) -> Self {
        self.left = Left::Always;
        self
    }

    /// The waits of both, one after the other, and what happens to the call in `next`:
    /// `Fault::delay(wait).then(Fault::cut())`.
    ///
    /// Which operation and how often stay as they are in `self`.
    pub fn then(mut self, next: Self) -> Self {
        self.before.extend(next.before);
        self.after.extend(next.after);
        self.outcome = next.outcome;
        self
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// How many calls it is still for. `None`: all.
    pub(crate) fn left(&self) -> Option<usize> {
        match self.left {
            Left::Times(left) => Some(left),
            Left::Always => None,
        }
    }

    pub(crate) fn before(&self) -> &[Wait] {
        &self.before
    }

    pub(crate) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    pub(crate) fn after(&self) -> &[Wait] {
        &self.after
    }

    /// What the log shows.
    pub(crate) fn label(&self) -> String {
        let waits = self.before.iter().map(Wait::label);
        let waits_after = self
            .after
            .iter()
            .map(|wait| format!("answer: {}", wait.label()));
        let outcome = match &self.outcome {
            Outcome::Answer => None,
            outcome => Some(format!("{outcome:?}")),
        };
        waits
            .chain(outcome)
            .chain(waits_after)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({}", self.label())?;
        write!(
            f,
            " on {}",
            self.operation.as_deref().unwrap_or("every operation")
        )?;
        match self.left {
            Left::Times(count) => write!(f, ", {count} times)"),
            Left::Always => f.write_str(", always)"),
        }
    }
}

impl Wait {
    fn label(&self) -> String {
        match self {
            Self::Delay(wait) => format!("delay of {wait:?}"),
            Self::Gate(_) => "held at a gate".to_owned(),
        }
    }
}

#[track_caller]
fn checked(status: u16) -> StatusCode {
    // 1xx is no final answer.
    assert!(
        (200..=599).contains(&status),
        "{status} is not the status of an answer"
    );
    StatusCode::from_u16(status).unwrap_or_default()
}

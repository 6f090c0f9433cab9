//! The faults of the matrix: all that the sandbox has, and the statuses that mean something.

use std::fmt;
use std::time::Duration;

use auth_sandbox::{Fault, Gate, Sandbox};

/// A wait that fits into the time that a call has by default (90 s).
pub(crate) const SHORT: Duration = Duration::from_secs(2);
/// One that does not.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

/// How long an attempt may take where the vendor never answers.
pub(crate) const IMPATIENT: Duration = Duration::from_secs(1);
/// How long it may take otherwise: no attempt comes near it.
pub(crate) const PATIENT: Duration = Duration::from_secs(15);

/// A row of the matrix: a fault that every attempt of a call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Status(u16),
    Echo(u16),
    RetryAfter(u16, Duration),
    RetryAfterDate(u16, Duration),
    Delay,
    Hold,
    HoldAnswer,
    Cut,
    LostAnswer,
    TruncatedBody,
    GarbageJson,
    Html,
    HugeBody,
    Redirect,
    SuccessFalse,
    ErrorPage(u16),
    ByteOrderMark,
    Gzip,
}

use Trouble::{
    ByteOrderMark, Cut, Delay, Echo, ErrorPage, GarbageJson, Gzip, Hold, HoldAnswer, Html,
    HugeBody, LostAnswer, Redirect, RetryAfter, RetryAfterDate, Status, SuccessFalse,
    TruncatedBody,
};

pub(crate) const TROUBLES: [Trouble; 42] = [
    Status(400),
    Status(401),
    Status(403),
    Status(404),
    Status(408),
    Status(409),
    Status(422),
    Status(429),
    Status(500),
    Status(502),
    Status(503),
    Status(504),
    Echo(400),
    Echo(401),
    Echo(500),
    RetryAfter(429, SHORT),
    RetryAfter(503, SHORT),
    RetryAfterDate(429, SHORT),
    RetryAfterDate(503, SHORT),
    RetryAfter(429, LONG),
    RetryAfter(503, LONG),
    RetryAfterDate(429, LONG),
    RetryAfterDate(503, LONG),
    Delay,
    Hold,
    HoldAnswer,
    Cut,
    LostAnswer,
    TruncatedBody,
    GarbageJson,
    Html,
    HugeBody,
    Redirect,
    SuccessFalse,
    ErrorPage(400),
    ErrorPage(401),
    ErrorPage(403),
    ErrorPage(404),
    ErrorPage(407),
    ErrorPage(502),
    ByteOrderMark,
    Gzip,
];

/// A fault that is switched on, and what must live as long.
pub(crate) struct On {
    pub(crate) fault: Fault,
    pub(crate) stranger: Option<Sandbox>,
    gate: Option<Gate>,
}

impl On {
    /// Lets go of what is held.
    pub(crate) fn release(&mut self) {
        self.gate = None;
    }
}

impl Trouble {
    /// The fault, on every call of the operation.
    pub(crate) fn on(self, operation: &str) -> On {
        let (mut gate, mut stranger) = (None, None);
        let mut held = |(fault, its): (Fault, Gate)| {
            gate = Some(its);
            fault
        };
        let fault = match self {
            Status(status) => Fault::status(status),
            Echo(status) => Fault::echo(status),
            RetryAfter(status, wait) => Fault::retry_after(status, wait),
            RetryAfterDate(status, wait) => Fault::retry_after_date(status, wait),
            Delay => Fault::delay(SHORT),
            Hold => held(Fault::hold()),
            HoldAnswer => held(Fault::hold_answer()),
            Cut => Fault::cut(),
            LostAnswer => Fault::lost_answer(),
            TruncatedBody => Fault::truncated_body(),
            GarbageJson => Fault::garbage_json(),
            Html => Fault::html(),
            HugeBody => Fault::huge_body(),
            Redirect => {
                let other = Sandbox::start().unwrap();
                let url = other.iqm().base_url();
                stranger = Some(other);
                Fault::redirect(url)
            }
            SuccessFalse => Fault::success_false(),
            ErrorPage(status) => Fault::error_page(status),
            ByteOrderMark => Fault::byte_order_mark(),
            Gzip => Fault::gzip(),
        };
        On {
            fault: fault.on(operation).always(),
            stranger,
            gate,
        }
    }

    /// Whether the vendor never answers.
    pub(crate) fn hangs(self) -> bool {
        matches!(self, Hold | HoldAnswer)
    }

    /// Whether the call has its effect, although the caller is told of a failure.
    pub(crate) fn takes_effect(self) -> bool {
        matches!(self, Hold | HoldAnswer | LostAnswer | TruncatedBody)
    }

    /// The sandbox's name for it.
    pub(crate) fn constructor(self) -> &'static str {
        match self {
            Status(_) => "status",
            Echo(_) => "echo",
            RetryAfter(..) => "retry_after",
            RetryAfterDate(..) => "retry_after_date",
            Delay => "delay",
            Hold => "hold",
            HoldAnswer => "hold_answer",
            Cut => "cut",
            LostAnswer => "lost_answer",
            TruncatedBody => "truncated_body",
            GarbageJson => "garbage_json",
            Html => "html",
            HugeBody => "huge_body",
            Redirect => "redirect",
            SuccessFalse => "success_false",
            ErrorPage(_) => "error_page",
            ByteOrderMark => "byte_order_mark",
            Gzip => "gzip",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status(status) => write!(f, "status {status}"),
            Echo(status) => write!(f, "echo {status}"),
            ErrorPage(status) => write!(f, "error_page {status}"),
            RetryAfter(status, wait) => write!(f, "{status}, wait {} s", wait.as_secs()),
            RetryAfterDate(status, wait) => write!(f, "{status}, date + {} s", wait.as_secs()),
            other => f.write_str(other.constructor()),
        }
    }
}

//! What the documents say: the kind and the number of attempts, from the fault and from what may
//! be repeated, and from nothing that a client has answered.

use auth_core::ErrorKind;

use crate::trouble::LONG;
use crate::trouble::Trouble::{
    self, ByteOrderMark, Cut, Delay, Echo, ErrorPage, GarbageJson, Gzip, Hold, HoldAnswer, Html,
    HugeBody, LostAnswer, Redirect, RetryAfter, RetryAfterDate, Status, SuccessFalse,
    TruncatedBody,
};

/// A row of the table "What may be repeated".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// After any server error, time-out or cut connection.
    Read,
    /// As a read: it only makes another token.
    LogIn,
    /// As a read: that it was done before is what was wanted.
    LogOut,
    /// Once more, with the same token.
    Refresh,
    /// An e-mail, or what can be used once: never, if it may have happened.
    Never,
}

/// A public call of a client: a column of the matrix.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) class: Class,
    refusals: &'static [(u16, ErrorKind)],
    reads_its_answer: bool,
    refuses_by_status: bool,
    wants_a_field: bool,
    refused_in_success: ErrorKind,
}

impl Call {
    pub(crate) const fn new(name: &'static str, operation: &'static str, class: Class) -> Self {
        Self {
            name,
            operation,
            class,
            refusals: &[],
            reads_its_answer: true,
            refuses_by_status: true,
            wants_a_field: true,
            refused_in_success: ErrorKind::Protocol,
        }
    }

    /// What the `# Errors` of the call say of a status, where they say more than the general rule.
    pub(crate) const fn refusals(mut self, refusals: &'static [(u16, ErrorKind)]) -> Self {
        self.refusals = refusals;
        self
    }

    /// No document says what the response to a success holds: broken JSON counts as one.
    pub(crate) const fn without_an_answer(mut self) -> Self {
        self.reads_its_answer = false;
        self
    }

    /// The response to a success must be JSON, and may lack every field.
    pub(crate) const fn without_a_field(mut self) -> Self {
        self.wants_a_field = false;
        self
    }

    /// The kind of a success's status with `success: false`, where it is not a response that the
    /// vendor does not document.
    pub(crate) const fn refused_in_success(mut self, kind: ErrorKind) -> Self {
        self.refused_in_success = kind;
        self
    }

    /// Refusals come with 200, so that half of one says nothing.
    pub(crate) const fn refused_with_200(mut self) -> Self {
        self.refuses_by_status = false;
        self
    }
}

/// What a call gave, or is to give, and how often it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `None` for a success.
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) sent: usize,
}

const POLICY_ATTEMPTS: usize = 3;

/// What the documents say of this fault on every attempt of this call.
pub(crate) fn documented(trouble: Trouble, call: &Call) -> Outcome {
    let most = match call.class {
        Class::Read | Class::LogIn | Class::LogOut => POLICY_ATTEMPTS,
        Class::Refresh => 2,
        Class::Never => 1,
    };
    let failed = |kind, sent| Outcome {
        kind: Some(kind),
        sent,
    };
    let done = |sent| Outcome { kind: None, sent };
    let lost = match call.class {
        Class::Read | Class::LogIn | Class::LogOut => ErrorKind::Unavailable,
        Class::Refresh | Class::Never => ErrorKind::OutcomeUnknown,
    };
    match trouble {
        Status(status) | Echo(status) => match (own(status, call), status) {
            (Some(kind), _) => failed(kind, 1),
            (None, 400..=499) => failed(refusal(status), 1),
            // A response, so that a refresh that failed twice did not happen.
            (None, _) if call.class == Class::Never => failed(ErrorKind::OutcomeUnknown, 1),
            (None, _) => failed(ErrorKind::Unavailable, most),
        },
        // The vendor has said that it did nothing, so that every call may be repeated.
        RetryAfter(status, wait) | RetryAfterDate(status, wait) => {
            let sent = if wait == LONG { 1 } else { POLICY_ATTEMPTS };
            let retry_after = Some(wait);
            match status {
                429 => failed(ErrorKind::RateLimited { retry_after }, sent),
                _ => failed(ErrorKind::Unavailable, sent),
            }
        }
        Delay | ByteOrderMark | Gzip => done(1),
        // The repetition is refused by its status alone, which confirms the first attempt.
        TruncatedBody if call.class == Class::LogOut && call.refuses_by_status => done(2),
        // The status says that it was done, and no more is wanted.
        GarbageJson if !call.reads_its_answer => done(1),
        GarbageJson | Redirect => failed(ErrorKind::Protocol, 1),
        // What answered in the vendor's place may have passed the call on.
        Html if call.class == Class::Never => failed(ErrorKind::OutcomeUnknown, 1),
        // Something between the vendor and the caller refused it: the vendor refused nothing.
        Html | ErrorPage(400..=499) => failed(ErrorKind::Unavailable, 1),
        ErrorPage(_) if call.class == Class::Never => failed(ErrorKind::OutcomeUnknown, 1),
        ErrorPage(_) => failed(ErrorKind::Unavailable, most),
        SuccessFalse if !call.wants_a_field => done(1),
        // With an unknown text and code it is a failure within the vendor, as every other with 200.
        SuccessFalse if !call.refuses_by_status && call.class == Class::Never => {
            failed(ErrorKind::OutcomeUnknown, 1)
        }
        SuccessFalse if !call.refuses_by_status => failed(ErrorKind::Unavailable, 1),
        SuccessFalse => failed(call.refused_in_success, 1),
        HugeBody if lost == ErrorKind::Unavailable => failed(ErrorKind::Protocol, most),
        Hold | HoldAnswer | Cut | LostAnswer | TruncatedBody | HugeBody => failed(lost, most),
    }
}

fn own(status: u16, call: &Call) -> Option<ErrorKind> {
    let mut refusals = call.refusals.iter();
    refusals
        .find(|(of, _)| *of == status)
        .map(|(_, kind)| *kind)
}

fn refusal(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::TokenRejected,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Unavailable,
        429 => ErrorKind::RateLimited { retry_after: None },
        _ => ErrorKind::Denied,
    }
}

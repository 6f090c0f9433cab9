//! Faults as the API and the seed file write them.

use serde::{Deserialize, Serialize};

use super::Span;
use crate::fault::{Fault, Gate, Outcome, RetryAfter, Wait};
use crate::operation;
use crate::sandbox::Sandbox;

/// A fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultSpec {
    /// Such as `iqm.refresh`. None: any.
    pub(super) operation: Option<String>,
    /// How many calls. Default: 1.
    pub(super) times: Option<usize>,
    /// All calls, until it is cleared.
    #[serde(default)]
    pub(super) always: bool,
    /// What happens, one thing after the other.
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    Status { status: u16 },
    RetryAfter { status: u16, wait: Span },
    RetryAfterDate { status: u16, wait: Span },
    Delay { wait: Span },
    Hold,
    HoldAnswer,
    Cut,
    LostAnswer,
    TruncatedBody,
    GarbageJson,
    Html,
    HugeBody,
    Redirect { to: String },
    SuccessFalse,
    ErrorPage { status: u16 },
    ByteOrderMark,
    Gzip,
    Echo { status: u16 },
}

/// The most steps of one fault.
const MOST_STEPS: usize = 16;

impl FaultSpec {
    /// The fault, and the gate that its calls wait at.
    pub(super) fn fault(&self) -> Result<(Fault, Option<Gate>), String> {
        if let Some(name) = &self.operation {
            let known = Sandbox::operations();
            if name != operation::UNKNOWN && !known.contains(&&**name) {
                return Err(format!(
                    "there is no operation {name:?}; see /_sandbox/operations"
                ));
            }
        }
        if self.steps.is_empty() || self.steps.len() > MOST_STEPS {
            return Err(format!("a fault has 1 to {MOST_STEPS} steps"));
        }
        if self.times == Some(0) || (self.always && self.times.is_some()) {
            return Err("times is at least 1, and not there with always".to_owned());
        }
        let mut gate = None;
        let mut fault: Option<Fault> = None;
        for step in &self.steps {
            let next = step.fault(&mut gate)?;
            fault = Some(match fault {
                None => next,
                Some(fault) => fault.then(next),
            });
        }
        let mut fault = fault.ok_or("a fault has a step")?;
        fault = fault.times(self.times.unwrap_or(1));
        if self.always {
            fault = fault.always();
        }
        if let Some(operation) = &self.operation {
            fault = fault.for_operation(operation.clone());
        }
        Ok((fault, gate))
    }

    /// Queues it, and returns its number.
    pub(super) fn queue(&self, sandbox: &Sandbox) -> Result<u64, String> {
        let (fault, gate) = self.fault()?;
        let faults = &sandbox.exchange.faults;
        Ok(faults.push_with(fault, gate))
    }

    /// What is left of a fault.
    pub(super) fn of(fault: &Fault) -> Self {
        let before = fault.before().iter().map(|wait| match wait {
            Wait::Delay(wait) => Step::Delay { wait: Span(*wait) },
            Wait::Gate(_) => Step::Hold,
        });
        let after = fault.after().iter().map(|_| Step::HoldAnswer);
        let steps = before.chain(after).chain(outcome(fault.outcome()));
        Self {
            operation: fault.operation().map(str::to_owned),
            times: fault.left(),
            always: fault.left().is_none(),
            steps: steps.collect(),
        }
    }
}

impl Step {
    fn fault(&self, gate: &mut Option<Gate>) -> Result<Fault, String> {
        let checked = |status: &u16| {
            if (200..=599).contains(status) {
                Ok(*status)
            } else {
                Err(format!("{status} is not the status of an answer"))
            }
        };
        let mut held = |(fault, new): (Fault, Gate)| {
            if gate.replace(new).is_some() {
                return Err("a fault waits at one gate".to_owned());
            }
            Ok(fault)
        };
        Ok(match self {
            Self::Status { status } => Fault::status(checked(status)?),
            Self::RetryAfter { status, wait } => Fault::retry_after(checked(status)?, wait.0),
            Self::RetryAfterDate { status, wait } => {
                Fault::retry_after_date(checked(status)?, wait.0)
            }
            Self::Delay { wait } => Fault::delay(wait.0),
            Self::Hold => held(Fault::hold())?,
            Self::HoldAnswer => held(Fault::hold_answer())?,
            Self::Cut => Fault::cut(),
            Self::LostAnswer => Fault::lost_answer(),
            Self::TruncatedBody => Fault::truncated_body(),
            Self::GarbageJson => Fault::garbage_json(),
            Self::Html => Fault::html(),
            Self::HugeBody => Fault::huge_body(),
            Self::Redirect { to } => Fault::redirect(to),
            Self::SuccessFalse => Fault::success_false(),
            Self::ErrorPage { status } => Fault::error_page(checked(status)?),
            Self::ByteOrderMark => Fault::byte_order_mark(),
            Self::Gzip => Fault::gzip(),
            Self::Echo { status } => Fault::echo(checked(status)?),
        })
    }
}

fn outcome(outcome: &Outcome) -> Option<Step> {
    Some(match outcome {
        Outcome::Answer => return None,
        Outcome::Status(status, wait) => {
            let status = status.as_u16();
            match wait {
                None => Step::Status { status },
                Some(RetryAfter::Seconds(seconds)) => Step::RetryAfter {
                    status,
                    wait: Span(std::time::Duration::from_secs(*seconds)),
                },
                Some(RetryAfter::Date(wait)) => Step::RetryAfterDate {
                    status,
                    wait: Span(*wait),
                },
            }
        }
        Outcome::Cut => Step::Cut,
        Outcome::LostAnswer => Step::LostAnswer,
        Outcome::TruncatedBody => Step::TruncatedBody,
        Outcome::GarbageJson => Step::GarbageJson,
        Outcome::Html => Step::Html,
        Outcome::HugeBody => Step::HugeBody,
        Outcome::Redirect(to) => Step::Redirect { to: to.clone() },
        Outcome::Echo(status) => Step::Echo {
            status: status.as_u16(),
        },
        Outcome::SuccessFalse => Step::SuccessFalse,
        Outcome::ErrorPage(status) => Step::ErrorPage {
            status: status.as_u16(),
        },
        Outcome::ByteOrderMark => Step::ByteOrderMark,
        Outcome::Gzip => Step::Gzip,
    })
}

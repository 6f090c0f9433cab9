//! The matrix of faults: each fault of the sandbox on each call of each vendor, and what the
//! documents say of it. `cargo xtask faults` prints it.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed unwrap in a test is a failed test, and the table is printed"
)]

mod edgeiq;
mod eqworks;
mod identityx;
mod iqm;
mod leaks;
mod matrix;
mod rules;
mod sending;
mod session;
mod table;
mod trouble;

use auth_sandbox::Sandbox;

use crate::matrix::{Vendor, assert_as_documented};
use crate::session::assert_a_token_stays_in_use;
use crate::trouble::{TROUBLES, Trouble};

/// Only tools ask it, and no client can: the generator refuses an operation with `__schema`.
const NO_CALL: &str = "identityx.introspect";

const FAULTS: &str = include_str!("../../../crates/auth-sandbox/src/fault.rs");

/// The matrix's fixed tests for one vendor.
macro_rules! vendor_tests {
    ($($ready:ty: $calls:ident, $session:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $calls() {
                assert_as_documented::<$ready>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $session() {
                assert_a_token_stays_in_use::<$ready>().await;
            }
        )*
    };
}

vendor_tests! {
    iqm::Ready:
        every_fault_of_every_call_gives_the_documented_kind_for_iqm,
        every_fault_of_a_renewal_leaves_a_valid_token_in_use_for_iqm;
    edgeiq::Ready:
        every_fault_of_every_call_gives_the_documented_kind_for_edgeiq,
        every_fault_of_a_renewal_leaves_a_valid_token_in_use_for_edgeiq;
    eqworks::Ready:
        every_fault_of_every_call_gives_the_documented_kind_for_eqworks,
        every_fault_of_a_renewal_leaves_a_valid_token_in_use_for_eqworks;
    identityx::Ready:
        every_fault_of_every_call_gives_the_documented_kind_for_identityx,
        every_fault_of_a_renewal_leaves_a_valid_token_in_use_for_identityx;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_the_vendor_revoked_is_renewed_by_send_or_a_person_must_log_in() {
    use auth_core::ErrorKind::InteractionRequired;
    use sending::{Got, Sent, after_a_revocation};
    let renewed = Sent {
        got: Got::Response(200),
        sent: 2,
    };
    let over = Sent {
        got: Got::Failed(InteractionRequired),
        sent: 1,
    };
    assert_eq!(after_a_revocation::<iqm::Ready>().await, (renewed, 1));
    assert_eq!(after_a_revocation::<edgeiq::Ready>().await, (renewed, 1));
    // It is refreshed with the token itself. A refusal is believed when it comes twice.
    assert_eq!(after_a_revocation::<eqworks::Ready>().await, (over, 2));
    assert_eq!(after_a_revocation::<identityx::Ready>().await, (over, 2));
}

fn operations<V: Vendor>() -> impl Iterator<Item = &'static str> {
    V::CALLS.iter().map(|call| call.operation)
}

#[test]
fn every_operation_of_the_sandbox_is_in_the_matrix() {
    let covered: Vec<_> = operations::<iqm::Ready>()
        .chain(operations::<edgeiq::Ready>())
        .chain(operations::<eqworks::Ready>())
        .chain(operations::<identityx::Ready>())
        .collect();
    let missing: Vec<_> = Sandbox::operations()
        .into_iter()
        .filter(|operation| !covered.contains(operation))
        .collect();
    assert_eq!(missing, [NO_CALL]);
}

#[test]
fn every_fault_of_the_sandbox_is_in_the_matrix() {
    let constructors: Vec<_> = FAULTS
        .lines()
        .filter_map(|line| line.strip_prefix("    pub fn ")?.split_once('('))
        .filter(|(_, rest)| !rest.contains("self"))
        .map(|(name, _)| name)
        .collect();
    assert!(constructors.len() > 10, "found only {constructors:?}");
    let covered: Vec<_> = TROUBLES
        .iter()
        .map(|it: &Trouble| it.constructor())
        .collect();
    let missing: Vec<_> = constructors
        .into_iter()
        .filter(|name| !covered.contains(name))
        .collect();
    assert!(missing.is_empty(), "not in the matrix: {missing:?}");
}

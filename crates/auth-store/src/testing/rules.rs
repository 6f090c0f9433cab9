//! The rules of the contract.

pub(super) mod generations;
pub(super) mod keys;
pub(super) mod leases;
pub(super) mod tokens;
pub(super) mod watches;

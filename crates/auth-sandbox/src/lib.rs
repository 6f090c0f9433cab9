#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
// Not in doctests: the examples use a vendor's crate, and this one depends on none. The package
// `examples` compiles and runs them.
#![cfg_attr(
    not(feature = "server"),
    allow(
        dead_code,
        reason = "the program shows more of what the vendors remember"
    )
)]

mod answer;
mod body;
mod clock;
mod date;
mod edgeiq;
mod eqworks;
mod exchange;
mod fault;
mod identityx;
mod inbox;
mod iqm;
mod jwt;
mod log;
mod object_id;
mod operation;
mod rate_limit;
mod request;
mod sandbox;
#[cfg(feature = "server")]
pub mod server;
mod start;
mod vendor;
mod vendor_clock;
mod vendors;

pub use answer::HINT_HEADER;
pub use clock::SandboxClock;
pub use edgeiq::{EdgeIq, EdgeIqAccount, EdgeIqRefusals, EdgeIqSessionExpiresAt, EdgeIqUser};
pub use eqworks::{EqWorks, EqWorksAccount, EqWorksUser};
pub use fault::{Fault, Gate};
pub use identityx::{
    IdentityX, IdentityXAccount, IdentityXAppUser, IdentityXApplication, IdentityXOrgUser,
    IdentityXOrganization,
};
pub use inbox::{Inbox, Mail, MailKind};
pub use iqm::{Iqm, IqmAccount, IqmTokenEnvelope, IqmUser};
pub use log::{Entry, RequestLog};
pub use sandbox::{Sandbox, SandboxBuilder};

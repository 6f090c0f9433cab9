//! The main job, vendor by vendor: log in, make authorised calls, let the token stay alive by
//! itself.
//!
//! `cargo run -p examples --bin quickstart` needs no account: the vendors are the sandbox. With
//! `--live` it does the same against those real vendors whose credentials are in the environment:
//! `IQM_CLIENT_ID`, `IQM_CLIENT_SECRET`, `IQM_EMAIL` and `IQM_PASSWORD`; `EDGEIQ_EMAIL` and
//! `EDGEIQ_PASSWORD`. `IQM_BASE_URL` and `EDGEIQ_BASE_URL` override the addresses. EQ Works and
//! IdentityX need a person with a mailbox: see `eqworks_magic_link` and `identityx_org_user`.

#![allow(clippy::disallowed_methods, reason = "a program reads its environment")]
#![allow(clippy::print_stdout, reason = "an example explains what it does")]

mod edgeiq;
mod eqworks;
mod identityx;
mod iqm;

use examples::{Outcome, is_live};

#[tokio::main]
async fn main() -> Outcome {
    if !is_live()? {
        iqm::on_the_sandbox().await?;
        edgeiq::on_the_sandbox().await?;
        eqworks::on_the_sandbox().await?;
        return identityx::on_the_sandbox().await;
    }
    let is_set = |name| std::env::var_os(name).is_some();
    let (iqm, edgeiq) = (is_set("IQM_CLIENT_ID"), is_set("EDGEIQ_EMAIL"));
    if iqm {
        iqm::live().await?;
    }
    if edgeiq {
        edgeiq::live().await?;
    }
    if iqm || edgeiq {
        return Ok(());
    }
    Err("--live needs the credentials of IQM (IQM_CLIENT_ID, …) or EdgeIQ (EDGEIQ_EMAIL, …) in the \
         environment"
        .into())
}

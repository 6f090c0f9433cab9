//! The main job, vendor by vendor: log in, make authorised calls, let the token stay alive by
//! itself.
//!
//! `cargo run -p examples --bin quickstart` needs no account: the vendors are the sandbox. With
//! `--live` it does the same against those real vendors whose credentials are in the environment:
//! `IQM_CLIENT_ID`, `IQM_CLIENT_SECRET`, `IQM_EMAIL` and `IQM_PASSWORD`; `EDGEIQ_EMAIL` and
//! `EDGEIQ_PASSWORD`. `IQM_BASE_URL` and `EDGEIQ_BASE_URL` override the addresses. EQ Works needs
//! a person with a mailbox: see `eqworks_magic_link`.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

mod edgeiq;
mod eqworks;
mod iqm;

use examples::{Outcome, is_live};
use iqm_auth::{Clock, Expiry};

#[tokio::main]
async fn main() -> Outcome {
    if !is_live()? {
        iqm::on_the_sandbox().await?;
        edgeiq::on_the_sandbox().await?;
        return eqworks::on_the_sandbox().await;
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

fn step(number: u32, what: &str) {
    println!("{number}. {what}");
}

fn ends_in(expiry: Option<Expiry>, clock: &dyn Clock) -> String {
    let left = expiry.and_then(|expiry| expiry.left(clock.now().wall()));
    left.map_or("without an end".to_owned(), |left| {
        let minutes = left.as_secs() / 60;
        match minutes / 60 {
            hours @ 0..48 => format!("ends in {hours} h {} min", minutes % 60),
            hours => format!("ends in {} days", hours / 24),
        }
    })
}

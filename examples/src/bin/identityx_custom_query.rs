//! A GraphQL operation of a program's own, with types that were generated from the schema that
//! comes along: see `graphql/who_am_i.graphql` and `tests/operations.rs`.
//!
//! `cargo run -p examples --bin identityx_custom_query` needs no account: the vendor is the
//! sandbox. With `--live` it asks IdentityX, with an administrator's session token in
//! `IDENTITYX_TOKEN`. `IDENTITYX_BASE_URL` overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use auth_sandbox::Sandbox;
use examples::operations::who_am_i::{OrganizationRole, Variables, WhoAmI};
use examples::{Outcome, address, needed};
use identityx_auth::graphql::Execute as _;
use identityx_auth::{Client, ClientBuilder, OrgUser};

#[tokio::main]
async fn main() -> Outcome {
    examples::run(on_the_sandbox, live).await
}

async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let identityx = sandbox.identityx();
    println!("IdentityX, emulated at {}", identityx.base_url());
    let client = Client::builder()
        .base_url(identityx.base_url())
        .clock(sandbox.clock())
        .build()?;
    let token = identityx.mint_org_user_session(identityx.org_user().email);
    ask(&client, OrgUser::from_jwt(token)?).await
}

async fn live() -> Outcome {
    let base_url = address("IDENTITYX_BASE_URL", ClientBuilder::DEFAULT_BASE_URL);
    println!("IdentityX, live at {base_url}");
    let client = Client::builder().base_url(base_url).build()?;
    ask(&client, OrgUser::from_jwt(needed("IDENTITYX_TOKEN")?)?).await
}

async fn ask(client: &Client, administrator: OrgUser) -> Outcome {
    let session = client.session(administrator).build()?;
    let data = session.execute::<WhoAmI>(Variables).await?;
    let user = data.active_user;
    println!("{} ({})", user.email, user.given_name.unwrap_or_default());
    for membership in data.user_organizations.into_iter().flatten() {
        // A role that the schema does not have is no error.
        let role = match membership.role {
            OrganizationRole::Other(unknown) => format!("{unknown}, whatever that is"),
            known => format!("{known:?}"),
        };
        println!("  {role} of {}", membership.organization.name);
    }
    println!("One request, with types that were generated before this was built.");
    Ok(())
}

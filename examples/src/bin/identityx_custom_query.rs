//! GraphQL operations of a program's own, with types that were generated from the schema that
//! comes along: see `graphql/who_am_i.graphql` and `tests/operations.rs`. An operation of an invented
//! service shows an interface: see `graphql/shop`.
//!
//! `cargo run -p examples --bin identityx_custom_query` needs no account: the vendor is the
//! sandbox. With `--live` it asks IdentityX, with an administrator's session token in
//! `IDENTITYX_TOKEN`. `IDENTITYX_BASE_URL` overrides the address.

#![allow(clippy::print_stdout, reason = "an example explains what it does")]

use auth_sandbox::Sandbox;
use examples::operations::who_am_i::{OrganizationRole, Variables, WhoAmI};
use examples::shop::products::{Address, ProductsProducts, ResponseData};
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
    let data = session.execute::<WhoAmI>(Variables::new(true)).await?;
    // Two fragments, merged into one type as the answer has it.
    let user = data.active_user;
    let names = [user.given_name, user.family_name];
    let name: Vec<_> = names.into_iter().flatten().collect();
    println!("{} ({})", user.email, name.join(" "));
    // `None` if they were not asked for.
    for membership in data.user_organizations.into_iter().flatten().flatten() {
        // A role that the schema does not have is no error.
        let role = match membership.role {
            OrganizationRole::Other(unknown) => format!("{unknown}, whatever that is"),
            known => format!("{known:?}"),
        };
        println!("  {role} of {}", membership.organization.name);
    }
    println!("One request, with types that were generated before this was built.");
    products()
}

/// What a service with an interface answers; the last product is of a type that the schema does not have.
fn products() -> Outcome {
    let answer = serde_json::json!({ "products": [
        {"__typename": "Book", "title": "Emma", "maker": {"name": "Murray", "city": "London"}, "pages": 474},
        {"__typename": "Record", "title": "Blue", "maker": {"name": "Reprise", "city": null}, "seller": null},
        {"__typename": "Poster", "title": "Paris", "maker": {"name": "Chaix", "city": "Paris"}},
    ]});
    let data: ResponseData = serde_json::from_value(answer)?;
    for product in &data.products {
        let what = match product {
            ProductsProducts::Book(book) => format!("{} pages", book.pages),
            ProductsProducts::Record(record) => match &record.seller {
                Some(seller) => format!("sold by {}", address_of(seller)),
                None => "not for sale".to_owned(),
            },
            ProductsProducts::Unknown(other) => format!("a new kind: {}", other.typename),
        };
        // Fields that every product has need no `match`.
        println!(
            "  {} by {}: {what}",
            product.title(),
            address_of(product.maker())
        );
    }
    Ok(())
}

/// A fragment that two fields spread is one type.
fn address_of(company: &Address) -> String {
    let city = company.city.as_deref().unwrap_or("an unknown place");
    format!("{} in {city}", company.name)
}

//! IdentityX: an app user's login link by e-mail, and a session that lasts until the vendor ends it.

use std::time::Duration;

use auth_sandbox::Sandbox;
use examples::{Outcome, ends_in, step};
use identityx_auth::{ApplicationId, Client, LoginLink, LoginLinkMail};

pub(crate) async fn on_the_sandbox() -> Outcome {
    let sandbox = Sandbox::start()?;
    let (identityx, clock) = (sandbox.identityx(), sandbox.clock());
    let client = Client::builder()
        .base_url(identityx.base_url())
        .clock(clock.clone())
        .build()?;
    let application = ApplicationId::new(identityx.application_id())?;
    let email = identityx.app_user().email;
    println!("\nIdentityX, emulated at {}", identityx.base_url());

    step(1, "IdentityX mails the user a link to your site");
    let auth_url = "https://www.example.test/user/authenticate";
    let mail = LoginLinkMail::new(email, auth_url)?.redirect_to("/account");
    client.send_app_user_login_link(&application, &mail).await?;

    step(2, "your site gets the link and trades its token");
    let mail = sandbox.inbox(email).latest().ok_or("no mail came")?;
    let link = LoginLink::parse(&mail.link_text().ok_or("the mail has no link")?.into())?;
    let login = client.log_in_app_user(&application, &link).await?;
    println!("  {} is {}", login.user.fingerprint(), login.profile.email);

    step(3, "a session puts token and application on every call");
    let session = client.session(login.user.clone()).build()?;
    let headers = session.headers().await?;
    println!(
        "  {} headers, {}",
        headers.len(),
        ends_in(session.expiry(), &clock)
    );

    step(4, "a year later, a part of the vendor's is down");
    clock.advance(Duration::from_secs(365 * 86_400));
    let user = session.auth_headers().await?;
    identityx.inner_service_down(true);
    let error = client.active_app_user(&user).await.err();
    println!("  {}", error.ok_or("an outage must be told")?);
    identityx.inner_service_down(false);
    let profile = client.active_app_user(&user).await?;
    println!("  and up again: {} is still logged in", profile.email);

    step(5, "the user logs out");
    session.log_out().await?;
    assert!(session.headers().await.is_err());
    println!("The vendor's outage looked like a bad token, and no user was logged out.");
    Ok(())
}

//! The inbox of an e-mail address.

use auth_sandbox::{EdgeIqUser, EqWorksUser, Fault, IdentityXOrgUser, MailKind, Sandbox};
use serde_json::json;

use crate::caller::edgeiq::EdgeIqCaller;
use crate::caller::eqworks::EqWorksCaller;
use crate::caller::identityx::{IdentityXCaller, SEND_ORG_LINK};
use crate::caller::{Caller, read};

#[tokio::test]
async fn one_address_gets_the_e_mails_of_all_vendors_in_their_order() {
    let sandbox = Sandbox::start().unwrap();
    let email = sandbox.iqm().user().email;
    sandbox.edgeiq().add_user(EdgeIqUser::new(email, "x"));
    sandbox.eqworks().add_user(EqWorksUser::new(email));
    let administrator = IdentityXOrgUser::new(email);
    sandbox.identityx().add_org_user(administrator);
    let inbox = sandbox.inbox(email);
    assert_eq!(inbox.count(), 0);
    assert!(inbox.latest().is_none());

    let reset = Caller::new(&sandbox).post("user/reset-password");
    read(reset.json(&json!({ "email": email }))).await;
    EdgeIqCaller::new(&sandbox).request_reset(email).await;
    EqWorksCaller::new(&sandbox).passcode(email, "atom").await;
    let identityx = IdentityXCaller::new(&sandbox);
    identityx
        .send(SEND_ORG_LINK, json!({ "email": email }))
        .await;

    let kinds = [
        ("iqm", MailKind::PasswordReset),
        ("edgeiq", MailKind::PasswordReset),
        ("eqworks", MailKind::MagicLink),
        ("identityx", MailKind::MagicLink),
    ];
    let mails = inbox.all();
    let found: Vec<_> = mails
        .iter()
        .map(|mail| (mail.vendor(), mail.kind()))
        .collect();
    assert_eq!(found, kinds);
    assert_eq!(inbox.count(), 4);
    assert_eq!(inbox.latest().unwrap().vendor(), "identityx");

    let reset = &mails[0];
    assert_eq!(reset.code(), sandbox.iqm().reset_hash(email).as_deref());
    assert!(reset.link().is_none() && reset.link_text().is_none());
    assert!(reset.expires_at().is_some());
    let passcode = &mails[2];
    assert_eq!(
        passcode.link_text(),
        passcode.link().map(reqwest::Url::as_str)
    );
}

#[tokio::test]
async fn an_address_is_the_same_in_any_case_and_another_one_is_not() {
    let sandbox = Sandbox::start().unwrap();
    let email = sandbox.eqworks().user().email;
    EqWorksCaller::new(&sandbox).passcode(email, "atom").await;
    assert_eq!(
        sandbox.inbox(format!(" {} ", email.to_uppercase())).count(),
        1
    );
    assert_eq!(
        sandbox.inbox(sandbox.eqworks().atom_user().email).count(),
        0
    );
}

#[tokio::test]
async fn debug_shows_neither_code_nor_link() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, eqworks) = (sandbox.edgeiq(), sandbox.eqworks());
    let (one, other) = (edgeiq.user().email, eqworks.user().email);
    EdgeIqCaller::new(&sandbox).request_reset(one).await;
    EqWorksCaller::new(&sandbox).passcode(other, "atom").await;
    IdentityXCaller::new(&sandbox).org_link().await;
    let administrator = sandbox.identityx().org_user().email;
    for inbox in [one, other, administrator].map(|address| sandbox.inbox(address)) {
        let debug = format!("{inbox:?} {:?}", inbox.latest());
        assert!(debug.contains("PasswordReset") || debug.contains("MagicLink"));
        let mail = inbox.latest().unwrap();
        for secret in [mail.code().unwrap(), mail.link().unwrap().as_str()] {
            assert!(!debug.contains(secret), "{secret} in {debug}");
        }
    }
    let debug = format!(
        "{edgeiq:?} {:?} {eqworks:?} {:?}",
        edgeiq.user(),
        eqworks.user()
    );
    assert!(!debug.contains(edgeiq.user().password));
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_an_e_mail_and_a_cut_connection_none() {
    let sandbox = Sandbox::start().unwrap();
    let user = sandbox.eqworks().user().email;
    let administrator = sandbox.identityx().org_user().email;
    let (eqworks, identityx) = (EqWorksCaller::new(&sandbox), IdentityXCaller::new(&sandbox));
    let passcode = || eqworks.request("login", &[("user", user)]);
    let link = || identityx.request(SEND_ORG_LINK, &json!({ "email": administrator }));
    for (fault, count) in [(Fault::cut(), 0), (Fault::lost_answer(), 1)] {
        sandbox.fault(fault.clone().on("eqworks.request_passcode"));
        passcode().send().await.unwrap_err();
        assert_eq!(sandbox.inbox(user).count(), count);
        sandbox.fault(fault.on("identityx.send_org_user_login_link"));
        link().send().await.unwrap_err();
        assert_eq!(sandbox.inbox(administrator).count(), count);
    }
}

//! Every vendor: faults in its shape, echoed secrets, the rate limit, the log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use auth_sandbox::{Fault, Sandbox, SandboxClock};
use serde_json::json;

use crate::caller::edgeiq::EdgeIqCaller;
use crate::caller::eqworks::EqWorksCaller;
use crate::caller::identityx::{ACTIVE_USER, IdentityXCaller, LOG_IN_ORG_USER, SEND_ORG_LINK};
use crate::caller::{Caller, Reply, read};

async fn one_call_each(sandbox: &Sandbox) -> [Reply; 4] {
    let (iqm, edgeiq) = (sandbox.iqm(), EdgeIqCaller::new(sandbox));
    let user = sandbox.eqworks().user().email;
    let administrator = sandbox.identityx().org_user().email;
    [
        read(Caller::new(sandbox).log_in_request(iqm.user())).await,
        edgeiq.authenticate(sandbox.edgeiq().user()).await,
        EqWorksCaller::new(sandbox)
            .get("login", &[("user", user)])
            .await,
        IdentityXCaller::new(sandbox)
            .send(SEND_ORG_LINK, json!({ "email": administrator }))
            .await,
    ]
}

#[tokio::test]
async fn a_fault_is_answered_in_the_shape_of_the_vendor_that_was_called() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.fault(Fault::status(503).always());
    let text = "The sandbox was told to answer like this.";
    let bodies = one_call_each(&sandbox).await.map(|reply| {
        assert_eq!(reply.status, 503);
        reply.body
    });
    let expected = [
        json!({ "success": false, "errorObjects": [{ "error": text }] }),
        json!({ "error": text, "messages": [text] }),
        json!({ "message": text, "statusCode": 503, "logLevel": "ERROR" }),
        json!({
            "errors": [{ "message": text, "extensions": { "code": "INTERNAL_SERVER_ERROR" } }],
        }),
    ];
    assert_eq!(bodies, expected);
    assert_eq!(sandbox.edgeiq().issued(), 0);
    assert_eq!(sandbox.inbox(sandbox.eqworks().user().email).count(), 0);
    let administrator = sandbox.identityx().org_user().email;
    assert_eq!(sandbox.inbox(administrator).count(), 0);
}

#[tokio::test]
async fn a_fault_waits_for_the_operation_of_its_vendor() {
    let sandbox = Sandbox::start().unwrap();
    for operation in [
        "iqm.log_in",
        "edgeiq.authenticate",
        "eqworks.request_passcode",
        "identityx.send_org_user_login_link",
    ] {
        sandbox.fault(Fault::status(500).on(operation));
        let replies = one_call_each(&sandbox).await;
        let failed = replies.iter().filter(|reply| reply.status == 500);
        assert_eq!(failed.count(), 1);
        assert_eq!(sandbox.pending_faults(), 0);
        assert_eq!(sandbox.log().last(operation).unwrap().status(), Some(500));
    }
}

#[tokio::test]
async fn an_echo_repeats_what_is_secret_at_each_vendor() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.fault(Fault::echo(403).always());
    let (edgeiq, eqworks) = (EdgeIqCaller::new(&sandbox), EqWorksCaller::new(&sandbox));
    let identityx = IdentityXCaller::new(&sandbox);
    let jwt = "header.claims.signature";
    let token = json!({ "token": jwt });
    let query = [("user", "a+b@a.test"), ("otp", "ABCDEF")];
    for (reply, secrets) in [
        (edgeiq.me("a-raw-token").await, &["a-raw-token"][..]),
        (
            edgeiq.set_password("a%2Ftoken%3D", "a new password").await,
            &["a%2Ftoken%3D", "a/token=", "a new password"],
        ),
        (
            eqworks.get("verify", &query).await,
            &["ABCDEF", "a+b@a.test", "a%2Bb%40a.test"],
        ),
        (eqworks.with_jwt("confirm", jwt, &[]).await, &[jwt]),
        (identityx.send(LOG_IN_ORG_USER, token).await, &[jwt]),
        (identityx.authorized(jwt, ACTIVE_USER).await, &[jwt]),
    ] {
        assert_eq!(reply.status, 403);
        let error = reply.body.pointer("/errors/0").unwrap_or(&reply.body);
        let text = error.get("error").or(error.get("message"));
        let text = text.unwrap().as_str().unwrap();
        for secret in secrets {
            assert!(text.contains(secret), "no {secret} in {text}");
        }
    }
}

#[tokio::test]
async fn each_vendor_has_a_rate_limit_of_its_own() {
    let builder = Sandbox::builder().clock(SandboxClock::frozen());
    let sandbox = builder.rate_limit(Some(2)).start().unwrap();
    for expected in [200, 200, 429] {
        for reply in one_call_each(&sandbox).await {
            assert_eq!(reply.status, expected);
            if expected == 429 {
                assert_eq!(reply.headers["retry-after"], "60");
                reply.assert(429, "the rate limit is used up");
                assert!(reply.body.is_object());
            }
        }
    }
}

#[tokio::test]
async fn the_log_shows_no_secret_of_any_vendor() {
    let sandbox = Sandbox::start().unwrap();
    let (edgeiq, eqworks) = (EdgeIqCaller::new(&sandbox), EqWorksCaller::new(&sandbox));
    let session = edgeiq.session().await;
    edgeiq.me(&session).await;
    edgeiq.set_password("a-reset-token", "a new password").await;
    let user = sandbox.eqworks().user().email;
    let otp = eqworks.passcode(user, "atom").await;
    eqworks
        .get("verify", &[("user", user), ("otp", &otp)])
        .await;
    eqworks.with_jwt("confirm", "a-bad-jwt", &[]).await;
    let identityx = IdentityXCaller::new(&sandbox);
    let mail = identityx.org_link().await;
    let link = mail.code().unwrap();
    let graphql = format!("OrgUser {}", identityx.org_session().await);
    identityx.authorized(&graphql, ACTIVE_USER).await.data();
    let token = json!({ "token": format!("{link}x") });
    identityx.send(LOG_IN_ORG_USER, token).await;
    let log = sandbox.log();
    assert_eq!(
        log.last("eqworks.verify").unwrap().query(),
        Some(&*format!("user=sue%40eqworks.example&otp={otp}"))
    );
    assert_eq!(
        log.last("edgeiq.me").unwrap().header("authorization"),
        Some(&*session)
    );
    let entry = log.last("identityx.active_org_user").unwrap();
    assert_eq!(entry.header("authorization"), Some(&*graphql));
    let entry = log.last("identityx.log_in_org_user").unwrap();
    assert!(entry.field("variables").unwrap().contains(link));
    let debug = format!("{log:?}");
    let password = sandbox.edgeiq().user().password;
    for secret in [
        &*session,
        "a-reset-token",
        "a new password",
        password,
        &otp,
        "a-bad-jwt",
        link,
        &graphql,
    ] {
        assert!(!debug.contains(secret), "{secret} in {debug}");
    }
}

#[test]
fn a_call_for_an_unknown_user_names_the_user_and_the_vendor() {
    let sandbox = Sandbox::start().unwrap();
    let panic_of = |call: &dyn Fn()| {
        let payload = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        payload.downcast_ref::<String>().unwrap().clone()
    };
    let (edgeiq, eqworks) = (sandbox.edgeiq(), sandbox.eqworks());
    let unknown = "unknown@a.test";
    let at_edgeiq = "the sandbox has no user \"unknown@a.test\" at EdgeIQ";
    let at_eqworks = "the sandbox has no user \"unknown@a.test\" at EQ Works";
    let identityx = sandbox.identityx();
    let (application, other) = (identityx.application_id(), identityx.other_application_id());
    let (ann, ada) = (identityx.app_user().email, identityx.org_user().email);
    let at_identityx = "the sandbox has no user \"unknown@a.test\" at IdentityX";
    let ann_at_identityx = "the sandbox has no user \"ann@identityx.example\" at IdentityX";
    for (call, expected) in [
        (
            &(|| edgeiq.set_password(unknown, "x")) as &dyn Fn(),
            at_edgeiq,
        ),
        (&|| _ = eqworks.mint_token(unknown, "atom"), at_eqworks),
        (&|| eqworks.revoke(unknown), at_eqworks),
        (&|| eqworks.end_access(unknown), at_eqworks),
        (&|| eqworks.remove_user(unknown), at_eqworks),
        (
            &|| _ = identityx.mint_app_user_session(application, unknown),
            at_identityx,
        ),
        (
            &|| _ = identityx.mint_app_user_session(other, ann),
            ann_at_identityx,
        ),
        (
            &|| _ = identityx.mint_org_user_session(unknown),
            at_identityx,
        ),
        (&|| _ = identityx.mint_api_token(unknown), at_identityx),
        (&|| identityx.revoke_api_token(unknown), at_identityx),
    ] {
        assert_eq!(panic_of(call), expected);
    }
    // None of them has left the vendor locked.
    assert!(eqworks.accepts(&eqworks.mint_token(eqworks.user().email, "atom")));
    assert_eq!(edgeiq.issued(), 0);
    assert!(identityx.accepts(&identityx.mint_org_user_session(ada)));
}

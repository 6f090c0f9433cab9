//! Each fault on a session's renewal: the session continues with a valid token.

use auth_sandbox::Sandbox;

use crate::matrix::{Vendor, all, guarded, moving, sandbox};
use crate::trouble::{IMPATIENT, PATIENT, TROUBLES, Trouble};

/// Every fault on the session's renewal, while its token is valid: that one stays in use, or a
/// newer one is; and when the fault is over, the session renews.
pub(crate) async fn assert_a_token_stays_in_use<V: Vendor>() {
    let outcomes = all(TROUBLES.map(|trouble| async move {
        let outcome = guarded(one::<V>(trouble)).await.and_then(|it| it);
        outcome.map_err(|complaint| format!("{trouble}: {complaint}"))
    }))
    .await;
    let complaints: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert!(
        complaints.is_empty(),
        "{} of {}'s session:\n{}",
        V::RENEWAL,
        V::NAME,
        complaints.join("\n")
    );
}

async fn one<V: Vendor>(trouble: Trouble) -> Result<(), String> {
    let sandbox = sandbox();
    let patient = V::client(&sandbox, PATIENT);
    let ready = V::ready(&sandbox, &patient).await;
    let client = if trouble.hangs() {
        V::client(&sandbox, IMPATIENT)
    } else {
        patient
    };
    let session = ready.session(&client).await;
    session
        .auth_headers()
        .await
        .map_err(|it| format!("no first token: {it:?}"))?;

    let mut on = trouble.on(V::RENEWAL);
    sandbox.fault(on.fault.clone());
    sandbox.log().clear();
    let renewed = moving(sandbox.clock(), session.renew()).await;
    if sandbox.log().count(V::RENEWAL) == 0 {
        return Err("no renewal was sent".to_owned());
    }
    let in_use = async |when: &str, sandbox: &Sandbox| match session.auth_headers().await {
        Ok(auth_headers) if V::accepts(sandbox, &auth_headers) => Ok(()),
        Ok(_) => Err(format!(
            "{when}, the token in use is dead, after {renewed:?}"
        )),
        Err(error) => Err(format!("{when}, no token: {error:?}, after {renewed:?}")),
    };
    in_use("during the fault", &sandbox).await?;
    // What was held has its effect now, late.
    sandbox.clear_faults();
    on.release();
    sandbox.log().until_settled().await;
    in_use("after the fault", &sandbox).await?;
    let again = moving(sandbox.clock(), session.renew()).await;
    again.map_err(|it| format!("no renewal after the fault: {it:?}"))?;
    in_use("after a renewal", &sandbox).await
}

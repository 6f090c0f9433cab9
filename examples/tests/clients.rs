//! Each HTTP client of `other_clients` keeps the rules of `session.send`, with counts.

#![allow(
    clippy::unwrap_used,
    reason = "a failed unwrap in a test is a failed test"
)]

use auth_sandbox::Sandbox;
use examples::clients::{Answer, by_hand, by_middleware, by_tower, by_ureq};
use iqm_auth::{Client, Login, Session};

const CALL: &str = "iqm.profile";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Via {
    Tower,
    Middleware,
    Ureq,
    Hand,
}

const ALL: [Via; 4] = [Via::Tower, Via::Middleware, Via::Ureq, Via::Hand];

impl Via {
    async fn call(self, session: Session, url: String) -> Answer {
        match self {
            Self::Tower => by_tower(&session, &url).await,
            Self::Middleware => by_middleware(&session, &url).await,
            Self::Ureq => {
                let call = move || by_ureq(&session, &url);
                tokio::task::spawn_blocking(call).await.unwrap()
            }
            Self::Hand => by_hand(&session, &url).await,
        }
    }

    /// Whether it sends a refused request again.
    fn resends(self) -> bool {
        self != Self::Hand
    }
}

async fn set_up() -> (Sandbox, Session, String) {
    let sandbox = Sandbox::start().unwrap();
    let iqm = sandbox.iqm();
    let client = Client::builder(iqm.client_id(), iqm.client_secret())
        .base_url(iqm.base_url())
        .clock(sandbox.clock())
        .build()
        .unwrap();
    let user = iqm.user();
    let session = client
        .session(Login::password(user.email, user.password))
        .build()
        .unwrap();
    session.headers().await.unwrap();
    let url = format!("{}api/v3/ua/profile", iqm.base_url());
    (sandbox, session, url)
}

#[tokio::test]
async fn a_valid_token_is_sent_once_and_a_refused_one_is_renewed() {
    for via in ALL {
        let (sandbox, session, url) = set_up().await;
        let (status, body) = via.call(session.clone(), url.clone()).await.unwrap();
        assert_eq!(status, 200, "{via:?}");
        assert!(
            std::str::from_utf8(&body)
                .unwrap()
                .contains("user1@iqm.com")
        );
        sandbox.log().assert_count(CALL, 1);
        sandbox.log().assert_count("iqm.refresh", 0);

        sandbox.iqm().revoke_access_tokens("user1@iqm.com");
        sandbox.log().clear();
        let (status, _) = via.call(session, url).await.unwrap();
        let (calls, renewals) = if via.resends() { (2, 1) } else { (1, 0) };
        assert_eq!(status.is_success(), via.resends(), "{via:?}");
        sandbox.log().assert_count(CALL, calls);
        sandbox.log().assert_count("iqm.refresh", renewals);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_refusals_at_once_cause_one_renewal_and_one_more_request_each_at_most() {
    for via in ALL.into_iter().filter(|via| via.resends()) {
        let (sandbox, session, url) = set_up().await;
        sandbox.iqm().revoke_access_tokens("user1@iqm.com");
        sandbox.log().clear();
        let calls = (0..20).map(|_| tokio::spawn(via.call(session.clone(), url.clone())));
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap().unwrap().0, 200, "{via:?}");
        }
        let sent = sandbox.log().count(CALL);
        assert!((21..=40).contains(&sent), "{via:?}: {sent} requests");
        sandbox.log().assert_count("iqm.refresh", 1);
    }
}

#[tokio::test]
async fn a_foreign_host_gets_nothing() {
    let other = Sandbox::start().unwrap();
    for via in ALL {
        let (_sandbox, session, _) = set_up().await;
        let foreign = format!("{}api/v3/ua/profile", other.iqm().base_url());
        let port = other.iqm().base_url().port().unwrap();
        let error = via.call(session, foreign).await.unwrap_err().to_string();
        assert!(
            error.contains(&format!("127.0.0.1:{port}")),
            "{via:?}: {error}"
        );
    }
    assert_eq!(other.log().entries().len(), 0);
}

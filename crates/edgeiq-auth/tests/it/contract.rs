//! Every call that the vendor documents: what is sent, and each documented response.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use auth_core::Clock as _;
use auth_sandbox::{EdgeIqRefusals, EdgeIqSessionExpiresAt, Fault, Sandbox, SandboxClock};
use edgeiq_auth::{ApiToken, ErrorKind, Expiry, ExposeSecret as _, Lifetime, SecretString, Token};
use vendor_tests::assert_refused;

use crate::set_up::{
    LIFETIME, authenticate, client, email, log_in, only, password, sandbox, sandbox_with,
};

const HOUR: Duration = Duration::from_secs(3_600);
const MILLISECOND: Duration = Duration::from_millis(1);
const REFUSED_TOKEN: &str = "the token was refused: Not Authorized";
const REFUSALS: [EdgeIqRefusals; 3] = {
    use EdgeIqRefusals::{Json, Mixed, Text};
    [Mixed, Text, Json]
};

/// The one request of `operation`: the call, the token that it carries, and the body.
#[track_caller]
pub(crate) fn sent(sandbox: &Sandbox, operation: &str) -> String {
    let entry = only(sandbox, operation);
    let json = Some("application/json");
    let agent = Some(concat!("edgeiq-auth/", env!("CARGO_PKG_VERSION")));
    for (name, value) in [
        ("accept", json),
        ("content-type", json),
        ("user-agent", agent),
    ] {
        assert_eq!(entry.header(name), value);
    }
    assert_eq!((entry.query(), entry.hint()), (None, None));
    let path = entry.path().strip_prefix("/edgeiq/api/v1/platform/");
    let token = entry.header("authorization").unwrap_or("no token");
    let (method, path, body) = (entry.method(), path.unwrap(), entry.body());
    format!("{method} {path} ({token}) {body}")
}

#[tokio::test]
async fn a_token_from_elsewhere_is_used_until_its_end() {
    let sandbox = sandbox();
    let (client, issued) = (client(&sandbox), log_in(&sandbox).await);
    let access = issued.access_token().expose_secret();
    let given = Token::new(format!(" {access}\n"), issued.expiry()).with_account(email(&sandbox));
    let session = client.session(given).build().unwrap();
    let headers = session.auth_headers().await.unwrap();
    client.me(&headers).await.unwrap();
    sandbox.clock().advance(LIFETIME);
    let error = session.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    sandbox.log().assert_count("edgeiq.authenticate", 1);
}

#[tokio::test]
async fn a_log_in_gives_a_token_for_four_hours_and_the_user() {
    let sandbox = sandbox();
    let authenticated = authenticate(&sandbox, Lifetime::Default).await.unwrap();
    let (token, user) = (authenticated.token, authenticated.user);
    let access = token.access_token().expose_secret();
    assert!(sandbox.edgeiq().accepts(access));
    let now = sandbox.clock().now().wall();
    assert_eq!(token.issued_at(), now);
    assert_eq!(token.expiry(), Expiry::At(now + LIFETIME));
    assert_eq!(token.account(), Some(email(&sandbox)));

    let known = sandbox.edgeiq().user();
    assert_eq!(user.email.as_deref(), Some(known.email));
    assert_eq!(user.first_name.as_deref(), Some(known.first_name));
    assert_eq!(user.last_name.as_deref(), Some(known.last_name));
    assert_eq!(user.company_id.as_deref(), Some(known.company_id));
    assert_eq!(user.company_ids, [known.company_id]);
    assert_eq!(user.user_type_id.unwrap().len(), 24);
    assert_eq!((user.user_type, user.role), (None, None));
    assert_eq!(user.id.unwrap().len(), 24);
    assert_eq!(user.session_token.unwrap().expose_secret(), access);
    assert_eq!(user.session_expires_at, Some(now + LIFETIME));

    assert_eq!(
        sent(&sandbox, "edgeiq.authenticate"),
        r#"POST user/authenticate (no token) {"email":"ed@edgeiq.example","password":"Edge-User-1!"}"#
    );
}

#[tokio::test]
async fn a_lifetime_is_sent_as_a_utc_moment_with_milliseconds() {
    // The vendor's sample is the moment that is asked for.
    let until = UNIX_EPOCH + Duration::from_millis(1_560_196_191_217);
    let clock = SandboxClock::frozen_at(until - HOUR);
    let sandbox = sandbox_with(|builder| builder.clock(clock));
    for lifetime in [Lifetime::For(HOUR), Lifetime::Until(until)] {
        sandbox.log().clear();
        let token = authenticate(&sandbox, lifetime).await.unwrap().token;
        assert_eq!(token.expiry(), Expiry::At(until));
        let sent = sent(&sandbox, "edgeiq.authenticate");
        assert!(
            sent.contains(r#""token_expiry":"2019-06-10T19:49:51.217Z""#),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn a_token_lives_for_a_week_at_the_most() {
    let sandbox = sandbox();
    let week = Lifetime::LONGEST;
    let token = authenticate(&sandbox, week).await.unwrap().token;
    let now = sandbox.clock().now().wall();
    assert_eq!(token.expiry(), Expiry::At(now + week));
    sandbox.clock().advance(week.saturating_sub(MILLISECOND));
    let access = token.access_token().expose_secret();
    assert!(sandbox.edgeiq().accepts(access));
}

#[tokio::test]
async fn a_lifetime_out_of_range_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let now = sandbox.clock().now().wall();
    let (past, long) = ("must end in the future", "a week at the most");
    let week_and_more = Lifetime::LONGEST + MILLISECOND;
    for (lifetime, text) in [
        (Lifetime::For(Duration::ZERO), past),
        (Lifetime::For(week_and_more), long),
        (Lifetime::For(Duration::MAX), long),
        (Lifetime::Until(now), past),
        (Lifetime::Until(now - MILLISECOND), past),
        (Lifetime::Until(UNIX_EPOCH), past),
        (Lifetime::Until(now + week_and_more), long),
    ] {
        let error = authenticate(&sandbox, lifetime).await.unwrap_err();
        assert_refused(&error, ErrorKind::InvalidConfig, text);
        assert_eq!(error.http_status(), None);
    }
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn without_a_readable_end_a_token_ends_as_asked_else_four_hours_after_it_was_asked_for() {
    use EdgeIqSessionExpiresAt::{Garbage, Missing};
    for form in [Missing, Garbage] {
        let sandbox = sandbox_with(|builder| builder.edgeiq_session_expires_at(form));
        let sent = sandbox.clock().now().wall();
        for (lifetime, expected) in [(Lifetime::Default, LIFETIME), (HOUR.into(), HOUR)] {
            let authenticated = authenticate(&sandbox, lifetime).await.unwrap();
            assert_eq!(authenticated.user.session_expires_at, None);
            let expiry = authenticated.token.expiry();
            assert_eq!(expiry, Expiry::At(sent + expected), "{form:?}");
        }
    }
}

#[tokio::test]
async fn a_vendor_whose_clock_differs_ends_the_token_at_the_same_moment() {
    let skew = Duration::from_secs(1_000);
    for ahead in [true, false] {
        let sandbox = sandbox_with(|builder| {
            if ahead {
                builder.server_ahead_by(skew)
            } else {
                builder.server_behind_by(skew)
            }
        });
        let Expiry::At(expiry) = log_in(&sandbox).await.expiry() else {
            panic!("the token never ends")
        };
        // A `Date` header has whole seconds.
        let end = sandbox.clock().now().wall() + LIFETIME;
        let apart = end
            .duration_since(expiry)
            .unwrap_or_else(|it| it.duration());
        assert!(apart <= Duration::from_secs(1), "{ahead}: {apart:?}");
    }
}

#[tokio::test]
async fn refused_credentials_are_sent_once_and_told_in_the_vendors_text() {
    for form in REFUSALS {
        let sandbox = sandbox_with(|builder| builder.edgeiq_refusals(form));
        let client = client(&sandbox);
        let wrong = (email(&sandbox), SecretString::from("not the password"));
        let unknown = ("no e-mail address", password(&sandbox));
        let of = |status, text| match form {
            EdgeIqRefusals::Mixed => (status, text),
            _ => (403, "Not authorized"),
        };
        for ((email, password), (status, text)) in [
            // The other word stands in the password.
            (wrong, of(401, "Invalid [redacted]")),
            (unknown, of(404, "not found")),
        ] {
            sandbox.log().clear();
            let logged_in = client
                .authenticate(email, &password, Lifetime::Default)
                .await;
            let reset = client.reset_api_token(email, &password).await;
            for error in [logged_in.unwrap_err(), reset.unwrap_err()] {
                let text = format!("the log-in was refused: {text}");
                assert_refused(&error, ErrorKind::InvalidCredentials, &text);
                assert_eq!(error.http_status(), Some(status));
            }
            sandbox.log().assert_count("edgeiq.authenticate", 1);
            sandbox.log().assert_count("edgeiq.reset_api_token", 1);
        }
    }
}

#[tokio::test]
async fn a_reset_of_the_permanent_token_ends_the_old_one() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let old = sandbox.edgeiq().api_token(email(&sandbox)).unwrap();
    let new = client
        .reset_api_token(email(&sandbox), &password(&sandbox))
        .await
        .unwrap();
    assert!(sandbox.edgeiq().accepts(new.secret().expose_secret()));
    assert_ne!(new.secret().expose_secret(), old);
    assert_eq!(new.account(), Some(email(&sandbox)));
    let old = ApiToken::new(old).auth_headers().unwrap();
    let error = client.me(&old).await.unwrap_err();
    assert_refused(&error, ErrorKind::TokenRejected, REFUSED_TOKEN);

    assert_eq!(
        sent(&sandbox, "edgeiq.reset_api_token"),
        r#"POST user/api_token_reset (no token) {"email":"ed@edgeiq.example","password":"Edge-User-1!"}"#
    );
}

#[tokio::test]
async fn a_permanent_token_never_ends_and_says_who_it_is() {
    let sandbox = sandbox();
    let text = sandbox.edgeiq().api_token(email(&sandbox)).unwrap();
    let headers = ApiToken::new(text.as_str()).auth_headers().unwrap();
    assert_eq!(headers.expiry(), Expiry::Never);
    sandbox.clock().advance(Lifetime::LONGEST * 1_000);
    let user = client(&sandbox).me(&headers).await.unwrap();
    assert_eq!(user.email.as_deref(), Some(email(&sandbox)));
    assert_eq!(user.api_token.unwrap().secret().expose_secret(), text);
    assert_eq!(sent(&sandbox, "edgeiq.me"), format!("GET me ({text}) "));
}

#[tokio::test]
async fn a_session_token_says_who_it_is_until_it_ends() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let token = log_in(&sandbox).await;
    let headers = token.auth_headers().unwrap();
    sandbox
        .clock()
        .advance(LIFETIME.saturating_sub(MILLISECOND));
    let user = client.me(&headers).await.unwrap();
    assert_eq!(user.email.as_deref(), Some(email(&sandbox)));
    let access = token.access_token().expose_secret();
    assert_eq!(sent(&sandbox, "edgeiq.me"), format!("GET me ({access}) "));

    sandbox.clock().advance(MILLISECOND);
    let error = client.me(&headers).await.unwrap_err();
    let text = "the token was refused: session expired";
    assert_refused(&error, ErrorKind::TokenRejected, text);
    assert_eq!(error.http_status(), Some(401));
}

#[tokio::test]
async fn a_refused_token_is_told_in_whatever_form_and_asked_about_once() {
    for form in REFUSALS {
        let sandbox = sandbox_with(|builder| builder.edgeiq_refusals(form));
        let headers = ApiToken::new("never issued").auth_headers().unwrap();
        let error = client(&sandbox).me(&headers).await.unwrap_err();
        assert_refused(&error, ErrorKind::TokenRejected, REFUSED_TOKEN);
        assert_eq!(error.http_status(), Some(403));
        sandbox.log().assert_count("edgeiq.me", 1);
    }
}

#[tokio::test]
async fn a_403_that_says_not_authorized_is_a_lacking_right_or_a_wrong_token() {
    let sandbox = sandbox();
    let (client, good) = (client(&sandbox), log_in(&sandbox).await);
    let error = client
        .why_not_authorized(&good.auth_headers().unwrap())
        .await;
    let text = "the token is valid, and its user lacks the right";
    assert_refused(&error, ErrorKind::Denied, text);
    assert_eq!(error.http_status(), None);

    let wrong = ApiToken::new("never issued").auth_headers().unwrap();
    let error = client.why_not_authorized(&wrong).await;
    assert_refused(&error, ErrorKind::TokenRejected, REFUSED_TOKEN);
    sandbox.fault(Fault::status(503).on("edgeiq.me").always());
    let error = client.why_not_authorized(&wrong).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn fields_that_no_document_lists_are_kept() {
    let sandbox = sandbox();
    let headers = log_in(&sandbox).await.auth_headers().unwrap();
    let user = client(&sandbox).me(&headers).await.unwrap();
    assert_eq!(user.other.get::<String>("origin").unwrap(), "sandbox");
    let metadata: BTreeMap<String, String> = user.other.get("metadata").unwrap();
    assert_eq!(metadata["theme"], "dark");
    assert_eq!(user.other.get::<u64>("origin"), None);
    // Those with a type of their own are not there a second time.
    for field in ["no such field", "api_token"] {
        assert_eq!(user.other.get::<String>(field), None);
    }
}

//! Every call that the vendor documents: what is sent, and each documented response.

use std::time::{Duration, UNIX_EPOCH};

use auth_core::Clock as _;
use auth_sandbox::{EdgeIqRefusals, EdgeIqSessionExpiresAt, Entry, SandboxClock};
use edgeiq_auth::{
    ApiToken, Error, ErrorKind, Expiry, ExposeSecret as _, LONGEST_LIFETIME, Lifetime, SecretString,
};

use crate::set_up::{LIFETIME, client, email, log_in, only, password, sandbox, sandbox_with};

const JSON: &str = "application/json";
const REFUSALS: [EdgeIqRefusals; 3] = [
    EdgeIqRefusals::Mixed,
    EdgeIqRefusals::Text,
    EdgeIqRefusals::Json,
];

/// What stands in every request besides the body.
#[track_caller]
pub(crate) fn assert_sent(entry: &Entry, method: &str, path: &str, authorization: Option<&str>) {
    assert_eq!(entry.method(), method);
    assert_eq!(entry.path(), format!("/edgeiq/api/v1/platform/{path}"));
    assert_eq!(entry.query(), None);
    assert_eq!(entry.header("content-type"), Some(JSON));
    assert_eq!(entry.header("accept"), Some(JSON));
    assert_eq!(entry.header("authorization"), authorization);
    let agent = concat!("edgeiq-auth/", env!("CARGO_PKG_VERSION"));
    assert_eq!(entry.header("user-agent"), Some(agent));
    assert_eq!(entry.hint(), None);
}

#[tokio::test]
async fn a_log_in_gives_a_token_for_four_hours_and_the_user() {
    let sandbox = sandbox();
    let authenticated = client(&sandbox)
        .authenticate(email(&sandbox), &password(&sandbox), Lifetime::Default)
        .await
        .unwrap();
    let (token, user) = (authenticated.token, authenticated.user);
    let access = token.access_token().expose_secret();
    assert!(sandbox.edgeiq().accepts(access));
    let now = sandbox.clock().now().wall();
    assert_eq!(token.issued_at(), now);
    assert_eq!(token.expiry(), Expiry::At(now + LIFETIME));

    let known = sandbox.edgeiq().user();
    assert_eq!(user.email.as_deref(), Some(known.email));
    assert_eq!(user.first_name.as_deref(), Some(known.first_name));
    assert_eq!(user.last_name.as_deref(), Some(known.last_name));
    assert_eq!(user.company_id.as_deref(), Some(known.company_id));
    assert_eq!(user.user_type.as_deref(), Some("Standard"));
    assert_eq!(user.id.unwrap().len(), 24);
    assert_eq!(user.session_token.unwrap().expose_secret(), access);
    assert_eq!(user.session_expires_at, Some(now + LIFETIME));

    let entry = only(&sandbox, "edgeiq.authenticate");
    assert_sent(&entry, "POST", "user/authenticate", None);
    assert_eq!(
        entry.body(),
        r#"{"email":"ed@edgeiq.example","password":"Edge-User-1!"}"#
    );
}

#[tokio::test]
async fn a_lifetime_is_sent_as_a_utc_moment_with_milliseconds() {
    // The vendor's sample is the moment that is asked for.
    let until = UNIX_EPOCH + Duration::from_millis(1_560_196_191_217);
    let clock = SandboxClock::frozen_at(until - Duration::from_secs(3_600));
    let sandbox = sandbox_with(|builder| builder.clock(clock));
    let hour = Duration::from_secs(3_600);
    for lifetime in [Lifetime::For(hour), Lifetime::Until(until)] {
        sandbox.log().clear();
        let token = client(&sandbox)
            .authenticate(email(&sandbox), &password(&sandbox), lifetime)
            .await
            .unwrap()
            .token;
        assert_eq!(token.expiry(), Expiry::At(until));
        let entry = only(&sandbox, "edgeiq.authenticate");
        let sent = entry.field("token_expiry");
        assert_eq!(sent.as_deref(), Some("2019-06-10T19:49:51.217Z"));
        assert_eq!(entry.hint(), None);
    }
}

#[tokio::test]
async fn a_token_lives_for_a_week_at_the_most() {
    let sandbox = sandbox();
    let token = client(&sandbox)
        .authenticate(
            email(&sandbox),
            &password(&sandbox),
            LONGEST_LIFETIME.into(),
        )
        .await
        .unwrap()
        .token;
    let now = sandbox.clock().now().wall();
    assert_eq!(token.expiry(), Expiry::At(now + LONGEST_LIFETIME));
    sandbox
        .clock()
        .advance(LONGEST_LIFETIME.saturating_sub(Duration::from_secs(1)));
    assert!(
        sandbox
            .edgeiq()
            .accepts(token.access_token().expose_secret())
    );
}

#[tokio::test]
async fn a_lifetime_out_of_range_is_refused_before_anything_is_sent() {
    let sandbox = sandbox();
    let now = sandbox.clock().now().wall();
    let millisecond = Duration::from_millis(1);
    for lifetime in [
        Lifetime::For(Duration::ZERO),
        Lifetime::For(LONGEST_LIFETIME + millisecond),
        Lifetime::For(Duration::MAX),
        Lifetime::Until(now),
        Lifetime::Until(now - millisecond),
        Lifetime::Until(UNIX_EPOCH),
        Lifetime::Until(now + LONGEST_LIFETIME + millisecond),
    ] {
        let error = client(&sandbox)
            .authenticate(email(&sandbox), &password(&sandbox), lifetime)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{lifetime:?}");
        let text = error.to_string();
        assert!(text.contains("week") || text.contains("future"), "{text}");
    }
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn without_a_readable_end_a_token_ends_as_asked_else_four_hours_after_it_was_asked_for() {
    for form in [
        EdgeIqSessionExpiresAt::Missing,
        EdgeIqSessionExpiresAt::Garbage,
    ] {
        let sandbox = sandbox_with(|builder| builder.edgeiq_session_expires_at(form));
        let sent = sandbox.clock().now().wall();
        let hour = Duration::from_secs(3_600);
        for (lifetime, expected) in [(Lifetime::Default, LIFETIME), (hour.into(), hour)] {
            let authenticated = client(&sandbox)
                .authenticate(email(&sandbox), &password(&sandbox), lifetime)
                .await
                .unwrap();
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
        let token = log_in(&sandbox).await;
        let end = sandbox.clock().now().wall() + LIFETIME;
        // A `Date` header has whole seconds.
        let Expiry::At(expiry) = token.expiry() else {
            panic!("{token:?}")
        };
        let apart = end
            .duration_since(expiry)
            .unwrap_or_else(|it| it.duration());
        assert!(apart <= Duration::from_secs(1), "{ahead}: {apart:?}");
    }
}

#[tokio::test]
async fn refused_credentials_are_sent_once_and_told_in_the_vendors_words() {
    for form in REFUSALS {
        let sandbox = sandbox_with(|builder| builder.edgeiq_refusals(form));
        let client = client(&sandbox);
        let wrong = SecretString::from("not the password");
        for (email, password) in [
            (email(&sandbox), &wrong),
            ("nobody@edgeiq.example", &password(&sandbox)),
        ] {
            sandbox.log().clear();
            let authenticated = client
                .authenticate(email, password, Lifetime::Default)
                .await;
            for error in [
                authenticated.unwrap_err(),
                client.reset_api_token(email, password).await.unwrap_err(),
            ] {
                assert!(
                    matches!(&error, Error::InvalidCredentials { message }
                        if message.eq_ignore_ascii_case("not authorized")
                            || message.contains("Not authorized")),
                    "{form:?}: {error:?}"
                );
                assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
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
    let error = client
        .me(&ApiToken::new(old).auth_headers().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);

    let entry = only(&sandbox, "edgeiq.reset_api_token");
    assert_sent(&entry, "POST", "user/api_token_reset", None);
    assert_eq!(
        entry.body(),
        r#"{"email":"ed@edgeiq.example","password":"Edge-User-1!"}"#
    );
}

#[tokio::test]
async fn a_permanent_token_never_ends_and_says_who_it_is() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let text = sandbox.edgeiq().api_token(email(&sandbox)).unwrap();
    let auth_headers = ApiToken::new(text.as_str()).auth_headers().unwrap();
    assert_eq!(auth_headers.expiry(), Expiry::Never);
    sandbox.clock().advance(LONGEST_LIFETIME * 1_000);
    let user = client.me(&auth_headers).await.unwrap();
    assert_eq!(user.email.as_deref(), Some(email(&sandbox)));
    let known = user.api_token.unwrap();
    assert_eq!(known.secret().expose_secret(), text);

    let entry = only(&sandbox, "edgeiq.me");
    assert_sent(&entry, "GET", "me", Some(&text));
    assert_eq!(entry.body(), "");
}

#[tokio::test]
async fn a_session_token_says_who_it_is_until_it_ends() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let token = log_in(&sandbox).await;
    let auth_headers = token.auth_headers().unwrap();
    sandbox
        .clock()
        .advance(LIFETIME.saturating_sub(Duration::from_secs(1)));
    let user = client.me(&auth_headers).await.unwrap();
    assert_eq!(user.email.as_deref(), Some(email(&sandbox)));
    let entry = only(&sandbox, "edgeiq.me");
    let access = token.access_token().expose_secret();
    assert_sent(&entry, "GET", "me", Some(access));

    sandbox.clock().advance(Duration::from_secs(1));
    let error = client.me(&auth_headers).await.unwrap_err();
    assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refused_token_is_told_in_whatever_form_and_asked_about_once() {
    for form in REFUSALS {
        let sandbox = sandbox_with(|builder| builder.edgeiq_refusals(form));
        let error = client(&sandbox)
            .me(&ApiToken::new("nobody's").auth_headers().unwrap())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::TokenRejected { message } if message == "Not Authorized"),
            "{form:?}: {error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::TokenRejected);
        sandbox.log().assert_count("edgeiq.me", 1);
    }
}

#[tokio::test]
async fn fields_that_nobody_lists_are_kept() {
    let sandbox = sandbox();
    let auth_headers = log_in(&sandbox).await.auth_headers().unwrap();
    let user = client(&sandbox).me(&auth_headers).await.unwrap();
    assert_eq!(user.other.get::<String>("origin").unwrap(), "sandbox");
    let metadata: std::collections::BTreeMap<String, String> = user.other.get("metadata").unwrap();
    assert_eq!(metadata["theme"], "dark");
    assert_eq!(user.other.get::<u64>("origin"), None);
    assert_eq!(user.other.get::<String>("no such field"), None);
    // Those with a type of their own are not there a second time.
    assert_eq!(user.other.get::<String>("api_token"), None);
}

//! Every call that the vendor documents: what is sent, and each documented response.

use std::time::Duration;

use auth_core::{Clock as _, Expiry};
use auth_sandbox::{Entry, Fault, IqmTokenEnvelope, IqmUser, Sandbox};
use base64::Engine as _;
use iqm_auth::{Client, Error, ErrorKind, ExposeSecret as _, SecretString, Token};

use crate::set_up::{LIFETIME, builder, client, log_in, only, password, sandbox, sandbox_with};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn basic(sandbox: &Sandbox) -> String {
    let iqm = sandbox.iqm();
    let pair = format!("{}:{}", iqm.client_id(), iqm.client_secret());
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

fn bearer(token: &Token) -> String {
    format!("Bearer {}", token.access_token().expose_secret())
}

/// What stands in a request besides the body.
#[track_caller]
fn assert_sent(entry: &Entry, method: &str, path: &str, content_type: Option<&str>) {
    assert_eq!(entry.method(), method);
    assert_eq!(entry.path(), format!("/iqm/{path}"));
    assert_eq!(entry.query(), None);
    assert_eq!(entry.header("content-type"), content_type);
    assert_eq!(entry.header("accept"), Some(JSON));
    let agent = concat!("iqm-auth/", env!("CARGO_PKG_VERSION"));
    assert_eq!(entry.header("user-agent"), Some(agent));
}

#[track_caller]
fn assert_authorized(entry: &Entry, token: &Token) {
    let ow_id = token.ow_id().unwrap().to_string();
    assert_eq!(entry.header("authorization"), Some(bearer(token).as_str()));
    assert_eq!(entry.header("x-iaa-ow-id"), Some(ow_id.as_str()));
}

fn wrong_client(sandbox: &Sandbox) -> Client {
    let iqm = sandbox.iqm();
    Client::builder(iqm.client_id(), "not the secret")
        .base_url(iqm.base_url())
        .clock(sandbox.clock())
        .build()
        .unwrap()
}

/// The same token, said to be of another workspace.
fn of_another_workspace(token: Token) -> Token {
    auth_core::Token::from(token)
        .with_attribute("owId", "299999")
        .into()
}

#[tokio::test]
async fn a_sign_up_gives_a_token_without_a_workspace() {
    let sandbox = sandbox();
    let user = sandbox.iqm().invited_user();
    let token = client(&sandbox)
        .sign_up(user.email, &user.password.into())
        .await
        .unwrap();
    let access = token.access_token().expose_secret();
    assert!(sandbox.iqm().accepts(access));
    assert!(token.refresh_token().is_some());
    assert_eq!((token.ow_id(), token.scope()), (None, Some("read write")));
    let end = sandbox.clock().now().wall() + LIFETIME;
    assert_eq!(token.expiry(), Expiry::At(end));

    let entry = only(&sandbox, "iqm.sign_up");
    assert_sent(&entry, "POST", "api/v3/ua/sign-up", Some(JSON));
    assert_eq!(
        entry.header("authorization"),
        Some(basic(&sandbox).as_str())
    );
    assert_eq!(
        entry.body(),
        r#"{"email":"invited@iqm.com","password":"Invited-1!"}"#
    );
}

#[tokio::test]
async fn a_sign_up_without_an_open_invitation_is_refused_with_the_vendors_reason() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().invited_user());
    let sign_up = async |email| client.sign_up(email, &user.password.into()).await;
    sign_up(user.email).await.unwrap();
    for email in [user.email, "nobody@iqm.com"] {
        let error = sign_up(email).await.unwrap_err();
        assert!(
            matches!(&error, Error::NotInvited { message } if message ==
            "User is not allowed to create a password: User is not invited or invitation is \
             processed or invitation is expired"),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_refused_wherever_it_is_sent() {
    let sandbox = sandbox();
    let (client, iqm) = (wrong_client(&sandbox), sandbox.iqm());
    let (email, password) = (iqm.user().email, password(&sandbox));
    let code = iqm.authorization_code(email, "https://example.com/").into();
    for error in [
        client.sign_up(email, &password).await.unwrap_err(),
        client.log_in(email, &password).await.unwrap_err(),
        client.log_in_oauth(email, &password).await.unwrap_err(),
        client
            .exchange_code(&code, "https://example.com/")
            .await
            .unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::InvalidCredentials { .. }),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
    let token = log_in(&sandbox).await;
    let error = client.refresh(&token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
}

#[tokio::test]
async fn a_log_in_gives_a_token_with_its_workspace() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    assert!(sandbox.iqm().accepts(token.access_token().expose_secret()));
    assert!(token.refresh_token().is_some());
    assert_eq!(token.ow_id(), Some(sandbox.iqm().user().ow_id));
    assert_eq!(token.scope(), Some("read write"));
    let end = sandbox.clock().now().wall() + LIFETIME;
    assert_eq!(token.expiry(), Expiry::At(end));

    let entry = only(&sandbox, "iqm.log_in");
    assert_sent(&entry, "POST", "api/v3/ua/login", Some(JSON));
    assert_eq!(
        entry.header("authorization"),
        Some(basic(&sandbox).as_str())
    );
    assert_eq!(entry.header("x-iaa-host"), None);
    assert_eq!(entry.header("x-iaa-ow-id"), None);
    assert_eq!(
        entry.body(),
        r#"{"grantType":"password","email":"user1@iqm.com","password":"123456"}"#
    );
}

#[tokio::test]
async fn a_log_in_to_a_workspace_names_its_host() {
    let sandbox = sandbox();
    let user = sandbox.iqm().workspace_user();
    let log_in = async |host: &str| {
        let client = builder(&sandbox).workspace_host(host).build().unwrap();
        client.log_in(user.email, &user.password.into()).await
    };
    for host in [user.workspace_host, "https://agency.example.com/"] {
        let token = log_in(host).await.unwrap();
        assert_eq!(token.ow_id(), Some(user.ow_id));
        let entry = sandbox.log().last("iqm.log_in").unwrap();
        assert_eq!(entry.header("x-iaa-host"), Some(host));
    }
    let error = log_in("other.example.com").await.unwrap_err();
    assert!(
        matches!(error, Error::InvalidCredentials { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_log_in_is_sent_once_and_says_why_in_the_vendors_words() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().user());
    for (email, password) in [
        (user.email, "not the password"),
        ("nobody@iqm.com", user.password),
    ] {
        sandbox.log().clear();
        let password = SecretString::from(password);
        for error in [
            client.log_in(email, &password).await.unwrap_err(),
            client.log_in_oauth(email, &password).await.unwrap_err(),
        ] {
            assert!(
                matches!(&error, Error::InvalidCredentials { message } if message ==
                "User doesn't exist or user is not allowed to provided workspace"),
                "{error:?}"
            );
            assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
        }
        sandbox.log().assert_count("iqm.log_in", 1);
        sandbox.log().assert_count("iqm.log_in_oauth", 1);
    }
}

#[tokio::test]
async fn an_account_on_hold_is_an_error_of_its_own_with_the_three_texts() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().on_hold_user());
    let password = user.password.into();
    for error in [
        client.log_in(user.email, &password).await.unwrap_err(),
        client
            .log_in_oauth(user.email, &password)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Denied);
        let Error::OnHold {
            status,
            reason,
            support_email,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(status, "On Hold");
        assert_eq!(reason, "Your account is on hold due to a missed payment.");
        assert_eq!(support_email, "support@iqm.com");
    }
}

#[tokio::test]
async fn an_oauth_log_in_sends_a_form_and_reads_both_forms_of_the_answer() {
    for envelope in [IqmTokenEnvelope::Enveloped, IqmTokenEnvelope::Bare] {
        let sandbox = sandbox_with(|builder| builder.iqm_token_envelope(envelope));
        let token = client(&sandbox)
            .log_in_oauth(sandbox.iqm().user().email, &password(&sandbox))
            .await
            .unwrap();
        assert!(sandbox.iqm().accepts(token.access_token().expose_secret()));
        assert_eq!(token.ow_id(), Some(sandbox.iqm().user().ow_id));

        let entry = only(&sandbox, "iqm.log_in_oauth");
        assert_sent(&entry, "POST", "api/v3/ua/oauth/token", Some(FORM));
        assert_eq!(
            entry.header("authorization"),
            Some(basic(&sandbox).as_str())
        );
        assert_eq!(
            entry.body(),
            "grant_type=password&username=user1%40iqm.com&password=123456"
        );
    }
}

#[tokio::test]
async fn a_refresh_sends_a_form_and_keeps_workspace_and_refresh_token() {
    let sandbox = sandbox();
    let old = log_in(&sandbox).await;
    sandbox.clock().advance(LIFETIME);
    let new = client(&sandbox).refresh(&old).await.unwrap();
    assert_ne!(new.fingerprint(), old.fingerprint());
    assert!(sandbox.iqm().accepts(new.access_token().expose_secret()));
    assert_eq!(new.ow_id(), old.ow_id());
    assert_eq!(
        new.expiry(),
        Expiry::At(sandbox.clock().now().wall() + LIFETIME)
    );
    let refresh_token = old.refresh_token().unwrap().expose_secret();
    assert_eq!(new.refresh_token().unwrap().expose_secret(), refresh_token);

    let entry = only(&sandbox, "iqm.refresh");
    assert_sent(&entry, "POST", "api/v3/ua/oauth/token", Some(FORM));
    assert_eq!(
        entry.header("authorization"),
        Some(basic(&sandbox).as_str())
    );
    assert_eq!(entry.header("x-iaa-ow-id"), None);
    let body = format!("grant_type=refresh_token&refresh_token={refresh_token}");
    assert_eq!(entry.body(), body);
}

#[tokio::test]
async fn a_dead_refresh_token_is_refused_after_one_request() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    sandbox
        .iqm()
        .revoke_refresh_tokens(sandbox.iqm().user().email);
    let error = client(&sandbox).refresh(&token).await.unwrap_err();
    assert!(
        matches!(&error, Error::TokenRejected { message } if message == "Invalid refresh token"),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
    sandbox.log().assert_count("iqm.refresh", 1);
}

#[tokio::test]
async fn a_token_without_a_refresh_token_is_not_sent_to_be_refreshed() {
    let sandbox = sandbox();
    let token = mfa_token(&sandbox).await;
    let error = client(&sandbox).refresh(&token).await.unwrap_err();
    assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    sandbox.log().assert_count("iqm.refresh", 0);
}

#[tokio::test]
async fn the_older_json_form_of_both_grants_is_an_option() {
    let sandbox = sandbox();
    let client = builder(&sandbox).json_grants(true).build().unwrap();
    let token = client
        .log_in_oauth(sandbox.iqm().user().email, &password(&sandbox))
        .await
        .unwrap();
    let entry = only(&sandbox, "iqm.log_in_oauth");
    assert_sent(&entry, "POST", "api/v3/ua/oauth/token", Some(JSON));
    assert_eq!(
        entry.body(),
        r#"{"grantType":"password","email":"user1@iqm.com","password":"123456"}"#
    );

    client.refresh(&token).await.unwrap();
    let entry = only(&sandbox, "iqm.refresh");
    assert_sent(&entry, "POST", "api/v3/ua/oauth/token", Some(JSON));
    let refresh_token = token.refresh_token().unwrap().expose_secret();
    let body = format!(r#"{{"grant_type":"refresh_token","refresh_token":"{refresh_token}"}}"#);
    assert_eq!(entry.body(), body);
}

#[tokio::test]
async fn an_authorization_code_is_traded_once() {
    let sandbox = sandbox();
    let (client, iqm) = (client(&sandbox), sandbox.iqm());
    let redirect_uri = "https://example.com/back?a=b";
    let minted = iqm.authorization_code(iqm.user().email, redirect_uri);
    let code = minted.clone().into();
    let token = client.exchange_code(&code, redirect_uri).await.unwrap();
    assert!(iqm.accepts(token.access_token().expose_secret()));
    assert!(token.refresh_token().is_some());

    let entry = only(&sandbox, "iqm.authorization_code");
    assert_sent(&entry, "POST", "api/v3/ua/oauth/token", Some(FORM));
    assert_eq!(
        entry.header("authorization"),
        Some(basic(&sandbox).as_str())
    );
    assert_eq!(
        entry.body(),
        format!(
            "grant_type=authorization_code&code={minted}\
             &redirect_uri=https%3A%2F%2Fexample.com%2Fback%3Fa%3Db\
             &client_id=iqm-sandbox-client&client_secret=iqm-sandbox-secret"
        )
    );

    let error = client.exchange_code(&code, redirect_uri).await.unwrap_err();
    assert!(
        matches!(error, Error::InvalidCredentials { .. }),
        "{error:?}"
    );
    sandbox.log().assert_count("iqm.authorization_code", 2);
}

#[tokio::test]
async fn a_log_out_kills_the_token() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    let auth_headers = token.auth_headers().unwrap();
    client.log_out(&auth_headers).await.unwrap();
    assert!(!sandbox.iqm().accepts(token.access_token().expose_secret()));

    let entry = only(&sandbox, "iqm.log_out");
    assert_sent(&entry, "POST", "api/v3/ua/logout", None);
    assert_authorized(&entry, &token);
    assert_eq!(entry.body(), "");

    let error = client.log_out(&auth_headers).await.unwrap_err();
    assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
    sandbox.log().assert_count("iqm.log_out", 2);
}

#[tokio::test]
async fn the_profile_tells_who_is_logged_in() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    let profile = client(&sandbox)
        .profile(&token.auth_headers().unwrap())
        .await
        .unwrap();
    assert_eq!(profile.ow_id, sandbox.iqm().user().ow_id);
    assert_eq!(profile.email, sandbox.iqm().user().email);
    assert_eq!(profile.first_name.as_deref(), Some("Sam"));
    assert_eq!(profile.last_name.as_deref(), Some("Sandbox"));
    assert_eq!(profile.display_name.as_deref(), Some("Sam Sandbox"));
    assert_eq!(
        profile.organization_name.as_deref(),
        Some("Sandbox Organization")
    );
    let parent: Option<String> = profile.other.get("parentOrganization");
    assert_eq!(parent.as_deref(), Some("Sandbox Holding"));
    assert_eq!(profile.other.get::<u64>("parentOrganization"), None);
    assert_eq!(profile.other.get::<String>("shoeSize"), None);

    let entry = only(&sandbox, "iqm.profile");
    assert_sent(&entry, "GET", "api/v3/ua/profile", None);
    assert_authorized(&entry, &token);
    assert_eq!(entry.body(), "");
}

#[tokio::test]
async fn the_profile_is_refused_to_a_dead_token_and_to_another_workspace() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    let auth_headers = of_another_workspace(token.clone()).auth_headers().unwrap();
    let error = client.profile(&auth_headers).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(
        error
            .to_string()
            .contains("not allowed to access provided workspace"),
        "{error}"
    );

    sandbox.iqm().revoke_all(sandbox.iqm().user().email);
    let auth_headers = token.auth_headers().unwrap();
    let error = client.profile(&auth_headers).await.unwrap_err();
    assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
    sandbox.log().assert_count("iqm.profile", 2);
}

#[tokio::test]
async fn an_mfa_code_is_sent_to_the_user_of_a_workspace() {
    let sandbox = sandbox();
    let user = sandbox.iqm().mfa_user();
    client(&sandbox).send_mfa_code(user.ow_id).await.unwrap();
    assert!(sandbox.iqm().mfa_code(user.email).is_some());

    let entry = only(&sandbox, "iqm.mfa_send");
    assert_sent(&entry, "POST", "api/v3/ua/auth/mfa/send", Some(JSON));
    assert_eq!(entry.header("authorization"), None);
    assert_eq!(entry.body(), r#"{"owId":200004}"#);
}

#[tokio::test]
async fn an_mfa_code_for_nobody_or_for_somebody_without_mfa_is_refused() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let error = client.send_mfa_code(299_999).await.unwrap_err();
    assert!(
        matches!(&error, Error::UnknownMfaUser { message }
        if message == "Invalid owId or user not found"),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let ow_id = sandbox.iqm().user().ow_id;
    let error = client.send_mfa_code(ow_id).await.unwrap_err();
    assert!(
        matches!(&error, Error::MfaNotConfigured { message }
        if message == "User MFA settings not configured"),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Denied);
    sandbox.log().assert_count("iqm.mfa_send", 2);
}

async fn mfa_token(sandbox: &Sandbox) -> Token {
    let (client, user) = (client(sandbox), sandbox.iqm().mfa_user());
    client.send_mfa_code(user.ow_id).await.unwrap();
    let code = sandbox.iqm().mfa_code(user.email).unwrap();
    client.verify_mfa_code(&code.into()).await.unwrap()
}

#[tokio::test]
async fn an_mfa_code_gives_a_token_without_a_refresh_token() {
    let sandbox = sandbox();
    let token = mfa_token(&sandbox).await;
    assert!(sandbox.iqm().accepts(token.access_token().expose_secret()));
    assert!(token.refresh_token().is_none());
    assert_eq!(token.ow_id(), Some(sandbox.iqm().mfa_user().ow_id));
    assert_eq!(
        token.expiry(),
        Expiry::At(sandbox.clock().now().wall() + LIFETIME)
    );

    let entry = only(&sandbox, "iqm.mfa_verify");
    assert_sent(&entry, "POST", "api/v3/ua/auth/mfa/verify", Some(JSON));
    assert_eq!(entry.header("authorization"), None);
    let code = entry.field("otp").unwrap();
    assert_eq!(entry.body(), format!(r#"{{"otp":"{code}"}}"#));
    assert_eq!(code.len(), 6);
}

#[tokio::test]
async fn a_wrong_or_old_mfa_code_is_refused() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().mfa_user());
    client.send_mfa_code(user.ow_id).await.unwrap();
    let old = sandbox.iqm().mfa_code(user.email).unwrap();
    sandbox.clock().advance(Duration::from_secs(600));
    for code in ["no code".to_owned(), old] {
        let error = client.verify_mfa_code(&code.into()).await.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidMfaCode { message }
            if message == "Invalid or expired MFA code"),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
    sandbox.log().assert_count("iqm.mfa_verify", 2);
}

#[tokio::test]
async fn a_right_mfa_code_of_somebody_who_may_not_log_in_is_denied() {
    let sandbox = sandbox();
    let (client, iqm, ow_id) = (client(&sandbox), sandbox.iqm(), 200_100);
    iqm.add_user(
        IqmUser::new("ann@example.com", "correct horse")
            .ow_id(ow_id)
            .mfa(),
    );
    client.send_mfa_code(ow_id).await.unwrap();
    iqm.set_on_hold("ann@example.com", true);
    let code = iqm.mfa_code("ann@example.com").unwrap();
    let error = client.verify_mfa_code(&code.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
}

#[tokio::test]
async fn a_reset_mail_is_asked_for_with_the_address_alone() {
    let sandbox = sandbox();
    let user = sandbox.iqm().user();
    let words = client(&sandbox).request_password_reset(user.email).await;
    assert_eq!(words.unwrap(), "Password reset email sent successfully.");
    assert!(sandbox.iqm().reset_hash(user.email).is_some());

    let entry = only(&sandbox, "iqm.request_password_reset");
    assert_sent(&entry, "POST", "api/v3/ua/user/reset-password", Some(JSON));
    assert_eq!(entry.header("authorization"), None);
    assert_eq!(entry.body(), r#"{"email":"user1@iqm.com"}"#);
}

#[tokio::test]
async fn a_reset_mail_to_an_unknown_address_is_refused() {
    let sandbox = sandbox();
    let error = client(&sandbox)
        .request_password_reset("nobody@iqm.com")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::UnknownEmail { message }
        if message == "The email is not available in the system"),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::NotFound);
    sandbox.log().assert_count("iqm.request_password_reset", 1);
}

async fn reset_hash(sandbox: &Sandbox) -> SecretString {
    let email = sandbox.iqm().user().email;
    client(sandbox).request_password_reset(email).await.unwrap();
    sandbox.iqm().reset_hash(email).unwrap().into()
}

#[tokio::test]
async fn a_reset_link_that_can_be_used_says_whose_it_is() {
    let sandbox = sandbox();
    let hash = reset_hash(&sandbox).await;
    let link = client(&sandbox)
        .validate_password_reset(&hash)
        .await
        .unwrap();
    assert!(link.is_valid);
    assert_eq!(link.email.as_deref(), Some(sandbox.iqm().user().email));
    assert_eq!(link.invalid_reason, None);

    let entry = only(&sandbox, "iqm.validate_password_reset");
    let path = "api/v3/ua/user/reset-password/validate";
    assert_sent(&entry, "POST", path, Some(JSON));
    assert_eq!(entry.header("authorization"), None);
    let body = format!(r#"{{"resetHash":"{}"}}"#, hash.expose_secret());
    assert_eq!(entry.body(), body);
}

#[tokio::test]
async fn a_reset_link_that_cannot_be_used_is_an_answer_with_a_reason() {
    let sandbox = sandbox();
    let (client, hash) = (client(&sandbox), reset_hash(&sandbox).await);
    let link = client
        .validate_password_reset(&"no such hash".into())
        .await
        .unwrap();
    assert!(!link.is_valid);
    assert_eq!(
        link.invalid_reason.as_deref(),
        Some("Reset link is not valid.")
    );

    sandbox.clock().advance(Duration::from_secs(86_400));
    let link = client.validate_password_reset(&hash).await.unwrap();
    assert!(!link.is_valid);
    assert_eq!(link.email.as_deref(), Some(sandbox.iqm().user().email));
    assert_eq!(
        link.invalid_reason.as_deref(),
        Some("Reset link is expired.")
    );
}

#[tokio::test]
async fn a_password_set_after_a_reset_logs_in() {
    let sandbox = sandbox();
    let (client, email) = (client(&sandbox), sandbox.iqm().user().email);
    let hash = reset_hash(&sandbox).await;
    client.validate_password_reset(&hash).await.unwrap();
    // It breaks the vendor's own rules: the vendor decides.
    let new = SecretString::from("abc");
    client.set_password(email, &new).await.unwrap();
    client.log_in(email, &new).await.unwrap();

    let entry = only(&sandbox, "iqm.set_password");
    assert_sent(&entry, "POST", "api/v3/ua/user/update-password", Some(JSON));
    assert_eq!(entry.header("authorization"), None);
    assert_eq!(
        entry.body(),
        r#"{"email":"user1@iqm.com","password":"abc"}"#
    );
}

#[tokio::test]
async fn a_password_is_not_set_without_a_valid_reset_although_the_vendor_says_success() {
    let sandbox = sandbox();
    let (client, email) = (client(&sandbox), sandbox.iqm().user().email);
    let new = SecretString::from("New-Pass-1!");
    let error = client.set_password(email, &new).await.unwrap_err();
    assert!(
        matches!(&error, Error::ResetRefused { reason }
        if reason == "Reset link is not valid."),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Denied);

    let hash = reset_hash(&sandbox).await;
    client.validate_password_reset(&hash).await.unwrap();
    sandbox.clock().advance(Duration::from_secs(86_400));
    let error = client.set_password(email, &new).await.unwrap_err();
    assert!(
        matches!(&error, Error::ResetRefused { reason }
        if reason == "Reset link is expired."),
        "{error:?}"
    );
    client.log_in(email, &password(&sandbox)).await.unwrap();
}

#[tokio::test]
async fn a_changed_password_logs_in() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    let (email, old) = (sandbox.iqm().user().email, password(&sandbox));
    let new = SecretString::from("New-Pass-1!");
    let auth_headers = token.auth_headers().unwrap();
    client
        .change_password(&auth_headers, &old, &new)
        .await
        .unwrap();

    let entry = only(&sandbox, "iqm.change_password");
    assert_sent(&entry, "POST", "api/v3/ua/user/password/reset", Some(JSON));
    assert_eq!(entry.header("authorization"), Some(bearer(&token).as_str()));
    assert_eq!(
        entry.body(),
        r#"{"oldPassword":"123456","newPassword":"New-Pass-1!"}"#
    );

    client.log_in(email, &new).await.unwrap();
    let error = client.log_in(email, &old).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
}

#[tokio::test]
async fn a_password_is_changed_neither_by_a_wrong_old_one_nor_by_a_dead_token() {
    let sandbox = sandbox();
    let (client, old) = (client(&sandbox), password(&sandbox));
    let new = SecretString::from("New-Pass-1!");
    let auth_headers = log_in(&sandbox).await.auth_headers().unwrap();
    let error = client
        .change_password(&auth_headers, &new, &new)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(
        error.to_string().contains("Old password is not correct"),
        "{error}"
    );

    sandbox.iqm().revoke_all(sandbox.iqm().user().email);
    let error = client
        .change_password(&auth_headers, &old, &new)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
    log_in(&sandbox).await;
}

#[tokio::test]
async fn each_status_that_the_vendor_uses_means_something_to_the_caller() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    let auth_headers = token.auth_headers().unwrap();
    for (status, kind) in [
        (400, ErrorKind::Denied),
        (401, ErrorKind::TokenRejected),
        (403, ErrorKind::Denied),
        (404, ErrorKind::NotFound),
        (408, ErrorKind::Unavailable),
        (412, ErrorKind::Denied),
        (422, ErrorKind::Denied),
        (429, ErrorKind::RateLimited { retry_after: None }),
        (500, ErrorKind::Unavailable),
    ] {
        sandbox.fault(Fault::status(status).on("iqm.profile").always());
        let error = client.profile(&auth_headers).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error:?}");
        sandbox.clear_faults();
    }
}

//! Every call that the vendor documents: what is sent, and each documented response.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use auth_core::{Clock as _, Expiry};
use auth_sandbox::{Entry, Fault, IqmTokenEnvelope, IqmUser, Sandbox};
use base64::Engine as _;
use iqm_auth::ErrorKind::{
    Denied, InteractionRequired, InvalidConfig, InvalidCredentials, NotFound, RateLimited,
    TokenRejected, Unavailable,
};
use iqm_auth::store::MemoryStore;
use iqm_auth::{
    Client, Error, ErrorKind, ExposeSecret as _, Login, PendingLogin, SecretString, Token,
};

use crate::set_up::{
    LIFETIME, assert_refused, builder, client, email, log_in, password, pending, sandbox,
    sandbox_with,
};

const URI: &str = "https://example.com/back?a=b";

/// A request as it was sent, without the headers of the connection and those that all have.
fn text(entry: &Entry) -> String {
    let of_all = [
        "accept: application/json\n",
        concat!("user-agent: iqm-auth/", env!("CARGO_PKG_VERSION"), "\n"),
    ];
    let mut headers: Vec<_> = entry
        .headers()
        .filter(|(name, _)| !["host", "content-length"].contains(name))
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    headers.sort();
    for header in of_all {
        assert!(headers.iter().any(|it| it == header), "no {header} {entry}");
    }
    headers.retain(|header| !of_all.contains(&header.as_str()));
    let query = entry.query().map(|query| format!("?{query}"));
    let (method, path, query) = (entry.method(), entry.path(), query.unwrap_or_default());
    format!(
        "{method} {path}{query}\n{}{}",
        headers.concat(),
        entry.body()
    )
}

/// The token that a request carried.
fn bearer(entry: &Entry) -> String {
    let value = entry.header("authorization").unwrap();
    value.strip_prefix("Bearer ").unwrap().to_owned()
}

/// What the client of `every_call_is_sent_as_the_vendor_documents_it` sends.
const REQUESTS: &str = r#"POST /iqm/api/v3/ua/sign-up
authorization: Basic <client>
content-type: application/json
{"email":"invited@iqm.com","password":"Invited-1!"}

POST /iqm/api/v3/ua/login
authorization: Basic <client>
content-type: application/json
{"grantType":"password","email":"user1@iqm.com","password":"123456"}

POST /iqm/api/v3/ua/oauth/token
authorization: Basic <client>
content-type: application/x-www-form-urlencoded
grant_type=password&username=user1%40iqm.com&password=123456

POST /iqm/api/v3/ua/oauth/token
authorization: Basic <client>
content-type: application/x-www-form-urlencoded
grant_type=refresh_token&refresh_token=<refresh>

POST /iqm/api/v3/ua/oauth/token
authorization: Basic <client>
content-type: application/json
{"grantType":"password","email":"user1@iqm.com","password":"123456"}

POST /iqm/api/v3/ua/oauth/token
authorization: Basic <client>
content-type: application/json
{"grant_type":"refresh_token","refresh_token":"<refresh>"}

POST /iqm/api/v3/ua/oauth/token
authorization: Basic <client>
content-type: application/x-www-form-urlencoded
grant_type=authorization_code&redirect_uri=https%3A%2F%2Fexample.com%2Fback%3Fa%3Db&client_id=iqm-sandbox-client&scope=write&code=<code>&client_secret=iqm-sandbox-secret

POST /iqm/api/v3/ua/login
authorization: Basic <client>
content-type: application/json
{"grantType":"password","email":"mfa@iqm.com","password":"Mfa-User-1!"}

POST /iqm/api/v3/ua/auth/mfa/send
authorization: Bearer <pending>
content-type: application/json
x-iaa-ow-id: 200004
{"owId":200004}

POST /iqm/api/v3/ua/auth/mfa/verify
authorization: Bearer <pending>
content-type: application/json
x-iaa-ow-id: 200004
{"otp":"<otp>"}

POST /iqm/api/v3/ua/user/reset-password
content-type: application/json
{"email":"user1@iqm.com"}

POST /iqm/api/v3/ua/user/reset-password/validate
content-type: application/json
{"inviteHash":"<hash>","resetHash":"<hash>"}

POST /iqm/api/v3/ua/user/update-password
content-type: application/json
{"email":"user1@iqm.com","password":"abc","inviteHash":"<hash>"}

GET /iqm/api/v3/ua/user/ow-id
authorization: Bearer <access>

GET /iqm/api/v3/ua/user/accessible-organizations
authorization: Bearer <access>

GET /iqm/api/v3/ua/profile
authorization: Bearer <access>
x-iaa-ow-id: 200001

POST /iqm/api/v3/ua/user/password/reset
authorization: Bearer <access>
content-type: application/json
x-iaa-ow-id: 200001
{"oldPassword":"abc","newPassword":"New-Pass-1!"}

POST /iqm/api/v3/ua/logout
authorization: Bearer <access>
x-iaa-ow-id: 200001"#;

#[tokio::test]
async fn every_call_is_sent_as_the_vendor_documents_it() {
    let sandbox = sandbox();
    let (client, iqm, email) = (client(&sandbox), sandbox.iqm(), email(&sandbox));
    let (password, invited) = (password(&sandbox), iqm.invited_user());
    let (first, second) = ("abc".into(), "New-Pass-1!".into());
    let (id, secret) = (iqm.client_id(), iqm.client_secret());
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));

    let signed_up = client
        .sign_up(invited.email, &invited.password.into())
        .await;
    signed_up.unwrap();
    let token = client.log_in(email, &password).await.unwrap();
    client.log_in_oauth(email, &password).await.unwrap();
    client.refresh(&token).await.unwrap();
    let json = builder(&sandbox).json_grants(true).build().unwrap();
    json.log_in_oauth(email, &password).await.unwrap();
    let token = json.refresh(&token).await.unwrap();
    let code = iqm.authorization_code(email, URI);
    let exchanged = client
        .exchange_code(&code.as_str().into(), URI, Some("write"))
        .await;
    exchanged.unwrap();
    let pending = pending(&sandbox).await;
    client.send_mfa_code(&pending).await.unwrap();
    let otp = iqm.mfa_code(iqm.mfa_user().email).unwrap();
    assert_eq!(otp.len(), 6);
    // Pasted with a blank.
    let verified = client
        .verify_mfa_code(&pending, &format!(" {otp}\n").into())
        .await;
    verified.unwrap();
    let told = client.request_password_reset(email).await.unwrap();
    assert_eq!(told, "Email with reset password link sent successfully.");
    let hash = iqm.reset_hash(email).unwrap();
    let link = client.validate_password_reset(&hash.as_str().into()).await;
    assert!(link.unwrap().is_valid);
    // It breaks the vendor's own rules: the vendor decides.
    let set = client
        .set_password(email, &first, Some(&hash.as_str().into()))
        .await;
    set.unwrap();
    let headers = token.auth_headers().unwrap();
    client.ow_id(&headers).await.unwrap();
    client.workspaces(&headers).await.unwrap();
    client.profile(&headers).await.unwrap();
    let changed = client.change_password(&headers, &first, &second).await;
    changed.unwrap();
    client.log_out(&headers).await.unwrap();
    let access = token.access_token().expose_secret();
    let pending = bearer(&sandbox.log().last("iqm.mfa_send").unwrap());
    assert!(!iqm.accepts(access));

    let refresh = token.refresh_token().unwrap().expose_secret();
    let (log, expected) = (sandbox.log().entries(), REQUESTS.split("\n\n"));
    assert_eq!(log.len(), expected.clone().count());
    for (entry, expected) in log.iter().zip(expected) {
        let expected = [
            ("<client>", basic.as_str()),
            ("<access>", access),
            ("<refresh>", refresh),
            ("<pending>", &pending),
            ("<code>", &code),
            ("<otp>", &otp),
            ("<hash>", &hash),
        ]
        .iter()
        .fold(expected.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        });
        assert_eq!(text(entry).trim_end(), expected);
    }
}

#[tokio::test]
async fn a_token_carries_what_the_vendor_sent_and_whose_it_is() {
    for envelope in [IqmTokenEnvelope::Enveloped, IqmTokenEnvelope::Bare] {
        let sandbox = sandbox_with(|builder| builder.iqm_token_envelope(envelope));
        let (client, iqm, email) = (client(&sandbox), sandbox.iqm(), email(&sandbox));
        let (password, invited) = (password(&sandbox), iqm.invited_user());
        let ow_id = Some(iqm.user().ow_id);
        let code = iqm.authorization_code(email, URI).into();
        let logged_in = client.log_in(email, &password).await;
        let refreshed = client.refresh(logged_in.as_ref().unwrap()).await;
        let signed_up = client
            .sign_up(invited.email, &invited.password.into())
            .await;
        for (token, ow_id, account) in [
            (logged_in, ow_id, Some(email)),
            (refreshed, ow_id, Some(email)),
            (
                client.log_in_oauth(email, &password).await,
                ow_id,
                Some(email),
            ),
            (client.exchange_code(&code, URI, None).await, ow_id, None),
            (signed_up, None, Some(invited.email)),
            (
                Ok(mfa_token(&sandbox).await),
                Some(iqm.mfa_user().ow_id),
                Some(iqm.mfa_user().email),
            ),
        ] {
            let token = token.unwrap();
            assert!(iqm.accepts(token.access_token().expose_secret()));
            assert_eq!((token.ow_id(), token.account()), (ow_id, account));
            let by_mfa = ow_id == Some(iqm.mfa_user().ow_id);
            assert_eq!(token.refresh_token().is_none(), by_mfa);
            assert_eq!(token.scope(), (!by_mfa).then_some("read write"));
            let end = sandbox.clock().now().wall() + LIFETIME;
            assert_eq!(token.expiry(), Expiry::At(end));
        }
    }
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
    // The rest of the text stands in the password, too, and is redacted.
    let text = "the log-in was refused: User doesn't exist or user is not allowed to provided";
    let refusal = (403, InvalidCredentials, text);
    assert_refusal(log_in("other.example.com").await, refusal);
}

#[tokio::test]
async fn a_refresh_gives_another_token_of_the_same_workspace_and_account() {
    let sandbox = sandbox();
    let old = log_in(&sandbox).await;
    sandbox.clock().advance(LIFETIME);
    let new = client(&sandbox).refresh(&old).await.unwrap();
    assert_ne!(new.fingerprint(), old.fingerprint());
    assert!(sandbox.iqm().accepts(new.access_token().expose_secret()));
    assert_eq!((new.ow_id(), new.account()), (old.ow_id(), old.account()));
    let refresh = |token: &Token| token.refresh_token().unwrap().expose_secret().to_owned();
    assert_eq!(refresh(&new), refresh(&old));
    let end = sandbox.clock().now().wall() + LIFETIME;
    assert_eq!(new.expiry(), Expiry::At(end));
}

/// The same token, as another program knows it.
fn from_elsewhere(token: &Token) -> Token {
    let refresh = token.refresh_token().unwrap().expose_secret();
    let access = token.access_token().expose_secret();
    Token::new(format!("{access}\n"), token.expiry())
        .with_refresh_token(refresh)
        .with_ow_id(token.ow_id().unwrap())
        .with_scope("read write")
        .with_account(token.account().unwrap())
}

#[tokio::test]
async fn a_token_from_elsewhere_has_every_header_and_is_renewed() {
    let sandbox = sandbox();
    let (client, issued) = (client(&sandbox), log_in(&sandbox).await);
    let given = from_elsewhere(&issued);
    assert_eq!(given.scope(), Some("read write"));
    let headers = given.auth_headers().unwrap();
    assert_eq!(headers.headers(), issued.auth_headers().unwrap().headers());
    client.profile(&headers).await.unwrap();

    sandbox.clock().advance(Duration::from_secs(3_600));
    let store = MemoryStore::new();
    let start = || client.session(given.clone()).store(store.clone()).build();
    let renewed = start().unwrap().renew().await.unwrap();
    assert!(renewed.headers().contains_key("x-iaa-ow-id"));
    sandbox.log().assert_count("iqm.refresh", 1);
    // The next start has the same settings, and continues with what the store got for them.
    let again = start().unwrap();
    while again.auth_headers().await.unwrap().fingerprint() != renewed.fingerprint() {
        tokio::task::yield_now().await;
    }
    sandbox.log().assert_count("iqm.refresh", 1);
}

#[tokio::test]
async fn a_token_without_a_refresh_token_is_not_sent_to_be_refreshed() {
    let sandbox = sandbox();
    let token = mfa_token(&sandbox).await;
    let error = client(&sandbox).refresh(&token).await.unwrap_err();
    assert_refused(
        &error,
        InteractionRequired,
        "the token has no refresh token",
    );
    assert_eq!(error.http_status(), None);
    sandbox.log().assert_count("iqm.refresh", 0);
}

/// A refusal: its status, and what the caller is told.
type Refusal<'a> = (u16, ErrorKind, &'a str);

/// What the vendor says of a reset link that has expired or was used.
const INACTIVE: &str = "Reset password link either not valid or it is already processed.";

const LOG_IN_REFUSED: Refusal<'static> = (
    403,
    InvalidCredentials,
    "the log-in was refused: User doesn't exist or user is not allowed to provided workspace",
);
const CLIENT_REFUSED: Refusal<'static> = (
    401,
    InvalidCredentials,
    "the log-in was refused: Client authentication failed",
);
const ON_HOLD: Refusal<'static> = (
    400,
    Denied,
    "the account is On Hold: The particular account is kept on hold due to missed payment dates \
     for last 3 months. (contact support@iqm.com)",
);
const NOT_INVITED: Refusal<'static> = (
    403,
    Denied,
    "the sign-up was refused: User is not allowed to create a password: \
     User is not invited or invitation is processed or invitation is expired",
);

const TOKEN_REFUSED: Refusal<'static> = (401, TokenRejected, "the token was refused: ");

#[track_caller]
fn assert_refusal(outcome: Result<impl Debug, Error>, (status, kind, text): Refusal<'_>) {
    let error = outcome.unwrap_err();
    assert_refused(&error, kind, text);
    assert_eq!(error.http_status(), Some(status), "{error:?}");
}

#[tokio::test]
async fn a_refused_log_in_is_sent_once_and_says_why() {
    let sandbox = sandbox();
    let (iqm, email, right) = (sandbox.iqm(), email(&sandbox), password(&sandbox));
    let (on_hold, invited) = (iqm.on_hold_user(), iqm.invited_user());
    let (client, stranger) = (client(&sandbox), Client::builder(iqm.client_id(), "wrong"));
    let stranger = stranger.base_url(iqm.base_url()).clock(sandbox.clock());
    let stranger = stranger.build().unwrap();
    for (client, email, password, refusal) in [
        (&client, email, "wrong", LOG_IN_REFUSED),
        (&client, "no-one@iqm.com", "123456", LOG_IN_REFUSED),
        (&client, on_hold.email, on_hold.password, ON_HOLD),
        (&stranger, email, "123456", CLIENT_REFUSED),
    ] {
        sandbox.log().clear();
        let password = SecretString::from(password);
        assert_refusal(client.log_in(email, &password).await, refusal);
        assert_refusal(client.log_in_oauth(email, &password).await, refusal);
        sandbox.log().assert_count("iqm.log_in", 1);
        sandbox.log().assert_count("iqm.log_in_oauth", 1);
    }

    let password = invited.password.into();
    let refused = stranger.sign_up(invited.email, &password).await;
    assert_refusal(refused, CLIENT_REFUSED);
    client.sign_up(invited.email, &password).await.unwrap();
    for email in [invited.email, "no-one@iqm.com"] {
        assert_refusal(client.sign_up(email, &password).await, NOT_INVITED);
    }

    let code = iqm.authorization_code(email, URI).into();
    assert_refusal(
        stranger.exchange_code(&code, URI, None).await,
        CLIENT_REFUSED,
    );
    client.exchange_code(&code, URI, None).await.unwrap();
    sandbox.log().clear();
    let text = "the log-in was refused: Invalid authorization code";
    let refused = client.exchange_code(&code, URI, None).await;
    assert_refusal(refused, (400, InvalidCredentials, text));
    sandbox.log().assert_count("iqm.authorization_code", 1);

    let token = client.log_in(email, &right).await.unwrap();
    let text = "the token was refused: Client authentication failed";
    let refused = stranger.refresh(&token).await;
    assert_refusal(refused, (401, TokenRejected, text));
}

#[tokio::test]
async fn an_account_on_hold_is_an_error_of_its_own_with_the_three_texts() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().on_hold_user());
    let password = user.password.into();
    for outcome in [
        client.log_in(user.email, &password).await,
        client.log_in_oauth(user.email, &password).await,
    ] {
        let Err(Error::OnHold {
            status,
            reason,
            support_email,
            http_status: Some(400),
        }) = outcome
        else {
            panic!("{outcome:?}")
        };
        assert_eq!(status, "On Hold");
        assert!(reason.unwrap().contains("missed payment dates"));
        assert_eq!(support_email.as_deref(), Some("support@iqm.com"));
    }
}

#[tokio::test]
async fn a_dead_token_is_refused_to_every_call_after_one_request() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    let headers = token.auth_headers().unwrap();
    let other = token.clone().with_ow_id(299_999).auth_headers().unwrap();
    let text = "not allowed to access provided workspace";
    assert_refusal(client.profile(&other).await, (403, Denied, text));

    sandbox.iqm().revoke_all(email(&sandbox));
    sandbox.log().clear();
    let password = password(&sandbox);
    for outcome in [
        client.profile(&headers).await.map(drop),
        client.log_out(&headers).await,
        client
            .change_password(&headers, &password, &"New-Pass-1!".into())
            .await,
    ] {
        assert_refusal(outcome, TOKEN_REFUSED);
    }
    let text = "the token was refused: Invalid refresh token";
    assert_refusal(client.refresh(&token).await, (401, TokenRejected, text));
    for operation in [
        "iqm.profile",
        "iqm.log_out",
        "iqm.change_password",
        "iqm.refresh",
    ] {
        sandbox.log().assert_count(operation, 1);
    }
    // The password is the old one.
    let headers = log_in(&sandbox).await.auth_headers().unwrap();
    client.log_out(&headers).await.unwrap();
    let again = client.log_out(&headers).await;
    assert_refusal(again, TOKEN_REFUSED);
}

#[tokio::test]
async fn the_profile_tells_who_is_logged_in() {
    let sandbox = sandbox();
    let headers = log_in(&sandbox).await.auth_headers().unwrap();
    let profile = client(&sandbox).profile(&headers).await.unwrap();
    assert_eq!(profile.ow_id, sandbox.iqm().user().ow_id);
    assert_eq!(profile.email, email(&sandbox));
    for (field, expected) in [
        (profile.first_name, "Sam"),
        (profile.last_name, "Sandbox"),
        (profile.display_name, "Sam Sandbox"),
        (profile.organization_name, "Sandbox Organization"),
    ] {
        assert_eq!(field.as_deref(), Some(expected));
    }
    let parent: BTreeMap<String, serde_json::Value> =
        profile.other.get("parentOrganization").unwrap();
    assert_eq!(parent["organizationName"], "Sandbox Holding");
    assert_eq!(profile.other.get::<u64>("parentOrganization"), None);
    assert_eq!(profile.other.get::<String>("shoeSize"), None);
}

async fn mfa_code(sandbox: &Sandbox, login: &PendingLogin) -> SecretString {
    client(sandbox).send_mfa_code(login).await.unwrap();
    let email = login.account().unwrap();
    sandbox.iqm().mfa_code(email).unwrap().into()
}

async fn mfa_token(sandbox: &Sandbox) -> Token {
    let login = pending(sandbox).await;
    let code = mfa_code(sandbox, &login).await;
    let verified = client(sandbox).verify_mfa_code(&login, &code).await;
    verified.unwrap()
}

#[tokio::test]
async fn a_log_in_that_wants_a_second_factor_says_so_and_its_token_is_good_for_nothing_else() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), sandbox.iqm().mfa_user());
    let password = user.password.into();
    let text = "a person must log in: the second factor is missing";
    let refusal = (200, InteractionRequired, text);
    assert_refusal(client.log_in(user.email, &password).await, refusal);
    assert_refusal(client.log_in_oauth(user.email, &password).await, refusal);

    let login = pending(&sandbox).await;
    assert_eq!(login.account(), Some(user.email));
    assert_eq!(login.ow_id(), Some(user.ow_id));
    let access = {
        client.send_mfa_code(&login).await.unwrap();
        bearer(&sandbox.log().last("iqm.mfa_send").unwrap())
    };
    assert!(!sandbox.iqm().accepts(&access));
    assert!(!format!("{login:?}").contains(&access));
    let token = Token::new(access, Expiry::Never).with_ow_id(user.ow_id);
    let headers = token.auth_headers().unwrap();
    let refused = client.profile(&headers);
    let text = "MFA verification is required";
    assert_refusal(refused.await, (403, Denied, text));
}

#[tokio::test]
async fn an_mfa_code_is_sent_and_taken_only_where_it_is_due() {
    let sandbox = sandbox();
    let (client, iqm) = (client(&sandbox), sandbox.iqm());
    let login = pending(&sandbox).await;
    let old = mfa_code(&sandbox, &login).await;
    sandbox.clock().advance(Duration::from_secs(600));
    sandbox.log().clear();
    sandbox.fault(Fault::status(400).on("iqm.mfa_send"));
    let refused = client.send_mfa_code(&login).await;
    assert_refusal(refused, (400, NotFound, "no mfa code was sent: "));
    let text_of_no_mfa = "no mfa code was sent: User MFA settings not configured";
    let without = PendingLogin::from(log_in(&sandbox).await);
    let refused = client.send_mfa_code(&without).await;
    assert_refusal(refused, (422, Denied, text_of_no_mfa));
    for code in ["no code".into(), old] {
        let text = "the mfa code was refused: Invalid or expired MFA code";
        let refused = client.verify_mfa_code(&login, &code).await;
        assert_refusal(refused, (401, InvalidCredentials, text));
    }
    let unnamed = Token::new("a", Expiry::Never);
    let error = client.send_mfa_code(&unnamed.into()).await.unwrap_err();
    assert_refused(&error, InvalidConfig, "names no workspace");
    sandbox.log().assert_count("iqm.mfa_send", 2);
    sandbox.log().assert_count("iqm.mfa_verify", 2);

    // The code is right, and its user may not log in.
    let user = IqmUser::new("ann@example.com", "correct horse");
    iqm.add_user(user.ow_id(200_100).mfa());
    let logged_in = client
        .log_in("ann@example.com", &"correct horse".into())
        .await;
    let Err(Error::MfaRequired { login, .. }) = logged_in else {
        panic!("{logged_in:?}")
    };
    client.send_mfa_code(&login).await.unwrap();
    iqm.set_on_hold("ann@example.com", true);
    let code = iqm.mfa_code("ann@example.com").unwrap().into();
    let text = "iqm.mfa_verify was answered with status 403";
    assert_refusal(
        client.verify_mfa_code(&login, &code).await,
        (403, Denied, text),
    );
}

async fn reset_hash(sandbox: &Sandbox) -> SecretString {
    let email = email(sandbox);
    client(sandbox).request_password_reset(email).await.unwrap();
    sandbox.iqm().reset_hash(email).unwrap().into()
}

#[tokio::test]
async fn a_reset_link_says_whose_it_is_and_whether_it_can_be_used() {
    let sandbox = sandbox();
    let (client, hash, email) = (
        client(&sandbox),
        reset_hash(&sandbox).await,
        email(&sandbox),
    );
    let link = client.validate_password_reset(&hash).await.unwrap();
    assert!(link.is_valid);
    assert_eq!(
        (link.email.as_deref(), link.invalid_reason),
        (Some(email), None)
    );

    // IQM says `success: true` with status 403 to a link that was one.
    sandbox.clock().advance(Duration::from_secs(86_400));
    let link = client.validate_password_reset(&hash).await.unwrap();
    assert!(!link.is_valid);
    assert_eq!(link.invalid_reason.as_deref(), Some(INACTIVE));

    let wrong = "no such hash".into();
    let text = "the reset link was refused: Provided reset password link hash is incorrect";
    let refusal = (422, InvalidCredentials, text);
    assert_refusal(client.validate_password_reset(&wrong).await, refusal);
    let hash = reset_hash(&sandbox).await;
    let refused = client.set_password(email, &hash, Some(&wrong)).await;
    assert_refusal(refused, refusal);
}

#[tokio::test]
async fn a_password_that_was_set_or_changed_logs_in_and_the_one_before_does_not() {
    let sandbox = sandbox();
    let (client, email) = (client(&sandbox), email(&sandbox));
    let (first, second) = ("abc".into(), "New-Pass-1!".into());
    let hash = reset_hash(&sandbox).await;
    client.validate_password_reset(&hash).await.unwrap();
    client.set_password(email, &first, None).await.unwrap();
    let token = client.log_in(email, &first).await.unwrap();
    let headers = token.auth_headers().unwrap();
    let changed = client.change_password(&headers, &first, &second).await;
    changed.unwrap();
    client.log_in(email, &second).await.unwrap();
    // The password is so short that all of the vendor's text is redacted.
    let text = "the log-in was refused: [redacted]";
    let refused = client.log_in(email, &first).await;
    assert_refusal(refused, (403, InvalidCredentials, text));
}

#[tokio::test]
async fn a_password_stays_as_it_is_where_its_change_is_refused() {
    let sandbox = sandbox();
    let (client, email) = (client(&sandbox), email(&sandbox));
    let new = SecretString::from("New-Pass-1!");
    let text = "unknown e-mail address: The email is not available in the system";
    let refused = client.request_password_reset("no-one@iqm.com").await;
    assert_refusal(refused, (404, NotFound, text));
    sandbox.log().assert_count("iqm.request_password_reset", 1);

    // The vendor says `success: true` to both.
    let text = format!("the password was not set: {INACTIVE}");
    let refusal = (403, Denied, text.as_str());
    assert_refusal(client.set_password(email, &new, None).await, refusal);
    let hash = reset_hash(&sandbox).await;
    client.validate_password_reset(&hash).await.unwrap();
    sandbox.clock().advance(Duration::from_secs(86_400));
    assert_refusal(client.set_password(email, &new, None).await, refusal);

    let headers = log_in(&sandbox).await.auth_headers().unwrap();
    let text = "the old password was refused: Invalid old password";
    let refused = client.change_password(&headers, &new, &new).await;
    assert_refusal(refused, (422, InvalidCredentials, text));
    log_in(&sandbox).await;
}

#[tokio::test]
async fn a_session_without_a_workspace_gets_one_and_another_works_in_another_of_the_same_token() {
    let sandbox = sandbox();
    let (client, iqm) = (client(&sandbox), sandbox.iqm());
    let invited = iqm.invited_user();
    let token = client
        .sign_up(invited.email, &invited.password.into())
        .await
        .unwrap();
    let session = client.session(token.clone()).build().unwrap();
    let headers = session.auth_headers().await.unwrap();
    let ow_id = client.ow_id(&headers).await.unwrap();
    assert_eq!((token.ow_id(), ow_id), (None, invited.ow_id));
    session.set_token(token.with_ow_id(ow_id)).await.unwrap();
    let headers = session.auth_headers().await.unwrap();
    assert_eq!(client.profile(&headers).await.unwrap().ow_id, ow_id);

    let user = iqm.workspace_user();
    let token = client
        .log_in(user.email, &user.password.into())
        .await
        .unwrap();
    let workspaces = client
        .workspaces(&token.auth_headers().unwrap())
        .await
        .unwrap();
    let ow_ids: Vec<_> = workspaces.iter().map(|it| it.ow_id).collect();
    assert_eq!(ow_ids, [user.ow_id, iqm.other_ow_id()]);
    assert_eq!(
        workspaces[1].organization_name.as_deref(),
        Some("Second Organization")
    );
    assert_eq!(
        workspaces[1].workspace_domain.as_deref(),
        Some("second.example.com")
    );
    let store = MemoryStore::new();
    let open = |login: Login| client.session(login).store(store.clone()).build().unwrap();
    let (first, second) = (
        open(token.clone().into()),
        open(Login::token(token).workspace(iqm.other_ow_id())),
    );
    for _ in 0..2 {
        let (of_first, of_second) = (
            first.headers().await.unwrap(),
            second.headers().await.unwrap(),
        );
        assert_eq!(of_first["x-iaa-ow-id"], user.ow_id.to_string());
        assert_eq!(of_second["x-iaa-ow-id"], iqm.other_ow_id().to_string());
        assert_eq!(of_first["authorization"], of_second["authorization"]);
        client
            .profile(&second.auth_headers().await.unwrap())
            .await
            .unwrap();
        sandbox.clock().advance(LIFETIME);
    }
    sandbox.log().assert_count("iqm.refresh", 1);
}

#[tokio::test]
async fn each_status_that_the_vendor_uses_means_something_to_the_caller() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    let headers = token.auth_headers().unwrap();
    for (status, kind) in [
        (400, Denied),
        (401, TokenRejected),
        (403, Denied),
        (404, NotFound),
        (408, Unavailable),
        (412, Denied),
        (422, Denied),
        (429, RateLimited { retry_after: None }),
        (500, Unavailable),
    ] {
        sandbox.fault(Fault::status(status).on("iqm.profile").always());
        assert_refusal(client.profile(&headers).await, (status, kind, ""));
        sandbox.clear_faults();
    }
}

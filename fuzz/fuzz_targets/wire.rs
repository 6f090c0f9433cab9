//! Every call of every client reads any response, or refuses it, and shows little of it. Input: a
//! byte that chooses the call, one that chooses the status, lines of the head, a zero byte, and
//! the body.
#![no_main]

use std::fmt::Debug;
use std::sync::{LazyLock, Mutex};

use auth_core::http::{HttpBuilder, RetryPolicy};
use auth_core::{AuthError, Expiry, Token};
use edgeiq_auth::{Lifetime, ResetEmail, ResetToken};
use identityx_auth::identity::NewAppUser;
use identityx_auth::organization::OrganizationId;
use identityx_auth::{AppUser, ApplicationId, LoginLink, LoginLinkMail, OrgUser};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use vendor_tests::{answering, response};

/// What the calls send as secrets, among them a JWT whose claims are `{}`.
const SECRET: &str = "s3cr3t-0123456789abcdef";
const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
const ID: &str = "5d1b86a8f7a3c10012e4f001";
const EMAIL: &str = "sue@example.com";

const STATUSES: [u16; 12] = [200, 201, 204, 400, 401, 403, 404, 413, 422, 429, 500, 503];

static NEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Clients {
    runtime: Runtime,
    iqm: iqm_auth::Client,
    edgeiq: edgeiq_auth::Client,
    eqworks: eqworks_auth::Client,
    identityx: identityx_auth::Client,
}

static CLIENTS: LazyLock<Clients> = LazyLock::new(|| {
    let base = answering(|_| NEXT.lock().unwrap().clone());
    let once = |http: HttpBuilder| http.retry(RetryPolicy::never());
    let (base, product) = (base.as_str(), "atom");
    let iqm = iqm_auth::Client::builder("id", SECRET)
        .base_url(base)
        .http(once);
    let edgeiq = edgeiq_auth::Client::builder().base_url(base).http(once);
    let eqworks = eqworks_auth::Client::builder(eqworks_auth::Stage::Prod, product);
    let identityx = identityx_auth::Client::builder().base_url(base).http(once);
    Clients {
        runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        iqm: iqm.build().unwrap(),
        edgeiq: edgeiq.build().unwrap(),
        eqworks: eqworks.base_url(base).http(once).build().unwrap(),
        identityx: identityx.build().unwrap(),
    }
});

fuzz_target!(|input: &[u8]| {
    let [call, status, rest @ ..] = input else {
        return;
    };
    let end = rest.iter().position(|&it| it == 0).unwrap_or_default();
    let (lines, body) = rest.split_at(end);
    let lines = String::from_utf8_lossy(lines)
        .replace("\r\n", "\n")
        .replace('\n', "\r\n");
    let lines = if lines.is_empty() {
        lines
    } else {
        lines + "\r\n"
    };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    *NEXT.lock().unwrap() = response(status, &lines, body.get(1..).unwrap_or_default());
    CLIENTS.runtime.block_on(make(&CLIENTS, *call));
});

fn check<T, E: AuthError>(outcome: Result<T, E>) {
    let Err(error) = outcome else { return };
    let text = format!("{error} {error:?}");
    assert!(text.len() < 8_000, "{text}");
    for secret in [SECRET, JWT] {
        assert!(!text.contains(&secret[..12]), "{text}");
    }
    let _ = (error.kind(), error.retry_after(), error.http_status());
}

/// What a caller may print of a success.
fn checked<T: Debug, E: AuthError>(outcome: Result<T, E>) {
    if let Ok(value) = &outcome {
        let _ = format!("{value:?}");
    }
    check(outcome);
}

async fn make(clients: &Clients, call: u8) {
    let Clients {
        iqm,
        edgeiq,
        eqworks,
        identityx,
        ..
    } = clients;
    let secret = SECRET.into();
    let token = Token::new(SECRET.into(), Expiry::Never, std::time::UNIX_EPOCH);
    let token = token.with_refresh(Some(SECRET.into()));
    match call % 4 {
        0 => {
            let token = iqm_auth::Token::from(token.with_attribute("owId", "1"));
            let headers = token.auth_headers().unwrap();
            match call / 4 % 8 {
                0 => checked(iqm.log_in(EMAIL, &secret).await),
                1 => checked(iqm.refresh(&token).await),
                2 => checked(iqm.profile(&headers).await),
                3 => checked(iqm.validate_password_reset(&secret).await),
                4 => checked(iqm.request_password_reset(EMAIL).await),
                5 => checked(iqm.workspaces(&headers).await),
                6 => checked(iqm.change_password(&headers, &secret, &secret).await),
                _ => checked(iqm.set_password(EMAIL, &secret, Some(&secret)).await),
            }
        }
        1 => {
            let token = edgeiq_auth::Token::from(token);
            let headers = token.auth_headers().unwrap();
            match call / 4 % 5 {
                0 => checked(edgeiq.authenticate(EMAIL, &secret, Lifetime::Default).await),
                1 => checked(edgeiq.me(&headers).await),
                2 => checked(edgeiq.reset_api_token(EMAIL, &secret).await),
                3 => {
                    let mail = ResetEmail::new().from_address("us@example.com");
                    checked(edgeiq.request_password_reset(EMAIL, &mail).await);
                }
                _ => {
                    let token = ResetToken::new(SECRET).unwrap();
                    checked(edgeiq.set_password(&token, &secret).await);
                }
            }
        }
        2 => {
            let token = eqworks_auth::Token::from_jwt(JWT).unwrap();
            let headers = token.auth_headers().unwrap();
            match call / 4 % 4 {
                0 => check(eqworks.request_passcode(EMAIL).await),
                1 => checked(eqworks.verify(EMAIL, &"FDEA9F".into()).await),
                2 => checked(eqworks.confirm(&headers).await),
                _ => checked(eqworks.refresh(&token).await),
            }
        }
        _ => {
            let application = ApplicationId::new(ID).unwrap();
            let app_user = AppUser::from_jwt(JWT, &application).unwrap();
            let app_user = identityx.auth_headers(&app_user).unwrap();
            let org_user = identityx
                .auth_headers(&OrgUser::from_jwt(JWT).unwrap())
                .unwrap();
            let link = LoginLink::parse(&JWT.into()).unwrap();
            match call / 4 % 11 {
                0 => checked(identityx.log_in_app_user(&application, &link).await),
                1 => checked(identityx.active_app_user(&app_user).await),
                2 => checked(identityx.log_out_app_user(&app_user).await),
                3 => {
                    let user = NewAppUser::new(EMAIL);
                    checked(identityx.create_app_user(&application, &user).await);
                }
                4 => checked(identityx.log_in_org_user(&link).await),
                5 => checked(identityx.active_org_user(&org_user).await),
                6 => checked(identityx.create_api_token(&org_user).await),
                7 => checked(identityx.organizations(&org_user).await),
                8 => {
                    let organization = OrganizationId::new(ID).unwrap();
                    checked(identityx.applications(&org_user, &organization).await);
                }
                9 => {
                    let mail = LoginLinkMail::new(EMAIL, "https://www.example.test/in").unwrap();
                    checked(
                        identityx
                            .send_app_user_login_link(&application, &mail)
                            .await,
                    );
                }
                _ => checked(identityx.ping().await),
            }
        }
    }
}

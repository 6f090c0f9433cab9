//! The vendor's own forms, and responses that bend them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpmock::prelude::*;
use identityx_auth::graphql::{Execute as _, Json};
use identityx_auth::http::RetryPolicy;
use identityx_auth::identity::{AppUserLogin, AppUserProfile, HeaderStyle, NewAppUser};
use identityx_auth::organization::{OrganizationId, OrganizationRole};
use identityx_auth::{
    AppUser, ApplicationId, Client, Error, ErrorKind, Expiry, ExposeSecret as _, LoginLink,
    LoginLinkMail, OrgUser, OrgUserApiToken,
};
use serde_json::json;

use crate::set_up::{
    AUTH_URL, MyMail, MyTypedUser, MyUser, Vendor, always, assert_refused, headers, jwt, shown,
};

const ID: &str = "60a1b2c3d4e5f60718293a01";

/// When the frozen clock stands, in seconds since 1970.
const NOW: u64 = 1_767_225_600;

const ALL: [&str; 3] = ["AppUser", "OrgUser", "OrgUserApiToken"];

fn application() -> ApplicationId {
    ApplicationId::new(ID).unwrap()
}

fn user() -> AppUser {
    let jwt = jwt(r#"{"sub":"app-user-auth","iat":1}"#);
    AppUser::from_jwt(jwt, &application()).unwrap()
}

fn administrator() -> OrgUser {
    OrgUser::from_jwt(jwt(r#"{"sub":"user-auth"}"#)).unwrap()
}

fn api_token() -> OrgUserApiToken {
    OrgUserApiToken::from_jwt(jwt(r#"{"sub":"user-api-token"}"#)).unwrap()
}

fn link() -> LoginLink {
    LoginLink::parse(&jwt("{}").into()).unwrap()
}

fn mail() -> LoginLinkMail {
    LoginLinkMail::new("sue@example.test", AUTH_URL).unwrap()
}

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// An app user with nothing but what must be there.
fn bare_user() -> Json {
    json!({ "id": "u1", "email": "sue@example.test", "domain": "example.test" })
}

/// What a log-in of an app user is answered with.
fn login_answer(user: &Json, token: &str) -> Json {
    json!({
        "data": {
            "loginAppUser": {
                "token": { "id": "t1", "value": token },
                "user": user,
                "loginSource": null,
                "additionalContext": null,
            },
        },
    })
}

async fn logged_in(vendor: &Vendor, body: &Json) -> Result<AppUserLogin, Error> {
    vendor.response(200, &body.to_string()).await;
    let (application, link) = (application(), link());
    vendor.client.log_in_app_user(&application, &link).await
}

async fn active(vendor: &Vendor, body: &str) -> Result<AppUserProfile, Error> {
    vendor.response(200, body).await;
    vendor.client.active_app_user(&headers(&user())).await
}

#[test]
fn the_header_has_the_short_form_or_the_documented_one() {
    for (style, prefix) in [(HeaderStyle::Short, ""), (HeaderStyle::Bearer, "Bearer ")] {
        let client = Client::builder().header_style(style).build().unwrap();
        let credentials = [
            client.auth_headers(&user()).unwrap(),
            client.auth_headers(&administrator()).unwrap(),
            client.auth_headers(&api_token()).unwrap(),
        ];
        for (scheme, auth_headers) in ALL.into_iter().zip(credentials) {
            let headers = auth_headers.headers();
            let token = auth_headers.token().access().expose_secret();
            let value = &headers["authorization"];
            assert_eq!(value, &*format!("{prefix}{scheme} {token}"));
            assert!(value.is_sensitive());
        }
    }
}

#[test]
fn an_app_users_headers_name_the_application_and_an_administrators_the_organization() {
    let headers = user().auth_headers().unwrap().headers();
    assert_eq!(headers.len(), 2);
    assert_eq!(headers["x-app-id"], ID);
    let token = user().access_token().expose_secret().to_owned();
    assert_eq!(headers["authorization"], format!("AppUser {token}"));
    let organization = OrganizationId::new(ID).unwrap();
    for (without, with) in [
        (
            administrator().auth_headers(),
            administrator()
                .in_organization(&organization)
                .auth_headers(),
        ),
        (
            api_token().auth_headers(),
            api_token().in_organization(&organization).auth_headers(),
        ),
    ] {
        assert_eq!(without.unwrap().headers().len(), 1);
        let headers = with.unwrap().headers();
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["x-org-id"], ID);
    }
}

#[tokio::test]
async fn a_log_in_is_read_with_all_that_the_vendor_knows() {
    let vendor = Vendor::start().await;
    let token = jwt(r#"{"sub":"app-user-auth","iat":1700000000,"jti":"t1"}"#);
    let user = json!({
        "id": "u1",
        "email": "sue@example.test",
        "domain": "example.test",
        "name": "Sue Smith",
        "givenName": "Sue",
        "familyName": "Smith",
        "displayName": "sue",
        "verified": true,
        "lastLoggedIn": 1_560_196_191_217_u64,
        "createdAt": "2019-06-10T19:49:51.217Z",
        "updatedAt": "1560196191217",
        "shoeSize": 42,
    });
    let mut body = login_answer(&user, &token);
    let login = &mut body["data"]["loginAppUser"];
    login["loginSource"] = "newsletter".into();
    login["additionalContext"] = json!({ "a": [1, { "b": null }] });
    login["surprise"] = json!({});
    login["token"]["surprise"] = json!([]);
    body["extensions"] = json!({ "tracing": { "version": 1 } });
    body["surprise"] = json!(1);
    let login = logged_in(&vendor, &body).await.unwrap();
    assert_eq!(login.source.as_deref(), Some("newsletter"));
    let context = json!({ "a": [1, { "b": null }] });
    assert_eq!(login.additional_context.as_ref(), context.as_object());
    assert_eq!(login.user.access_token().expose_secret(), token);
    assert_eq!(login.user.expiry(), Expiry::Never);
    // By the local clock, whatever the vendor's says.
    assert_eq!(login.user.issued_at(), at(NOW * 1_000));
    assert_eq!(login.user.application(), Some(application()));
    let profile = &login.profile;
    assert_eq!((&*profile.id, &*profile.domain), ("u1", "example.test"));
    assert_eq!(profile.name.as_deref(), Some("Sue Smith"));
    assert_eq!(profile.given_name.as_deref(), Some("Sue"));
    assert_eq!(profile.family_name.as_deref(), Some("Smith"));
    assert_eq!(profile.display_name.as_deref(), Some("sue"));
    assert_eq!(profile.verified, Some(true));
    let moment = Some(at(1_560_196_191_217));
    for date in [
        profile.last_logged_in,
        profile.created_at,
        profile.updated_at,
    ] {
        assert_eq!(date, moment);
    }
}

#[tokio::test]
async fn what_may_be_missing_is_missing_or_null() {
    let vendor = Vendor::start().await;
    let nulls = json!({
        "id": "u1", "email": "sue@example.test", "domain": "example.test", "name": null,
        "givenName": null, "familyName": null, "displayName": null, "verified": null,
        "lastLoggedIn": null, "createdAt": null, "updatedAt": null,
    });
    let expected = logged_in(&vendor, &login_answer(&bare_user(), "opaque"))
        .await
        .unwrap();
    let read = logged_in(&vendor, &login_answer(&nulls, "opaque"))
        .await
        .unwrap();
    assert_eq!(read.profile, expected.profile);
    assert_eq!((read.source, read.additional_context), (None, None));
    assert_eq!(read.profile.created_at, None);
    // A token that is no JWT says nothing of itself.
    assert_eq!(read.user.expiry(), Expiry::Never);

    let body = json!({ "data": { "activeAppUser": nulls }, "errors": null });
    let profile = active(&vendor, &body.to_string()).await.unwrap();
    assert_eq!(profile, expected.profile);
    let body = json!({ "data": { "activeAppUser": bare_user() }, "errors": [] });
    let profile = active(&vendor, &body.to_string()).await.unwrap();
    assert_eq!(profile, expected.profile);
}

#[tokio::test]
async fn an_empty_name_is_none() {
    let vendor = Vendor::start().await;
    let mut user = bare_user();
    for name in ["name", "givenName", "familyName", "displayName"] {
        user[name] = "".into();
    }
    let read = logged_in(&vendor, &login_answer(&user, "opaque"))
        .await
        .unwrap();
    let bare = logged_in(&vendor, &login_answer(&bare_user(), "opaque"))
        .await
        .unwrap();
    assert_eq!(read.profile, bare.profile);
}

#[tokio::test]
async fn a_log_in_that_is_answered_without_a_token_is_a_refusal() {
    let vendor = Vendor::start().await;
    for body in [
        r#"{"success":false}"#,
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{"loginAppUser":null}}"#,
        r#"{"data":{},"errors":[]}"#,
    ] {
        vendor.response(200, body).await;
        let client = &vendor.client;
        let error = client.log_in_app_user(&application(), &link()).await;
        let text = "the login link was refused: identityx answered without a token";
        assert_refused(&error.unwrap_err(), ErrorKind::InteractionRequired, text);
    }
}

#[tokio::test]
async fn a_log_in_that_gives_another_kind_of_token_is_refused() {
    let vendor = Vendor::start().await;
    let token = jwt(r#"{"sub":"user-auth"}"#);
    let error = logged_in(&vendor, &login_answer(&bare_user(), &token)).await;
    let error = error.unwrap_err();
    assert_refused(&error, ErrorKind::InvalidConfig, "the wrong identity");
    assert!(!shown(&error).contains("eyJ"), "{error:?}");
}

#[tokio::test]
async fn a_date_may_be_anything_that_names_a_moment() {
    let vendor = Vendor::start().await;
    for (date, moment) in [
        ("1560196191217", Some(at(1_560_196_191_217))),
        ("1560196191217.4", Some(at(1_560_196_191_217))),
        ("\"1560196191217\"", Some(at(1_560_196_191_217))),
        (
            "\"2019-06-10T21:49:51.217+02:00\"",
            Some(at(1_560_196_191_217)),
        ),
        ("0", Some(UNIX_EPOCH)),
        ("-1000", UNIX_EPOCH.checked_sub(Duration::from_secs(1))),
        ("null", None),
    ] {
        let body = format!(
            r#"{{"data":{{"activeAppUser":{{"id":"u","email":"e","domain":"d","createdAt":{date}}}}}}}"#
        );
        assert_eq!(
            active(&vendor, &body).await.unwrap().created_at,
            moment,
            "{date}"
        );
    }
    for date in ["\"hunter22\"", "true", "[]", "{\"hunter22\":1}"] {
        let body = format!(
            r#"{{"data":{{"activeAppUser":{{"id":"u","email":"e","domain":"d","createdAt":{date}}}}}}}"#
        );
        let error = active(&vendor, &body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{date}");
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }
}

#[tokio::test]
async fn administrators_organizations_and_applications_are_read_past_what_is_new_or_null() {
    let vendor = Vendor::start().await;
    let body = json!({ "data": { "activeUser": {
        "id": "a1", "email": "ada@example.test", "photoURL": "https://a.test/1.png",
        "givenName": "Ada", "surprise": 1,
    } } });
    vendor.response(200, &body.to_string()).await;
    let client = &vendor.client;
    for profile in [
        client
            .active_org_user(&headers(&administrator()))
            .await
            .unwrap(),
        client
            .active_org_user(&headers(&api_token()))
            .await
            .unwrap(),
    ] {
        assert_eq!(profile.photo_url.as_deref(), Some("https://a.test/1.png"));
        assert_eq!(profile.given_name.as_deref(), Some("Ada"));
        assert_eq!(profile.family_name, None);
    }

    let membership = |role: &str| json!({ "id": role, "role": role, "organization": { "id": "o1", "name": "ACME" } });
    let body = json!({ "data": { "userOrganizations": [
        membership("Member"), null, membership("SuperOwner"),
    ] } });
    vendor.response(200, &body.to_string()).await;
    let found = vendor
        .client
        .organizations(&headers(&administrator()))
        .await;
    let roles: Vec<_> = found.unwrap().into_iter().map(|it| it.role).collect();
    let new = OrganizationRole::Other("SuperOwner".to_owned());
    assert_eq!(roles, [OrganizationRole::Member, new]);

    let body = json!({ "data": { "organizationApplications": [
        null, { "id": ID, "name": "Daily", "description": null },
    ] } });
    vendor.response(200, &body.to_string()).await;
    let organization = OrganizationId::new(ID).unwrap();
    let client = &vendor.client;
    let found = client
        .applications(&headers(&administrator()), &organization)
        .await;
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].name, &found[0].description), ("Daily", &None));
    // It can be asked for right away.
    ApplicationId::new(&found[0].id).unwrap();
}

#[tokio::test]
async fn a_mail_is_sent_whatever_the_vendor_answers_where_it_answers_without_an_error() {
    let vendor = Vendor::start().await;
    for response in [json!("ok"), json!(null), json!("sent")] {
        let body = json!({ "data": { "sendAppUserLoginLink": response } });
        vendor.response(200, &body.to_string()).await;
        let (application, mail) = (application(), mail());
        let sent = vendor.client.send_app_user_login_link(&application, &mail);
        sent.await.unwrap();
        let body = json!({ "data": { "sendUserLoginLink": response } });
        vendor.response(200, &body.to_string()).await;
        let client = &vendor.client;
        client.send_org_user_login_link("a@a.test").await.unwrap();
    }
}

#[tokio::test]
async fn a_success_that_is_not_as_documented_is_told_without_its_text() {
    let vendor = Vendor::start().await;
    let secret = "secret-thing-0123456789";
    for body in [
        String::new(),
        format!("<html>{secret}</html>"),
        format!("\"{secret}\""),
        format!("[\"{secret}\"]"),
        format!(r#"{{"data":"{secret}"}}"#),
        format!(r#"{{"data":{{"loginAppUser":"{secret}","activeUser":["{secret}"]}}}}"#),
        format!(r#"{{"data":{{"loginAppUser":{{"token":"{secret}"}},"activeUser":null}}}}"#),
        format!(r#"{{"errors":"{secret}"}}"#),
        format!(r#"{{"errors":[{{"text":"{secret}"}}]}}"#),
    ] {
        vendor.response(200, &body).await;
        let client = &vendor.client;
        for error in [
            client
                .log_in_app_user(&application(), &link())
                .await
                .unwrap_err(),
            client.log_in_org_user(&link()).await.unwrap_err(),
            client
                .active_org_user(&headers(&administrator()))
                .await
                .unwrap_err(),
            client
                .create_api_token(&headers(&administrator()))
                .await
                .unwrap_err(),
            client
                .log_out_org_user(&headers(&administrator()))
                .await
                .unwrap_err(),
        ] {
            let is_page = body.starts_with('<');
            let kinds: &[_] = if is_page {
                &[ErrorKind::Unavailable, ErrorKind::OutcomeUnknown]
            } else {
                &[ErrorKind::Protocol]
            };
            assert!(kinds.contains(&error.kind()), "{body}: {error:?}");
            assert!(!shown(&error).contains("secret-thing"), "{error:?}");
        }
    }
}

#[tokio::test]
async fn an_app_user_who_is_null_without_an_error_is_a_protocol_error() {
    let vendor = Vendor::start().await;
    let error = active(&vendor, r#"{"data":{"activeAppUser":null}}"#).await;
    let error = error.unwrap_err();
    assert_refused(&error, ErrorKind::Protocol, "without a user");
}

/// What each kind of call is refused with, by variant and kind: a log-in, a mail, a read, an
/// operation of a program's own.
async fn refused(vendor: &Vendor, status: u16, body: &str) -> [(String, ErrorKind); 4] {
    vendor.response(status, body).await;
    let client = &vendor.client;
    let caller = client.with_auth_headers(&headers(&administrator()));
    let errors = [
        client
            .log_in_app_user(&application(), &link())
            .await
            .unwrap_err(),
        client
            .send_org_user_login_link("a@a.test")
            .await
            .unwrap_err(),
        client.active_app_user(&headers(&user())).await.unwrap_err(),
        caller.execute::<MyUser>(json!({})).await.unwrap_err(),
    ];
    errors.map(|error| {
        assert_eq!(error.http_status(), Some(status), "{error:?}");
        let shown = format!("{error:?}");
        let variant = shown.split([' ', '(']).next().unwrap();
        (variant.to_owned(), error.kind())
    })
}

/// A response in the vendor's form, with the number of the exception where there is one.
fn refusal(code: &str, message: &str, number: Option<u16>) -> String {
    let mut extensions = json!({ "code": code });
    if let Some(number) = number {
        extensions["exception"] = json!({ "statusCode": number, "stacktrace": ["Error"] });
    }
    let error = json!({
        "message": message,
        "locations": [{ "line": 2, "column": 3 }],
        "path": ["field"],
        "extensions": extensions,
    });
    json!({ "errors": [error], "data": null, "extensions": {} }).to_string()
}

type Refusal = (
    u16,
    &'static str,
    &'static str,
    Option<u16>,
    &'static str,
    ErrorKind,
);

/// The status, the code, the message and the number of each documented failure that means the same
/// whatever was called, and the error that it is.
const DOCUMENTED: [Refusal; 12] = [
    (
        200,
        "BAD_USER_INPUT",
        "Unable to find an organization for this request.",
        None,
        "UnknownOrganization",
        ErrorKind::InvalidConfig,
    ),
    (
        200,
        "INTERNAL_SERVER_ERROR",
        "No user was found for 'x'",
        Some(404),
        "UnknownUser",
        ErrorKind::NotFound,
    ),
    (
        200,
        "INTERNAL_SERVER_ERROR",
        "The requested application ID does not match the token payload",
        Some(400),
        "OtherApplication",
        ErrorKind::InvalidCredentials,
    ),
    (
        200,
        "BAD_USER_INPUT",
        "Unable to find an application for this request.",
        None,
        "UnknownApplication",
        ErrorKind::InvalidConfig,
    ),
    (
        400,
        "FORBIDDEN",
        "Context creation failed: The application ID \"60a1\" is no longer allowed.",
        None,
        "ApplicationDenied",
        ErrorKind::Denied,
    ),
    (
        200,
        "BAD_USER_INPUT",
        "No user authentication was provided with this request.",
        None,
        "WrongIdentity",
        ErrorKind::InvalidConfig,
    ),
    (
        200,
        "UNAUTHENTICATED",
        "The wrong user authorization type was provided.",
        None,
        "WrongIdentity",
        ErrorKind::InvalidConfig,
    ),
    (
        200,
        "UNAUTHENTICATED",
        "request to http://a:4001/ failed, reason: connect ECONNREFUSED 192.0.2.1:4001",
        None,
        "Core",
        ErrorKind::Unavailable,
    ),
    (
        200,
        "UNAUTHORIZED",
        "You do not have permission to access this resource.",
        None,
        "PermissionDenied",
        ErrorKind::Denied,
    ),
    (
        400,
        "GRAPHQL_PARSE_FAILED",
        "Syntax Error: Expected Name, found <EOF>.",
        None,
        "InvalidOperation",
        ErrorKind::InvalidConfig,
    ),
    (
        400,
        "GRAPHQL_VALIDATION_FAILED",
        "Cannot query field \"a\" on type \"User\".",
        None,
        "InvalidOperation",
        ErrorKind::InvalidConfig,
    ),
    (
        400,
        "INTERNAL_SERVER_ERROR",
        "Variable \"$input\" of required type \"A!\" was not provided.",
        None,
        "InvalidOperation",
        ErrorKind::InvalidConfig,
    ),
];

#[tokio::test]
async fn each_documented_refusal_is_an_error_of_its_own_whatever_was_called() {
    let vendor = Vendor::start().await;
    for (status, code, message, number, variant, kind) in DOCUMENTED {
        for refused in refused(&vendor, status, &refusal(code, message, number)).await {
            assert_eq!(refused, (variant.to_owned(), kind), "{message}");
        }
    }
    // The vendor names no code beside it.
    let message = "Invalid authorization type. Allowed types are OrgUser AppUser OrgUserApiToken";
    for code in ["UNAUTHENTICATED", "BAD_USER_INPUT", "INTERNAL_SERVER_ERROR"] {
        for refused in refused(&vendor, 200, &refusal(code, message, None)).await {
            let expected = ("WrongIdentity".to_owned(), ErrorKind::InvalidConfig);
            assert_eq!(refused, expected, "{code}");
        }
    }
}

fn known(variant: &str, kind: ErrorKind) -> (String, ErrorKind) {
    (variant.to_owned(), kind)
}

fn core(kind: ErrorKind) -> (String, ErrorKind) {
    known("Core", kind)
}

#[tokio::test]
async fn a_refused_token_is_the_links_in_a_log_in_and_the_sessions_in_any_other_call() {
    let vendor = Vendor::start().await;
    let link = known("LinkRefused", ErrorKind::InteractionRequired);
    let session = known("TokenRejected", ErrorKind::TokenRejected);
    let expected = [link, session.clone(), session.clone(), session];
    for (message, number) in [
        ("jwt expired", 401),
        ("invalid signature", 400),
        ("jwt malformed", 422),
        ("No token was found for the provided token identifier.", 404),
    ] {
        let as_input = refusal("INTERNAL_SERVER_ERROR", message, Some(number));
        assert_eq!(
            refused(&vendor, 200, &as_input).await,
            expected,
            "{message}"
        );
        let in_header = refusal("UNAUTHENTICATED", message, None);
        assert_eq!(
            refused(&vendor, 200, &in_header).await,
            expected,
            "{message}"
        );
    }
    for message in [
        "jwt signature is required",
        "invalid token",
        "invalid algorithm",
    ] {
        for code in ["UNAUTHENTICATED", "INTERNAL_SERVER_ERROR"] {
            let body = refusal(code, message, Some(400));
            assert_eq!(refused(&vendor, 200, &body).await, expected, "{message}");
        }
    }
    // A link that lost a character of its claims.
    let unavailable = core(ErrorKind::Unavailable);
    let mut damaged = expected.clone();
    damaged[1] = core(ErrorKind::OutcomeUnknown);
    damaged[2..].fill(unavailable);
    for (status, number) in [(200, Some(500)), (200, Some(401)), (200, None), (500, None)] {
        let message = "Unexpected token \u{fffd} in JSON at position 7";
        let body = refusal("INTERNAL_SERVER_ERROR", message, number);
        assert_eq!(
            refused(&vendor, status, &body).await,
            damaged,
            "{status} {number:?}"
        );
    }

    let body = refusal(
        "INTERNAL_SERVER_ERROR",
        "The token subject does not match.",
        Some(400),
    );
    let wrong = known("WrongIdentity", ErrorKind::InvalidConfig);
    assert_eq!(
        refused(&vendor, 200, &body).await,
        [
            known("NotALoginLink", ErrorKind::InvalidCredentials),
            wrong.clone(),
            wrong.clone(),
            wrong,
        ]
    );
}

#[tokio::test]
async fn whatever_else_comes_as_unauthenticated_is_an_outage() {
    let vendor = Vendor::start().await;
    let unavailable = core(ErrorKind::Unavailable);
    let expected = [
        unavailable.clone(),
        core(ErrorKind::OutcomeUnknown),
        unavailable.clone(),
        unavailable,
    ];
    for message in [
        "Go away.",
        "",
        "no connection available for operation and number of stored operation > 0",
        "invalid json response body at http://token:4001/ reason: Unexpected token < in JSON at position 0",
        "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        "Unexpected token < in JSON at position 0",
        "connection 5 to 10.0.0.7:27017 closed",
        "E11000 duplicate key error: jwt expired",
        "The wrong number of arguments",
    ] {
        for number in [None, Some(400), Some(401), Some(403), Some(404), Some(500)] {
            let body = refusal("UNAUTHENTICATED", message, number);
            assert_eq!(
                refused(&vendor, 200, &body).await,
                expected,
                "{message} {number:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_mail_that_is_answered_with_a_list_may_be_on_its_way() {
    let vendor = Vendor::start().await;
    for body in ["[]", r#"[{"data":{"sendUserLoginLink":"ok"}}]"#] {
        vendor.response(200, body).await;
        let client = &vendor.client;
        let error = client.send_org_user_login_link("a@a.test").await;
        assert_refused(
            &error.unwrap_err(),
            ErrorKind::OutcomeUnknown,
            "may have had its effect",
        );
        let error = active(&vendor, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn an_organization_that_is_switched_off_is_told_and_nothing_was_sent() {
    let vendor = Vendor::start().await;
    let message = "The organization is disabled and must be enabled before it can be used.";
    for status in [200, 500] {
        let body = refusal("INTERNAL_SERVER_ERROR", message, None);
        for refused in refused(&vendor, status, &body).await {
            assert_eq!(refused, known("ApplicationDenied", ErrorKind::Denied));
        }
    }
}

#[tokio::test]
async fn a_refusal_with_an_unknown_text_is_told_by_its_number_and_its_code() {
    let vendor = Vendor::start().await;
    for (code, number, expected) in [
        (
            "INTERNAL_SERVER_ERROR",
            Some(403),
            known("PermissionDenied", ErrorKind::Denied),
        ),
        (
            "INTERNAL_SERVER_ERROR",
            Some(404),
            core(ErrorKind::NotFound),
        ),
        ("INTERNAL_SERVER_ERROR", Some(400), core(ErrorKind::Denied)),
        ("INTERNAL_SERVER_ERROR", Some(422), core(ErrorKind::Denied)),
        (
            "INTERNAL_SERVER_ERROR",
            Some(429),
            known("RateLimited", ErrorKind::RateLimited { retry_after: None }),
        ),
        (
            "FORBIDDEN",
            None,
            known("PermissionDenied", ErrorKind::Denied),
        ),
        (
            "BAD_USER_INPUT",
            None,
            known("InvalidOperation", ErrorKind::InvalidConfig),
        ),
    ] {
        let body = refusal(code, "Something new.", number);
        for refused in refused(&vendor, 200, &body).await {
            assert_eq!(refused, expected, "{code} {number:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_by_the_http_status_is_an_outage_only_if_it_is_no_json() {
    let vendor = Vendor::start().await;
    for (status, kind) in [
        (400, ErrorKind::Denied),
        (401, ErrorKind::TokenRejected),
        (403, ErrorKind::Denied),
        (404, ErrorKind::NotFound),
        (422, ErrorKind::Denied),
    ] {
        for body in [
            refusal("INTERNAL_SERVER_ERROR", "Something new.", None),
            "<!DOCTYPE html><pre>SyntaxError: Unexpected token</pre>".to_owned(),
            "POST body missing.".to_owned(),
            String::new(),
            "{}".to_owned(),
            r#"{"data":{"activeAppUser":null}}"#.to_owned(),
        ] {
            // A page or a text is a proxy's.
            let is_foreign = body.starts_with(['<', 'P']);
            let kind = if is_foreign {
                ErrorKind::Unavailable
            } else {
                kind
            };
            for refused in refused(&vendor, status, &body).await {
                assert_eq!(refused, core(kind), "{status} {body}");
            }
        }
    }
}

#[tokio::test]
async fn a_failure_within_the_vendor_is_unavailable_or_unknown_by_what_the_call_does() {
    let vendor = Vendor::start().await;
    let unavailable = core(ErrorKind::Unavailable);
    let expected = [
        unavailable.clone(),
        core(ErrorKind::OutcomeUnknown),
        unavailable.clone(),
        unavailable,
    ];
    for (status, body) in [
        (500, "POST body missing.".to_owned()),
        (502, "<html>Bad Gateway</html>".to_owned()),
        (500, refusal("UNAUTHENTICATED", "Oh no.", None)),
        (503, String::new()),
        (200, refusal("INTERNAL_SERVER_ERROR", "Oh no.", None)),
        (200, refusal("INTERNAL_SERVER_ERROR", "Oh no.", Some(500))),
        (200, refusal("SOMETHING_NEW", "Oh no.", None)),
        (200, r#"{"errors":[{"message":"Oh no."}]}"#.to_owned()),
        (
            200,
            r#"{"errors":[{"message":"Oh no.","extensions":"?"}]}"#.to_owned(),
        ),
        (
            200,
            r#"{"errors":[{"message":"Oh no.","extensions":null}]}"#.to_owned(),
        ),
    ] {
        assert_eq!(
            refused(&vendor, status, &body).await,
            expected,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn an_outage_within_the_vendor_is_no_refusal_whatever_its_reason_and_its_code() {
    let vendor = Vendor::start().await;
    for (reason, happened) in [
        ("connect ECONNREFUSED 192.0.2.1:4001", false),
        ("getaddrinfo ENOTFOUND a", false),
        ("getaddrinfo EAI_AGAIN a", false),
        ("socket hang up", true),
        ("connect ETIMEDOUT 192.0.2.1:4001", true),
    ] {
        let unavailable = core(ErrorKind::Unavailable);
        let mail = if happened {
            core(ErrorKind::OutcomeUnknown)
        } else {
            unavailable.clone()
        };
        let expected = [unavailable.clone(), mail, unavailable.clone(), unavailable];
        for (code, number) in [
            ("UNAUTHENTICATED", None),
            ("UNAUTHENTICATED", Some(401)),
            ("INTERNAL_SERVER_ERROR", Some(404)),
            ("FORBIDDEN", None),
        ] {
            for scheme in ["http", "https"] {
                let message = format!("request to {scheme}://a:4001/ failed, reason: {reason}");
                let body = refusal(code, &message, number);
                assert_eq!(
                    refused(&vendor, 200, &body).await,
                    expected,
                    "{message} {code}"
                );
            }
        }
    }
    // A user's own words do not make an outage.
    let body = refusal(
        "INTERNAL_SERVER_ERROR",
        "No user was found for 'request to http'",
        Some(404),
    );
    for refused in refused(&vendor, 200, &body).await {
        assert_eq!(refused, known("UnknownUser", ErrorKind::NotFound));
    }
}

#[tokio::test]
async fn an_error_of_a_mutation_of_a_programs_own_may_have_had_its_effect() {
    let vendor = Vendor::start().await;
    let body = refusal("INTERNAL_SERVER_ERROR", "Oh no.", None);
    vendor.response(200, &body).await;
    let client = &vendor.client;
    let error = client.execute::<MyMail>(json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error:?}");
    assert_eq!(
        error.to_string(),
        "identityx failed: Oh no; it may have had its effect"
    );
    let new = NewAppUser::new("a@a.test");
    let error = client.create_app_user(&application(), &new).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn too_many_calls_are_told_with_the_time_to_wait_whatever_the_body() {
    for body in [
        refusal("INTERNAL_SERVER_ERROR", "Too many requests", None),
        "<html>slow down</html>".to_owned(),
        String::new(),
    ] {
        let server = always(|then| then.status(429).header("retry-after", "7").body(body)).await;
        let client = Client::builder().base_url(server.base_url());
        let client = client.http(|http| http.retry(RetryPolicy::never()));
        let client = client.build().unwrap();
        let error = client.active_app_user(&headers(&user())).await;
        let error = error.unwrap_err();
        let retry_after = Some(Duration::from_secs(7));
        let kind = ErrorKind::RateLimited { retry_after };
        assert_refused(&error, kind, "too many calls to identityx");
        assert_eq!(error.retry_after(), retry_after);
        assert_eq!(error.http_status(), Some(429));
    }
}

#[tokio::test]
async fn the_first_of_several_errors_is_told_and_all_are_there_beside_the_data() {
    let vendor = Vendor::start().await;
    let error =
        |message: &str, code: &str| json!({ "message": message, "extensions": { "code": code } });
    let body = json!({
        "data": { "activeUser": null, "ping": "pong" },
        "errors": [
            error("You do not have permission.", "UNAUTHORIZED"),
            error("jwt expired", "UNAUTHENTICATED"),
        ],
    });
    vendor.response(200, &body.to_string()).await;
    let client = &vendor.client;
    let caller = client.with_auth_headers(&headers(&administrator()));
    let error = caller.execute::<MyUser>(json!({})).await.unwrap_err();
    assert_refused(&error, ErrorKind::Denied, "not permitted: You do not");
    let response = caller.execute_partial::<MyUser>(json!({})).await.unwrap();
    assert_eq!(response.data, Some(body["data"].clone()));
    assert_eq!(response.errors.len(), 2);
    assert!(matches!(
        response.errors[1].error,
        Error::TokenRejected { .. }
    ));
    // What must not be null takes the data with it.
    let response = caller.execute_partial::<MyTypedUser>(json!({})).await;
    let response = response.unwrap();
    assert!(response.data.is_none());
    assert_eq!(response.errors.len(), 2);
    let error = client
        .active_org_user(&headers(&administrator()))
        .await
        .unwrap_err();
    assert_refused(&error, ErrorKind::Denied, "not permitted: You do not");
}

#[tokio::test]
async fn the_vendors_text_is_kept_without_the_token_that_it_repeats() {
    let vendor = Vendor::start().await;
    let user = user();
    let secret = user.access_token().expose_secret();
    let body = refusal(
        "UNAUTHENTICATED",
        &format!("jwt malformed: {secret}."),
        None,
    );
    let error = active(&vendor, &body).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token was refused: jwt malformed: [redacted]"
    );
    for part in secret.split('.') {
        assert!(!shown(&error).contains(part), "{error:?}");
    }
}

#[tokio::test]
async fn a_path_in_front_of_the_endpoint_is_kept() {
    let server = MockServer::start_async().await;
    let endpoint = server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/proxy/graphql")
                .header("content-type", "application/json")
                .header_missing("authorization");
            then.status(200).body(r#"{"data":{"ping":"pong"}}"#);
        })
        .await;
    let base_url = format!("{}/proxy", server.base_url());
    let client = Client::builder().base_url(base_url).build().unwrap();
    client.ping().await.unwrap();
    endpoint.assert_async().await;
}

//! Every call that the vendor documents: what is sent, and each documented response.

use std::fmt::Debug;
use std::time::{Duration, UNIX_EPOCH};

use auth_core::{Clock as _, Expiry};
use auth_sandbox::{Entry, EqWorksUser};
use eqworks_auth::ErrorKind::{
    Denied, InteractionRequired, InvalidConfig, InvalidCredentials, NotFound, Protocol,
    TokenRejected,
};
use eqworks_auth::magic_link::PasscodeMail;
use eqworks_auth::token::Revocation;
use eqworks_auth::{
    Client, Error, ErrorKind, ExposeSecret as _, Product, SecretString, Stage, Token,
};
use serde_json::json;

use crate::set_up::{
    DAY, LIFETIME, assert_refused, base_url, builder, client, email, jwt, log_in, minted, only,
    passcode, sandbox,
};

/// A request as it was sent, without the headers of the connection and those that all have.
fn text(entry: &Entry) -> String {
    let of_all = [
        "\naccept: application/json",
        concat!("\nuser-agent: eqworks-auth/", env!("CARGO_PKG_VERSION")),
    ];
    let mut headers: Vec<_> = entry
        .headers()
        .filter(|(name, _)| *name != "host")
        .map(|(name, value)| format!("\n{name}: {value}"))
        .collect();
    headers.sort();
    for header in of_all {
        assert!(headers.iter().any(|it| it == header), "no {header} {entry}");
    }
    headers.retain(|header| !of_all.contains(&header.as_str()));
    let (method, path, query) = (entry.method(), entry.path(), entry.query().unwrap());
    format!(
        "{method} {path}?{query}{}{}",
        headers.concat(),
        entry.body()
    )
}

/// What `every_call_is_sent_as_the_vendor_documents_it` sends.
const REQUESTS: &str = "\
GET /eqworks/prod/login?product=atom&user=sue%40eqworks.example

GET /eqworks/prod/verify?product=atom&user=sue%40eqworks.example&otp=<otp>

GET /eqworks/prod/confirm?product=atom
eq-api-jwt: <first>
eq-api-user: sue@eqworks.example

GET /eqworks/prod/confirm?product=atom&light=1
eq-api-jwt: <first>
eq-api-user: sue@eqworks.example

GET /eqworks/prod/refresh?product=atom
eq-api-jwt: <first>
eq-api-user: sue@eqworks.example

GET /eqworks/prod/refresh?product=atom&reset_uuid=1
eq-api-jwt: <second>
eq-api-user: sue@eqworks.example

GET /eqworks/prod/login?product=atom&user=sue%40eqworks.example

GET /eqworks/prod/verify?product=atom&user=sue%40eqworks.example&otp=<next>&reset_uuid=1";

#[tokio::test]
async fn every_call_is_sent_as_the_vendor_documents_it() {
    let sandbox = sandbox();
    let (client, user) = (client(&sandbox), email(&sandbox));
    let accepts = |token: &Token| {
        let jwt = token.access_token().expose_secret();
        sandbox.eqworks().accepts(jwt)
    };
    let address = format!(" {} ", user.to_uppercase());
    let pending = client.request_passcode(&address).await.unwrap();
    assert_eq!((pending.user(), pending.product()), (user, &Product::ATOM));
    assert_eq!(sandbox.inbox(user).count(), 1);
    let otp = sandbox.eqworks().passcode(user).unwrap();
    // Small letters and blanks do not matter.
    let typed = otp.to_lowercase();
    let entered = format!(" {typed}\n").into();
    let first = client.verify(&address, &entered).await.unwrap();
    let headers = first.auth_headers().unwrap();
    client.confirm(&headers).await.unwrap();
    client.confirm_light(&headers).await.unwrap();
    sandbox.clock().advance(DAY);
    let second = client.refresh(&first).await.unwrap();
    assert_ne!(second.fingerprint(), first.fingerprint());
    // A refresh leaves the older token valid, unless it is told to revoke.
    assert!(accepts(&first) && accepts(&second));
    let (third, revocation) = client.refresh_and_revoke_older(&second).await.unwrap();
    assert_eq!(revocation, Revocation::Done);
    assert!(!accepts(&first) && !accepts(&second) && accepts(&third));
    // So does a log-in.
    let next = passcode(&sandbox).await;
    let fourth = pending.complete_and_revoke_older(&next).await.unwrap();
    assert!(!accepts(&third) && accepts(&fourth));

    let entries = sandbox.log().entries();
    let expected: Vec<_> = REQUESTS.split("\n\n").collect();
    assert_eq!(entries.len(), expected.len());
    for (entry, expected) in entries.iter().zip(expected) {
        let expected = [
            ("<otp>", typed.as_str()),
            ("<next>", next.expose_secret()),
            ("<first>", first.access_token().expose_secret()),
            ("<second>", second.access_token().expose_secret()),
        ]
        .iter()
        .fold(expected.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        });
        assert_eq!(text(entry), expected);
    }
}

#[tokio::test]
async fn a_token_lives_for_90_days_and_says_whose_it_is_and_for_what() {
    let sandbox = sandbox();
    let (client, user, eqworks) = (client(&sandbox), email(&sandbox), sandbox.eqworks());
    let code = passcode(&sandbox).await;
    let mut token = client.verify(user, &code).await.unwrap();
    for number in 0..4 {
        let now = sandbox.clock().now().wall();
        assert!(eqworks.accepts(token.access_token().expose_secret()));
        assert_eq!(
            (token.account(), token.product()),
            (Some(user), Some(Product::ATOM))
        );
        assert_eq!(
            (token.issued_at(), token.expiry()),
            (now, Expiry::At(now + LIFETIME))
        );
        let claims = token.unverified_claims().unwrap();
        assert_eq!(claims.text("email"), Some(user));
        assert_eq!(claims.text("jwt_uuid"), Some(&*eqworks.jwt_uuid(user)));
        sandbox.clock().advance(DAY);
        token = match number {
            0 => client.refresh(&token).await.unwrap(),
            1 => client.refresh_and_revoke_older(&token).await.unwrap().0,
            _ => log_in(&sandbox).await,
        };
    }
    // A second log-in leaves the token of the first one valid.
    let second = log_in(&sandbox).await;
    for token in [&token, &second] {
        assert!(eqworks.accepts(token.access_token().expose_secret()));
    }
    // Two refreshes in one second may give the same token.
    let one = client.refresh(&token).await.unwrap();
    let two = client.refresh(&token).await.unwrap();
    assert_eq!(one.fingerprint(), two.fingerprint());
}

#[tokio::test]
async fn a_confirmation_tells_whose_token_it_is_and_how_long_it_lives() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    let headers = token.auth_headers().unwrap();
    sandbox.clock().advance(DAY);
    for is_light in [false, true] {
        let confirmed = if is_light {
            // Only this one passes a token that was revoked.
            sandbox.eqworks().revoke(email(&sandbox));
            client.confirm_light(&headers).await.unwrap()
        } else {
            client.confirm(&headers).await.unwrap()
        };
        assert_eq!(confirmed.user, email(&sandbox));
        assert_eq!(
            (confirmed.product, confirmed.is_light),
            (Product::ATOM, is_light)
        );
        assert_eq!(confirmed.time_left, LIFETIME.checked_sub(DAY));
        // A light confirmation does not look the user up, and shows what the token says.
        let access_expiry = (!is_light).then_some(Expiry::Never);
        assert_eq!(confirmed.access_expiry, access_expiry);
        assert_eq!(confirmed.access.get::<u64>("read"), Some(1));
    }
    let text = "the token was refused: Invalid UUID for user";
    assert_refusal(client.confirm(&headers).await, 403, TokenRejected, text);
    assert_refusal(client.refresh(&token).await, 403, TokenRejected, text);
    let revoked = client.refresh_and_revoke_older(&token).await;
    assert_refusal(revoked, 403, TokenRejected, text);
}

#[tokio::test]
async fn a_client_of_another_stage_and_product_names_them_with_every_call() {
    let sandbox = sandbox();
    let client = Client::builder(Stage::Dev, "Locus")
        .base_url(base_url(&sandbox))
        .clock(sandbox.clock())
        .build()
        .unwrap();
    let pending = client.request_passcode(email(&sandbox)).await.unwrap();
    let mail = sandbox.inbox(pending.user()).latest().unwrap();
    let link = mail.link().unwrap().as_str().into();
    let token = pending.complete(&link).await.unwrap();
    assert_eq!(token.product(), Some(Product::LOCUS));
    let headers = token.auth_headers().unwrap();
    let confirmed = client.confirm(&headers).await.unwrap();
    assert_eq!(confirmed.product, Product::LOCUS);
    client.confirm_light(&headers).await.unwrap();
    let token = client.refresh(&token).await.unwrap();
    let (token, _) = client.refresh_and_revoke_older(&token).await.unwrap();
    assert_eq!(token.product(), Some(Product::LOCUS));
    let entries = sandbox.log().entries();
    assert_eq!(entries.len(), 6);
    for entry in entries {
        let text = text(&entry);
        assert!(text.starts_with("GET /eqworks/dev/"), "{text}");
        assert!(text.contains("?product=locus"), "{text}");
        assert_eq!(text.matches("product=").count(), 1, "{text}");
    }
    sandbox.log().assert_no_hints();

    let user = sandbox.eqworks().atom_user().email;
    let text = format!("the product is not allowed: User {user} does not have access to locus");
    assert_refusal(client.request_passcode(user).await, 403, Denied, &text);
    assert_eq!(sandbox.inbox(user).count(), 0);
}

#[track_caller]
fn assert_refusal(outcome: Result<impl Debug, Error>, status: u16, kind: ErrorKind, text: &str) {
    let error = outcome.unwrap_err();
    assert_refused(&error, kind, text);
    assert_eq!(error.http_status(), Some(status), "{error:?}");
}

#[tokio::test]
async fn a_user_who_is_gone_is_refused_whatever_is_called() {
    let sandbox = sandbox();
    let (client, user, eqworks) = (client(&sandbox), email(&sandbox), sandbox.eqworks());
    let (token, passcode) = (log_in(&sandbox).await, passcode(&sandbox).await);
    eqworks.remove_user(user);
    sandbox.log().clear();
    let gone = |user: &str| format!("unknown user: User {user} not found");
    for other in ["stranger@acme.test", eqworks.inactive_user().email] {
        let asked = client.request_passcode(other).await;
        assert_refusal(asked, 404, NotFound, &gone(other));
    }
    let text = gone(user);
    assert_refusal(client.verify(user, &passcode).await, 404, NotFound, &text);
    let confirmed = client.confirm(&token.auth_headers().unwrap()).await;
    assert_refusal(confirmed, 404, NotFound, &text);
    assert_refusal(client.refresh(&token).await, 404, NotFound, &text);
    assert_eq!(sandbox.log().entries().len(), 5);
}

#[tokio::test]
async fn an_access_that_has_ended_is_told_once_by_whatever_is_called_and_then_the_user_is_gone() {
    let sandbox = sandbox();
    let (client, user, eqworks) = (client(&sandbox), "eve@acme.test", sandbox.eqworks());
    for call in ["login", "verify", "confirm", "refresh"] {
        eqworks.add_user(EqWorksUser::new(user));
        let token = Token::from_jwt(eqworks.mint_token(user, "atom")).unwrap();
        client.request_passcode(user).await.unwrap();
        let passcode = eqworks.passcode(user).unwrap().into();
        eqworks.end_access(user);
        let ended = "the access has ended: Access ";
        for (status, kind, text) in [(403, Denied, ended), (404, NotFound, "unknown user: ")] {
            let refused = match call {
                "login" => client.request_passcode(user).await.map(drop),
                "verify" => client.verify(user, &passcode).await.map(drop),
                "confirm" => client
                    .confirm(&token.auth_headers().unwrap())
                    .await
                    .map(drop),
                _ => client.refresh(&token).await.map(drop),
            };
            assert_refusal(refused, status, kind, text);
        }
    }
}

#[tokio::test]
async fn a_revocation_that_revoked_nothing_is_told() {
    let sandbox = sandbox();
    let (client, user, eqworks) = (client(&sandbox), "eve@acme.test", sandbox.eqworks());
    eqworks.add_user(EqWorksUser::new(user).of_mobile_sdk());
    let token = Token::from_jwt(eqworks.mint_token(user, "atom")).unwrap();
    sandbox.clock().advance(DAY);
    let (next, revocation) = client.refresh_and_revoke_older(&token).await.unwrap();
    assert_eq!(revocation, Revocation::Nothing);
    assert!(eqworks.accepts(token.access_token().expose_secret()));
    assert_ne!(next.fingerprint(), token.fingerprint());
}

#[tokio::test]
async fn a_time_zone_survives_the_vendors_double_decoding() {
    let sandbox = sandbox();
    let mail = PasscodeMail::new().zone("Etc/GMT+5 ");
    let client = client(&sandbox);
    client
        .request_passcode_with(email(&sandbox), &mail)
        .await
        .unwrap();
    let query = only(&sandbox, "eqworks.request_passcode")
        .query()
        .unwrap()
        .to_owned();
    assert!(query.ends_with("&zone=Etc%252FGMT%252B5%2520"), "{query}");
}

#[test]
fn a_refusal_of_the_token_is_told_by_the_host_that_answers() {
    let client = Client::builder(Stage::Prod, Product::ATOM).build().unwrap();
    let auth = "https://auth.eqworks.io/prod/confirm";
    let data = "https://api.eqworks.io/prod/reports";
    let locus = "https://api.locus.place/x";
    for (url, status, body, refuses) in [
        (
            auth,
            403,
            r#"{"message":"Invalid JWT: x","statusCode":403}"#,
            true,
        ),
        (
            auth,
            403,
            r#"{"message":"Invalid UUID for user sue"}"#,
            true,
        ),
        (
            auth,
            403,
            r#"{"message":"User sue does not have access to atom"}"#,
            false,
        ),
        (auth, 403, r#"{"message":"Access has expired"}"#, false),
        (auth, 403, "", false),
        (auth, 401, r#"{"message":"Unauthorized"}"#, false),
        (auth, 404, r#"{"message":"User sue not found"}"#, false),
        (data, 401, "Invalid JWT", true),
        (data, 401, r#"{"message":"Unauthorized"}"#, true),
        (locus, 401, "", true),
        // Of something in between.
        (data, 401, "<html>Invalid JWT</html>", false),
        (locus, 401, "Access denied by the proxy", false),
        (
            data,
            403,
            r#"{"Message":"User is not authorized to access this resource"}"#,
            true,
        ),
        (data, 403, r#"{"message":"Unauthorized"}"#, false),
        (
            data,
            403,
            r#"{"message":"Not authorized to access 7"}"#,
            false,
        ),
        (locus, 403, "Insufficient write access", false),
        (data, 403, "Only admins are allowed", false),
        (data, 500, r#"{"message":"Invalid JWT"}"#, false),
        (data, 200, "", false),
    ] {
        let told = client.refuses_token(&url.parse().unwrap(), status, body.as_bytes());
        assert_eq!(told, refuses, "{url} {status} {body}");
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_without_being_repeated() {
    let sandbox = sandbox();
    let (client, eqworks) = (client(&sandbox), sandbox.eqworks());
    let now = sandbox.clock().now().wall();
    let now = now.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let expired = json!({"email": email(&sandbox), "product": "atom", "exp": now, "jwt_uuid": "u"});
    let invalid = "the token was refused: Invalid JWT: [redacted]";
    for (jwt, text) in [
        ("garbage-0123456789".to_owned(), invalid),
        (jwt("{}"), invalid),
        (eqworks.sign(&expired), invalid),
        (
            eqworks.sign(&json!({})),
            "the token was refused: JWT missing required fields in payload",
        ),
        (
            eqworks.mint_token(email(&sandbox), "locus"),
            "the token is of another product: JWT not valid for this resource",
        ),
    ] {
        let token = auth_core::Token::new(jwt.as_str().into(), Expiry::Never, UNIX_EPOCH);
        let token = Token::from(token);
        let headers = token.auth_headers().unwrap();
        for error in [
            client.confirm(&headers).await.unwrap_err(),
            client.confirm_light(&headers).await.unwrap_err(),
            client.refresh(&token).await.unwrap_err(),
        ] {
            assert!(!format!("{error:?}").contains(&jwt[..12]), "{error:?}");
            assert_refusal(Err::<(), _>(error), 403, TokenRejected, text);
        }
    }
}

#[tokio::test]
async fn a_passcode_works_once_and_for_some_minutes_and_a_wrong_one_does_not_spend_it() {
    let sandbox = sandbox();
    let pending = client(&sandbox).pending_login(email(&sandbox));
    let wrong_text = format!(
        "the passcode is wrong: Invalid OTP for user {}",
        pending.user()
    );
    let spent_text = "the passcode cannot be used any more: No OTP to redeem for user";
    let assert_spent = async |passcode: &SecretString| {
        let completed = pending.complete(passcode).await;
        assert_refusal(completed, 403, InteractionRequired, spent_text);
    };
    // None has been sent yet.
    assert_spent(&"FDEA9F".into()).await;

    let right = passcode(&sandbox).await;
    let wrong = match right.expose_secret() {
        "000000" => "000001",
        _ => "000000",
    };
    for _ in 0..2 {
        let completed = pending.complete(&wrong.into()).await;
        assert_refusal(completed, 403, InvalidCredentials, &wrong_text);
    }
    pending.complete(&right).await.unwrap();
    assert_spent(&right).await;
    sandbox.log().assert_count("eqworks.verify", 5);

    // While five minutes are left, a second e-mail holds the same one.
    let first = passcode(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(299));
    let second = passcode(&sandbox).await;
    assert_eq!(first.expose_secret(), second.expose_secret());
    sandbox.clock().advance(Duration::from_secs(301));
    let third = passcode(&sandbox).await;
    pending.complete(&third).await.unwrap();

    let too_old = passcode(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(600));
    assert_spent(&too_old).await;
}

#[tokio::test]
async fn what_is_certain_to_be_refused_is_not_sent() {
    let sandbox = sandbox();
    let (client, ended) = (client(&sandbox), minted(&sandbox));
    sandbox.clock().advance(LIFETIME);
    let unsent = |error: Error, kind: ErrorKind, text: &str| {
        assert_refused(&error, kind, text);
        assert_eq!(error.http_status(), None);
    };
    for user in ["", "  "] {
        for error in [
            client.request_passcode(user).await.unwrap_err(),
            client.verify(user, &"FDEA9F".into()).await.unwrap_err(),
        ] {
            unsent(error, InvalidConfig, "the user's address must not be empty");
        }
    }
    for text in ["", "123", &"12345".repeat(7), "12345é", "12 345"] {
        let error = client.verify("sue@acme.test", &text.into()).await;
        let reason = "not a passcode: not 4 to 32 letters and digits";
        unsent(error.unwrap_err(), InvalidCredentials, reason);
    }
    for error in [
        client.refresh(&ended).await.unwrap_err(),
        client.refresh_and_revoke_older(&ended).await.unwrap_err(),
    ] {
        let reason = "a person must log in: the token has expired";
        unsent(error, InteractionRequired, reason);
    }
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn an_unknown_path_is_told_from_an_unknown_user() {
    let sandbox = sandbox();
    let base_url = format!("{}nowhere/", base_url(&sandbox));
    let lost = builder(&sandbox).base_url(base_url).build().unwrap();
    let asked = lost.request_passcode(email(&sandbox)).await;
    assert_refusal(
        asked,
        404,
        Protocol,
        "its base url or its stage may be wrong",
    );
}

//! Every call that the vendor documents: what is sent, and each documented response.

use std::time::Duration;

use auth_core::{Clock as _, Expiry};
use auth_sandbox::{Entry, Sandbox};
use eqworks_auth::{
    AuthHeaders, Client, Error, ErrorKind, ExposeSecret as _, Product, Stage, Token, Url,
};
use serde_json::json;

use crate::set_up::{
    LIFETIME, builder, builder_for, client, email, log_in, minted, only, passcode, sandbox,
};

/// What stands in a request besides its own parameters.
#[track_caller]
fn assert_sent(entry: &Entry, call: &str, query: &[(&str, &str)]) {
    assert_eq!(entry.method(), "GET");
    assert_eq!(entry.path(), format!("/eqworks/prod/{call}"));
    assert_eq!((entry.body(), entry.header("content-type")), ("", None));
    assert_eq!(entry.header("accept"), Some("application/json"));
    let agent = concat!("eqworks-auth/", env!("CARGO_PKG_VERSION"));
    assert_eq!(entry.header("user-agent"), Some(agent));
    assert_eq!(entry.header("authorization"), None);
    let mut sent = parameters(entry);
    sent.sort();
    let mut expected: Vec<_> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    expected.push(("product".to_owned(), "atom".to_owned()));
    expected.sort();
    assert_eq!(sent, expected);
}

fn parameters(entry: &Entry) -> Vec<(String, String)> {
    let url = format!("http://127.0.0.1/?{}", entry.query().unwrap());
    let url: Url = url.parse().unwrap();
    url.query_pairs().into_owned().collect()
}

#[track_caller]
fn assert_authorized(entry: &Entry, token: &Token) {
    let jwt = token.access_token().expose_secret();
    assert_eq!(entry.header("eq-api-jwt"), Some(jwt));
    assert_eq!(entry.header("eq-api-user"), token.user());
}

fn is_accepted(sandbox: &Sandbox, token: &Token) -> bool {
    sandbox
        .eqworks()
        .accepts(token.access_token().expose_secret())
}

fn auth_headers(token: &Token) -> AuthHeaders {
    token.auth_headers().unwrap()
}

#[tokio::test]
async fn a_passcode_is_mailed_to_the_user_who_asked_for_it() {
    let sandbox = sandbox();
    let address = format!(" {} ", email(&sandbox).to_uppercase());
    let pending = client(&sandbox).request_passcode(&address).await.unwrap();
    assert_eq!(pending.user(), email(&sandbox));
    assert_eq!(pending.product(), &Product::ATOM);
    assert_eq!(sandbox.inbox(pending.user()).count(), 1);

    let entry = only(&sandbox, "eqworks.request_passcode");
    assert_sent(&entry, "login", &[("user", pending.user())]);
    assert_eq!(entry.header("eq-api-jwt"), None);
}

#[tokio::test]
async fn a_second_mail_holds_the_same_passcode_while_it_has_five_minutes_left() {
    let sandbox = sandbox();
    let first = passcode(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(299));
    let second = passcode(&sandbox).await;
    assert_eq!(first.expose_secret(), second.expose_secret());
    sandbox.clock().advance(Duration::from_secs(301));
    let third = passcode(&sandbox).await;
    let pending = client(&sandbox).pending_login(email(&sandbox));
    assert!(pending.complete(&third).await.is_ok());
}

#[tokio::test]
async fn a_user_whom_the_vendor_does_not_know_is_an_error_of_its_own() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let token = log_in(&sandbox).await;
    let passcode = passcode(&sandbox).await;
    sandbox.eqworks().remove_user(email(&sandbox));
    sandbox.log().clear();
    for error in [
        client
            .request_passcode("nobody@acme.test")
            .await
            .unwrap_err(),
        client
            .request_passcode(sandbox.eqworks().inactive_user().email)
            .await
            .unwrap_err(),
        client.verify(email(&sandbox), &passcode).await.unwrap_err(),
        client.confirm(&auth_headers(&token)).await.unwrap_err(),
        client.refresh(&token).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::UnknownUser { message }
                if message.starts_with("User ") && message.ends_with(" not found")),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(sandbox.log().entries().len(), 5);
}

#[tokio::test]
async fn an_access_that_has_ended_is_an_error_of_its_own_whatever_is_called() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let token = log_in(&sandbox).await;
    let passcode = passcode(&sandbox).await;
    sandbox.eqworks().end_access(email(&sandbox));
    let user = email(&sandbox);
    for error in [
        client.request_passcode(user).await.unwrap_err(),
        client
            .request_passcode(sandbox.eqworks().ended_user().email)
            .await
            .unwrap_err(),
        client.verify(user, &passcode).await.unwrap_err(),
        client.confirm(&auth_headers(&token)).await.unwrap_err(),
        client.refresh(&token).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::AccessEnded { message }
                if message.ends_with("contact the administrator to reactivate this account")),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
}

#[tokio::test]
async fn a_product_that_the_user_may_not_use_is_an_error_of_its_own() {
    let sandbox = sandbox();
    let client = builder_for(&sandbox, Product::LOCUS).build().unwrap();
    let user = sandbox.eqworks().atom_user().email;
    let error = client.request_passcode(user).await.unwrap_err();
    assert!(
        matches!(&error, Error::ProductDenied { message }
            if *message == format!("User {user} does not have access to locus")),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(sandbox.inbox(user).count(), 0);
}

#[tokio::test]
async fn without_a_user_nothing_is_sent() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    for user in ["", "  "] {
        for error in [
            client.request_passcode(user).await.unwrap_err(),
            client.verify(user, &"FDEA9F".into()).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        }
    }
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn a_passcode_gives_a_token_for_90_days() {
    let sandbox = sandbox();
    let passcode = passcode(&sandbox).await;
    let user = email(&sandbox);
    let token = client(&sandbox).verify(user, &passcode).await.unwrap();
    assert!(is_accepted(&sandbox, &token));
    assert_eq!(token.user(), Some(user));
    assert_eq!(token.product(), Some(Product::ATOM));
    let now = sandbox.clock().now().wall();
    assert_eq!(token.issued_at(), now);
    assert_eq!(token.expiry(), Expiry::At(now + LIFETIME));
    let claims = token.unverified_claims().unwrap();
    assert_eq!(claims.text("email"), Some(user));
    let uuid = sandbox.eqworks().jwt_uuid(user);
    assert_eq!(claims.text("jwt_uuid"), Some(uuid.as_str()));

    let entry = only(&sandbox, "eqworks.verify");
    let otp = passcode.expose_secret();
    assert_sent(&entry, "verify", &[("user", user), ("otp", otp)]);
    assert_eq!(entry.header("eq-api-jwt"), None);
}

#[tokio::test]
async fn small_letters_and_blanks_around_a_passcode_do_not_matter() {
    let sandbox = sandbox();
    let passcode = passcode(&sandbox).await;
    let typed = format!(" {}\n", passcode.expose_secret().to_lowercase());
    let client = client(&sandbox);
    client.verify(email(&sandbox), &typed.into()).await.unwrap();
    let sent = parameters(&only(&sandbox, "eqworks.verify"));
    let otp = sent.iter().find(|(name, _)| name == "otp").unwrap();
    assert_eq!(otp.1, passcode.expose_secret());
}

#[tokio::test]
async fn what_cannot_be_a_passcode_is_not_sent() {
    let sandbox = sandbox();
    for text in ["", "12345", "1234567", "12345G", "12 345"] {
        let client = client(&sandbox);
        let error = client.verify("sue@acme.test", &text.into()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::NotAPasscode { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
    assert_eq!(sandbox.log().entries().len(), 0);
}

#[tokio::test]
async fn a_wrong_passcode_leaves_the_right_one_good_and_the_right_one_works_once() {
    let sandbox = sandbox();
    let right = passcode(&sandbox).await;
    let wrong = match right.expose_secret() {
        "000000" => "000001",
        _ => "000000",
    };
    let pending = client(&sandbox).pending_login(email(&sandbox));
    for _ in 0..2 {
        let error = pending.complete(&wrong.into()).await.unwrap_err();
        assert!(matches!(error, Error::WrongPasscode { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    }
    pending.complete(&right).await.unwrap();
    let error = pending.complete(&right).await.unwrap_err();
    assert!(matches!(error, Error::PasscodeSpent { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::InteractionRequired);
    sandbox.log().assert_count("eqworks.verify", 4);
}

#[tokio::test]
async fn a_passcode_that_was_never_sent_or_is_too_old_is_spent() {
    let sandbox = sandbox();
    let pending = client(&sandbox).pending_login(email(&sandbox));
    let error = pending.complete(&"FDEA9F".into()).await.unwrap_err();
    assert!(matches!(error, Error::PasscodeSpent { .. }), "{error:?}");

    let passcode = passcode(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(600));
    let error = pending.complete(&passcode).await.unwrap_err();
    assert!(matches!(error, Error::PasscodeSpent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_log_in_leaves_older_tokens_good_unless_it_is_told_to_revoke_them() {
    let sandbox = sandbox();
    let first = log_in(&sandbox).await;
    let second = log_in(&sandbox).await;
    assert!(is_accepted(&sandbox, &first) && is_accepted(&sandbox, &second));

    let passcode = passcode(&sandbox).await;
    let pending = client(&sandbox).pending_login(email(&sandbox));
    let third = pending.complete_and_revoke_older(&passcode).await.unwrap();
    let sent = sandbox.log().last("eqworks.verify").unwrap();
    assert!(parameters(&sent).contains(&("reset_uuid".into(), "1".into())));
    assert!(!is_accepted(&sandbox, &first) && !is_accepted(&sandbox, &second));
    assert!(is_accepted(&sandbox, &third));
}

#[tokio::test]
async fn a_confirmation_tells_whose_token_it_is_and_how_long_it_lives() {
    let sandbox = sandbox();
    let token = log_in(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(86_400));
    let confirmed = client(&sandbox)
        .confirm(&auth_headers(&token))
        .await
        .unwrap();
    assert_eq!(Some(confirmed.user.as_str()), token.user());
    assert_eq!(confirmed.product, Product::ATOM);
    assert!(!confirmed.is_light);
    let left = LIFETIME.checked_sub(Duration::from_secs(86_400));
    assert_eq!(confirmed.time_left, left);
    assert_eq!(confirmed.access_expiry, Some(Expiry::Never));
    assert!(confirmed.access::<serde_json::Value>().is_some());

    let entry = only(&sandbox, "eqworks.confirm");
    assert_sent(&entry, "confirm", &[]);
    assert_authorized(&entry, &token);
}

#[tokio::test]
async fn a_light_confirmation_passes_a_token_that_was_revoked_and_a_full_one_does_not() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), log_in(&sandbox).await);
    sandbox.eqworks().revoke(email(&sandbox));
    let confirmed = client.confirm_light(&auth_headers(&token)).await.unwrap();
    assert!(confirmed.is_light);
    assert_eq!(confirmed.access_expiry, None);
    let entry = only(&sandbox, "eqworks.confirm");
    assert_sent(&entry, "confirm", &[("light", "1")]);
    assert_authorized(&entry, &token);

    for error in [
        client.confirm(&auth_headers(&token)).await.unwrap_err(),
        client.refresh(&token).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::TokenRejected { message }
                if message.starts_with("Invalid UUID for user")),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::TokenRejected);
    }
}

#[tokio::test]
async fn a_bad_token_is_rejected_without_being_repeated() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let ended = sandbox.clock().now().wall();
    let ended = ended
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let expired =
        json!({"email": email(&sandbox), "product": "atom", "exp": ended, "jwt_uuid": "u"});
    for jwt in [
        "garbage-0123456789".to_owned(),
        crate::set_up::jwt("{}"),
        sandbox.eqworks().sign(&json!({})),
        sandbox.eqworks().sign(&expired),
    ] {
        let never =
            auth_core::Token::new(jwt.as_str().into(), Expiry::Never, std::time::UNIX_EPOCH);
        let token = Token::from(never);
        for error in [
            client.confirm(&auth_headers(&token)).await.unwrap_err(),
            client
                .confirm_light(&auth_headers(&token))
                .await
                .unwrap_err(),
            client.refresh(&token).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
            assert!(!format!("{error:?}").contains(&jwt[..12]), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_token_of_another_product_is_an_error_of_its_own() {
    let sandbox = sandbox();
    let jwt = sandbox.eqworks().mint_token(email(&sandbox), "locus");
    let token = Token::from_jwt(jwt).unwrap();
    let client = client(&sandbox);
    for error in [
        client.confirm(&auth_headers(&token)).await.unwrap_err(),
        client.refresh(&token).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::OtherProduct { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::TokenRejected);
    }
}

#[tokio::test]
async fn a_client_of_another_product_names_it_with_every_call() {
    let sandbox = sandbox();
    let client = builder_for(&sandbox, Product::LOCUS).build().unwrap();
    let pending = client.request_passcode(email(&sandbox)).await.unwrap();
    let mail = sandbox.inbox(pending.user()).latest().unwrap();
    let token = pending
        .complete(&mail.link().unwrap().as_str().into())
        .await
        .unwrap();
    assert_eq!(token.product(), Some(Product::LOCUS));
    let confirmed = client.confirm(&auth_headers(&token)).await.unwrap();
    assert_eq!(confirmed.product, Product::LOCUS);
    client.confirm_light(&auth_headers(&token)).await.unwrap();
    let token = client.refresh(&token).await.unwrap();
    let token = client.refresh_and_revoke_older(&token).await.unwrap();
    assert_eq!(token.product(), Some(Product::LOCUS));
    let entries = sandbox.log().entries();
    assert_eq!(entries.len(), 6);
    for entry in entries {
        let sent = parameters(&entry);
        let products: Vec<_> = sent.iter().filter(|it| it.0 == "product").collect();
        assert_eq!(products, [&("product".to_owned(), "locus".to_owned())]);
    }
    sandbox.log().assert_no_hints();
}

#[tokio::test]
async fn both_stages_are_called_at_their_own_address() {
    let sandbox = sandbox();
    for (stage, path) in [
        (Stage::Dev, "/eqworks/dev/login"),
        (Stage::Prod, "/eqworks/prod/login"),
    ] {
        let client = Client::builder(stage, Product::ATOM)
            .base_url(sandbox.eqworks().base_url())
            .clock(sandbox.clock())
            .build()
            .unwrap();
        client.request_passcode(email(&sandbox)).await.unwrap();
        let sent = sandbox.log().last("eqworks.request_passcode").unwrap();
        assert_eq!(sent.path(), path);
    }
}

#[tokio::test]
async fn a_refresh_gives_another_90_days_and_leaves_the_old_token_good() {
    let sandbox = sandbox();
    let old = log_in(&sandbox).await;
    sandbox.clock().advance(Duration::from_secs(86_400));
    let new = client(&sandbox).refresh(&old).await.unwrap();
    assert_ne!(new.fingerprint(), old.fingerprint());
    assert!(is_accepted(&sandbox, &old) && is_accepted(&sandbox, &new));
    let end = sandbox.clock().now().wall() + LIFETIME;
    assert_eq!(new.expiry(), Expiry::At(end));
    assert_eq!((new.user(), new.product()), (old.user(), old.product()));

    let entry = only(&sandbox, "eqworks.refresh");
    assert_sent(&entry, "refresh", &[]);
    assert_authorized(&entry, &old);
}

#[tokio::test]
async fn two_refreshes_in_one_second_may_give_the_same_token() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), minted(&sandbox));
    let one = client.refresh(&token).await.unwrap();
    let two = client.refresh(&token).await.unwrap();
    assert_eq!(one.fingerprint(), two.fingerprint());
}

#[tokio::test]
async fn a_refresh_that_revokes_ends_all_older_tokens() {
    let sandbox = sandbox();
    let (first, second) = (log_in(&sandbox).await, minted(&sandbox));
    let client = client(&sandbox);
    let new = client.refresh_and_revoke_older(&first).await.unwrap();
    assert!(!is_accepted(&sandbox, &first) && !is_accepted(&sandbox, &second));
    assert!(is_accepted(&sandbox, &new));
    let entry = only(&sandbox, "eqworks.refresh");
    assert_sent(&entry, "refresh", &[("reset_uuid", "1")]);

    let error = client.refresh_and_revoke_older(&first).await.unwrap_err();
    assert!(matches!(error, Error::TokenRejected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_sent_to_be_refreshed() {
    let sandbox = sandbox();
    let (client, token) = (client(&sandbox), minted(&sandbox));
    sandbox.clock().advance(LIFETIME);
    for error in [
        client.refresh(&token).await.unwrap_err(),
        client.refresh_and_revoke_older(&token).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::LoginRequired { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InteractionRequired);
        assert!(error.to_string().contains("expired"), "{error}");
    }
    sandbox.log().assert_count("eqworks.refresh", 0);
}

#[tokio::test]
async fn an_unknown_path_is_told_from_an_unknown_user() {
    let sandbox = sandbox();
    let base_url = format!("{}nowhere/", sandbox.eqworks().base_url());
    let lost = builder(&sandbox).base_url(base_url).build().unwrap();
    let error = lost.request_passcode(email(&sandbox)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
}

//! A token may be anything that a vendor, or a person, gives for one.
#![no_main]

use auth_core::{SecretString, UnverifiedClaims};
use identityx_auth::{AppUser, ApplicationId, OrgUser, OrgUserApiToken};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let jwt = SecretString::from(text);
    if let Ok(claims) = UnverifiedClaims::of(&jwt) {
        let _ = (claims.expiry(), claims.moment("iat"), claims.text("sub"));
        let _ = claims.get::<Vec<String>>("products");
        assert!(format!("{claims:?}").len() < 40);
    }
    let application = ApplicationId::new("5d1b86a8f7a3c10012e4f001").unwrap();
    for shown in [
        format!("{:?}", eqworks_auth::Token::from_jwt(text)),
        format!("{:?}", AppUser::from_jwt(text, &application)),
        format!("{:?}", OrgUser::from_jwt(text)),
        format!("{:?}", OrgUserApiToken::from_jwt(text)),
    ] {
        // A message has blanks, and a part of a token has none.
        let is_secret = |part: &&str| part.len() > 24 && !part.contains(' ');
        for part in text.split('.').skip(1).filter(is_secret) {
            assert!(!shown.contains(part), "{shown}");
        }
    }
    if let Ok(token) = eqworks_auth::Token::from_jwt(text) {
        let _ = token.auth_headers();
    }
});

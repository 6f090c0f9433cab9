//! The checks of an e-mail address. Statuses and the texts of disposable addresses are those of the source
//! code that the vendor has published. Decision: the other texts.

use super::failure::Failure;
use crate::inbox::normal;

/// Decision: which addresses are disposable. The vendor uses a public list of some thousand domains.
const DISPOSABLE: [&str; 2] = ["mailinator.com", "yopmail.com"];

/// An address has to be given.
pub(super) fn required(email: &str) -> Result<(), Failure> {
    if normal(email).is_empty() {
        let message = "The parameter `email` is required.";
        return Err(Failure::internal(
            400,
            message,
            "the e-mail address is empty",
        ));
    }
    Ok(())
}

/// The address of a user who exists, and may have been imported.
pub(super) fn check_known(email: &str) -> Result<(), Failure> {
    refuse_disposable(email, "Please re-register with a valid email address.")
}

/// The address of a new user.
pub(super) fn check_new(email: &str) -> Result<(), Failure> {
    required(email)?;
    let address = normal(email);
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    let is_domain = |domain: &str| domain.split('.').all(is_part) && domain.contains('.');
    let parts = address.split_once('@');
    if !parts.is_some_and(|(local, domain)| is_part(local) && is_domain(domain)) {
        let message = format!("ValidatorError: Invalid email address {address}");
        return Err(Failure::internal(
            422,
            message,
            "the e-mail address is none",
        ));
    }
    refuse_disposable(email, "Please enter a valid email address.")
}

fn refuse_disposable(email: &str, advice: &str) -> Result<(), Failure> {
    let email = normal(email);
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
    if DISPOSABLE.contains(&domain) {
        let message = format!("The email domain \"{domain}\" is not allowed. {advice}");
        return Err(Failure::internal(
            422,
            message,
            "the e-mail address is disposable",
        ));
    }
    Ok(())
}

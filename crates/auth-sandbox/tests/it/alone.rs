//! What of the library stands alone, for the tests in it: without the whole library being compiled once more for these.

#[path = "../../src/bounded.rs"]
mod bounded;
#[path = "../../src/date.rs"]
mod date;
#[path = "../../src/eqworks/link.rs"]
mod link;
#[path = "../../src/server/mask/secret.rs"]
mod secret;

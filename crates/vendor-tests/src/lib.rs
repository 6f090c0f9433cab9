//! The tests that every vendor crate runs.
//!
//! A vendor crate implements [`Vendor`] and the other traits that fit it, and calls the macro of
//! each group of tests: [`answers!`], [`builder!`], [`canaries!`], [`faults!`], [`redaction!`], [`session!`], and where they
//! fit [`renewed_session!`], [`password_session!`] and [`login_session!`]. A group's macro lists its
//! tests, whose bodies are the functions of the module of that name.

#![allow(missing_docs, reason = "the name of a test says what it tests")]
#![allow(
    async_fn_in_trait,
    reason = "where a test moves the future to another thread, its trait says `Send`"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "a panic is how a test fails, and errors are what it tests"
)]

mod answering;
pub mod answers;
mod between;
pub mod builder;
pub mod canaries;
pub mod faults;
pub mod forms;
pub mod login_session;
pub mod password_session;
pub mod pasted;
pub mod redaction;
pub mod renewed_session;
pub mod session;
mod set_up;
mod vendor;

pub use crate::answering::{answering, response};
pub use crate::between::Between;
pub use crate::set_up::{always, assert_refused, only, sandbox, sandbox_with, settled, shown};
pub use crate::vendor::{
    Call, Calls, InteractiveLogin, PasswordLogin, Renewals, Secrets, Session, Sessions, Settings,
    Vendor,
};

pub use url::Url;

/// Writes the tests of `$group` for `$vendor`: the bodies are generic functions.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($vendor:ty, $group:ident: $(
        $(#[$attribute:meta])+
        $(async fn $asynchronous:ident)? $(fn $blocking:ident)? ();
    )+) => {
        $(
            $(#[$attribute])+
            $(async fn $asynchronous() {
                $crate::$group::$asynchronous::<$vendor>().await;
            })?
            $(fn $blocking() {
                $crate::$group::$blocking::<$vendor>();
            })?
        )+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_is_in_the_list_of_its_group() {
        for source in [
            include_str!("answers.rs"),
            include_str!("builder.rs"),
            include_str!("canaries.rs"),
            include_str!("faults.rs"),
            include_str!("login_session.rs"),
            include_str!("password_session.rs"),
            include_str!("redaction.rs"),
            include_str!("renewed_session.rs"),
            include_str!("session.rs"),
        ] {
            let tests: Vec<_> = source
                .lines()
                .filter(|line| line.starts_with("pub ") && line.ends_with(">() {"))
                .filter_map(|line| line.split('<').next()?.split(' ').next_back())
                .collect();
            assert!(tests.len() > 1, "{source}");
            for test in tests {
                assert!(source.contains(&format!("fn {test}();")), "{test}");
            }
        }
    }
}

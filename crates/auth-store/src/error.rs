//! Errors of the kind `Store`.

use auth_core::{Error, ErrorKind};

pub(crate) fn store_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Store, message)
}

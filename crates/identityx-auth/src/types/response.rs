//! A response in the form of GraphQL.

use std::fmt;

use auth_core::ErrorKind;

use crate::Error;

/// The response to an operation: its data, and what the vendor says is wrong.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response<T> {
    /// The data. `None` if there are none, or if a field is missing that must not be.
    pub data: Option<T>,
    /// What the vendor says is wrong; the first 20 of it; empty if nothing is.
    pub errors: Vec<FieldError>,
}

/// What the vendor says is wrong with a field of a response.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}{}", .path.as_ref().map(|it| format!(" (field `{it}`)")).unwrap_or_default())]
#[non_exhaustive]
pub struct FieldError {
    /// What is wrong.
    #[source]
    pub error: Error,
    /// The field whose data are missing, from the outside, such as
    /// `userOrganizations.0.organization`; `None` if the vendor does not say.
    pub path: Option<String>,
}

impl<T> Response<T> {
    pub(crate) fn new(data: Option<T>, errors: Vec<FieldError>) -> Self {
        Self { data, errors }
    }

    /// All of the data, or the first error.
    pub(crate) fn complete(self) -> Result<T, Error> {
        match (self.errors.into_iter().next(), self.data) {
            (Some(field), _) => Err(field.error),
            (None, Some(data)) => Ok(data),
            (None, None) => Err(Self::neither()),
        }
    }

    pub(crate) fn neither() -> Error {
        let message = "identityx answered with neither data nor errors";
        auth_core::Error::new(ErrorKind::Protocol, message).into()
    }
}

impl<T> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The data may hold a token.
        f.debug_struct("Response")
            .field("has_data", &self.data.is_some())
            .field("errors", &self.errors.len())
            .field("first_error", &self.errors.first())
            .finish()
    }
}

//! A schema or operations, with the name that messages use.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// The text of a GraphQL file, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// A text, and the name that messages use for it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            // A Rust raw string cannot contain a carriage return.
            text: text.into().replace("\r\n", "\n"),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file does not exist or is not UTF-8.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(Error::read(path))?;
        Ok(Self::new(path.display().to_string(), text))
    }

    /// The schema that this crate includes: the part of IdentityX's that authentication needs.
    pub fn identityx_schema() -> Self {
        Self::new("identityx.graphql", crate::SCHEMA)
    }

    /// The name that messages use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

//! What can go wrong before anything is written.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why no code was generated, or why it was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The schema, or an operation, is not valid: each place with its reason.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
    /// An introspection result that says no schema.
    #[error("{file}: not an introspection result: {reason}")]
    Introspection {
        /// The file, as it was named.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The document is valid GraphQL for which there is no Rust.
    #[error("{file}: cannot generate code: {reason}")]
    Unsupported {
        /// The file, as it was named.
        file: String,
        /// What stands in the way.
        reason: String,
    },
    /// An option that is no Rust.
    #[error("`{0}` is not a path of Rust")]
    Options(String),
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One place of a document that is not valid, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1; none where the whole file is meant.
    pub line: Option<usize>,
    /// The column, counted from 1.
    pub column: Option<usize>,
    /// What is wrong there.
    pub reason: String,
}

impl Problem {
    /// File, line and column.
    pub(crate) fn place(&self) -> String {
        let numbers = self.line.into_iter().chain(self.column);
        numbers.fold(self.file.clone(), |place, number| {
            format!("{place}:{number}")
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.reason)
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

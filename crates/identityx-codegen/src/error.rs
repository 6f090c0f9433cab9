//! Errors of generating, writing and checking.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why code was not generated, not written, or is out of date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The schema or an operation is not valid: every place, with the reason.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
    /// A JSON file is not an introspection result.
    #[error("{file}: not an introspection result: {reason}")]
    Introspection {
        /// The name of the [`Document`](crate::Document).
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The document is valid GraphQL that cannot be expressed in Rust.
    #[error("{file}: cannot generate code: {reason}")]
    Unsupported {
        /// The name of the [`Document`](crate::Document).
        file: String,
        /// What cannot be expressed.
        reason: String,
    },
    /// An option is not valid Rust.
    #[error("`{0}` is not a Rust path")]
    Options(String),
    /// Files are not what would be written: each file, with the first line that differs.
    #[error("{}", lines(.0))]
    OutOfDate(Vec<Problem>),
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// One place in a file, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file's path, or the name of the [`Document`](crate::Document).
    pub file: String,
    /// The line, counted from 1; `None` if the problem concerns the whole file.
    pub line: Option<usize>,
    /// The column, counted from 1.
    pub column: Option<usize>,
    /// What is wrong there.
    pub reason: String,
}

impl Error {
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

impl Problem {
    /// A problem that concerns the whole file.
    pub(crate) fn of_file(path: &Path, reason: impl Into<String>) -> Self {
        Self {
            file: path.display().to_string(),
            line: None,
            column: None,
            reason: reason.into(),
        }
    }

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

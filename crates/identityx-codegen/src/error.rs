//! Errors of generating, writing and checking.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use apollo_compiler::parser::{SourceMap, SourceSpan};

/// How much of a long line is shown before and after the place.
const EXCERPT: usize = 60;

/// Why code was not generated, not written, or is out of date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The schema or an operation is not valid, or has no type in Rust: every place, with the
    /// reason and what to do.
    #[error("{}", texts(.0))]
    Invalid(Vec<Problem>),
    /// A JSON file is not an introspection result.
    #[error("{file}: not an introspection result: {reason}")]
    Introspection {
        /// The name of the [`Document`](crate::Document).
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An option is not valid Rust.
    #[error("`{0}` is not a Rust path, such as ::chrono::NaiveDate or crate::vendor")]
    Options(String),
    /// Files are not what would be written: each file, with the first line that differs.
    #[error("{}", texts(.0))]
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

/// One place in a file, and what is wrong there. Its text has the form of rustc's messages.
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
    /// What to do, where that can be said.
    pub help: Option<String>,
    /// The line's text, and how many characters are marked.
    pub(crate) excerpt: Option<(String, usize)>,
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

    /// The error as a program prints it: in the form of rustc's messages, with the system's reason
    /// where there is one.
    pub fn report(&self) -> String {
        match self {
            Self::Invalid(_) | Self::OutOfDate(_) => self.to_string(),
            Self::Read { source, .. } | Self::Write { source, .. } => {
                format!("error: {self}: {source}")
            }
            Self::Introspection { .. } | Self::Options(_) => format!("error: {self}"),
        }
    }
}

impl Problem {
    /// A problem that concerns the whole file.
    pub(crate) fn of_file(file: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            reason: reason.into(),
            help: None,
            excerpt: None,
        }
    }

    /// A problem at a place of a document, or with all of it.
    pub(crate) fn at(
        sources: &SourceMap,
        span: Option<SourceSpan>,
        file: &str,
        reason: impl Into<String>,
    ) -> Self {
        let mut problem = Self::of_file(file, reason);
        let found = span.and_then(|span| {
            let source = sources.get(&span.file_id())?;
            Some((span, source, span.line_column(sources)?))
        });
        if let Some((span, source, start)) = found {
            problem.file = source.path().display().to_string();
            (problem.line, problem.column) = (Some(start.line), Some(start.column));
            let text = source.source_text();
            let marked = text
                .get(span.offset()..span.end_offset())
                .unwrap_or_default();
            let marked = marked.lines().next().unwrap_or_default().chars().count();
            let line = text.lines().nth(start.line - 1).unwrap_or_default();
            problem.excerpt = Some((line.to_owned(), marked.max(1)));
        }
        problem
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
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
        let number = self.line.map_or_else(String::new, |line| line.to_string());
        let margin = " ".repeat(number.len());
        write!(f, "error: {}\n{margin}--> {}", self.reason, self.place())?;
        if let Some((line, marked)) = &self.excerpt {
            // A tab is one column, and a line may be a whole minified file.
            let column = self.column.unwrap_or(1) - 1;
            let from = column.saturating_sub(EXCERPT);
            let shown = line
                .chars()
                .skip(from)
                .take(column - from + marked.min(&EXCERPT) + EXCERPT);
            let shown: String = shown
                .map(|it| if it.is_control() { ' ' } else { it })
                .collect();
            let caret = " ".repeat(column - from) + &"^".repeat(*marked.min(&EXCERPT));
            write!(f, "\n{margin} |\n{number} | {}", shown.trim_end())?;
            write!(f, "\n{margin} | {caret}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n{margin} = help: {help}"),
            None => Ok(()),
        }
    }
}

fn texts(problems: &[Problem]) -> String {
    let texts: Vec<_> = problems.iter().map(Problem::to_string).collect();
    texts.join("\n\n")
}

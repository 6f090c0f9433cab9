//! System calls that fail, for tests.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What becomes of one system call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It fails with this number.
    Instead(i32),
    /// It is made, and then reported as failed: a reply that a network file system lost.
    After(i32),
}

type Rule = Box<dyn FnMut(&Path, &str) -> Option<Fault> + Send>;

static RULES: Mutex<Vec<(PathBuf, Rule)>> = Mutex::new(Vec::new());

fn rules() -> MutexGuard<'static, Vec<(PathBuf, Rule)>> {
    RULES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Until it is dropped, a rule decides about the calls in one directory, on all threads.
pub(crate) struct Faults(PathBuf);

impl Faults {
    pub(crate) fn new(
        directory: &Path,
        rule: impl FnMut(&Path, &str) -> Option<Fault> + Send + 'static,
    ) -> Self {
        rules().push((directory.to_owned(), Box::new(rule)));
        Self(directory.to_owned())
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        rules().retain(|(directory, _)| *directory != self.0);
    }
}

pub(super) fn attempt<T>(
    path: &Path,
    what: &str,
    work: &mut impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let fault = rules()
        .iter_mut()
        .find(|(directory, _)| path.starts_with(directory))
        .and_then(|(_, rule)| rule(path, what));
    match fault {
        None => work(),
        Some(Fault::Instead(number)) => Err(io::Error::from_raw_os_error(number)),
        Some(Fault::After(number)) => {
            work().and_then(|_| Err(io::Error::from_raw_os_error(number)))
        }
    }
}

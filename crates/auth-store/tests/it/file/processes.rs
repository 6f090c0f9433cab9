//! Other processes: this test program, run again as one of its tests.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::*;

/// Tells a process that it is a test's child, and in which directory.
const CHILD: &str = "AUTH_STORE_TEST_CHILD";

/// The beginning of the lines for the parent. The test program prints other lines, too.
const LINE: &str = "child: ";

/// Another process, which is killed after the test.
pub(super) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Runs `test` in a child process, which finds the directory by [`is_child`].
    pub(super) fn run(test: &str, directory: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        Self::run_as(Command::new(program), test, directory)
    }

    /// Runs `test` by a command that starts this program.
    pub(super) fn run_as(mut command: Command, test: &str, directory: &Path) -> Self {
        let mut child = command
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// The next line of the child; `None` if it has ended.
    pub(super) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.split_once(LINE) {
                return Some(said.trim_end().to_owned());
            }
            line.clear();
        }
        None
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// As `kill -9`.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The remaining lines of the child, which must succeed.
    pub(super) fn lines_to_the_end(mut self) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.line()).collect();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {lines:?}");
        lines
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a child: the directory that the parent chose.
pub(super) fn is_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Prints a line for the parent.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(super) fn say(line: impl std::fmt::Display) {
    println!("{LINE}{line}");
}

/// Does nothing more until the process is killed.
pub(super) fn wait_to_be_killed() -> ! {
    loop {
        std::thread::park();
    }
}

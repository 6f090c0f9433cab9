//! Listening to everything that is traced or logged: a module of each vendor crate's
//! `tests/it/redaction.rs`.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Everything that is traced or logged, at the lowest level and of every library.
#[derive(Clone, Default)]
pub(super) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub(super) fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let captured = Self::default();
        let guard = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(captured.clone())
            .finish()
            // Takes in what libraries write to `log`, reqwest among them.
            .set_default();
        (captured, guard)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The operation's span has ended, with its fields.
#[track_caller]
pub(super) fn assert_traced(text: &str, operation: &str, status: u16) {
    let span = format!("{operation}{{attempt=1 duration_ms=");
    let status = format!("status={status}");
    let ended = |line: &str| line.contains("close") && line.contains(&span);
    let found = text
        .lines()
        .any(|line| ended(line) && line.contains(&status));
    assert!(found, "no {operation} with {status} in {text}");
}

/// Lower-level events are there, so that their silence about secrets means something.
#[track_caller]
pub(super) fn assert_other_libraries_were_heard(text: &str) {
    assert!(text.contains("TRACE"), "{text}");
    assert!(
        text.contains("reqwest::") || text.contains("hyper_util::"),
        "{text}"
    );
}

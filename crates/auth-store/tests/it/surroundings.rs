//! Where a store is called: without a runtime, and in a child process made by `fork()`.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread without any runtime.
pub(crate) fn without_runtime<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => park(),
        }
    }
}

/// A runtime without a timer and without a network.
pub(crate) fn bare() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Runs `task` in a child process that has this thread's memory. It must not panic or hang.
#[track_caller]
pub(crate) fn in_a_child(task: impl FnOnce() + Send + 'static) {
    match fork::fork().unwrap() {
        fork::Fork::Parent(child) => {
            let status = fork::waitpid(child).unwrap();
            assert!(fork::WIFEXITED(status), "{status}");
            assert_eq!(
                fork::WEXITSTATUS(status),
                0,
                "the child panicked (1) or hung (2)"
            );
            // The task was moved into the child.
            std::mem::forget(task);
        }
        fork::Fork::Child => {
            let (sender, receiver) = channel();
            std::thread::spawn(move || {
                let task = std::panic::AssertUnwindSafe(task);
                let _ = sender.send(std::panic::catch_unwind(task).is_ok());
            });
            std::process::exit(match receiver.recv_timeout(Duration::from_secs(20)) {
                Ok(true) => 0,
                Ok(false) => 1,
                Err(_) => 2,
            })
        }
    }
}

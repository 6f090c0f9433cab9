//! One timer for all heads of a connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The timer of one connection, whose deadlines only become later.
///
/// Decision: hyper makes a timer for each head and drops it when that has come, which costs the runtime two locks
/// per call. Here one timer stays: when it fires, it is set to the deadline of the head that is waited for by then.
pub(super) struct HeadTimer(Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>);

impl HeadTimer {
    /// No deadline is earlier than `first` from now.
    pub(super) fn new(first: Duration) -> Self {
        Self(Arc::new(Mutex::new(Box::pin(tokio::time::sleep(first)))))
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until {
            deadline: deadline.into(),
            timer: Arc::clone(&self.0),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

struct Until {
    deadline: tokio::time::Instant,
    timer: Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>,
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        while timer.deadline() < self.deadline {
            ready!(timer.as_mut().poll(context));
            timer.as_mut().reset(self.deadline);
        }
        timer.as_mut().poll(context)
    }
}

impl Sleep for Until {}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(40);

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_whole_time_however_many_came_before() {
        let timer = HeadTimer::new(LIMIT);
        for _ in 0..3 {
            drop(timer.sleep(LIMIT));
        }
        let deadline = timer.now() + 2 * LIMIT;
        timer.sleep_until(deadline).await;
        assert!(timer.now() >= deadline);
        // It has passed.
        timer.sleep_until(deadline).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_when_its_next_head_does_not_come_whole_in_time() {
        let (mut caller, served) = tokio::io::duplex(1024);
        let answer = |_| async { Ok::<_, http::Error>(http::Response::new(Empty::<&[u8]>::new())) };
        let connection = http1::Builder::new()
            .timer(HeadTimer::new(LIMIT))
            .header_read_timeout(LIMIT)
            .serve_connection(TokioIo::new(served), service_fn(answer));
        let call = async {
            let head = "GET / HTTP/1.1\r\nHost: a\r\n";
            let both = format!("{head}\r\n{head}");
            caller.write_all(both.as_bytes()).await.unwrap();
            let mut answers = String::new();
            caller.read_to_string(&mut answers).await.unwrap();
            answers
        };
        let (ended, answers) = tokio::join!(connection, call);
        assert!(ended.unwrap_err().is_timeout());
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 1, "{answers}");
    }
}

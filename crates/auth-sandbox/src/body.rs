//! Bodies that a well-behaved server does not send.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;

const CHUNK: usize = 64 * 1024;
/// Together 10 MB.
const CHUNKS: usize = 160;

/// 10 MB of valid JSON, chunked: its length is known only to those who count.
pub(crate) fn huge() -> Body {
    let filler = Bytes::from(vec![b'x'; CHUNK]);
    let mut chunks = VecDeque::from([Bytes::from_static(br#"{"success":true,"data":""#)]);
    chunks.extend((0..CHUNKS).map(|_| filler.clone()));
    chunks.push_back(Bytes::from_static(br#""}"#));
    Body::new(Huge(chunks))
}

/// What is given, then an error that makes the server close the connection.
pub(crate) fn broken_after(start: Bytes) -> Body {
    Body::new(Broken {
        start: Some(start),
        flushed: false,
    })
}

struct Huge(VecDeque<Bytes>);

impl HttpBody for Huge {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }
}

struct Broken {
    start: Option<Bytes>,
    flushed: bool,
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(start) = self.start.take() {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        if !self.flushed {
            // hyper flushes what it has only when a body is pending; an error now would throw away
            // what the client was meant to see.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other(
            "the sandbox was told to truncate this answer",
        ))))
    }
}

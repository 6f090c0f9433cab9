//! Bodies that a well-behaved server does not send.

use std::convert::Infallible;
use std::io::Write as _;
use std::{io, iter};

use axum::body::{Body, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, StreamExt as _};

const CHUNK: usize = 64 * 1024;
/// Together 10 MB.
const CHUNKS: usize = 160;

/// 10 MB of valid JSON, chunked: only a client that counts knows its length.
pub(crate) fn huge() -> Body {
    let start = Bytes::from_static(br#"{"success":true,"data":""#);
    let filler = iter::repeat_n(Bytes::from(vec![b'x'; CHUNK]), CHUNKS);
    let end = Bytes::from_static(br#""}"#);
    let chunks = iter::once(start).chain(filler).chain([end]);
    Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)))
}

/// The body as `Content-Encoding: gzip` has it.
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Neither can fail: a vector takes everything.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// The start of a body, then an error that makes the server close the connection.
pub(crate) fn broken_after(start: Bytes) -> Body {
    let end = async {
        // hyper flushes what it has only when a body is pending. An error at once would throw away
        // what the client is meant to see.
        tokio::task::yield_now().await;
        let text = "the sandbox was told to truncate this answer";
        Err(io::Error::other(text))
    };
    Body::from_stream(stream::iter([Ok(start)]).chain(stream::once(end)))
}

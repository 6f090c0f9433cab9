//! The port: connections, and their orderly end.

mod head_timer;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use self::head_timer::HeadTimer;
use super::forward::Forwarder;

/// How long a connection may take to send the head of its next request.
const HEAD_TIME: Duration = Duration::from_secs(60);

/// How long requests under way may take when the proxy ends.
const LINGER: Duration = Duration::from_secs(5);

/// The pause after a connection could not be accepted: the process may have no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `listener` until `stop` completes, and then what is under way.
pub(super) async fn serve(
    listener: TcpListener,
    forwarder: Arc<Forwarder>,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // A response's first bytes do not wait for more of them.
        let _ = stream.set_nodelay(true);
        let forwarder = Arc::clone(&forwarder);
        let graceful = graceful.watcher();
        tokio::spawn(async move {
            let forwarder = &*forwarder;
            let service = service_fn(move |request| async move {
                Ok::<_, Infallible>(forwarder.answer(request).await)
            });
            let connection = http1::Builder::new()
                .timer(HeadTimer::new(HEAD_TIME))
                .header_read_timeout(HEAD_TIME)
                .serve_connection(TokioIo::new(stream), service);
            // A caller that goes away is no event.
            if let Err(error) = graceful.watch(connection).await {
                tracing::trace!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(LINGER, graceful.shutdown()).await;
}

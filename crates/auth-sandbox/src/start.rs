//! Starting a sandbox: the listener, the vendors, and a thread with a server in it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use url::Url;

use crate::exchange::{self, Exchange};
use crate::fault::queue::Queue;
use crate::inbox::Post;
use crate::log::RequestLog;
use crate::sandbox::{Sandbox, SandboxBuilder};
use crate::vendor::Context;
use crate::vendor_clock::VendorClock;
use crate::vendors::VENDORS;

impl Sandbox {
    /// Starts a sandbox with the defaults of [`SandboxBuilder`].
    ///
    /// # Errors
    ///
    /// If there is no free port, or the operating system refuses another thread.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }
}

impl SandboxBuilder {
    /// Starts the sandbox. When this returns, it listens.
    ///
    /// # Errors
    ///
    /// If there is no free port, or the operating system refuses another thread.
    pub fn start(self) -> io::Result<Sandbox> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;

        let mut sandbox = self.assemble(address, &format!("http://{address}"))?;
        let (stop, stopped) = oneshot::channel();
        sandbox.thread = Some(spawn(listener, Arc::clone(&sandbox.exchange), stopped)?);
        sandbox.stop = Some(stop);
        Ok(sandbox)
    }

    /// A sandbox that nothing listens for yet. Its vendors are at `origin`, an URL without a slash
    /// at its end.
    pub(crate) fn assemble(self, address: SocketAddr, origin: &str) -> io::Result<Sandbox> {
        let clock = self.clock;
        let vendor_clock = VendorClock::new(clock.clone(), self.skew);
        let post = Post::new(vendor_clock.clone());
        let vendors = VENDORS.iter().map(|vendor| {
            let base_url = format!("{origin}{}", vendor.prefix);
            let context = Context {
                clock: vendor_clock.clone(),
                post: post.clone(),
                base_url: Url::parse(&base_url).map_err(io::Error::other)?,
            };
            let settings = &self.vendor_settings;
            Ok((vendor.start)(context, settings, self.rate_limit))
        });
        let exchange = Exchange {
            vendors: vendors.collect::<io::Result<_>>()?,
            clock,
            vendor_clock,
            log: RequestLog::new(Sandbox::operations(), self.keep),
            faults: Queue::default(),
        };
        Ok(Sandbox {
            address,
            post,
            exchange: Arc::new(exchange),
            stop: None,
            thread: None,
        })
    }
}

fn spawn(
    listener: TcpListener,
    exchange: Arc<Exchange>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    let (report, started) = mpsc::channel();
    let answer = move |parts, body, connection| {
        let exchange = Arc::clone(&exchange);
        async move { exchange.answer(parts, body, connection).await }
    };
    let run = move || {
        // Built here and not by the caller, so that it is dropped here too, where blocking is allowed.
        let runtime = match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
        runtime.block_on(async move {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    let _ = report.send(Ok(()));
                    tokio::select! {
                        _ = stopped => {}
                        () = exchange::serve(listener, answer) => {}
                    }
                }
                Err(error) => drop(report.send(Err(error))),
            }
        });
    };
    let thread = std::thread::Builder::new()
        .name("auth-sandbox".to_owned())
        .spawn(run)?;
    started.recv().map_err(io::Error::other)??;
    Ok(thread)
}

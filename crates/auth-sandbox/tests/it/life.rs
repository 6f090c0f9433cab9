//! A sandbox starts, shares nothing, and ends.

use std::collections::HashSet;
use std::net::TcpStream;

use auth_sandbox::{Fault, Sandbox};
use futures_util::future::join_all;

use crate::caller::{Caller, read};

#[tokio::test]
async fn fifty_sandboxes_at_once_share_nothing() {
    let sandboxes: Vec<_> = (0..50).map(|_| Sandbox::start().unwrap()).collect();
    let ports: HashSet<_> = sandboxes
        .iter()
        .map(|sandbox| sandbox.address().port())
        .collect();
    assert_eq!(ports.len(), 50);

    sandboxes[0].fault(Fault::status(503).always());
    let callers: Vec<_> = sandboxes.iter().map(Caller::new).collect();
    let tokens = join_all(callers[1..].iter().map(Caller::log_in)).await;

    // A token of one is unknown to the next.
    for (number, tokens) in tokens.iter().enumerate() {
        let (own, next) = (number + 1, (number + 1) % 49 + 1);
        assert!(sandboxes[own].iqm().accepts(&tokens.access));
        assert!(!sandboxes[next].iqm().accepts(&tokens.access));
        assert_eq!(callers[next].refresh(&tokens.refresh).await.status, 401);
        assert_eq!(sandboxes[own].iqm().issued(), 1);
        sandboxes[own].log().assert_count("iqm.log_in", 1);
    }
    assert_eq!(
        read(callers[0].log_in_request(sandboxes[0].iqm().user()))
            .await
            .status,
        503
    );
}

#[test]
fn it_starts_without_a_runtime_and_the_port_is_closed_after_drop() {
    let sandbox = Sandbox::start().unwrap();
    let address = sandbox.address();
    assert!(address.ip().is_loopback());
    drop(TcpStream::connect(address).unwrap());
    drop(sandbox);
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn dropped_in_a_task_it_closes_the_connections_that_wait() {
    let sandbox = Sandbox::start().unwrap();
    let (fault, gate) = Fault::hold();
    sandbox.fault(fault);
    let request = Caller::new(&sandbox).log_in_request(sandbox.iqm().user());
    let waiting = tokio::spawn(request.send());
    gate.reached().await;
    drop(sandbox);
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test]
async fn one_sandbox_serves_two_runtimes() {
    let sandbox = Sandbox::start().unwrap();
    Caller::new(&sandbox).log_in().await;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(Caller::new(&sandbox).log_in());
        });
    });
    sandbox.log().assert_count("iqm.log_in", 2);
}

//! Where held calls wait, and how a test releases them.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

/// Where calls wait that [`Fault::hold`](crate::Fault::hold) or [`Fault::hold_answer`](crate::Fault::hold_answer) holds up.
///
/// It works from any runtime. Dropping it opens it.
pub struct Gate {
    state: Arc<GateState>,
}

pub(crate) struct GateState {
    reached: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    pub(super) fn new() -> Self {
        let (reached, open) = (watch::Sender::new(0), watch::Sender::new(false));
        Self {
            state: Arc::new(GateState { reached, open }),
        }
    }

    pub(super) fn state(&self) -> Arc<GateState> {
        Arc::clone(&self.state)
    }

    /// Completes when a call has reached the gate.
    pub async fn reached(&self) {
        self.reached_by(1).await;
    }

    /// Completes when `calls` calls have reached the gate.
    pub async fn reached_by(&self, calls: usize) {
        // It cannot fail: `self` keeps the sender alive.
        let _ = self
            .state
            .reached
            .subscribe()
            .wait_for(|reached| *reached >= calls)
            .await;
    }

    /// How many calls have reached the gate.
    pub fn calls(&self) -> usize {
        *self.state.reached.borrow()
    }

    /// Opens the gate for all calls that wait at it and all that are still to come.
    pub fn release(&self) {
        self.state.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = *self.state.open.borrow();
        f.debug_struct("Gate")
            .field("calls", &self.calls())
            .field("open", &open)
            .finish()
    }
}

impl GateState {
    pub(crate) async fn wait(&self) {
        self.reached.send_modify(|reached| *reached += 1);
        // It cannot fail: `self` keeps the sender alive.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

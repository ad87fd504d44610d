//! Backpressure on a process whose client reads more slowly than the process writes, so that nothing is lost for
//! that client. A client that does not catch up within a moment is skipped, since others use the process too.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::messages::stream::Stream;

/// The maximum time that all clients wait for one slow reader.
const MOMENT: Duration = Duration::from_millis(100);

/// The stream whose reader is behind, if there is one.
#[derive(Default)]
pub(crate) struct Pressure(Mutex<Option<Arc<Stream>>>);

impl Pressure {
    /// Records that a message was added to `stream`.
    pub(crate) fn note(&self, stream: &Arc<Stream>) {
        if stream.is_crowded() {
            *self.0.lock() = Some(Arc::clone(stream));
        }
    }

    /// Waits, for a limited time, until the reader has caught up.
    pub(super) async fn ease(&self) {
        let crowded = self.0.lock().take();
        let Some(stream) = crowded else { return };
        let relief = std::future::poll_fn(|cx| stream.poll_relief(cx));
        if tokio::time::timeout(MOMENT, relief).await.is_err() {
            stream.leave_behind();
        }
    }
}

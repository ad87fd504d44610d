//! Lets a child wait for a client that reads, but more slowly than the child speaks: nothing is lost
//! for it. A client that does not keep up in a moment is left behind, since others use the child too.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::stream::Stream;

/// How long everyone waits for one reader.
const MOMENT: Duration = Duration::from_millis(100);

/// The stream whose reader is behind, if there is one.
#[derive(Default)]
pub(crate) struct Pressure(Mutex<Option<Arc<Stream>>>);

impl Pressure {
    /// Notes that something was added to `stream`.
    pub(crate) fn note(&self, stream: &Arc<Stream>) {
        if stream.is_crowded() {
            *self.0.lock() = Some(Arc::clone(stream));
        }
    }

    /// Waits until the reader has caught up, for a moment at most.
    pub(super) async fn ease(&self) {
        let crowded = self.0.lock().take();
        let Some(stream) = crowded else { return };
        let relief = std::future::poll_fn(|cx| stream.poll_relief(cx));
        if tokio::time::timeout(MOMENT, relief).await.is_err() {
            stream.leave_behind();
        }
    }
}

//! The end of a child, as the rest of the program brings it about and waits for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::Child;

/// How long a process may be in vanishing: it has been killed by then.
const GONE: Duration = Duration::from_secs(10);

impl Child {
    /// Asks the child to end; returns at once.
    pub fn end(&self) {
        self.ending.cancel();
    }

    /// Notes that its successor waits for its end.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if it is about to end, or has, and something of it may be left.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed) || !self.is_live()
    }

    /// Waits until nothing of the child is left; what it does after `grace` is cut short.
    pub async fn make_way(&self, grace: Duration) {
        if timeout(grace, self.ended()).await.is_ok() {
            return;
        }
        self.end();
        if timeout(GONE, self.ended()).await.is_err() {
            log::warn!(
                "{}[{}] cannot be ended; another process is started beside it",
                self.server,
                self.pid
            );
        }
    }

    /// Waits until nothing of the child is left.
    pub async fn ended(&self) {
        self.gone.cancelled().await;
    }

    /// Whether it can still answer.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.silent.is_cancelled() && !self.ending.is_cancelled()
    }

    /// Whether it was asked to end.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Whether it has ended, or can answer nothing more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.silent.is_cancelled()
    }
}

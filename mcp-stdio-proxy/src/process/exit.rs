//! Termination of a process, as requested and awaited by the rest of the program.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::Process;

/// The maximum time for a killed process to disappear.
const GONE: Duration = Duration::from_secs(10);

impl Process {
    /// Asks the process to exit, without waiting.
    pub fn end(&self) {
        self.ending.cancel();
    }

    /// Records that a successor is waiting for the end of this process.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the process is about to exit or has exited, and parts of its process group may remain.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed) || !self.is_live()
    }

    /// Waits until the process's whole process group has exited; requests termination after `grace`.
    pub async fn exit_within(&self, grace: Duration) {
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

    /// Waits until the process's whole process group has exited.
    pub async fn ended(&self) {
        self.gone.cancelled().await;
    }

    /// Returns `true` if the process can still answer.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.silent.is_cancelled() && !self.ending.is_cancelled()
    }

    /// Returns `true` if the process was asked to exit.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Returns `true` if the process has exited or closed its output.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.silent.is_cancelled()
    }
}

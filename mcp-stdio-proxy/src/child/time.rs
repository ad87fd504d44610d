//! How long a request may take: progress restarts the time, within a maximum (MCP "Timeouts": "implementations
//! SHOULD always enforce a maximum timeout, regardless of progress notifications").

use std::time::{Duration, Instant};

/// The maximum, in times of what a request may take without progress.
pub const LONGEST: u32 = 12;

/// When a request was sent, and when it last made progress.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    begun: Instant,
    progressed: Instant,
}

impl Default for Time {
    fn default() -> Self {
        let now = Instant::now();
        Self { begun: now, progressed: now }
    }
}

impl Time {
    /// Notes progress.
    pub fn restart(&mut self) {
        self.progressed = Instant::now();
    }

    /// Returns `true` if there was no progress for longer than `patience`, or the maximum has passed.
    #[must_use]
    pub fn is_over(&self, patience: Duration) -> bool {
        self.progressed.elapsed() > patience || self.is_past_maximum(patience)
    }

    /// Returns `true` if the maximum has passed.
    #[must_use]
    pub fn is_past_maximum(&self, patience: Duration) -> bool {
        self.begun.elapsed() > patience.saturating_mul(LONGEST)
    }
}

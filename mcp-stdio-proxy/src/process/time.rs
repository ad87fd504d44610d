//! Timeout of a request. Progress restarts the timeout, up to a maximum (MCP "Timeouts": "implementations
//! SHOULD always enforce a maximum timeout, regardless of progress notifications").

use std::time::{Duration, Instant};

/// The maximum duration, as a multiple of the timeout without progress.
pub const MAXIMUM_FACTOR: u32 = 12;

/// The start of a request and its last progress.
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
    /// Records progress, which restarts the timeout.
    pub fn restart(&mut self) {
        self.progressed = Instant::now();
    }

    /// Returns `true` if the request made no progress for longer than `patience`, or has exceeded the
    /// maximum.
    #[must_use]
    pub fn is_over(&self, patience: Duration) -> bool {
        self.progressed.elapsed() > patience || self.is_past_maximum(patience)
    }

    /// Returns `true` if the request has exceeded the maximum.
    #[must_use]
    pub fn is_past_maximum(&self, patience: Duration) -> bool {
        self.begun.elapsed() > patience.saturating_mul(MAXIMUM_FACTOR)
    }
}

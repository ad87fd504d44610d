//! Monotonic time as a number.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Returns the milliseconds since the program started, an instant that fits into an atomic.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Returns the time since `then`, an instant of [`now_ms`].
pub(crate) fn since_ms(then: u64) -> Duration {
    Duration::from_millis(now_ms().saturating_sub(then))
}

//! Locks that are held for a few instructions, and time as a number.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Locks `mutex`. No code of ours can panic while it holds one, so poison means nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the program started: an instant that fits an atomic.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The time since `then`, an instant of [`now_ms`].
pub(crate) fn since_ms(then: u64) -> Duration {
    Duration::from_millis(now_ms().saturating_sub(then))
}

//! How often something failed in a row, and how long to wait before it is tried again.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A process that lived at least this long was not part of a crash loop.
const STABLE: Duration = Duration::from_secs(10);
/// Failures in a row before the next try has to wait.
const FREE_FAILURES: u32 = 3;
/// The first wait; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
}

/// See the module.
#[derive(Default)]
pub struct Health(Mutex<State>);

impl Health {
    /// Notes a failure.
    pub fn failed(&self) {
        let mut state = self.0.lock();
        state.failures = state.failures.saturating_add(1);
        let times = state.failures.checked_sub(FREE_FAILURES);
        let wait = times.map(|times| FIRST_WAIT * 2u32.saturating_pow(times.min(10)));
        state.until = wait.map(|wait| Instant::now() + wait.min(LONGEST_WAIT));
    }

    /// Notes that a process ended by itself after living for `age`.
    pub fn crashed(&self, age: Duration) {
        if age >= STABLE {
            self.recovered();
        } else {
            self.failed();
        }
    }

    /// Notes that it works.
    pub fn recovered(&self) {
        *self.0.lock() = State::default();
    }

    /// How long to wait before the next try.
    pub fn wait(&self) -> Option<Duration> {
        self.0.lock().until?.checked_duration_since(Instant::now())
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.0.lock().failures
    }

    /// Whether it fails again and again.
    pub fn is_failing(&self) -> bool {
        self.failures() >= FREE_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_loop_has_to_wait_and_a_single_crash_has_not() {
        let health = Health::default();
        health.crashed(Duration::ZERO);
        assert_eq!(health.wait(), None);
        for _ in 0..20 {
            health.crashed(Duration::ZERO);
        }
        assert!(health.wait().is_some_and(|wait| wait <= LONGEST_WAIT));
        assert!(health.is_failing());
        health.crashed(STABLE);
        assert_eq!(health.wait(), None);
    }
}

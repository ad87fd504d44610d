//! Counting of consecutive failures, with exponential back-off before the next attempt.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A process that lived at least this long was not part of a crash loop.
const STABLE: Duration = Duration::from_secs(10);
/// The number of consecutive failures from which on the next attempt is delayed.
const FREE_FAILURES: u32 = 3;
/// The first delay, which doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The maximum delay between attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
}

/// The failure count and back-off state of a server or an instance.
#[derive(Default)]
pub struct Health(Mutex<State>);

impl Health {
    /// Records a failure.
    pub fn failed(&self) {
        let mut state = self.0.lock();
        state.failures = state.failures.saturating_add(1);
        let times = state.failures.checked_sub(FREE_FAILURES);
        let wait = times.map(|times| FIRST_WAIT * 2u32.saturating_pow(times.min(10)));
        state.until = wait.map(|wait| Instant::now() + wait.min(LONGEST_WAIT));
    }

    /// Records the crash of a process that lived for `age`.
    pub fn crashed(&self, age: Duration) {
        if age >= STABLE {
            self.recovered();
        } else {
            self.failed();
        }
    }

    /// Records a success, which resets the back-off.
    pub fn recovered(&self) {
        *self.0.lock() = State::default();
    }

    /// Returns the delay before the next attempt, if any.
    pub fn wait(&self) -> Option<Duration> {
        self.0.lock().until?.checked_duration_since(Instant::now())
    }

    /// Returns the number of consecutive failures.
    pub fn failures(&self) -> u32 {
        self.0.lock().failures
    }

    /// Returns `true` if attempts keep failing.
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

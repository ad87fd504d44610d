//! Exponential backoff between attempts, with jitter.

use std::time::Duration;

/// The delays between failed attempts: each twice the one before, up to a maximum. A delay is between half of this
/// and all of it, so that many instances do not retry at the same moment.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Creates the delays from `first` to `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// Returns the delay after a failed attempt.
    #[must_use]
    pub fn delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(self.longest);
        let mut random = [0];
        // Without random numbers the delay is half.
        let _filled = getrandom::fill(&mut random);
        delay / 2 + delay / 2 * u32::from(random[0]) / 255
    }

    /// Starts from the first delay again, after a successful attempt.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum_with_jitter() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, second * 5);
        for whole in [1, 2, 4, 5, 5].map(|whole| second * whole) {
            let delay = backoff.delay();
            assert!((whole / 2..=whole).contains(&delay), "{delay:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.delay() <= second);
        let some: std::collections::HashSet<_> =
            (0..20).map(|_| Backoff::new(second, second).delay()).collect();
        assert!(some.len() > 1, "no jitter");
    }
}

//! The time without service: between two successes, if there was a failure between them.

use super::history::Micros;

/// The times without service of one kind of operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The number of gaps.
    pub count: usize,
    /// The longest gap.
    pub longest: Micros,
    /// The sum of all gaps.
    pub total: Micros,
}

/// Returns the gaps in `attempts`: when each ended, and whether it succeeded. The run ends at `end`.
pub fn of(attempts: impl IntoIterator<Item = (Micros, bool)>, end: Micros) -> Gaps {
    let mut attempts: Vec<_> = attempts.into_iter().collect();
    attempts.sort_unstable();
    let mut gaps = Gaps::default();
    let (mut last, mut failed) = (attempts.first().map_or(0, |(at, _)| *at), false);
    let mut close = |from: Micros, to: Micros| {
        let length = to.saturating_sub(from);
        gaps.count += 1;
        gaps.longest = gaps.longest.max(length);
        gaps.total += length;
    };
    for (at, succeeded) in attempts {
        if succeeded {
            if failed {
                close(last, at);
            }
            (last, failed) = (at, false);
        } else {
            failed = true;
        }
    }
    if failed {
        close(last, end);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_lies_between_two_successes_with_a_failure_between_them() {
        let attempts = [(10, true), (20, true), (30, false), (40, false), (70, true), (90, true)];
        assert_eq!(of(attempts, 100), Gaps { count: 1, longest: 50, total: 50 });
    }

    #[test]
    fn failures_until_the_end_are_a_gap() {
        let attempts = [(10, true), (30, false), (20, false), (15, true), (18, true)];
        assert_eq!(of(attempts, 100), Gaps { count: 1, longest: 82, total: 82 });
        assert_eq!(of([], 100), Gaps::default());
    }
}

//! Time in seconds since the Unix epoch (`NumericDate` of RFC 7519 §2), and a clock that tests can
//! replace.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time, in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// Returns the time `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }

    /// Returns the time `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }

    /// Returns the duration until `later`, or zero if that has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_secs(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

/// Returns `time` in words, such as "7 days". Uses the largest unit with a count of at least two.
#[must_use]
pub fn in_words(time: Duration) -> String {
    let units = [("days", 86_400), ("hours", 3_600), ("minutes", 60)];
    let counted = units.map(|(unit, seconds)| (unit, time.as_secs() / seconds));
    let (unit, count) =
        counted.into_iter().find(|(_, count)| *count > 1).unwrap_or(("seconds", time.as_secs()));
    format!("{count} {unit}")
}

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> UnixTime;
}

/// The system clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> UnixTime {
        // If the clock is set before 1970, every record looks expired, so access is denied.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::MAX);
        UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

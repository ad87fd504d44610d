//! Time as seconds since the epoch (`NumericDate` of RFC 7519 §2), from a clock that tests can set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// The moment `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)))
    }

    /// How long until `later`; zero when it has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_secs(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

/// Returns `time` in words, such as "7 days": in the largest unit of which it has at least two.
#[must_use]
pub fn in_words(time: Duration) -> String {
    let units = [("days", 86_400), ("hours", 3_600), ("minutes", 60)];
    let counted = units.map(|(unit, seconds)| (unit, time.as_secs() / seconds));
    let (unit, count) =
        counted.into_iter().find(|(_, count)| *count > 1).unwrap_or(("seconds", time.as_secs()));
    format!("{count} {unit}")
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> UnixTime {
        // A clock before 1970 makes every record look expired, which fails closed.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::MAX);
        UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

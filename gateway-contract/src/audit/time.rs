//! The times of events and log lines.

use std::cell::Cell;

use jiff::Timestamp;

/// Returns the time in milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// The number of characters of a time.
const LENGTH: usize = "1970-01-01T00:00:00.000Z".len();
/// The place of its milliseconds.
const MILLIS: usize = "1970-01-01T00:00:00.".len();

/// A time as in RFC 3339, in UTC with milliseconds, such as `2025-11-29T16:02:11.120Z`.
#[derive(Clone, Copy)]
pub struct Time([u8; LENGTH]);

impl Time {
    /// Returns the time as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

thread_local! {
    /// The latest second, and its time. Most events share their second, and three digits are cheaper than a date.
    static SECOND: Cell<(u64, Time)> = const { Cell::new((u64::MAX, Time([b'0'; LENGTH]))) };
}

/// Returns the time that is `millis` since 1970.
#[must_use]
pub fn rfc3339(millis: u64) -> Time {
    let (second, rest) = (millis / 1000, millis % 1000);
    let (latest, mut time) = SECOND.get();
    if latest != second {
        time = formatted(second.saturating_mul(1000));
        SECOND.set((second, time));
    }
    let digits = [rest / 100, rest / 10 % 10, rest % 10];
    for (place, digit) in time.0.iter_mut().skip(MILLIS).zip(digits) {
        *place = b'0' + u8::try_from(digit).unwrap_or(0);
    }
    time
}

fn formatted(millis: u64) -> Time {
    let time =
        i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let text = format!("{:.3}", time.unwrap_or(Timestamp::MAX));
    text.into_bytes().try_into().map_or(Time([b'0'; LENGTH]), Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_is_in_utc() {
        assert_eq!(rfc3339(0).as_str(), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_764_432_131_120).as_str(), "2025-11-29T16:02:11.120Z");
        assert_eq!(rfc3339(1_764_432_131_007).as_str(), "2025-11-29T16:02:11.007Z");
        assert_eq!(rfc3339(1_764_432_132_000).as_str(), "2025-11-29T16:02:12.000Z");
        assert!(rfc3339(u64::MAX).as_str().starts_with("9999-12-3"));
    }
}

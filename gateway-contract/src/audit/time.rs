//! The times of events and log lines.

use jiff::Timestamp;

/// Returns the time in milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// Returns `millis` since 1970 as in RFC 3339, in UTC with milliseconds.
#[must_use]
pub fn rfc3339(millis: u64) -> String {
    let time =
        i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_is_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_764_432_131_120), "2025-11-29T16:02:11.120Z");
        assert!(rfc3339(u64::MAX).starts_with("9999-12-3"));
    }
}

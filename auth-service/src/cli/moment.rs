//! Times as people write and read them: RFC 3339 and durations.

use std::time::Duration;

use anyhow::Context;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::model::{Clock, SystemClock, UnixTime, in_words};

/// Parses a duration such as 90d, 12h, 30m or 3600s.
pub(super) fn duration(text: &str) -> anyhow::Result<Duration> {
    gateway_contract::duration::duration(text)
        .context("invalid duration; write 90d, 12h, 30m or 3600s")
}

/// Parses a point in time: RFC 3339, a duration before now such as 30d, or seconds since 1970.
pub(super) fn moment(text: &str) -> anyhow::Result<UnixTime> {
    if let Ok(seconds) = text.parse() {
        return Ok(UnixTime(seconds));
    }
    if let Ok(ago) = duration(text) {
        let seconds = i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
        return Ok(UnixTime(SystemClock.now().0.saturating_sub(seconds)));
    }
    rfc3339(text).context("invalid time; write 2026-11-30T12:00:00Z, 2026-11-30, or a duration before now such as 30d")
}

/// Parses a date, or a date and a time of day with an offset (RFC 3339 §5.6).
fn rfc3339(text: &str) -> Option<UnixTime> {
    let midnight = if text.len() == 10 { "T00:00:00Z" } else { "" };
    let moment = OffsetDateTime::parse(&format!("{text}{midnight}"), &Rfc3339).ok()?;
    Some(UnixTime(moment.unix_timestamp()))
}

/// Returns the time left until `end` in words, such as `in 29 days`. The unit is the largest of which at least two
/// are left.
pub(super) fn left(now: UnixTime, end: UnixTime) -> String {
    format!("in {}", in_words(now.until(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn a13_a_moment_is_a_date_or_so_long_ago() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00z", 951_825_600),
            ("2026-11-30T03:00:00Z", 1_796_007_600),
            ("2026-11-30T04:00:00.5+01:00", 1_796_007_600),
            ("2026-11-29T22:30:00-04:30", 1_796_007_600),
            ("1796007600", 1_796_007_600),
        ] {
            assert_eq!(moment(text).unwrap(), UnixTime(seconds), "{text}");
        }
        let ago = SystemClock.now().0 - moment("30d").unwrap().0;
        assert!((30 * DAY..30 * DAY + 60).contains(&ago), "{ago}");
        for bad in [
            "",
            "yesterday",
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "2026-11-30T03:00:00",
            "2026-11-30T24:00:00Z",
            "30w",
            "2026-11-30T03:00:00+1",
            "2026-11-30x",
        ] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a13_what_is_left_is_said_in_the_largest_unit() {
        for (seconds, words) in [
            (29 * DAY + 5, "in 29 days"),
            (DAY + 3600, "in 25 hours"),
            (3_600, "in 60 minutes"),
            (90, "in 90 seconds"),
            (0, "in 0 seconds"),
        ] {
            assert_eq!(left(UnixTime(7), UnixTime(7 + seconds)), words);
        }
        assert_eq!(left(UnixTime(7), UnixTime(0)), "in 0 seconds");
    }
}

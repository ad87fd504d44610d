//! A moment on a page: in words, and exactly for whom the words are not enough.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{http::page::Language, model::UnixTime};

/// A moment.
#[derive(Clone, Debug)]
pub(in crate::http) struct When {
    /// The moment as in RFC 3339, in UTC.
    pub(in crate::http) exact: String,
    /// The seconds from now, negative for what has passed.
    offset: i64,
}

impl When {
    /// Returns `at` as seen from `now`.
    pub(in crate::http) fn seen(at: UnixTime, now: UnixTime) -> Self {
        let exact = OffsetDateTime::from_unix_timestamp(at.0).ok();
        let exact = exact.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default();
        Self { exact, offset: at.0.saturating_sub(now.0) }
    }
}

/// The distance that counts as now, in seconds: clocks differ, and last uses are written with a delay.
const NOW: u64 = 90;

impl Language {
    /// Returns `when` in words, such as "3 minutes ago" or "in 29 days".
    pub(in crate::http) fn moment(self, when: &When) -> String {
        let time = self.duration(Duration::from_secs(when.offset.unsigned_abs()));
        if when.offset.unsigned_abs() < NOW {
            self.moment_now().to_owned()
        } else if when.offset < 0 {
            self.moment_past(time)
        } else {
            self.moment_future(time)
        }
    }
}

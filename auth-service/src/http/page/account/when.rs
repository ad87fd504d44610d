//! A moment on a page: in words, and exactly for whom the words are not enough.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::model::{UnixTime, in_words};

/// A moment.
#[derive(Clone, Debug)]
pub(in crate::http) struct When {
    /// The moment as in RFC 3339, in UTC.
    pub(in crate::http) exact: String,
    /// The moment in words, such as "3 minutes ago" or "in 29 days".
    pub(in crate::http) words: String,
}

impl When {
    /// Returns `at` as seen from `now`.
    pub(in crate::http) fn seen(at: UnixTime, now: UnixTime) -> Self {
        let exact = OffsetDateTime::from_unix_timestamp(at.0).ok();
        let exact = exact.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default();
        let words = match (at.0, now.0) {
            (at, now) if at > now + 90 => format!(
                "in {}",
                in_words(std::time::Duration::from_secs((at - now).unsigned_abs()))
            ),
            (at, now) if at > now - 90 => "just now".to_owned(),
            _ => format!("{} ago", in_words(at.until(now))),
        };
        Self { exact, words }
    }
}

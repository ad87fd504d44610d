//! The times of events and log lines.

use std::cell::RefCell;

use jiff::Timestamp;

/// Returns the time in milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

thread_local! {
    /// The latest second, and its text up to the milliseconds.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// Returns `millis` since 1970 as in RFC 3339, in UTC with milliseconds.
#[must_use]
pub fn rfc3339(millis: u64) -> String {
    let (second, rest) = (millis / 1000, millis % 1000);
    SECOND.with_borrow_mut(|(latest, text)| {
        if *latest != second {
            let whole = formatted(second.saturating_mul(1000));
            let end = whole.len().saturating_sub("000Z".len());
            (*latest, *text) = (second, whole.get(..end).unwrap_or_default().to_owned());
        }
        // Most events share their second, and a number of three digits is cheaper than a date.
        let digits = [rest / 100, rest / 10 % 10, rest % 10];
        let digits =
            digits.into_iter().filter_map(|digit| char::from_digit(u32::try_from(digit).ok()?, 10));
        let mut time = String::with_capacity(text.len() + 4);
        time.push_str(text);
        time.extend(digits);
        time.push('Z');
        time
    })
}

fn formatted(millis: u64) -> String {
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
        assert_eq!(rfc3339(1_764_432_131_007), "2025-11-29T16:02:11.007Z");
        assert_eq!(rfc3339(1_764_432_132_000), "2025-11-29T16:02:12.000Z");
        assert!(rfc3339(u64::MAX).starts_with("9999-12-3"));
    }
}

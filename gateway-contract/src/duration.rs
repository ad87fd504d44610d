//! Durations as operators write them. The crate `humantime` would accept more than the settings document: `1M` for
//! a month beside `1m`, fractions, and nanoseconds, which are zero where whole seconds count.

use std::time::Duration;

/// Parses a whole number with a unit: `30d`, `12h`, `30m` or `45s`. Returns `None` for any other text.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    // `parse` also accepts a plus sign, so the digits are checked separately.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = number.parse().ok().filter(|_| digits)?;
    Some(Duration::from_secs(u64::from(number) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("90d"), Some(Duration::from_hours(90 * 24)));
        assert_eq!(duration("12h"), Some(Duration::from_hours(12)));
        assert_eq!(duration("30m"), Some(Duration::from_mins(30)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        for bad in ["", "d", "90", "-1d", "+1d", "1.5h", "90 d", "1w", "99999999999d", "9é", "9D"]
        {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}

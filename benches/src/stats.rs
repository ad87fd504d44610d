//! Medians and percentiles, and figures as people read them.

use std::time::Duration;

/// The value below which `share` of the sorted `values` lie.
#[must_use]
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small index")]
    let at = (last as f64 * share).round() as usize;
    values.get(at).copied()
}

/// The middle value; of an even number the mean of the two.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some((values.get(half.checked_sub(1)?)? + upper) / 2.0)
}

/// In microseconds.
#[must_use]
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// In milliseconds.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Three significant figures, thousands apart; a dash for what could not be measured.
#[must_use]
pub fn shown(value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    if value >= 1000.0 {
        let digits = format!("{value:.0}");
        let head = (digits.len() - 1) % 3 + 1;
        let (first, rest) = digits.split_at(head);
        let groups = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
        return groups.fold(first.to_owned(), |text, group| text + "," + &group);
    }
    match value {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_people_read_them() {
        assert_eq!(shown(Some(1_234_567.0)), "1,234,567");
        assert_eq!(shown(Some(1000.4)), "1,000");
        assert_eq!(shown(Some(12.34)), "12.3");
        assert_eq!(shown(None), "–");
    }

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.99), Some(3.0));
    }
}

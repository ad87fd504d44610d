//! Comparison of ids and tokens by value, since JSON has many spellings of one value (RFC 8259 §6, §7).

use std::borrow::Cow;
use std::cmp::Ordering;

/// The limit below which floating point represents every integer exactly.
const SAFE: f64 = 9_007_199_254_740_992.0;

/// Returns the number that `text`, an id or a token, represents, if it may originate from the proxy.
///
/// Some servers return a number as a string, or with a zero fraction. Official clients accept both: the
/// TypeScript SDK applies `Number()`, the Python SDK reads strings of digits.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) if text.starts_with('"') => whole(converted(&string(text)?)?),
        Err(_) => whole(text.parse().ok().filter(|_| is_number(text))?),
    }
}

/// Returns `true` if the JSON values `one` and `other`, both ids or tokens, are equal.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (one.starts_with('"'), other.starts_with('"')) {
        // Without escapes, different texts are different values.
        (true, true) if one.contains('\\') || other.contains('\\') => {
            string(one).zip(string(other)).is_some_and(|(one, other)| one == other)
        }
        (false, false) => {
            let integer = |text: &str| text.parse::<i128>().ok();
            match (integer(one), integer(other)) {
                (Some(one), Some(other)) => one == other,
                _ => float(one).zip(float(other)).is_some_and(|(one, other)| {
                    one.partial_cmp(&other).is_some_and(Ordering::is_eq)
                }),
            }
        }
        _ => false,
    }
}

/// Returns `true` if `text` may be an id: a string or a number.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.starts_with('"') || is_number(text)
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && is_number(text))
}

fn string(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('\\') {
        return serde_json::from_str(text).ok().map(Cow::Owned);
    }
    text.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
}

/// Converts a string like `Number()` of JavaScript.
fn converted(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let radix = |prefix: [&str; 2], radix| {
        let digits = text.strip_prefix(prefix[0]).or_else(|| text.strip_prefix(prefix[1]))?;
        let number = u32::from_str_radix(digits, radix).ok();
        number.filter(|_| !digits.starts_with('+')).map(f64::from)
    };
    let other = radix(["0x", "0X"], 16)
        .or_else(|| radix(["0o", "0O"], 8))
        .or_else(|| radix(["0b", "0B"], 2));
    // Rust would also parse the words for infinity and NaN.
    let digits = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    other.or_else(|| text.parse().ok().filter(|_| text.chars().all(digits)))
}

fn whole(number: f64) -> Option<u64> {
    let is_whole = number.fract() == 0.0 && (0.0..SAFE).contains(&number);
    is_whole.then(|| format!("{number:.0}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_ours_is_known_in_every_spelling() {
        for text in [
            "7",
            "7.0",
            "7e0",
            "7E+0",
            "70e-1",
            "0.7e1",
            r#""7""#,
            r#""7.0""#,
            r#""7e0""#,
            r#"" 7 ""#,
            r#""\u0037""#,
            r#""0x7""#,
            r#""0b111""#,
            r#""0o7""#,
            r#""+7""#,
            r#""007""#,
            r#""7.""#,
            "7.00000000000000000001",
        ] {
            assert_eq!(number(text), Some(7), "{text}");
        }
        for text in [
            "-7",
            "7.5",
            "1e400",
            "null",
            "true",
            "[7]",
            "{}",
            "",
            r#""""#,
            r#""x""#,
            r#""7x""#,
            r#""7 7""#,
            r#""inf""#,
            r#""Infinity""#,
            r#""NaN""#,
            r#""-7""#,
            r#""1e99""#,
            "\"",
            "inf",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("9007199254740993"), Some(9_007_199_254_740_993));
    }

    #[test]
    fn values_are_compared_and_not_their_spelling() {
        for (one, other) in [
            ("1", "1.0"),
            ("1", "1e0"),
            ("10", "1E1"),
            ("-0", "0"),
            ("0.5", "5e-1"),
            (r#""a""#, r#""\u0061""#),
            (r#""\/""#, r#""/""#),
            (r#""\u00e4""#, "\"ä\""),
            (r#""\ud83d\ude00""#, "\"😀\""),
            ("1e400", "1e400"),
        ] {
            assert!(same(one, other) && same(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("1", r#""1""#),
            ("1", "2"),
            ("1", "1.5"),
            (r#""a""#, r#""A""#),
            (r#""1""#, r#""1.0""#),
            ("1e400", "2e400"),
            ("9007199254740993", "9007199254740992"),
            (r#""\u0061""#, r#""b""#),
            (r#""\ud800""#, r#""\ud801""#),
        ] {
            assert!(!same(one, other) && !same(other, one), "{one} {other}");
        }
    }
}

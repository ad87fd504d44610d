//! Sizes of files as operators write them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written with a unit: `500KB`, `50MB`, `2GB`, also `50m`. Units are powers of 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// A text that is not a size.
#[derive(Debug, PartialEq, Eq)]
pub struct SizeError;

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a size: write 500KB, 50MB, 2GB or a number of bytes")
    }
}

impl std::error::Error for SizeError {}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let text = text.trim().to_ascii_lowercase();
        let number = text.trim_end_matches('b');
        let (number, shift) = match number.strip_suffix(['k', 'm', 'g']) {
            Some(rest) if number.ends_with('k') => (rest, 10),
            Some(rest) if number.ends_with('m') => (rest, 20),
            Some(rest) => (rest, 30),
            None => (number, 0),
        };
        // `parse` also accepts a plus sign, so the digits are checked separately.
        let number = number.trim_end();
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| digits).ok_or(SizeError)?;
        number.checked_mul(1 << shift).map(Self).ok_or(SizeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_may_have_a_unit() {
        for (text, bytes) in
            [("50MB", 50 << 20), ("50m", 50 << 20), ("1 kb", 1024), ("2G", 2 << 30), ("7", 7)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for bad in ["", "MB", "-1", "+1", "1.5m", "9t", "99999999999g"] {
            assert_eq!(bad.parse::<Size>(), Err(SizeError), "{bad}");
        }
    }
}

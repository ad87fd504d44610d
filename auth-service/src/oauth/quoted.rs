//! Quotes client-supplied text for an error description.

/// The length limit of the quoted result, in characters.
const LONGEST: usize = 200;

/// Returns `text` in single quotes, safe for an `error_description`.
///
/// Percent-encodes all characters that RFC 6749 §5.2 excludes, and truncates long text.
pub(super) fn quoted(text: &str) -> String {
    let mut shown = String::from("'");
    for byte in text.bytes() {
        if shown.len() > LONGEST {
            shown.push_str("...");
            break;
        }
        if byte.is_ascii_graphic() && !b"\"'\\".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            shown.push('%');
            shown.extend([byte >> 4, byte & 0xf].map(hexadecimal));
        }
    }
    shown.push('\'');
    shown
}

/// Returns the uppercase hexadecimal digit of a number below 16.
fn hexadecimal(number: u8) -> char {
    char::from_digit(number.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a7_a_text_is_shown_as_it_came_and_cannot_end_the_description() {
        for (text, shown) in [
            ("https://a.example/cb?x=1", "'https://a.example/cb?x=1'"),
            ("a\"b\\c'd", "'a%22b%5Cc%27d'"),
            ("a b\nc\u{202e}", "'a%20b%0Ac%E2%80%AE'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), shown);
        }
        assert!(quoted(&"x".repeat(5000)).len() < 210);
    }
}

//! Text of peers, fit for logs and pages.

use std::borrow::Cow;

/// The longest text in a log line, in characters.
const LOGGED: usize = 128;

/// Returns `true` for a character that changes how others are displayed: controls, and invisible characters, some of
/// which change the direction of text.
#[must_use]
pub fn hides(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || invisible
}

/// Returns the first 128 characters of `text`, with `?` for each that [`hides`].
#[must_use]
pub fn log_safe(text: &str) -> Cow<'_, str> {
    if text.len() <= LOGGED && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    text.chars().take(LOGGED).map(|c| if hides(c) { '?' } else { c }).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_log_is_short_and_displayed_as_it_is() {
        assert!(matches!(log_safe("tools/call"), Cow::Borrowed("tools/call")));
        assert_eq!(log_safe("a\nb\u{202e}c\u{200b}"), "a?b?c?");
        assert_eq!(log_safe("ä€"), "ä€");
        assert_eq!(log_safe(&"ä".repeat(200)), "ä".repeat(LOGGED));
        assert_eq!(log_safe(&"x".repeat(200)).len(), LOGGED);
    }
}

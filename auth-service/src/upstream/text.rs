//! Texts of login providers that end up in logs, in headers and on pages.

/// The maximum length of a name or address in bytes.
const MAX_TEXT: usize = 255;

/// Returns the characters of `code` that are safe in a log, at most 64.
pub(super) fn printable(code: &str) -> String {
    let fit = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '-' | '.');
    code.chars().filter(fit).take(64).collect()
}

/// Returns `text` if it is a name that can be displayed: not empty, short, without control characters.
pub(super) fn fitting(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= MAX_TEXT && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

/// Returns `true` if `text` has one `@` between other characters and no blanks or control characters.
pub(super) fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('@').collect();
    let sound = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    sound
        && text.len() <= MAX_TEXT
        && matches!(parts[..], [local, domain] if !local.is_empty() && !domain.is_empty())
}

//! Names that servers may read as other names: libraries fold case, and drop or trim characters.

use crate::methods::{METHODS, Spelling};

/// Folds case: a superset of the simple folding of Unicode, of Turkish locales, and of ligatures.
pub fn folded(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let lower = chars.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    // `İ` is `i` with a dot above.
    lower.filter(|c| *c != '\u{307}')
}

/// Returns `text` with its case folded, as a case-insensitive server reads it.
#[must_use]
pub fn caseless(text: &str) -> String {
    folded(text.chars()).collect()
}

/// Returns `true` if `c` is a control or displayed as nothing, so that a comparison may drop it.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns `true` if a server may take the method `text` for another one, such as `Tools/Call`.
#[must_use]
pub fn is_ambiguous_method(text: &str) -> bool {
    let exact = || METHODS.iter().filter(|known| known.spelling == Spelling::Exact);
    if exact().any(|known| known.name == text) {
        return false;
    }
    let letters = |text: &str| -> String {
        folded(text.chars().filter(|c| !is_invisible(*c))).filter(|c| c.is_alphanumeric()).collect()
    };
    let odd = |c: char| is_invisible(c) || c.is_whitespace();
    let cut = text.split('\0').next().unwrap_or(text);
    let (whole, cut) = (letters(text), letters(cut));
    exact().map(|known| letters(known.name)).any(|known| known == whole || known == cut)
        || text.chars().any(odd)
}

/// Returns `true` if a server may take the name of a tool for another one: it has invisible characters, or spaces
/// at an end.
#[must_use]
pub fn is_ambiguous_tool(name: &str) -> bool {
    name.trim() != name || name.chars().any(is_invisible)
}

/// Returns the closest of the `known` names if `name` is probably a misspelling of it.
pub fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = separatorless(name);
    let close = known.filter_map(|known| {
        let other = separatorless(known);
        let most = if plain.len().min(other.len()) < 5 { 1 } else { 2 };
        let distance = strsim::osa_distance(&plain, &other);
        (distance <= most).then_some((distance, known))
    });
    close.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// Returns a name in lower case without separators, so that naming styles compare as equal.
#[must_use]
pub fn separatorless(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_beyond_ascii() {
        assert_eq!(caseless("WRITE_\u{17f}tra\u{df}e"), "write_strasse");
    }

    #[test]
    fn what_resembles_a_known_method_is_ambiguous() {
        for plain in ["tools/call", "tools/list", "x/y", "ping", "Ping"] {
            assert!(!is_ambiguous_method(plain), "{plain}");
        }
        for doubtful in
            ["Tools/Call", "tools/call ", "tools/\u{200b}call", "tools_call", "tools/call\0x"]
        {
            assert!(is_ambiguous_method(doubtful), "{doubtful:?}");
        }
    }

    #[test]
    fn a_name_with_hidden_characters_is_ambiguous() {
        assert!(!is_ambiguous_tool("delete all"));
        for doubtful in [" x", "x ", "x\u{200b}y", "x\ny"] {
            assert!(is_ambiguous_tool(doubtful), "{doubtful:?}");
        }
    }
}

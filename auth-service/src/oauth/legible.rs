//! Detects control and invisible characters, which make a displayed text misleading.

use gateway_contract::display::hides;

/// Returns `true` if `text` has a control or invisible character that its script does not need.
///
/// Zero-width joiners and non-joiners are allowed between letters of scripts that use them
/// (RFC 5892 appendix A). Joiners are also allowed between two emoji.
pub(super) fn misleads(text: &str) -> bool {
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if hides(c) && !joins(before, c, characters.peek().copied()) {
            return true;
        }
        before = Some(c);
    }
    false
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    let letters =
        || joins_letters(before) && (is_virama(before) || after.is_some_and(joins_letters));
    match c {
        ZERO_WIDTH_NON_JOINER => letters(),
        ZERO_WIDTH_JOINER => {
            letters() || (may_precede_joiner(before) && after.is_some_and(is_emoji))
        }
        _ => false,
    }
}

/// Returns `true` if `c` is a letter of a script that uses joiners.
///
/// The ranges cover Arabic, Syriac and related scripts, and the Indic, Tibetan, Myanmar, Khmer and
/// Mongolian scripts.
fn joins_letters(c: char) -> bool {
    let letter = matches!(c, '\u{600}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{a840}'..='\u{a87f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    letter && !hides(c)
}

/// Returns `true` if `c` is a virama, a sign that suppresses a vowel.
///
/// A joiner after a virama selects the form of the preceding consonant.
fn is_virama(c: char) -> bool {
    matches!(
        c,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
    )
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}' | '\u{2900}'..='\u{297f}'
        | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Returns `true` if `c` is an emoji, or the variation selector that follows one.
fn may_precede_joiner(c: char) -> bool {
    is_emoji(c) || c == '\u{fe0f}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a7_joiners_are_part_of_emoji_and_of_some_scripts() {
        for name in [
            "Dev \u{1f469}\u{200d}\u{1f4bb}",
            "\u{1f469}\u{1f3fd}\u{200d}\u{1f4bb}",
            "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308} client",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{d28}\u{d4d}\u{200d}",
            "Plain name",
        ] {
            assert!(!misleads(name), "{name:?}");
        }
    }

    #[test]
    fn a7_what_else_cannot_be_seen_still_misleads() {
        for name in [
            "Goo\u{200d}gle",
            "Goo\u{200c}gle",
            "\u{200d}x",
            "x\u{200d}",
            "\u{645}\u{200c}",
            "\u{645}\u{200c} x",
            "\u{1f469}\u{200d}\u{200d}\u{1f4bb}",
            "\u{1f469}\u{200d}x",
            "\u{1f469}\u{200c}\u{1f4bb}",
            "A\u{202e}B",
            "A\u{200b}B",
            "A\u{200f}B",
            "A\u{2066}B",
            "A\u{ad}B",
            "A\u{feff}B",
            "A\u{3164}B",
            "A\nB",
            "\u{1f3f4}\u{e0067}\u{e007f}",
        ] {
            assert!(misleads(name), "{name:?}");
        }
    }
}

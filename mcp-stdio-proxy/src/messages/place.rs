//! Places of parts in a text.

use std::ops::Range;

/// Returns the range of `part`, a slice borrowed from `whole`.
#[must_use]
pub fn span(whole: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (whole.get(start..end)? == part).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_a_place_only_in_its_own_text() {
        let text = "a1b1";
        assert_eq!(span(text, &text[3..4]), Some(3..4));
        assert_eq!(span(text, &text[2..2]), Some(2..2));
        let other = String::from("1");
        assert_eq!(span(text, &other), None);
        assert_eq!(span(&text[..2], &text[3..4]), None);
    }
}

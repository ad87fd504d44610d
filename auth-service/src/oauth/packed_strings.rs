//! Packs several strings into one allocation, to save memory in caches of 100,000 entries.

/// `N` strings, concatenated in one allocation.
#[derive(Debug)]
pub(super) struct PackedStrings<const N: usize> {
    text: Box<str>,
    ends: [u32; N],
}

impl<const N: usize> PackedStrings<N> {
    /// Packs `parts`. Returns `None` if their total length is 4 GiB or more.
    pub(super) fn new(parts: [&str; N]) -> Option<Self> {
        let mut ends = [0; N];
        let mut length = 0_u32;
        for (end, part) in ends.iter_mut().zip(parts) {
            length = length.checked_add(u32::try_from(part.len()).ok()?)?;
            *end = length;
        }
        Some(Self { text: parts.concat().into(), ends })
    }

    /// Returns the string at index `at`, or an empty string if `at` is out of range.
    pub(super) fn str(&self, at: usize) -> &str {
        let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
        self.text.get(at.checked_sub(1).map_or(0, end)..end(at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_comes_out_as_it_went_in() {
        let parts = ["", "a", "", "ä b", ""];
        let texts = PackedStrings::new(parts).unwrap();
        for (at, part) in parts.into_iter().enumerate() {
            assert_eq!(texts.str(at), part);
        }
        assert_eq!(texts.str(5), "");
    }
}

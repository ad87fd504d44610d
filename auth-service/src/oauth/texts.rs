//! Several texts in one piece of memory: what is kept by the hundred thousand takes little room, and a
//! part of it is shared and not copied.

use bytes::Bytes;

/// `N` texts, one after the other.
#[derive(Debug)]
pub(super) struct Texts<const N: usize> {
    text: Bytes,
    ends: [u32; N],
}

impl<const N: usize> Texts<N> {
    /// `None` if they are 4 GiB or more.
    pub(super) fn new(parts: [&str; N]) -> Option<Self> {
        let mut ends = [0; N];
        let mut length = 0_u32;
        for (end, part) in ends.iter_mut().zip(parts) {
            length = length.checked_add(u32::try_from(part.len()).ok()?)?;
            *end = length;
        }
        Some(Self { text: Bytes::from(parts.concat()), ends })
    }

    pub(super) fn bytes(&self, at: usize) -> Bytes {
        self.text.slice(self.range(at))
    }

    pub(super) fn str(&self, at: usize) -> &str {
        let bytes = self.text.get(self.range(at)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn range(&self, at: usize) -> std::ops::Range<usize> {
        let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
        at.checked_sub(1).map_or(0, end)..end(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_comes_out_as_it_went_in() {
        let parts = ["", "a", "", "ä b", ""];
        let texts = Texts::new(parts).unwrap();
        for (at, part) in parts.into_iter().enumerate() {
            assert_eq!((texts.str(at), &*texts.bytes(at)), (part, part.as_bytes()));
        }
        assert_eq!(texts.str(5), "");
    }
}

//! A list of changes to a text, in which the only one takes no memory of its own: most messages change only in their id.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut, Range};

/// A replacement of a range of a text.
type Edit<'a> = (Range<usize>, Cow<'a, str>);

/// The changes to a text.
#[derive(Clone, Debug, Default)]
pub(super) struct EditList<'a> {
    only: Option<Edit<'a>>,
    /// All changes, if there are several.
    several: Vec<Edit<'a>>,
}

impl<'a> EditList<'a> {
    /// Adds a change.
    pub(super) fn push(&mut self, edit: Edit<'a>) {
        if self.only.is_none() && self.several.is_empty() {
            self.only = Some(edit);
        } else {
            self.several.extend(self.only.take());
            self.several.push(edit);
        }
    }
}

impl<'a> Deref for EditList<'a> {
    type Target = [Edit<'a>];

    fn deref(&self) -> &[Edit<'a>] {
        if self.several.is_empty() { self.only.as_slice() } else { &self.several }
    }
}

impl DerefMut for EditList<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        if self.several.is_empty() { self.only.as_mut_slice() } else { &mut self.several }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_keep_their_order() {
        let mut list = EditList::default();
        assert!(list.is_empty());
        for count in 1..4 {
            list.push((count..count, Cow::Borrowed("")));
            let all: Vec<usize> = list.iter().map(|(range, _)| range.start).collect();
            assert_eq!(all, (1..=count).collect::<Vec<_>>());
        }
    }
}

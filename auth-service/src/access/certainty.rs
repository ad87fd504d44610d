//! Three-valued logic (Kleene): a fact about a person may be unknown.

/// The truth of a statement about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The statement is false.
    No,
    /// The facts do not tell.
    Unknown,
    /// The statement is true.
    Yes,
}

impl Certainty {
    /// Returns the truth of "at least one of `parts`". With no parts it is [`Certainty::No`].
    pub fn any(parts: impl Iterator<Item = Self>) -> Self {
        let mut found = Self::No;
        for part in parts {
            if part == Self::Yes {
                return part;
            }
            found = found.max(part);
        }
        found
    }

    /// Returns the truth of "both".
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Returns the truth of the opposite.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Certainty {
    fn from(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Certainty::{self, No, Unknown, Yes};

    #[test]
    fn the_logic_is_that_of_kleene() {
        for (a, b, or, and) in [
            (Yes, Yes, Yes, Yes),
            (Yes, Unknown, Yes, Unknown),
            (Yes, No, Yes, No),
            (Unknown, Unknown, Unknown, Unknown),
            (Unknown, No, Unknown, No),
            (No, No, No, No),
        ] {
            for (a, b) in [(a, b), (b, a)] {
                assert_eq!(Certainty::any([a, b].into_iter()), or, "{a:?} or {b:?}");
                assert_eq!(a.and(b), and, "{a:?} and {b:?}");
            }
        }
        assert_eq!([No, Unknown, Yes].map(Certainty::negated), [Yes, Unknown, No]);
        assert_eq!(Certainty::any([].into_iter()), No);
    }
}

//! Unguessable names, from the random numbers of the operating system.

use std::fmt::Write as _;

/// Returns a new name: 192 random bits in visible ASCII, without a hyphen. Returns `None` if random numbers
/// are unavailable.
pub(crate) fn name() -> Option<String> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().fold(String::with_capacity(48), |mut name, byte| {
        // Writing to a string cannot fail.
        let _written = write!(name, "{byte:02x}");
        name
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unlike() {
        let (one, other) = (name().unwrap(), name().unwrap());
        assert_eq!(one.len(), 48);
        assert_ne!(one, other);
    }
}

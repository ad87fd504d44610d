//! Generations: the number of revocations that precede a record.
//!
//! A revocation takes the next generation of a counter in Redis and notes it for its person, client or
//! server. Whatever belongs to them and is of an earlier generation is revoked, at once and without a
//! search. No clock is involved.

use serde::{Deserialize, Serialize};

use super::{Identifier, RandomError};

/// The number of revocations that precede a record. A record without one is of the first generation.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// Returns `true` for the generation of records from before the first revocation.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.0 == 0
    }

    /// Generates the id of a grant of this generation.
    ///
    /// The id contains the generation, such as `Xb0YtG3mR0m1kz2i0x5q1A.7`, unless it is the first. So it is
    /// known wherever the grant is named: in its code, in its tokens, and in every index.
    pub fn grant_id(self) -> Result<Identifier, RandomError> {
        Identifier::generate().map(|random| self.name(&random))
    }

    /// Adds the generation to `random`, as in the id of a grant.
    #[must_use]
    pub fn name(self, random: &Identifier) -> Identifier {
        if self.is_first() {
            random.clone()
        } else {
            Identifier::parsed(&format!("{random}.{}", self.0))
        }
    }

    /// Returns the generation of the grant `id`. An id without one is of the first generation.
    #[must_use]
    pub fn of_grant(id: &Identifier) -> Self {
        let number = id.as_str().rsplit_once('.').and_then(|(_, number)| number.parse().ok());
        Self(number.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_grant_states_its_generation() {
        for number in [0, 1, 77, u64::MAX] {
            let id = Generation(number).grant_id().unwrap();
            assert_eq!(Generation::of_grant(&id), Generation(number), "{id}");
        }
        for id in ["Xb0YtG3mR0m1kz2i0x5q1A", "a.b", "a.", ".", "a.-1", ""] {
            assert!(Generation::of_grant(&Identifier::parsed(id)).is_first(), "{id}");
        }
    }
}

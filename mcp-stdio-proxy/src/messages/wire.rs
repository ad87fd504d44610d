//! Single-pass parsing of the members of a message, which also checks whether every server reads the same
//! ones (JSON-RPC 2.0 §4, §5).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::spelling::{self, Doubt, Key};

/// A limit that no message reaches in practice.
const MEMBERS: usize = 64;

/// The members of a message, in the order of [`spelling::MESSAGE`].
pub(super) struct Wire<'a> {
    pub(super) members: [Option<&'a str>; spelling::MESSAGE.len()],
    pub(super) spelling: Result<(), Doubt>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Wire<'a> {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Wire<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wire<'de>, A::Error> {
                let mut wire = Wire { members: [None; _], spelling: Ok(()) };
                let mut count = 0;
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    let value = map.next_value::<&'de RawValue>()?.get();
                    let repeated = wire.take(&key, value);
                    count += 1;
                    if repeated || count > MEMBERS {
                        return Err(A::Error::custom("not a message"));
                    }
                }
                Ok(wire)
            }
        }
        // `deserialize_struct` would accept an array, too.
        de.deserialize_map(Members)
    }
}

impl<'a> Wire<'a> {
    /// Records a member. Returns `true` if it is a duplicate, which a message must not have.
    fn take(&mut self, key: &Key<'_>, value: &'a str) -> bool {
        const OF: &str = "the message";
        let known =
            spelling::MESSAGE.iter().zip(&mut self.members).find(|(name, _)| **name == key.name);
        let doubtful = match known {
            Some((name, place)) => {
                if place.replace(value).is_some() {
                    return true;
                }
                key.escaped.then_some(*name)
            }
            None => spelling::lookalike(&key.name, &spelling::MESSAGE),
        };
        if let (Some(name), Ok(())) = (doubtful, self.spelling) {
            self.spelling = Err(Doubt::Lookalike { of: OF, name });
        }
        false
    }
}

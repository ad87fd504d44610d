//! Unique ids of events and requests: UUIDs of version 7 (RFC 9562 §5.7).

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use super::time::now;

/// The length of a UUID as text.
const LENGTH: usize = 36;
/// The last value of the counter in `rand_a`, which has 12 bits.
const LAST: u16 = 0xfff;

/// A UUID of version 7 as text, such as `0197a1b2-c3d4-7000-8f21-6b0d5a4f3e2c`.
///
/// Each thread has a random part of 62 bits (`rand_b`) and a counter (`rand_a`, RFC 9562 §6.2, method 1). An id
/// therefore costs no system call, and ids of one thread are in ascending order. They are unique, not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id([u8; LENGTH]);

/// The state of the ids of one thread.
struct Source {
    random: u64,
    millis: u64,
    counter: u16,
}

thread_local! {
    static SOURCE: RefCell<Source> = RefCell::new(Source::new());
}

impl Source {
    fn new() -> Self {
        // The keys of the hash come from the generator of the system.
        let random = RandomState::new().hash_one(std::thread::current().id());
        Self { random, millis: 0, counter: 0 }
    }

    /// Returns the time and the counter of the next id. Neither ever goes back, even if the clock does.
    fn next(&mut self, millis: u64) -> (u64, u16) {
        if millis > self.millis {
            (self.millis, self.counter) = (millis, 0);
        } else if self.counter < LAST {
            self.counter += 1;
        } else {
            (self.millis, self.counter) = (self.millis + 1, 0);
        }
        (self.millis, self.counter)
    }
}

impl Id {
    /// Returns a new id.
    #[must_use]
    pub fn new() -> Self {
        Self::at(now())
    }

    /// Returns a new id for the time `millis`, in milliseconds since 1970.
    #[must_use]
    pub fn at(millis: u64) -> Self {
        let (millis, counter, random) = SOURCE.with_borrow_mut(|source| {
            let (millis, counter) = source.next(millis);
            (millis, counter, source.random)
        });
        // Version 7 (RFC 9562 §4.2) and variant 10 (§4.1).
        let high = (millis << 16) | 0x7000 | u64::from(counter);
        let low = (random >> 2) | (1 << 63);
        Self::of((u128::from(high) << 64) | u128::from(low))
    }

    fn of(bits: u128) -> Self {
        let mut text = [b'-'; LENGTH];
        let mut digits = bits.to_be_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for (place, byte) in text.iter_mut().enumerate() {
            if !matches!(place, 8 | 13 | 18 | 23) {
                let digit = digits.next().unwrap_or_default();
                *byte = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            }
        }
        Self(text)
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns `true` if `text` has the form of an [`Id`].
#[must_use]
pub fn is_id(text: &str) -> bool {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == LENGTH
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'7',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => hex(byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn an_id_is_a_uuid_of_version_7_with_its_time() {
        let id = Id::at(0x0197_a1b2_c3d4);
        assert!(is_id(id.as_str()), "{id}");
        assert!(id.as_str().starts_with("0197a1b2-c3d4-7000-"), "{id}");
        for wrong in
            ["", "0197a1b2-c3d4-4000-8f21-6b0d5a4f3e2c", "0197A1B2-c3d4-7000-8f21-6b0d5a4f3e2c"]
        {
            assert!(!is_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn ids_are_unique_and_ascend_within_a_thread_even_if_the_clock_goes_back() {
        let make = || {
            // More ids in one millisecond than the counter holds.
            let mut ids = (0..10_000_u64).map(|n| Id::at(5_000 - n / 5_000)).collect::<Vec<_>>();
            assert!(ids.is_sorted_by(|a, b| a.as_str() < b.as_str()));
            ids.extend((0..10_000).map(|_| Id::new()));
            ids
        };
        let threads = (0..4).map(|_| std::thread::spawn(make)).collect::<Vec<_>>();
        let ids = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}

//! Streaming iteration over the items of a JSON array, so that none of them is kept (RFC 8259 §5).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Calls `take` with the text of each item of the array `text`, until it returns `false`. Returns `None` if
/// the part that was read is not a valid array.
pub fn each<'a>(text: &'a str, take: impl FnMut(&'a str) -> bool) -> Option<()> {
    let mut items = Items { take, stopped: false };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = (&mut items).deserialize(&mut json).and_then(|()| json.end());
    // The deserializer reports an error for an array that is not read to its end.
    (read.is_ok() || items.stopped).then_some(())
}

struct Items<F> {
    take: F,
    stopped: bool,
}

impl<'a, F: FnMut(&'a str) -> bool> DeserializeSeed<'a> for &mut Items<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_seq(self)
    }
}

impl<'a, F: FnMut(&'a str) -> bool> Visitor<'a> for &mut Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<&'a RawValue>()? {
            if !(self.take)(item.get()) {
                self.stopped = true;
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, most: usize) -> Option<Vec<&str>> {
        let mut items = Vec::new();
        each(text, |item| {
            items.push(item);
            items.len() < most
        })?;
        Some(items)
    }

    #[test]
    fn items_come_one_by_one_until_they_are_enough() {
        assert_eq!(all(r#" [1, {"a":[2]} ,"x"] "#, 9), Some(vec!["1", r#"{"a":[2]}"#, "\"x\""]));
        assert_eq!(all("[]", 9), Some(Vec::new()));
        assert_eq!(all("[1,2,3", 2), Some(vec!["1", "2"]), "the rest is not read");
        for none in ["", "{}", "[1", "[1,]", "[1]]", "7"] {
            assert_eq!(all(none, 9), None, "{none}");
        }
    }
}

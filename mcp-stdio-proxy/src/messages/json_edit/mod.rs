//! Changes to a JSON text in place. Everything that is not changed stays byte for byte the same.

mod object;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::edit_list::EditList;
use super::line::{Line, blank_breaks};
use super::object::{Member, members};
use super::payload::Payload;
use super::place::span;

/// The size below which a message in one piece is cheaper than one in three.
const COPY_BELOW: usize = 16 * 1024;

/// The changes to one JSON text. Its parts and objects are named by slices of the text; a slice of another text is
/// ignored. Changes must not overlap.
#[derive(Clone, Debug)]
#[must_use = "changes take effect when they are applied"]
pub struct JsonEdit<'a> {
    text: &'a str,
    edits: EditList<'a>,
}

impl<'a> JsonEdit<'a> {
    /// Returns no changes to `text`.
    pub fn of(text: &'a str) -> Self {
        Self { text, edits: EditList::default() }
    }

    /// Replaces `part` by `with`.
    pub fn replace(mut self, part: &str, with: impl Into<Cow<'a, str>>) -> Self {
        if let Some(range) = span(self.text, part) {
            self.edits.push((range, with.into()));
        }
        self
    }

    /// Inserts `text` behind `part`.
    pub fn insert_after(mut self, part: &str, text: impl Into<Cow<'a, str>>) -> Self {
        if let Some(range) = span(self.text, part) {
            self.edits.push((range.end..range.end, text.into()));
        }
        self
    }

    /// Removes the members of `object` for whose name `goes` returns `true`. Changes nothing if it is not an object.
    pub fn remove(self, object: &str, goes: impl Fn(&str) -> bool) -> Self {
        match members(object) {
            Some(all) => self.remove_members(&all, goes),
            None => self,
        }
    }

    /// Removes those of `all`, the members of one object, for whose name `goes` returns `true`.
    pub fn remove_members(mut self, all: &[Member<'_>], goes: impl Fn(&str) -> bool) -> Self {
        let first = all.first().and_then(|first| Some((first, span(self.text, first.value)?)));
        let offset = first.and_then(|(first, place)| place.end.checked_sub(first.place.end));
        if let Some(offset) = offset {
            self.extend(object::without(all, offset, |name| !goes(name)));
        }
        self
    }

    /// Inserts `members`, which have no comma at either end, as the first of `object`. Changes nothing if it is not an
    /// object.
    pub fn insert(mut self, object: &str, members: &str) -> Self {
        if let Some(place) = span(self.text, object) {
            self.extend(object::with(object, place.start, members));
        }
        self
    }

    /// Replaces all members of `object` that are named in `names` by `members`, which have no comma at either end and may
    /// be empty. Changes nothing if it is not an object.
    pub fn set(mut self, object: &str, names: &[&str], members: &str) -> Self {
        if let Some(place) = span(self.text, object) {
            self.extend(object::set(object, place.start, names, members).into_iter().flatten());
        }
        self
    }

    fn extend(&mut self, edits: impl IntoIterator<Item = (Range<usize>, String)>) {
        edits.into_iter().for_each(|(range, with)| self.edits.push((range, with.into())));
    }

    /// Returns `true` if nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Returns the text with the changes.
    #[must_use]
    pub fn apply(mut self) -> String {
        self.sort();
        let mut out = String::with_capacity(self.len());
        self.parts(|part| out.push_str(part));
        out
    }

    /// Returns the text with the changes. Returns `None` if nothing changes.
    #[must_use]
    pub fn changed(self) -> Option<String> {
        (!self.is_empty()).then(|| self.apply())
    }

    /// Returns the text with the changes as a line of input for a process.
    #[must_use]
    pub fn input(mut self) -> Bytes {
        self.sort();
        let mut out = Vec::with_capacity(self.len() + 1);
        self.parts(|part| out.extend_from_slice(part.as_bytes()));
        blank_breaks(&mut out);
        out.push(b'\n');
        Bytes::from(out)
    }

    /// Returns `line`, whose text this is, with the changes. Of a large line, the parts before the first and behind the
    /// last change are not copied.
    #[must_use]
    pub fn payload(mut self, line: &Line) -> Payload {
        let bytes = line.bytes();
        self.sort();
        let (Some((first, _)), Some((last, _))) = (self.edits.first(), self.edits.last()) else {
            return Payload::from(bytes.clone());
        };
        let (start, end) = (first.start, last.end);
        if bytes.len() < COPY_BELOW || bytes.len() != self.text.len() {
            return Payload::from(self.apply());
        }
        let mut middle = String::new();
        let inner = Self { text: self.text.get(..end).unwrap_or_default(), edits: self.edits };
        inner.parts_from(start, |part| middle.push_str(part));
        Payload([bytes.slice(..start), Bytes::from(middle), bytes.slice(end..)])
    }

    fn sort(&mut self) {
        // Of two changes at the same place, the insertion comes first.
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
    }

    /// Returns the length of the changed text. An exact capacity makes `Bytes` of it without another allocation.
    fn len(&self) -> usize {
        let added: usize = self.edits.iter().map(|(_, with)| with.len()).sum();
        let removed: usize = self.edits.iter().map(|(range, _)| range.len()).sum();
        (self.text.len() + added).saturating_sub(removed)
    }

    /// Calls `each` with the parts of the changed text, in order.
    fn parts(&self, each: impl FnMut(&str)) {
        self.parts_from(0, each);
    }

    /// Calls `each` with the parts of the changed text from the byte `at` of the text, in order.
    fn parts_from(&self, mut at: usize, mut each: impl FnMut(&str)) {
        for (range, with) in self.edits.iter() {
            each(self.text.get(at..range.start).unwrap_or_default());
            each(with);
            at = range.end;
        }
        each(self.text.get(at..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_made_in_any_order_and_the_rest_stays() {
        let text = "{\"id\": 7,\n \"params\": {\"a\":1, \"b\":2}, \"c\":3}";
        let at = |part: &str| {
            let start = text.find(part).unwrap();
            text.get(start..start + part.len()).unwrap()
        };
        let edit = JsonEdit::of(text)
            .insert_after(at("\"c\":3"), ",\"d\":4")
            .remove(at("{\"a\":1, \"b\":2}"), |name| name == "a")
            .replace(at("7"), "12");
        let want = "{\"id\": 12,\n \"params\": {\"b\":2}, \"c\":3,\"d\":4}";
        assert_eq!(edit.clone().apply(), want);
        assert_eq!(edit.input(), format!("{}\n", want.replace('\n', " ")));
        assert_eq!(JsonEdit::of(text).replace("7", "12").apply(), text, "of another text");
        assert_eq!(JsonEdit::of(text).remove(text, |_| false).changed(), None);
    }

    #[test]
    fn a_large_line_shares_its_ends() {
        let line = Line::from(format!("{{\"id\":7,\"x\":\"{}\",\"y\":8}}", "x".repeat(COPY_BELOW)));
        let text = line.text();
        let part = |at: usize| text.get(at..=at).unwrap();
        let edit =
            JsonEdit::of(text).replace(part(6), "\"client\"").replace(part(text.len() - 2), "9");
        let payload = edit.clone().payload(&line);
        assert!(payload.0.iter().all(|piece| !piece.is_empty()));
        assert_eq!(payload.to_bytes(), edit.apply());
        assert_eq!(payload.0[0].as_ptr(), line.bytes().as_ptr());
        assert_eq!(JsonEdit::of(text).payload(&line).to_bytes(), text);
        let small = Line::from("{\"id\":7}".to_owned());
        let id = small.text().get(6..7).unwrap();
        assert_eq!(
            JsonEdit::of(small.text()).replace(id, "1").payload(&small).to_bytes(),
            "{\"id\":1}"
        );
    }
}

//! In-place replacement of ids and tokens in a JSON text, by byte range (JSON-RPC 2.0).

use std::ops::Range;

use bytes::Bytes;

/// Returns the range of `part`, a slice borrowed from `whole`.
#[must_use]
pub fn span(whole: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (whole.get(start..end)? == part).then_some(start..end)
}

/// A message in up to three pieces, so that a large one is not copied to change its id.
#[derive(Clone, Debug, Default)]
pub struct Payload(pub [Bytes; 3]);

/// The size below which a single piece is cheaper than three.
const COPY_BELOW: usize = 16 * 1024;

impl Payload {
    /// Returns `line` with the bytes of `range` replaced by `with`.
    #[must_use]
    pub fn spliced(line: &Bytes, range: Range<usize>, with: &str) -> Self {
        let (Some(head), Some(tail)) = (line.get(..range.start), line.get(range.end..)) else {
            return Self::from(line.clone());
        };
        if line.len() < COPY_BELOW {
            return Self::from(Bytes::from([head, with.as_bytes(), tail].concat()));
        }
        let id = Bytes::copy_from_slice(with.as_bytes());
        Self([line.slice(..range.start), id, line.slice(range.end..)])
    }

    /// Returns `line` with non-overlapping `edits` applied. For a large line, the parts before the first and
    /// after the last edit are not copied.
    #[must_use]
    pub fn edited(line: &Bytes, mut edits: Vec<(Range<usize>, String)>) -> Self {
        edits.sort_by_key(|(range, _)| range.start);
        let (Some((first, _)), Some((last, _))) = (edits.first(), edits.last()) else {
            return Self::from(line.clone());
        };
        let (start, end) = (first.start, last.end);
        let (Some(head), Some(tail)) = (line.get(..start), line.get(end..)) else {
            return Self::from(line.clone());
        };
        let mut middle = Vec::new();
        let mut at = start;
        for (range, with) in &edits {
            middle.extend_from_slice(line.get(at..range.start).unwrap_or_default());
            middle.extend_from_slice(with.as_bytes());
            at = range.end;
        }
        if line.len() < COPY_BELOW {
            return Self::from(Bytes::from([head, &middle, tail].concat()));
        }
        Self([line.slice(..start), Bytes::from(middle), line.slice(end..)])
    }

    /// Returns the length of the message in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Returns `true` if the message is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the message in one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            [one, second, third] if second.is_empty() && third.is_empty() => one.clone(),
            pieces => Bytes::from(pieces.concat()),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self([bytes, Bytes::new(), Bytes::new()])
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

/// Returns the input line for a process: `text` with `edits` applied and its line breaks replaced by blanks.
/// JSON allows line breaks only between tokens.
#[must_use]
pub fn line(text: &str, edits: &mut [(Range<usize>, String)]) -> Bytes {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = Vec::with_capacity(text.len() + 32);
    let mut at = 0;
    for (range, with) in edits.iter() {
        out.extend_from_slice(text.as_bytes().get(at..range.start).unwrap_or_default());
        out.extend_from_slice(with.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(text.as_bytes().get(at..).unwrap_or_default());
    blank_breaks(&mut out);
    out.push(b'\n');
    Bytes::from(out)
}

/// Returns `text` with non-overlapping `edits` applied.
#[must_use]
pub fn edited(text: &str, edits: &mut [(Range<usize>, String)]) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for (range, with) in edits.iter() {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(with);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Replaces line breaks by blanks.
pub fn blank_breaks(text: &mut [u8]) {
    if memchr::memchr2(b'\n', b'\r', text).is_some() {
        for byte in text.iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_bytes_change() {
        let text = "{\"id\": 7,\n \"params\": {\"_meta\": {\"progressToken\": \"p\"}}}";
        let id = span(text, text.get(7..8).unwrap()).unwrap();
        let token = text.find("\"p\"").unwrap();
        let line = line(text, &mut [(token..token + 3, "12".into()), (id, "12".into())]);
        let want: &[u8] = b"{\"id\": 12,  \"params\": {\"_meta\": {\"progressToken\": 12}}}\n";
        assert_eq!(&line[..], want);
    }

    #[test]
    fn edits_are_made_in_any_order_and_the_rest_is_shared() {
        let edits =
            || vec![(5..5, "NEW".to_owned()), (0..1, "<".to_owned()), (8..9, String::new())];
        let small = Bytes::from_static(b"0123456789");
        assert_eq!(Payload::edited(&small, edits()).to_bytes(), "<1234NEW5679");
        assert_eq!(Payload::edited(&small, Vec::new()).to_bytes(), small);
        let large = Bytes::from(vec![b'x'; COPY_BELOW]);
        let payload = Payload::edited(&large, edits());
        assert_eq!(payload.len(), COPY_BELOW + 2);
        assert_eq!(payload.0[2].len(), COPY_BELOW - 9);
    }

    #[test]
    fn a_slice_of_another_text_has_no_span() {
        let (one, other) = ("id: 1".to_owned(), "1".to_owned());
        assert_eq!(span(&one, &other), None);
        assert_eq!(span(&one, one.get(4..).unwrap()), Some(4..5));
    }

    #[test]
    fn a_large_message_is_shared_and_a_small_one_joined() {
        let large = Bytes::from(vec![b'x'; COPY_BELOW]);
        let payload = Payload::spliced(&large, 10..12, "\"id\"");
        assert_eq!(payload.len(), COPY_BELOW + 2);
        assert_eq!(&payload.to_bytes()[8..16], b"xx\"id\"xx");
        let small = Payload::spliced(&Bytes::from_static(b"{5}"), 1..2, "\"a\"");
        assert_eq!(small.0[0], Bytes::from_static(b"{\"a\"}"));
    }
}

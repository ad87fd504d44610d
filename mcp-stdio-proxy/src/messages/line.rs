//! A line of text: what a process writes and what a stream carries.

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::payload::Payload;
use super::place::span;

/// A text in UTF-8 without line breaks, such as a message. Clones and parts of it share its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(ByteString);

impl Line {
    /// Validates `bytes`. Line breaks are replaced by blanks: JSON allows them only between tokens, and a line in SSE or
    /// on stdio must not have any. Returns `None` if the bytes are not UTF-8.
    #[must_use]
    pub fn new(bytes: Bytes) -> Option<Self> {
        if memchr::memchr2(b'\n', b'\r', &bytes).is_none() {
            return ByteString::try_from(bytes).ok().map(Self);
        }
        let mut bytes = BytesMut::from(bytes);
        blank_breaks(&mut bytes);
        ByteString::try_from(bytes.freeze()).ok().map(Self)
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Returns the bytes of the text.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.0.as_bytes()
    }

    /// Returns `part`, a slice of the text, as a line. Returns `None` if it is not a slice of the text.
    #[must_use]
    pub fn part(&self, part: &str) -> Option<Self> {
        let range = span(self.text(), part)?;
        ByteString::try_from(self.bytes().slice(range)).ok().map(Self)
    }
}

impl From<&Line> for Payload {
    fn from(line: &Line) -> Self {
        line.bytes().clone().into()
    }
}

impl From<String> for Line {
    /// Returns the text with its line breaks replaced by blanks.
    fn from(text: String) -> Self {
        if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
            return Self(text.into());
        }
        Self(text.replace(['\n', '\r'], " ").into())
    }
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
    fn a_line_is_text_without_breaks() {
        let line = Line::new(Bytes::from_static(b"{\"a\":\r\n 1}")).unwrap();
        assert_eq!(line.text(), "{\"a\":   1}");
        assert_eq!(line, Line::from("{\"a\":\r\n 1}".to_owned()));
        assert_eq!(line.part(line.text().get(1..4).unwrap()).unwrap().text(), "\"a\"");
        assert_eq!(line.part("\"a\""), None);
        assert_eq!(Line::new(Bytes::from_static(b"\xff")), None);
    }
}

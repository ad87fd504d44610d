//! A scanner for the extent of the members of an object (RFC 8259 §4). It does not validate values: the text
//! is known to be valid JSON, or known to be invalid.

/// The maximum number of members of an object, because five bytes of text become more than fifty.
pub(super) const MEMBERS: usize = 1 << 16;

pub(super) struct Scan<'a> {
    text: &'a [u8],
    /// The current position in the text.
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    /// Creates a scanner at the start of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Skips `byte`. Returns `None` if another byte follows.
    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Skips whitespace.
    pub(super) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Returns `true` before a member and `false` at the end of the object. Returns `None` if neither
    /// follows, or if there are already `count` members and no more are allowed.
    pub(super) fn is_at_member(&mut self, count: usize) -> Option<bool> {
        self.blanks();
        if count > 0 && self.peek()? == b',' {
            self.at += 1;
            self.blanks();
        }
        match self.peek()? {
            b'}' => Some(false),
            _ => (count < MEMBERS).then_some(true),
        }
    }

    /// Reads the name of a member and the colon after it. Returns the start of the name and its text, with
    /// the quotes.
    pub(super) fn name<'t>(&mut self, text: &'t str) -> Option<(usize, &'t str)> {
        let start = self.at;
        self.string()?;
        let name = text.get(start..self.at)?;
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Some((start, name))
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            let rest = self.text.get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += found + 1;
            if rest.get(found) == Some(&b'"') {
                return Some(());
            }
            self.at += 1;
        }
    }

    /// Skips a value.
    pub(super) fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' | b'[' => self.nested(),
            _ => {
                while !matches!(self.peek()?, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                    self.at += 1;
                }
                Some(())
            }
        }
    }

    fn nested(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

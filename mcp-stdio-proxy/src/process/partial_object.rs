//! A JSON object that a server spreads over several lines. No client accepts it, but the call that it answers can be
//! identified.

use crate::messages::defect::Answer;
use crate::messages::torn;

/// The maximum size kept of an object that continues on the next line.
const KEPT: usize = 16 << 10;
/// The maximum number of lines of such an object.
const LINES: usize = 64;

/// The beginning of an object that was not complete at the end of its line.
#[derive(Default)]
pub(super) struct PartialObject {
    text: String,
    lines: usize,
}

impl PartialObject {
    /// Begins an object with its first line.
    pub(super) fn begin(&mut self, text: &str) {
        let end = text.floor_char_boundary(KEPT);
        text.get(..end).unwrap_or_default().clone_into(&mut self.text);
        self.lines = 1;
    }

    /// Appends a line. Returns the response once it can be identified; the remaining lines are then ignored.
    pub(super) fn append(&mut self, text: &str) -> Option<Answer> {
        if self.lines == 0 {
            return None;
        }
        self.lines += 1;
        self.text.push('\n');
        self.text.push_str(text.get(..text.floor_char_boundary(KEPT)).unwrap_or_default());
        let found = torn::answers(&self.text).into_iter().find(|answer| answer.id.is_some());
        let is_over = self.lines >= LINES || self.text.len() > KEPT || !torn::is_open(&self.text);
        if found.is_some() || is_over {
            *self = Self::default();
        }
        found
    }
}

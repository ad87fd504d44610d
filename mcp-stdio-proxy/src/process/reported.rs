//! State of the handling of malformed lines: the defects that were reported, and an object that is not complete yet.

use std::mem::{Discriminant, discriminant};

use parking_lot::Mutex;

use crate::messages::defect::{Answer, Defect};
use crate::messages::torn;

/// The maximum size kept of an object that continues on the next line.
const BEGUN: usize = 16 << 10;
/// The maximum number of lines of such an object.
const LINES: usize = 64;

/// The kinds of defects already reported to the operator.
#[derive(Default)]
pub(super) struct Told(Mutex<Vec<Discriminant<Defect>>>);

impl Told {
    /// Returns `true` for the first defect of its kind.
    pub(super) fn is_new(&self, defect: &Defect) -> bool {
        let (mut told, kind) = (self.0.lock(), discriminant(defect));
        let is_new = !told.contains(&kind);
        if is_new {
            told.push(kind);
        }
        is_new
    }
}

/// The beginning of an object that was not complete at the end of its line.
#[derive(Default)]
pub(super) struct Begun {
    text: String,
    lines: usize,
}

impl Begun {
    /// Begins an object with its first line.
    pub(super) fn start(&mut self, text: &str) {
        let end = text.floor_char_boundary(BEGUN);
        text.get(..end).unwrap_or_default().clone_into(&mut self.text);
        self.lines = 1;
    }

    /// Appends a line. Returns the response once it can be identified; the remaining lines are then ignored.
    pub(super) fn go_on(&mut self, text: &str) -> Option<Answer> {
        if self.lines == 0 {
            return None;
        }
        self.lines += 1;
        self.text.push('\n');
        self.text.push_str(text.get(..text.floor_char_boundary(BEGUN)).unwrap_or_default());
        let found = torn::answers(&self.text).into_iter().find(|answer| answer.id.is_some());
        let is_over = self.lines >= LINES || self.text.len() > BEGUN || !torn::is_open(&self.text);
        if found.is_some() || is_over {
            *self = Self::default();
        }
        found
    }
}

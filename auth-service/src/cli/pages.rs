//! Lists that are read and printed page by page, so that their memory is bounded.

use clap::Args;
use serde_json::json;

use crate::store::{Cursor, InvalidCursor};

/// The number of entries that are read and printed at once.
const PAGE: usize = 250;

/// The part of a list to print, and its form.
#[derive(Clone, Debug, Args)]
pub(super) struct Span {
    /// Print at most this many entries, and the cursor of the next one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Continue after the entries of an earlier call with --limit.
    #[arg(long, value_parser = cursor)]
    cursor: Option<Cursor>,
    /// Print JSON, one entry per line, for scripts.
    #[arg(long)]
    json: bool,
}

fn cursor(text: &str) -> Result<Cursor, InvalidCursor> {
    text.parse()
}

/// A walk through the pages of a list.
pub(super) struct Walk {
    /// `true` if the list is printed as JSON.
    pub(super) json: bool,
    left: Option<usize>,
    next: Option<Cursor>,
    has_more: bool,
}

impl Span {
    pub(super) fn walk(self) -> Walk {
        let left = self.limit.and_then(|limit| usize::try_from(limit).ok());
        Walk { json: self.json, left, next: self.cursor, has_more: true }
    }
}

impl Walk {
    /// Returns the position and the size of the next page, or `None` if there is none to print.
    pub(super) fn next_page(&mut self) -> Option<(Option<Cursor>, usize)> {
        let size = self.left.map_or(PAGE, |left| left.min(PAGE));
        (self.has_more && size > 0).then(|| (self.next.clone(), size))
    }

    /// Notes the size of a page and the position after it.
    pub(super) fn got(&mut self, count: usize, next: Option<Cursor>) {
        self.left = self.left.map(|left| left.saturating_sub(count));
        self.has_more = next.is_some();
        self.next = next;
    }

    /// Returns the position of the first entry that was not printed.
    pub(super) fn rest(&self) -> Option<Cursor> {
        self.next.clone()
    }
}

/// The end of a printed list.
pub(super) struct Rest {
    /// The position of the first entry that was not printed.
    pub(super) cursor: Option<Cursor>,
    /// `false` while records of an earlier version are not indexed, so that the list may lack some.
    pub(super) is_complete: bool,
}

impl Rest {
    /// Prints what the list lacks: nothing, if it is whole.
    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        if self.cursor.is_none() && self.is_complete {
            return Ok(());
        }
        let cursor = self.cursor.as_ref().map(ToString::to_string);
        if json {
            return super::say(
                &json!({ "cursor": cursor, "complete": self.is_complete }).to_string(),
            );
        }
        if let Some(cursor) = cursor {
            super::say(&format!("\nmore with --cursor {cursor}"))?;
        }
        if !self.is_complete {
            super::say("\nincomplete: the running service is still indexing older records")?;
        }
        Ok(())
    }
}

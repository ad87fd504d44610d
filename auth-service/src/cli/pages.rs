//! Lists that are read and printed page by page, so that their memory is bounded.

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::output::{Json, JsonForm};
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
    #[command(flatten)]
    json: Json,
}

fn cursor(text: &str) -> Result<Cursor, InvalidCursor> {
    text.parse()
}

/// A walk through the pages of a list.
pub(super) struct Walk {
    form: Option<JsonForm>,
    /// The member of a document that has the entries.
    name: &'static str,
    left: Option<usize>,
    next: Option<Cursor>,
    has_more: bool,
    printed: usize,
}

impl Span {
    /// Starts the walk through a list of `name`.
    pub(super) fn walk(self, name: &'static str) -> Walk {
        let left = self.limit.and_then(|limit| usize::try_from(limit).ok());
        let (form, next) = (self.json.form(), self.cursor);
        Walk { form, name, left, next, has_more: true, printed: 0 }
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

    /// Prints `entries` if the list is printed as JSON. Returns `false` if it is a table.
    pub(super) fn print_json<T: Serialize>(
        &mut self,
        entries: impl IntoIterator<Item = T>,
    ) -> anyhow::Result<bool> {
        let Some(form) = self.form else { return Ok(false) };
        for entry in entries {
            let entry = serde_json::to_string(&entry)?;
            match (form, self.printed) {
                (JsonForm::Lines, _) => super::say(&entry)?,
                (JsonForm::Document, 0) => super::say(&format!("{{\"{}\":[{entry}", self.name))?,
                (JsonForm::Document, _) => super::say(&format!(",{entry}"))?,
            }
            self.printed += 1;
        }
        Ok(true)
    }

    /// Ends the list. `is_complete` is `false` while records of an earlier version are not indexed, so that the list
    /// may lack some.
    pub(super) fn finish(self, is_complete: bool) -> anyhow::Result<()> {
        let cursor = self.next.as_ref().map(ToString::to_string);
        match self.form {
            Some(JsonForm::Document) => {
                let start = if self.printed == 0 {
                    format!("{{\"{}\":[", self.name)
                } else {
                    String::new()
                };
                let cursor = json!(cursor);
                super::say(&format!("{start}],\"cursor\":{cursor},\"complete\":{is_complete}}}"))
            }
            Some(JsonForm::Lines) if cursor.is_none() && is_complete => Ok(()),
            Some(JsonForm::Lines) => {
                super::say(&json!({ "cursor": cursor, "complete": is_complete }).to_string())
            }
            None => {
                if let Some(cursor) = cursor {
                    super::say(&format!("\nmore with --cursor {cursor}"))?;
                }
                if !is_complete {
                    super::say(
                        "\nincomplete: the running service is still indexing older records",
                    )?;
                }
                Ok(())
            }
        }
    }
}

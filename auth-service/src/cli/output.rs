//! The forms of output: tables for people, JSON for programs.

use clap::{Args, ValueEnum};
use serde::Serialize;

/// The form of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum JsonForm {
    /// One document.
    Document,
    /// One entry per line.
    Lines,
}

/// The option that turns tables into JSON.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Json {
    /// Print JSON: one document, or with `--json=lines` one entry per line.
    #[arg(
        long = "json",
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "document"
    )]
    form: Option<JsonForm>,
}

impl Json {
    /// Returns `true` if the command prints JSON.
    pub(super) fn is_wanted(self) -> bool {
        self.form.is_some()
    }

    /// Returns the form, if the command prints JSON.
    pub(super) fn form(self) -> Option<JsonForm> {
        self.form
    }

    /// Prints `value` as JSON, or calls `table`.
    pub(super) fn print(
        self,
        value: &impl Serialize,
        table: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.is_wanted() { super::say(&serde_json::to_string(value)?) } else { table() }
    }

    /// Prints all of `entries`, in a document as the member `name`, or calls `table`.
    pub(super) fn print_all<T: Serialize>(
        self,
        name: &str,
        entries: &[T],
        table: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self.form {
            None => table(),
            Some(JsonForm::Document) => {
                super::say(&serde_json::json!({ name: entries }).to_string())
            }
            Some(JsonForm::Lines) => {
                entries.iter().try_for_each(|entry| super::say(&serde_json::to_string(entry)?))
            }
        }
    }
}

/// Returns `text` of a peer as it can be shown on a terminal: control characters and invisible ones are `?`.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if gateway_contract::display::hides(c) { '?' } else { c }).collect()
}

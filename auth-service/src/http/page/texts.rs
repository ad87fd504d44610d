//! The texts of the pages, generated from `texts/` by `build/texts.rs`: one function for each text.
//!
//! Placeholders are arguments in alphabetical order. The templates escape what they show, here as everywhere.
#![expect(clippy::doc_markdown, reason = "the docs are the texts themselves, not Markdown")]

use std::{fmt::Display, time::Duration};

use crate::oauth::ServerLabel;

/// A number of things, which decides the form of a text.
pub(in crate::http) trait Count: Display {
    /// Returns the number.
    fn count(&self) -> u64;
}

impl Count for u64 {
    fn count(&self) -> u64 {
        *self
    }
}

impl Count for usize {
    fn count(&self) -> u64 {
        *self as u64
    }
}

impl<T: Count> Count for &T {
    fn count(&self) -> u64 {
        (*self).count()
    }
}

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

impl Language {
    /// Returns `time` in words, such as "7 days". Uses the largest unit with a count of at least two.
    pub(in crate::http) fn duration(self, time: Duration) -> String {
        let seconds = time.as_secs();
        match (seconds / 86_400, seconds / 3_600, seconds / 60) {
            (days @ 2.., _, _) => self.time_days(days),
            (_, hours @ 2.., _) => self.time_hours(hours),
            (_, _, minutes @ 2..) => self.time_minutes(minutes),
            _ => self.time_seconds(seconds),
        }
    }

    /// Returns the titles of `servers` as a list, such as "Notes, Time and Git".
    pub(in crate::http) fn names(self, servers: &[ServerLabel]) -> String {
        let titles: Vec<&str> = servers.iter().map(|server| server.title.as_str()).collect();
        match titles.split_last() {
            None => String::new(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, before)) => self.list_and(before.join(", "), last),
        }
    }
}

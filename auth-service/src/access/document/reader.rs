//! Typed access to the parsed TOML, with the position of each value.

use std::ops::Range;

use gateway_contract::{
    servers::{Place, Problem},
    spelling::near,
};
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
    value::{Datetime, Offset},
};

use crate::{access::limits, model::UnixTime};

/// A string of a list, with its position.
pub(super) type Item = (String, Range<usize>);

/// The problems so far, and the lines of the text.
pub(super) struct Reader<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
    strings: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let after_ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = [0].into_iter().chain(after_ends.map(|(at, _)| at + 1)).collect();
        Self { text, line_starts, problems: Vec::new(), strings: 0 }
    }

    pub(super) fn add(&mut self, span: Range<usize>, what: String) {
        let place = self.place(span.start);
        self.add_at(place, what);
    }

    pub(super) fn add_at(&mut self, place: Place, what: String) {
        self.problems.push(super::at(place, what));
    }

    pub(super) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Returns the problems in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        self.problems
    }

    /// Returns the position of a byte of the text.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Place { line, column: before.chars().count() + 1 }
    }

    /// Reports the keys of `table` that are not in `known`. `owner` names the table in messages.
    pub(super) fn check_keys(&mut self, table: &DeTable<'_>, owner: &str, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let help = match near(name, known.iter().copied()) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("the keys of {owner} are {}", known.join(", ")),
            };
            self.add(key.span(), format!("unknown key {name:?}; {help}"));
        }
    }

    /// Returns the table of the key `name`, if it is present.
    pub(super) fn table<'a, 'i>(
        &mut self,
        table: &'a DeTable<'i>,
        name: &str,
    ) -> Option<&'a DeTable<'i>> {
        let value = table.get(name)?;
        let found = value.get_ref().as_table();
        if found.is_none() {
            self.add(value.span(), format!("{name:?} must be a table, [{name}]"));
        }
        found
    }

    /// Returns the tables `[[name]]` with their positions.
    pub(super) fn tables<'a, 'i>(
        &mut self,
        table: &'a DeTable<'i>,
        name: &str,
    ) -> Vec<(&'a DeTable<'i>, Range<usize>)> {
        let Some(value) = table.get(name) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.add(value.span(), format!("write [[{name}]], with two brackets"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in list {
            match item.get_ref().as_table() {
                Some(table) => found.push((table, item.span())),
                None => self.add(item.span(), format!("{name:?} must be tables, [[{name}]]")),
            }
        }
        found
    }

    /// Returns the string of the key `name`, if it is present.
    pub(super) fn text(&mut self, table: &DeTable<'_>, name: &str) -> Option<Item> {
        let value = table.get(name)?;
        let text = self.string(value, name)?;
        Some((text, value.span()))
    }

    /// Returns the list of strings of the key `name`, if it is present.
    pub(super) fn texts(&mut self, table: &DeTable<'_>, name: &str) -> Option<Vec<Item>> {
        let value = table.get(name)?;
        let Some(list) = value.get_ref().as_array() else {
            self.add(value.span(), format!("{name:?} must be a list of strings, [\"…\"]"));
            return None;
        };
        self.strings += list.len();
        if list.len() > limits::LIST || self.strings > limits::STRINGS {
            let (one, all) = (limits::LIST, limits::STRINGS);
            self.add(value.span(), format!("a list has more than {one} strings, or all {all}"));
            return None;
        }
        let items = list.iter().filter_map(|item| Some((self.string(item, name)?, item.span())));
        Some(items.collect())
    }

    /// Returns the list of the key `name`. Reports an empty one, which would match nothing.
    pub(super) fn filled(&mut self, table: &DeTable<'_>, name: &str) -> Option<Vec<Item>> {
        let is_empty = |list: &DeArray<'_>| list.is_empty();
        if let Some(value) = table.get(name)
            && value.get_ref().as_array().is_some_and(is_empty)
        {
            self.add(value.span(), format!("{name:?} is empty, so that nothing matches"));
        }
        self.texts(table, name)
    }

    /// Returns a string within the limits.
    fn string(&mut self, value: &Spanned<DeValue<'_>>, name: &str) -> Option<String> {
        let what = match value.get_ref().as_str() {
            None => format!("{name:?} must consist of strings; write \"…\""),
            Some("") => format!("{name:?} has an empty string"),
            Some(text) if text.len() > limits::STRING => {
                format!("a string of {name:?} is longer than {} bytes", limits::STRING)
            }
            Some(text) => return Some(text.to_owned()),
        };
        self.add(value.span(), what);
        None
    }

    /// Returns the time of the key `name`, if it is present. A fraction of a second is rounded up.
    pub(super) fn time(&mut self, table: &DeTable<'_>, name: &str) -> Option<UnixTime> {
        let value = table.get(name)?;
        let time = value.get_ref().as_datetime().and_then(unix_time);
        if time.is_none() {
            let form = "a time with a zone, such as 2027-01-31T18:00:00Z, without quotes";
            self.add(value.span(), format!("{name:?} must be {form}"));
        }
        time
    }
}

/// Converts a date and time with an offset (RFC 3339).
fn unix_time(value: &Datetime) -> Option<UnixTime> {
    let (date, clock) = (value.date?, value.time?);
    let minutes = match value.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i32::from(minutes),
    };
    let month = Month::try_from(date.month).ok()?;
    let date = Date::from_calendar_date(date.year.into(), month, date.day).ok()?;
    let time = Time::from_hms(clock.hour, clock.minute, clock.second.unwrap_or(0)).ok()?;
    let offset = UtcOffset::from_whole_seconds(minutes * 60).ok()?;
    let seconds = PrimitiveDateTime::new(date, time).assume_offset(offset).unix_timestamp();
    let has_fraction = clock.nanosecond.is_some_and(|nanosecond| nanosecond > 0);
    Some(UnixTime(seconds + i64::from(has_fraction)))
}

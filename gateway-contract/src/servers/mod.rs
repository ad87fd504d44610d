//! The parser of `mcp-servers.json`, whose `mcpServers` object users paste from the configuration of an
//! MCP client. Both programs use it, so that neither serves an entry that the other rejects.

mod entry;
mod keys;
mod types;
pub mod variables;
pub mod watch;

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A parsed entry of a server that is not disabled.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// The name of the server, unique in the file.
    pub name: String,
    /// The gateway's keys in the entry, with values of the right types.
    pub entry: Map<String, Value>,
    /// The position of the entry.
    pub place: Place,
    /// The unknown keys, which are ignored, such as those of MCP clients.
    pub unknown: Vec<String>,
}

/// The parsed servers of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Servers {
    /// The servers that are not disabled.
    pub stated: Vec<Stated>,
    /// The names of disabled servers.
    pub disabled: Vec<String>,
}

/// A position in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line number, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// A problem in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The position of the problem.
    pub place: Place,
    /// The name of the server, if the problem is in its entry.
    pub server: Option<String>,
    /// The description of the problem and its remedy.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.place.line, self.place.column)?;
        if let Some(server) = &self.server {
            write!(f, "server {server:?}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// The members of a JSON object in their order, including duplicates.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The parser state: the text of the file and the problems found so far.
struct Reader<'a> {
    text: &'a str,
    servers: Servers,
    problems: Vec<Problem>,
}

/// Parses the text of the file. Returns its servers, or the problems if there are any.
pub fn read(text: &str) -> Result<Servers, Vec<Problem>> {
    // Windows editors add a byte order mark, which RFC 8259 §8.1 lets parsers ignore.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, servers: Servers::default(), problems: Vec::new() };
    reader.read();
    if reader.problems.is_empty() { Ok(reader.servers) } else { Err(reader.problems) }
}

/// Returns `true` if `text` is a valid server name. The name becomes a label of a host name
/// (RFC 1123 §2.1).
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The error message for a text that [`is_name`] rejects.
pub const NAME_RULE: &str = "a name must be 1 to 63 lower-case letters, digits and inner hyphens";

impl<'a> Reader<'a> {
    fn read(&mut self) {
        let members = match serde_json::from_str::<Members<'_>>(self.text) {
            Ok(Members(members)) => members,
            Err(error) => {
                let place = Place { line: error.line(), column: error.column() };
                return self.add(place, None, plain(&error));
            }
        };
        let mut names = HashSet::new();
        for (name, raw) in self.top(&members) {
            let place = self.place(raw);
            if !is_name(&name) {
                self.add(place, Some(&name), NAME_RULE.to_owned());
            } else if !names.insert(name.clone()) {
                self.add(place, Some(&name), "duplicate server name".to_owned());
            } else if let Some((entry, unknown)) = self.entry(&name, raw) {
                self.servers.stated.push(Stated { name, entry, place, unknown });
            }
        }
    }

    /// Returns the entries of `mcpServers`.
    fn top(&mut self, members: &[(String, &'a RawValue)]) -> Vec<(String, &'a RawValue)> {
        const KEY: &str = "mcpServers";
        let mut found = None;
        for (name, raw) in members {
            let place = self.place(raw);
            if name == KEY && found.is_none() {
                found = Some((place, *raw));
            } else if name == KEY {
                self.add(place, None, format!("duplicate key {KEY:?}"));
            } else if let Some(meant) = keys::near(name, [KEY].into_iter()) {
                self.add(place, None, format!("unknown key {name:?}; did you mean {meant:?}?"));
            } else if is_stray(raw) {
                self.add(place, Some(name), format!("the entry must be inside {KEY:?}"));
            }
        }
        let Some((place, raw)) = found else {
            if self.problems.is_empty() {
                let place = Place { line: 1, column: 1 };
                self.add(place, None, format!("the object {KEY:?} is missing"));
            }
            return Vec::new();
        };
        let Ok(Members(servers)) = serde_json::from_str(raw.get()) else {
            self.add(place, None, format!("{KEY:?} must be an object of servers by name"));
            return Vec::new();
        };
        servers
    }

    /// Parses the entry of the server `name`. Returns its known and unknown keys, or `None` if the server
    /// is disabled or has problems.
    fn entry(
        &mut self,
        name: &str,
        raw: &'a RawValue,
    ) -> Option<(Map<String, Value>, Vec<String>)> {
        let Ok(Members(members)) = serde_json::from_str(raw.get()) else {
            self.add(self.place(raw), Some(name), "an entry must be an object".to_owned());
            return None;
        };
        let mut entry = entry::Entry::default();
        for (key, value) in members {
            if let Err(what) = entry.take(&key, value) {
                entry.problems.push((self.place(value), what));
            }
        }
        let place = self.place(raw);
        let unknown = std::mem::take(&mut entry.unknown);
        match entry.finish(place) {
            Ok(Some(entry)) => Some((entry, unknown)),
            Ok(None) => {
                self.servers.disabled.push(name.to_owned());
                None
            }
            Err(problems) => {
                for (place, what) in problems {
                    self.add(place, Some(name), what);
                }
                None
            }
        }
    }

    fn add(&mut self, place: Place, server: Option<&str>, what: String) {
        self.problems.push(Problem { place, server: server.map(str::to_owned), what });
    }

    /// Returns the position of `raw`, which must be a part of the text.
    fn place(&self, raw: &RawValue) -> Place {
        let offset = raw.get().as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let before = self.text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// Returns `true` if the top-level value `raw` has the form of a server's entry. The top level of a client's
/// configuration has other objects, too.
fn is_stray(raw: &RawValue) -> bool {
    let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let starts = value.get("command").is_some_and(Value::is_string)
        && value.get("args").is_some_and(Value::is_array);
    starts || value.get("url").is_some_and(Value::is_string)
}

/// Returns the message of `error` without its position.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;

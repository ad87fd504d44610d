//! `mcp-servers.json`: the `mcpServers` object that people paste from the configuration of an MCP client. One
//! reading for both programs, so that none of them serves what the other one refuses.

mod entry;
mod keys;
mod types;
pub mod variables;

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A server that is not disabled.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// Its name.
    pub name: String,
    /// The keys of the gateway that it has, of the right types.
    pub entry: Map<String, Value>,
    /// Where the entry begins.
    pub place: Place,
    /// The keys that mean nothing here, as those of MCP clients.
    pub unknown: Vec<String>,
}

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A fault of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// The server, if it is in an entry.
    pub server: Option<String>,
    /// What is wrong, and what helps.
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

/// Members of a JSON object in their order, also those of the same name.
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

/// The text of the file, and what was found wrong with it.
struct Reader<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

/// Reads the servers of the file `text`, all or none. Disabled ones are left out.
pub fn read(text: &str) -> Result<Vec<Stated>, Vec<Problem>> {
    // Windows editors put it in front (RFC 8259 §8.1 lets parsers ignore it).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, problems: Vec::new() };
    let servers = reader.servers();
    if reader.problems.is_empty() { Ok(servers) } else { Err(reader.problems) }
}

/// Returns `true` if `text` can name a server: it becomes a label of a host name (RFC 1123 §2.1).
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The rule of [`is_name`] in words.
pub const NAME_RULE: &str = "a name has lower-case letters, digits and inner hyphens, at most 63";

impl<'a> Reader<'a> {
    fn servers(&mut self) -> Vec<Stated> {
        let members = match serde_json::from_str::<Members<'_>>(self.text) {
            Ok(Members(members)) => members,
            Err(error) => {
                let place = Place { line: error.line(), column: error.column() };
                self.add(place, None, plain(&error));
                return Vec::new();
            }
        };
        let servers = self.top(&members);
        let mut names = HashSet::new();
        let mut stated = Vec::new();
        for (name, raw) in servers {
            let place = self.place(raw);
            if !is_name(&name) {
                self.add(place, Some(&name), NAME_RULE.to_owned());
            } else if !names.insert(name.clone()) {
                self.add(place, Some(&name), "there is another server of this name".to_owned());
            } else if let Some((entry, unknown)) = self.entry(&name, raw) {
                stated.push(Stated { name, entry, place, unknown });
            }
        }
        stated
    }

    /// The entries of `mcpServers`.
    fn top(&mut self, members: &[(String, &'a RawValue)]) -> Vec<(String, &'a RawValue)> {
        const KEY: &str = "mcpServers";
        let mut found = None;
        for (name, raw) in members {
            let place = self.place(raw);
            if name == KEY && found.is_none() {
                found = Some((place, *raw));
            } else if name == KEY {
                self.add(place, None, format!("{KEY:?} is in the file twice"));
            } else if let Some(meant) = keys::near(name, [KEY].into_iter()) {
                self.add(place, None, format!("unknown key {name:?}; did you mean {meant:?}?"));
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

    /// The keys of the server `name` and the unknown ones, unless it is disabled or wrong.
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
            Ok(entry) => entry.map(|entry| (entry, unknown)),
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

    /// Where `raw`, a part of the text, begins.
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

/// The message without the position.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;

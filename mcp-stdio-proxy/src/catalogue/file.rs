//! Reads `mcp-servers.json`, the `mcpServers` object of MCP clients with a few keys of the gateway.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::tools::ToolRules;
use super::{Catalogue, Entry, Isolation, Limits};
use crate::protocol::version::Era;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It can be read, but not understood.
    #[error("{}:{}:{}: {}", path.display(), source.line(), source.column(), plain(source))]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
}

/// The message without the position, which is said before it.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text).to_owned()
}

/// The name of a server: a DNS label, since it becomes part of a host name (RFC 1123 §2.1).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl Name {
    /// Whether `text` is a name of a server.
    #[must_use]
    pub fn is_good(text: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        (1..=63).contains(&text.len())
            && text.bytes().all(|byte| plain(byte) || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if Self::is_good(&text) {
            return Ok(Self(text));
        }
        Err(format!(
            "the name {text:?} is not usable: small letters, digits and inner hyphens, at most 63"
        ))
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "mcpServers")]
    servers: Servers,
}

struct Servers(BTreeMap<Name, Stated>);

impl<'de> Deserialize<'de> for Servers {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Servers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of servers by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Servers, A::Error> {
                let mut servers = BTreeMap::new();
                while let Some(name) = map.next_key::<Name>()? {
                    if servers.contains_key(&name) {
                        return Err(A::Error::custom(format!("{:?} is there twice", name.0)));
                    }
                    servers.insert(name, map.next_value()?);
                }
                Ok(Servers(servers))
            }
        }
        de.deserialize_map(Entries)
    }
}

/// An entry; keys that are not ours are left to others who read the file.
#[derive(Deserialize)]
#[serde(try_from = "Raw")]
struct Stated(Option<Entry>);

#[derive(Deserialize)]
struct Raw {
    command: Option<String>,
    url: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cwd: Option<PathBuf>,
    tools: Option<ToolRules>,
    isolation: Option<Isolation>,
    era: Option<Era>,
    #[serde(rename = "requestTimeout")]
    request_timeout: Option<u64>,
    #[serde(default)]
    prewarm: usize,
    #[serde(rename = "maxProcesses")]
    max_processes: Option<usize>,
    uid: Option<u32>,
    gid: Option<u32>,
    #[serde(default)]
    limits: Limits,
    confine: Option<bool>,
}

impl TryFrom<Raw> for Stated {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, &'static str> {
        let command = match (raw.command, raw.url) {
            (Some(command), _) if !command.is_empty() => command,
            // A server that speaks HTTP itself needs no proxy.
            (None, Some(_)) => return Ok(Self(None)),
            _ => return Err("a server needs a \"command\" or a \"url\""),
        };
        if raw.env.keys().any(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err("a name in \"env\" is empty or contains \"=\"");
        }
        Ok(Self(Some(Entry {
            command,
            args: raw.args,
            env: raw.env,
            cwd: raw.cwd,
            tools: raw.tools,
            isolation: raw.isolation,
            era: raw.era,
            request_timeout: raw.request_timeout.map(Duration::from_secs),
            prewarm: raw.prewarm,
            max_processes: raw.max_processes,
            uid: raw.uid,
            gid: raw.gid,
            limits: raw.limits,
            confine: raw.confine.unwrap_or(true),
        })))
    }
}

/// Reads the catalogue from the text of the file.
pub fn parse(text: &str) -> Result<Catalogue, serde_json::Error> {
    let file: File = serde_json::from_str(text)?;
    let servers = file.servers.0.into_iter();
    let ours = servers.filter_map(|(name, entry)| Some((name.0.into(), Arc::new(entry.0?))));
    Ok(Catalogue { servers: ours.collect() })
}

/// Reads the catalogue from the file.
pub fn load(path: &Path) -> Result<Catalogue, LoadError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|source| LoadError::Parse { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_and_native_servers_are_left_to_others() {
        let text = r#"{"other": 1, "mcpServers": {
            "one": {"command": "x", "args": ["a"], "env": {"A": "b"}, "allow": ["*"], "new": {}},
            "two": {"url": "http://127.0.0.1:9/mcp"}}}"#;
        let catalogue = parse(text).unwrap();
        assert_eq!(catalogue.servers.keys().map(|name| &**name).collect::<Vec<_>>(), ["one"]);
        assert_eq!(catalogue.servers["one"].args, ["a"]);
    }

    #[test]
    fn every_fault_has_its_place_in_the_file() {
        for (text, line, what) in [
            ("{\n \"mcpServers\": {\n", 3, "EOF"),
            ("{\n\"mcpServers\": {\n\"Bad_Name\": {\"command\": \"x\"}}}", 3, "Bad_Name"),
            ("{\n\"mcpServers\": {\n\"a\": {\"args\": []}}}", 3, "\"command\""),
            ("{\n\"mcpServers\": {\"a\": {\"command\": 1}}}", 2, "string"),
            ("{\"mcpServers\": {\"a\": {\"url\": \"x\"},\n\"a\": {\"url\": \"x\"}}}", 2, "twice"),
            ("{}", 1, "mcpServers"),
        ] {
            let source = parse(text).unwrap_err();
            assert_eq!(source.line(), line, "{text}: {source}");
            let shown = LoadError::Parse { path: "f.json".into(), source }.to_string();
            assert!(shown.starts_with(&format!("f.json:{line}:")), "{shown}");
            assert!(shown.contains(what), "{shown}");
        }
    }
}

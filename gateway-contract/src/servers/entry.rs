//! The parser of one entry: first each key, then their combination.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::keys::{self, KEYS, Key};
use super::{Place, types, variables};
use crate::spelling;

/// The keys that apply only to a server with a `command`.
const OF_COMMANDS: [&str; 4] = ["args", "cwd", "env", "stepUpTools"];

/// The problems of an entry with their positions.
type Faults = Vec<(Place, String)>;

#[derive(Default)]
pub(super) struct Entry {
    pub(super) problems: Faults,
    /// The unknown keys, which are ignored.
    pub(super) unknown: Vec<String>,
    known: Map<String, Value>,
    seen: Vec<String>,
    disabled: Option<bool>,
    transport: Option<Transport>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Stdio,
    Http,
}

impl Entry {
    /// Adds one key. The error is the description of its problem.
    pub(super) fn take(&mut self, name: &str, raw: &RawValue) -> Result<(), String> {
        if self.seen.iter().any(|other| other == name) {
            return Err(format!("duplicate key {name:?}"));
        }
        self.seen.push(name.to_owned());
        let Some(key) = keys::find(name) else {
            let near = keys::near(name, KEYS.iter().map(|(known, _)| *known));
            if let Some(meant) = near {
                return Err(format!("unknown key {name:?}; did you mean {meant:?}?"));
            }
            self.unknown.push(name.to_owned());
            return Ok(());
        };
        let value =
            serde_json::from_str(raw.get()).map_err(|_| format!("{name:?} is out of range"))?;
        // Some editors write null for an unset key.
        if value == Value::Null {
            return Ok(());
        }
        match key {
            Key::Known(kind) => {
                types::check(name, kind, &value)?;
                self.known.insert(name.to_owned(), value);
            }
            Key::Disabled | Key::Enabled => self.enable(name, key == Key::Enabled, &value)?,
            Key::Transport => self.transport(name, &value)?,
            Key::Refused(_) if types::is_empty(&value) => {}
            Key::Refused(why) => return Err(format!("{name:?} has no effect here: {why}")),
        }
        Ok(())
    }

    fn enable(&mut self, name: &str, sense: bool, value: &Value) -> Result<(), String> {
        let flag = value.as_bool().ok_or_else(|| format!("{name:?} must be true or false"))?;
        let disabled = flag != sense;
        if self.disabled.is_some_and(|other| other != disabled) {
            return Err("\"disabled\" and \"enabled\" contradict each other".to_owned());
        }
        self.disabled = Some(disabled);
        Ok(())
    }

    fn transport(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let text = value.as_str().ok_or_else(|| format!("{name:?} must be a string"))?;
        let transport = match spelling::separatorless(text).as_str() {
            "stdio" | "local" => Transport::Stdio,
            "http" | "streamablehttp" => Transport::Http,
            "sse" => {
                return Err(format!(
                    "{name:?} is {text:?}, the transport of 2024-11-05, which is not supported: write \"http\" if the \
                     server also supports Streamable HTTP"
                ));
            }
            _ => return Err(format!("{name:?} must be \"stdio\" or \"http\", not {text:?}")),
        };
        if self.transport.is_some_and(|other| other != transport) {
            return Err(format!("{name:?} contradicts another key"));
        }
        self.transport = Some(transport);
        Ok(())
    }

    /// Returns the gateway's keys, or `None` if the entry is disabled.
    pub(super) fn finish(mut self, place: Place) -> Result<Option<Map<String, Value>>, Faults> {
        if self.disabled == Some(true) {
            return Ok(None);
        }
        if self.problems.is_empty()
            && let Err(what) = self.check()
        {
            self.problems.push((place, what));
        }
        self.known.retain(|key, value| {
            !matches!(key.as_str(), "command" | "url") || !types::is_empty(value)
        });
        if self.problems.is_empty() { Ok(Some(self.known)) } else { Err(self.problems) }
    }

    /// Checks the combination of the keys.
    fn check(&self) -> Result<(), String> {
        let command =
            self.known.get("command").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let url =
            self.known.get("url").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        match (command, url, self.transport) {
            (false, false, _) => Err("a server needs a \"command\" or a \"url\"".to_owned()),
            (true, true, _) => Err("a server has a \"command\" or a \"url\", not both".to_owned()),
            (true, false, Some(Transport::Http)) => {
                Err("the \"type\" \"http\" needs a \"url\" and no \"command\"".to_owned())
            }
            (false, true, Some(Transport::Stdio)) => {
                Err("the \"type\" \"stdio\" needs a \"command\" and no \"url\"".to_owned())
            }
            (true, false, _) => Ok(()),
            (false, true, _) => self.check_native(),
        }
    }

    /// Checks the keys of a native server, which the proxy does not run.
    fn check_native(&self) -> Result<(), String> {
        let set = |key: &&str| self.known.get(*key).is_some_and(|value| !types::is_empty(value));
        if let Some(key) = OF_COMMANDS.iter().find(|key| set(key)) {
            return Err(format!("{key:?} applies only to a server with a \"command\""));
        }
        match self.known.get("tools") {
            Some(Value::Array(list)) if !list.is_empty() => {}
            Some(Value::Object(rules))
                if ["allow", "deny"]
                    .iter()
                    .any(|key| rules.get(*key).is_some_and(|one| !types::is_empty(one))) => {}
            _ => return Ok(()),
        }
        Err("\"tools\" cannot allow or deny tools of a server with a \"url\": only the proxy enforces that, and it does \
             not run the server"
            .to_owned())
    }
}

/// Checks the syntax of the variables in a text.
pub(super) fn check_template(name: &str, text: &str) -> Result<(), String> {
    variables::check(text).map_err(|why| format!("{name:?}: {why}"))
}

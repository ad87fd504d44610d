//! The known keys of an entry. The gateway's own keys have a type. Keys of MCP clients that would have no
//! effect here are rejected, because users rely on them.

use crate::revision::Era;
use crate::spelling;

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    /// A string that may contain variables.
    Template,
    Flag,
    Whole,
    Id,
    Texts,
    Templates,
    /// An object of environment variables, whose values may contain variables.
    Environment,
    OneOf(&'static [&'static str]),
    Tools,
    Limits,
    Details,
}

/// The treatment of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A key of the gateway with a value of this type.
    Known(Type),
    /// A switch whose value `true` disables the server.
    Disabled,
    /// A switch whose value `false` disables the server.
    Enabled,
    /// The transport of the server.
    Transport,
    /// A key without effect in the gateway, with the remedy. It is rejected unless its value is empty.
    Refused(&'static str),
}

const APPROVAL: &str = "approval of tool calls is up to the client; limit the tools that the server offers with \
                        \"tools\"";
const ONLY: &str = "write \"tools\": {\"allow\": [...]}";
const NEVER: &str = "write \"tools\": {\"deny\": [...]}";
const LOGIN: &str = "clients log in at the gateway; list the users of the server in \"allow\"";
const URL: &str = "write \"url\"";

pub(super) const KEYS: [(&str, Key); 51] = [
    ("allow", Key::Known(Type::Texts)),
    ("allowed", Key::Refused("write \"allow\" for people, \"tools\" for tools")),
    ("allowedTools", Key::Refused(ONLY)),
    ("alwaysAllow", Key::Refused(APPROVAL)),
    ("args", Key::Known(Type::Templates)),
    ("arguments", Key::Refused("write \"args\"")),
    ("auth", Key::Refused(LOGIN)),
    ("autoApprove", Key::Refused(APPROVAL)),
    ("checksHeaders", Key::Known(Type::Flag)),
    ("cmd", Key::Refused("write \"command\"")),
    ("command", Key::Known(Type::Template)),
    ("confine", Key::Known(Type::Flag)),
    ("cwd", Key::Known(Type::Template)),
    ("denied", Key::Refused(NEVER)),
    ("deny", Key::Refused(NEVER)),
    ("disabled", Key::Disabled),
    ("disabledTools", Key::Refused(NEVER)),
    ("enabled", Key::Enabled),
    ("enabledTools", Key::Refused(ONLY)),
    ("env", Key::Known(Type::Environment)),
    ("envFile", Key::Refused("write the variables into \"env\"")),
    ("environment", Key::Refused("write \"env\"")),
    ("era", Key::Known(Type::OneOf(&[Era::Legacy.name(), Era::Modern.name()]))),
    ("excludeTools", Key::Refused(NEVER)),
    ("gid", Key::Known(Type::Id)),
    (
        "headers",
        Key::Refused("the gateway adds no headers to requests; let the server or Traefik add them"),
    ),
    ("httpUrl", Key::Refused(URL)),
    ("includeTools", Key::Refused(ONLY)),
    ("isolation", Key::Known(Type::OneOf(&["principal", "session", "shared"]))),
    ("limits", Key::Known(Type::Limits)),
    ("maxProcesses", Key::Known(Type::Whole)),
    ("oauth", Key::Refused(LOGIN)),
    ("prewarm", Key::Known(Type::Whole)),
    ("requestTimeout", Key::Known(Type::Whole)),
    ("resource", Key::Known(Type::Text)),
    ("scopeDetails", Key::Known(Type::Details)),
    ("scopes", Key::Known(Type::Texts)),
    ("serverUrl", Key::Refused(URL)),
    ("stepUpTools", Key::Known(Type::OneOf(&["hide", "list"]))),
    ("timeout", Key::Refused("clients disagree on its unit; write \"requestTimeout\", in seconds")),
    ("title", Key::Known(Type::Text)),
    ("tools", Key::Known(Type::Tools)),
    ("transport", Key::Transport),
    ("transportType", Key::Transport),
    ("trust", Key::Refused(APPROVAL)),
    ("type", Key::Transport),
    ("uid", Key::Known(Type::Id)),
    ("uri", Key::Refused(URL)),
    ("url", Key::Known(Type::Text)),
    ("workingDir", Key::Refused("write \"cwd\"")),
    ("workingDirectory", Key::Refused("write \"cwd\"")),
];

/// Unknown keys of MCP clients that resemble a known one but are not typing errors.
const UNRELATED: [&str; 6] = ["guid", "id", "resources", "roots", "source", "uuid"];

/// Returns the treatment of the key `name`, or `None` if it is unknown.
pub(super) fn find(name: &str) -> Option<Key> {
    KEYS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key)
}

/// Returns the closest of the `known` names if `name` is probably a misspelling of it.
pub(super) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if UNRELATED.contains(&name) {
        return None;
    }
    spelling::near(name, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p9_a_key_near_a_known_one_is_found() {
        let near = |name| near(name, KEYS.iter().map(|(known, _)| *known));
        for (name, meant) in [
            ("comand", "command"),
            ("Command", "command"),
            ("arg", "args"),
            ("evn", "env"),
            ("disbaled", "disabled"),
            ("Disabled", "disabled"),
            ("auto_approve", "autoApprove"),
            ("always-allow", "alwaysAllow"),
            ("request_timeout", "requestTimeout"),
            ("tool", "tools"),
            ("scope", "scopes"),
            ("alow", "allow"),
            ("isolaton", "isolation"),
            ("header", "headers"),
            ("timeouts", "timeout"),
        ] {
            assert_eq!(near(name), Some(meant), "{name}");
        }
        for name in [
            "id",
            "uuid",
            "source",
            "roots",
            "description",
            "dev",
            "icon",
            "note",
            "version",
            "tags",
        ] {
            assert_eq!(near(name), None, "{name}");
        }
    }

    #[test]
    fn p9_each_key_is_there_once() {
        assert!(KEYS.is_sorted_by(|(one, _), (other, _)| one < other));
    }

    #[test]
    fn every_key_is_documented() {
        let page = include_str!("../../../docs/CATALOGUE.md");
        let rows = page.lines().filter(|line| line.starts_with('|'));
        let listed: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
        for (name, key) in KEYS.iter().filter(|(_, key)| !matches!(key, Key::Refused(_))) {
            assert!(listed.contains(name), "docs/CATALOGUE.md lacks {name}: {key:?}");
        }
    }
}

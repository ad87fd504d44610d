//! Detection of names that JSON libraries disagree about. A checked message is forwarded as it is spelt. A
//! server must therefore not read another member, method or tool than the proxy did.
//!
//! Behaviour of libraries: Go `encoding/json` and Gson-like readers fold case with the simple Unicode folding
//! (`ſ` is `s`, `K` is `k`). Go `encoding/json/v2` also drops `_` and `-`. .NET
//! (`PropertyNameCaseInsensitive`, Newtonsoft.Json) and Jackson (`ACCEPT_CASE_INSENSITIVE_PROPERTIES`) fold
//! case by their own tables. C strings end at NUL. Of two equal names, Python, Node and Go take the last,
//! others the first. Node gives `__proto__` a special meaning.

use std::borrow::Cow;
use std::fmt;

use gateway_contract::spelling::{folded, is_ambiguous_method, is_ambiguous_tool, is_invisible};
use serde::de::{Deserializer, Visitor};

/// The members of a message (JSON-RPC 2.0 §4, §5).
pub const MESSAGE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// The members of parameters that determine the operation and the user it is for.
pub const PARAMS: [&str; 17] = [
    "_meta",
    "name",
    "arguments",
    "uri",
    "ref",
    "task",
    "taskId",
    "requestId",
    "progressToken",
    "notifications",
    "inputResponses",
    "requestState",
    "level",
    "cursor",
    "protocolVersion",
    "capabilities",
    "clientInfo",
];

/// The member that JavaScript takes for the prototype of an object.
const PROTOTYPE: &str = "__proto__";

/// The reason why servers may parse a message differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// A member that some servers read under another name.
    #[error("a member of {of} is not \"{name}\", but some servers would read it as that")]
    Lookalike {
        /// The object with the member.
        of: &'static str,
        /// The name that it may be read as.
        name: &'static str,
    },
    /// A duplicate member.
    #[error("{of} has more than one \"{name}\"")]
    Duplicate {
        /// The object with the member.
        of: &'static str,
        /// The name of the member.
        name: &'static str,
    },
    /// An oversized object, or a value that is not an object.
    #[error("{of} is not an object of a sensible size")]
    Shape {
        /// The description of the value.
        of: &'static str,
    },
    /// A method with characters that some servers drop, or that differs from a known one only in those or in
    /// case.
    #[error("some servers would read the method as another one")]
    Method,
    /// A tool name with characters that some servers drop.
    #[error("the name of the tool has control characters, or blanks around it")]
    Tool,
}

/// The name of a member, with a flag for escapes.
pub struct Key<'a> {
    /// The decoded name.
    pub name: Cow<'a, str>,
    /// `true` if the name is written with escapes.
    pub escaped: bool,
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key { name: Cow::Borrowed(text), escaped: false })
            }

            // A string that cannot be borrowed contains escapes.
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key { name: Cow::Owned(text.to_owned()), escaped: true })
            }
        }
        de.deserialize_str(Name)
    }
}

/// Returns the name in `names` that some library reads `key` as, unless `key` is exactly that name.
#[must_use]
pub fn lookalike(key: &str, names: &[&'static str]) -> Option<&'static str> {
    if key == PROTOTYPE {
        return Some(PROTOTYPE);
    }
    // A library with C strings reads up to the first NUL; others drop the NUL.
    let cut = key.split('\0').next().unwrap_or(key);
    // Most names already differ in the first character.
    let first = skeleton(key).next();
    let reads = |name: &&&'static str| {
        if skeleton(name).next() != first {
            return false;
        }
        skeleton(key).eq(skeleton(name))
            || (cut.len() < key.len() && skeleton(cut).eq(skeleton(name)))
    };
    names.iter().find(reads).copied().filter(|name| *name != key && !is_other(key, name))
}

/// Returns `true` for `meta`: Python servers use it as the name of `_meta`, and existing clients send it,
/// empty.
fn is_other(key: &str, name: &str) -> bool {
    name == "_meta" && key == "meta"
}

/// Returns the characters of `text` without case, invisible characters, whitespace, `_` and `-`.
fn skeleton(text: &str) -> impl Iterator<Item = char> + '_ {
    let shown = text.chars().filter(|c| !is_invisible(*c) && !c.is_whitespace());
    folded(shown).filter(|c| !matches!(c, '_' | '-'))
}

/// Rejects a method that a server may mistake for another.
pub fn method(text: &str) -> Result<(), Doubt> {
    if is_ambiguous_method(text) { Err(Doubt::Method) } else { Ok(()) }
}

/// Rejects a tool name that a server may mistake for another.
pub fn tool(name: &str) -> Result<(), Doubt> {
    if is_ambiguous_tool(name) { Err(Doubt::Tool) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use gateway_contract::methods::METHODS;

    use super::*;

    #[test]
    fn spellings_that_some_library_reads_as_a_name_are_told() {
        for key in [
            "NAME",
            "Name",
            "nAMe",
            "name\0",
            "\0name",
            "na\0me",
            "name\0x",
            "name ",
            "na_me",
            "-name",
            "na\u{200b}me",
            "\u{feff}name",
            "NAME\u{ad}",
        ] {
            assert_eq!(lookalike(key, &PARAMS), Some("name"), "{key:?}");
        }
        for (key, name) in [
            ("param\u{17f}", "params"),
            ("PARAM\u{17f}", "params"),
            ("\u{130}d", "id"),
            ("\u{131}d", "id"),
            ("ID", "id"),
            ("re\u{17f}ult", "result"),
            ("JSONRPC", "jsonrpc"),
            ("json-rpc", "jsonrpc"),
        ] {
            assert_eq!(lookalike(key, &MESSAGE), Some(name), "{key:?}");
        }
        for (key, name) in [
            ("tas\u{212a}", "task"),
            ("ta\u{17f}k", "task"),
            ("task_id", "taskId"),
            ("reque\u{fb06}State", "requestState"),
            ("_META", "_meta"),
            ("__proto__", "__proto__"),
        ] {
            assert_eq!(lookalike(key, &PARAMS), Some(name), "{key:?}");
        }
    }

    #[test]
    fn other_names_are_other_names() {
        let all = [
            "names",
            "nam",
            "n ame s",
            "tool",
            "größe",
            "名前",
            "",
            "x",
            "meta",
            "toolName",
            "ｎａｍｅs",
        ];
        for key in PARAMS.into_iter().chain(all) {
            assert_eq!(lookalike(key, &PARAMS), None, "{key:?}");
        }
        for key in MESSAGE.into_iter().chain(["ids", "extra", "i-d-s", "meta"]) {
            assert_eq!(lookalike(key, &MESSAGE), None, "{key:?}");
        }
    }

    #[test]
    fn methods_and_tools_are_what_they_seem() {
        let known = METHODS.map(|known| known.name).into_iter();
        for good in known.chain(["PROMPTS/GET", "com.example/x", "x/größe", "tools/calls"]) {
            assert_eq!(method(good), Ok(()), "{good}");
        }
        for bad in [
            "Tools/Call",
            "tools/call\0",
            "tools/call ",
            "tools/call\0x",
            "tools//call",
            "/tools/call",
            "tools.call",
            "tool\u{17f}/call",
            "TOOLS/LIST",
            "x\ny",
            "tools/\u{200b}call",
            "toolscall",
        ] {
            assert_eq!(method(bad), Err(Doubt::Method), "{bad:?}");
        }
        assert!(tool("read_file").is_ok() && tool("lies die Größe").is_ok());
        for bad in ["a\0", "a\0b", " a", "a\u{a0}", "a\n", "a\u{200d}b", "\u{feff}a"] {
            assert_eq!(tool(bad), Err(Doubt::Tool), "{bad:?}");
        }
    }
}

//! Variables in `mcp-servers.json`, `${NAME}` and `${NAME:-default}`, replaced as MCP clients do.

use serde_json::{Map, Value};

use super::keys::{self, Key, Type};

/// A function that returns the value of a variable, or the way to set it if the operator does not pass it on.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A part of a text with variables.
enum Part<'a> {
    Text(&'a str),
    Variable { name: &'a str, default: Option<&'a str> },
}

/// Replaces the variables in the values of `entry` that describe the program of a server.
pub fn fill_entry(entry: &mut Map<String, Value>, lookup: Lookup<'_>) -> Result<(), String> {
    for (key, value) in entry {
        match (keys::find(key), value) {
            (Some(Key::Known(Type::Template)), Value::String(text)) => {
                fill_value(key, text, lookup)?;
            }
            (Some(Key::Known(Type::Templates)), Value::Array(list)) => {
                for text in list.iter_mut().filter_map(as_text) {
                    fill_value(key, text, lookup)?;
                }
            }
            (Some(Key::Known(Type::Environment)), Value::Object(variables)) => {
                for (name, value) in variables {
                    let Some(text) = as_text(value) else { continue };
                    fill_value(&format!("{key}.{name}"), text, lookup)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn as_text(value: &mut Value) -> Option<&mut String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn fill_value(key: &str, text: &mut String, lookup: Lookup<'_>) -> Result<(), String> {
    *text = fill(text, lookup).map_err(|problem| format!("{key:?}: {problem}"))?;
    Ok(())
}

/// Returns `text` with its variables replaced, and `$${` replaced by `${`. The error message begins with
/// the faulty variable.
fn fill(text: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text)? {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Variable { name, default } => {
                let value = lookup(name);
                match (value, default) {
                    (Ok(value), None) => filled.push_str(&value),
                    (Ok(value), Some(_)) if !value.is_empty() => filled.push_str(&value),
                    (_, Some(default)) => filled.push_str(default),
                    (Err(remedy), None) => {
                        return Err(format!(
                            "${{{name}}} has no value: {remedy}, or write ${{{name}:-default}}"
                        ));
                    }
                }
            }
        }
    }
    Ok(filled)
}

/// Checks the syntax of the variables in `text` without looking up values.
pub(super) fn check(text: &str) -> Result<(), String> {
    parts(text).map(drop)
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, inner)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            parts.extend([Part::Text(before), Part::Text("${")]);
            rest = inner;
            continue;
        }
        let (inner, after) = inner.split_once('}').ok_or_else(|| malformed(inner))?;
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        // Cursor, VS Code and Windsurf write `${env:NAME}`.
        let name = name.strip_prefix("env:").unwrap_or(name);
        if !is_name(name) || default.is_some_and(|default| default.contains("${")) {
            return Err(format!("{} (write $${{ for a literal ${{)", malformed(inner)));
        }
        parts.extend([Part::Text(before), Part::Variable { name, default }]);
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

fn malformed(inner: &str) -> String {
    let shown: String = inner.chars().take(40).collect();
    format!("${{{shown}}} is not a variable: write ${{NAME}} or ${{NAME:-default}}")
}

/// Returns `true` if `text` is a variable name of POSIX ("Environment Variables"): letters, digits and
/// underscores, without a digit first.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().all(plain) && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        fill(text, &|name| match name {
            "TOKEN" => Ok("t0ken".to_owned()),
            "EMPTY" => Ok(String::new()),
            _ => Err(format!("set {name}")),
        })
    }

    #[test]
    fn p9_variables_and_defaults_are_filled() {
        for (text, value) in [
            ("", ""),
            ("plain $TOKEN $ {TOKEN} $(x) }", "plain $TOKEN $ {TOKEN} $(x) }"),
            ("${TOKEN}", "t0ken"),
            ("Bearer ${TOKEN}!${TOKEN}", "Bearer t0ken!t0ken"),
            ("${env:TOKEN}", "t0ken"),
            ("${TOKEN:-x}${NONE:-x y}${EMPTY:-z}${NONE:-}", "t0kenx yz"),
            ("${EMPTY}", ""),
            ("${NONE:-a:-b}", "a:-b"),
            ("$${TOKEN}", "${TOKEN}"),
            ("é${TOKEN}é", "ét0kené"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn p9_what_cannot_be_filled_is_named() {
        let missing = filled("a ${NONE} b").unwrap_err();
        assert!(missing.starts_with("${NONE} has no value"), "{missing}");
        assert!(missing.contains("set NONE, or write ${NONE:-default}"), "{missing}");
        for text in [
            "${",
            "${}",
            "${TOKEN",
            "${1A}",
            "${A-B}",
            "${input:token}",
            "${A:-${TOKEN}}",
            "${ A }",
        ] {
            let problem = filled(text).unwrap_err();
            assert!(problem.contains("is not a variable"), "{text}: {problem}");
            assert!(check(text).is_err() && check("${NONE}").is_ok());
        }
    }
}

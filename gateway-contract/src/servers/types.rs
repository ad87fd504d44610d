//! Checks of the types of values, before a program uses them.

use serde_json::{Map, Value};

use super::entry::check_template;
use super::keys::{Type, near};

const RULES: [&str; 3] = ["allow", "deny", "scopes"];
const LIMITS: [&str; 3] = ["memory", "files", "processes"];
const DETAIL: [&str; 2] = ["description", "includes"];

/// Returns `true` for a value without effect: null, `false`, or an empty text, list or object.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Checks that the value of the key `name` is of type `kind`. The error is the message for the operator.
pub(super) fn check(name: &str, kind: Type, value: &Value) -> Result<(), String> {
    let must = |good: bool, what: &str| {
        if good { Ok(()) } else { Err(format!("{name:?} must be {what}")) }
    };
    match kind {
        Type::Text => must(value.is_string(), "a string"),
        Type::Template => match value {
            Value::String(text) => check_template(name, text),
            _ => must(false, "a string"),
        },
        Type::Flag => must(value.is_boolean(), "true or false"),
        Type::Whole => must(value.is_u64(), "a whole number"),
        Type::Id => {
            let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
            must(id.is_some(), "a numeric user or group id")
        }
        Type::Texts => must(texts(value), "a list of strings"),
        Type::Templates => {
            must(texts(value), "a list of strings")?;
            let all = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            all.into_iter().try_for_each(|text| check_template(name, text))
        }
        Type::Environment => environment(name, value),
        Type::OneOf(words) => {
            let good = value.as_str().is_some_and(|text| words.contains(&text));
            must(good, &format!("one of {}", words.join(", ")))
        }
        Type::Tools => tools(name, value),
        Type::Limits => {
            let limits = object(name, value, "an object of numbers")?;
            members(name, limits, &LIMITS)?;
            must(limits.values().all(|one| one.is_u64() || one.is_null()), "an object of numbers")
        }
        Type::Details => object(name, value, "an object")?
            .iter()
            .try_for_each(|(scope, detail)| details(&format!("{name}.{scope}"), detail)),
    }
}

fn texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

fn object<'a>(name: &str, value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{name:?} must be {what}"))
}

/// Rejects unknown members of an object that only the gateway defines.
fn members(name: &str, object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let Some(unknown) = object.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let meant = near(unknown, known.iter().copied());
    let help = match meant {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("known keys are {}", known.join(", ")),
    };
    Err(format!("unknown key {unknown:?} in {name:?}; {help}"))
}

fn environment(name: &str, value: &Value) -> Result<(), String> {
    for (variable, value) in object(name, value, "an object of strings")? {
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(format!("a variable name in {name:?} is empty or contains \"=\" or NUL"));
        }
        let full = format!("{name}.{variable}");
        let Value::String(text) = value else { return Err(format!("{full:?} must be a string")) };
        if text.contains('\0') {
            return Err(format!("{full:?} contains a NUL character"));
        }
        check_template(&full, text)?;
    }
    Ok(())
}

fn tools(name: &str, value: &Value) -> Result<(), String> {
    if value.is_array() {
        return check(name, Type::Texts, value);
    }
    let rules = object(name, value, "a list of names, or an object of rules")?;
    members(name, rules, &RULES)?;
    for (key, rule) in rules {
        let full = format!("{name}.{key}");
        if key != "scopes" {
            check(&full, Type::Texts, rule)?;
        } else if !rule.as_object().is_some_and(|scopes| scopes.values().all(Value::is_string)) {
            return Err(format!("{full:?} must be an object of strings"));
        }
    }
    Ok(())
}

fn details(name: &str, value: &Value) -> Result<(), String> {
    if value.is_string() {
        return Ok(());
    }
    let detail = object(name, value, "a string or an object")?;
    members(name, detail, &DETAIL)?;
    match (detail.get("description"), detail.get("includes")) {
        (Some(description), _) if !description.is_string() && !description.is_null() => {
            Err(format!("\"{name}.description\" must be a string"))
        }
        (_, Some(includes)) if !texts(includes) => {
            Err(format!("\"{name}.includes\" must be a list of strings"))
        }
        _ => Ok(()),
    }
}

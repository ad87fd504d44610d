//! Translation of a legacy server's errors for modern clients: codes that 2026-07-28 has redefined or
//! withdrawn (MCP "Error Codes").

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::messages::error;
use crate::messages::json_edit::JsonEdit;

/// The code for a resource that does not exist, until 2025-11-25.
const NO_RESOURCE: i64 = -32002;
/// The code of `URLElicitationRequiredError`, in 2025-11-25.
pub const URL_NEEDED: i64 = -32042;

/// Returns the code that replaces `code` for a modern client.
fn modern(code: i64) -> Option<i32> {
    match code {
        // "-32002 — resource not found (… replaced by -32602)".
        NO_RESOURCE => Some(error::INVALID_PARAMS),
        // "Implementations MUST NOT emit any code from this sub-range that is not defined by this
        // specification". The codes of a legacy server are its own.
        -32099..=-32020 => Some(error::INTERNAL),
        _ => None,
    }
}

/// Returns the changes that turn `failure`, the error object within `text`, into one of 2026-07-28.
pub fn to_modern<'a>(text: &'a str, failure: &str) -> JsonEdit<'a> {
    #[derive(Deserialize)]
    struct Coded<'a> {
        #[serde(borrow)]
        code: &'a RawValue,
    }
    let replaced = || {
        let code = serde_json::from_str::<Coded<'_>>(failure).ok()?.code.get();
        Some((code, modern(code.parse().ok()?)?))
    };
    let edit = JsonEdit::of(text);
    match replaced() {
        Some((code, instead)) => edit.replace(code, instead.to_string()),
        None => edit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: &str) -> String {
        let text = format!(r#"{{"error":{{"message":"-32002","code":{code},"data":1.0}}}}"#);
        let failure = text.get(9..text.len() - 1).unwrap();
        to_modern(&text, failure).apply()
    }

    #[test]
    fn only_the_code_changes_and_only_if_it_has_to() {
        let error =
            |code| format!(r#"{{"error":{{"message":"-32002","code":{code},"data":1.0}}}}"#);
        for (code, instead) in
            [("-32002", -32602), ("-32042", -32603), ("-32020", -32603), ("-32099", -32603)]
        {
            assert_eq!(told(code), error(instead), "{code}");
        }
        for code in [-32601, -32000, -32019, -32100, 7] {
            assert_eq!(told(&code.to_string()), error(code));
        }
        assert_eq!(told("\"x\""), r#"{"error":{"message":"-32002","code":"x","data":1.0}}"#);
    }
}

//! Translation of requests: of a modern client for a legacy server, by removing what only 2026-07-28 has, and
//! vice versa, by adding the envelope (MCP "General fields", `_meta`).

use gateway_contract::revision::MODERN;

use super::{capabilities, tasks};
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::Envelope;
use crate::messages::meta::{CAPABILITIES, CLIENT_INFO, ENVELOPE, LOG_LEVEL, VERSION};
use crate::messages::object::{members, value};

/// Members of a retry (MCP "Multi Round-Trip Requests").
const RETRY: [&str; 2] = ["inputResponses", "requestState"];

/// Returns the changes that turn `text`, the request or notification `read`, into one of a legacy revision.
pub fn to_legacy<'a>(text: &'a str, read: &Envelope<'_>) -> JsonEdit<'a> {
    // Meaningless in 2026-07-28, but a server of 2025-11-25 would run the request as a task.
    let is_task = |name: &str| tasks::makes_task(name, &read.method);
    let all = read.params.and_then(members).unwrap_or_default();
    let goes = |name: &str| RETRY.contains(&name) || is_task(name);
    let edit = JsonEdit::of(text).remove_members(&all, goes);
    let metas = all.iter().filter(|member| member.name == "_meta");
    metas.fold(edit, |edit, meta| edit.remove(meta.value, |name| ENVELOPE.contains(&name)))
}

/// The reason why a legacy request cannot be translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The parameters violate "params?: { [key: string]: unknown }".
    #[error("params is not an object")]
    Params,
    /// The metadata violates "`_meta`?: { [key: string]: unknown }".
    #[error("params._meta is not one object")]
    Meta,
}

/// Returns the envelope for the requests of a legacy client with `hello`, the `params` of `initialize`.
#[must_use]
pub fn envelope_of(initialize: &str) -> String {
    let object = |name| value(initialize, name).filter(|text| text.starts_with('{'));
    let declared = capabilities::to_modern(object("capabilities").unwrap_or("{}"));
    let info = object("clientInfo").map(|info| format!(r#""{CLIENT_INFO}":{info},"#));
    format!(r#""{VERSION}":"{MODERN}",{}"{CAPABILITIES}":{declared}"#, info.unwrap_or_default())
}

/// Returns `envelope` for a client that wants log messages of at least `level`.
#[must_use]
pub fn with_level(envelope: &str, level: &str) -> String {
    format!(r#"{envelope},"{LOG_LEVEL}":"{level}""#)
}

/// Returns the request `text` of a legacy client for a modern server, with `envelope` in its `_meta`. The
/// client's own members of the same names are removed.
pub fn to_modern(text: &str, read: &Envelope<'_>, envelope: &str) -> Result<String, Malformed> {
    let meta = format!(r#""_meta":{{{envelope}}}"#);
    let edit = JsonEdit::of(text);
    let Some(params) = read.params else {
        let edit = edit.insert_after(read.id, format!(r#","params":{{{meta}}}"#));
        return edit.changed().ok_or(Malformed::Params);
    };
    if params == "null" {
        let edit = edit.replace(params, format!("{{{meta}}}"));
        return edit.changed().ok_or(Malformed::Params);
    }
    let all = members(params).ok_or(Malformed::Params)?;
    let mut said = all.iter().filter(|member| member.name == "_meta").map(|member| member.value);
    let edit = match (said.next(), said.next()) {
        (None | Some("null"), None) => edit.set(params, &["_meta"], &meta),
        (Some(inner), None) => edit.set(inner, &ENVELOPE, envelope),
        _ => edit,
    };
    edit.changed().ok_or(Malformed::Meta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::message::parse;

    fn legacy(text: &str) -> String {
        to_legacy(text, &parse(text).unwrap()).apply()
    }

    #[test]
    fn the_envelope_goes_and_the_rest_stays() {
        let text = concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"requestState":"s","task":{},"name":"a","#,
            r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","traceparent":"00-1","#,
            r#""io.modelcontextprotocol/clientCapabilities":{},"com.example/x": 1.0,"#,
            r#""io.modelcontextprotocol/logLevel":"info"},"arguments":{"_meta":{"io.modelcontextprotocol/logLevel":1}},"#,
            r#""inputResponses":{"a":{}}}}"#
        );
        let want = concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","#,
            r#""_meta":{"traceparent":"00-1","com.example/x": 1.0},"#,
            r#""arguments":{"_meta":{"io.modelcontextprotocol/logLevel":1}}}}"#
        );
        assert_eq!(legacy(text), want);
    }

    #[test]
    fn a_request_without_envelope_stays_as_it_is() {
        let text =
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{ "_meta": 7, "a": "\"_meta\"" }}"#;
        assert_eq!(legacy(text), text);
    }

    fn sent(text: &str) -> Result<String, Malformed> {
        to_modern(text, &parse(text).unwrap(), "\"e\":1")
    }

    #[test]
    fn the_envelope_comes_into_meta_and_all_else_is_as_it_was() {
        let request =
            |params: &str| format!(r#"{{ "jsonrpc":"2.0","id": "a" ,"method":"m"{params}}}"#);
        for (params, want) in [
            (r#","params":{}"#, r#","params":{"_meta":{"e":1}}"#),
            (r#","params": null"#, r#","params": {"_meta":{"e":1}}"#),
            (r#","params":{"x": 1.0}"#, r#","params":{"_meta":{"e":1},"x": 1.0}"#),
            (r#","params":{"x":1,"_meta":null}"#, r#","params":{"_meta":{"e":1},"x":1}"#),
            (r#","params":{"_meta":{}}"#, r#","params":{"_meta":{"e":1}}"#),
            (
                r#","params":{"x":"\u0061", "_meta": {"progressToken" :5, "k":[ ]} }"#,
                r#","params":{"x":"\u0061", "_meta": {"e":1,"progressToken" :5, "k":[ ]} }"#,
            ),
        ] {
            assert_eq!(sent(&request(params)), Ok(request(want)), "{params}");
        }
        let want = r#"{ "jsonrpc":"2.0","id": "a","params":{"_meta":{"e":1}} ,"method":"m"}"#;
        assert_eq!(sent(&request("")).as_deref(), Ok(want));
    }

    #[test]
    fn a_legacy_client_cannot_write_its_own_envelope() {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"_meta":{{"{CAPABILITIES}":{{"roots":{{}}}},"k":1,"io.modelcontextprotocol\/logLevel":"debug"}}}}}}"#
        );
        let want = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"e":1,"k":1}}}"#;
        assert_eq!(sent(&text).as_deref(), Ok(want));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let request = |params: &str| {
            sent(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#))
        };
        assert_eq!(request("[1]"), Err(Malformed::Params));
        assert_eq!(request("\"{}\""), Err(Malformed::Params));
        assert_eq!(request(r#"{"_meta":[]}"#), Err(Malformed::Meta));
        assert_eq!(request(r#"{"_meta":{},"_meta":{}}"#), Err(Malformed::Meta));
        assert_eq!(request(r#"{"_meta":null,"_meta":null}"#), Err(Malformed::Meta));
    }

    #[test]
    fn the_envelope_says_what_the_handshake_said() {
        let initialize = r#"{"protocolVersion":"2025-11-25","capabilities":{"tasks":{"list":{}},"sampling":{"tools":{}}},"clientInfo":{"name":"c","version":"1"}}"#;
        let envelope = with_level(&envelope_of(initialize), "info");
        let read: serde_json::Value = serde_json::from_str(&format!("{{{envelope}}}")).unwrap();
        let want = serde_json::json!({
            VERSION: MODERN,
            CLIENT_INFO: { "name": "c", "version": "1" },
            CAPABILITIES: { "sampling": { "tools": {} } },
            LOG_LEVEL: "info",
        });
        assert_eq!(read, want);
        assert_eq!(envelope_of("{}"), format!(r#""{VERSION}":"{MODERN}","{CAPABILITIES}":{{}}"#));
    }
}

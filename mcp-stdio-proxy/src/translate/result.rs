//! A result of a legacy server, for a modern client: with what 2026-07-28 demands of every result.

use crate::protocol::meta::SERVER_INFO;
use crate::protocol::object::{Edit, Member, members, with};
use crate::protocol::splice::span;

/// The methods whose results say how long they may be kept (MCP "Caching").
const CACHEABLE: [&str; 6] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

/// The edits that complete `result`, the answer to `method` within `text`, which a server that calls
/// itself `server_info` gave. What it says itself stays as it was.
#[must_use]
pub fn to_modern(text: &str, result: &str, method: &str, server_info: Option<&str>) -> Vec<Edit> {
    let edits = || {
        let offset = span(text, result)?.start;
        let all = members(result)?;
        let lacks = |name: &str| all.iter().all(|member| member.name != name);
        let mut added = Vec::new();
        if lacks("resultType") {
            added.push(r#""resultType":"complete""#.to_owned());
        }
        if CACHEABLE.contains(&method) {
            // The server has not said: nothing may be kept, and nothing shared.
            if lacks("ttlMs") {
                added.push(r#""ttlMs":0"#.to_owned());
            }
            if lacks("cacheScope") {
                added.push(r#""cacheScope":"private""#.to_owned());
            }
        }
        let mut edits = Vec::new();
        let info = server_info.map(|info| format!("\"{SERVER_INFO}\":{info}"));
        match (all.iter().find(|member| member.name == "_meta"), info) {
            (Some(meta), Some(info)) => edits.extend(signed(text, meta, &info)),
            (None, Some(info)) => added.push(format!("\"_meta\":{{{info}}}")),
            (_, None) => {}
        }
        if !added.is_empty() {
            edits.push(with(result, offset, &added.join(","))?);
        }
        Some(edits)
    };
    edits().unwrap_or_default()
}

/// The edit that adds `info` to the `_meta` of a result.
fn signed(text: &str, meta: &Member<'_>, info: &str) -> Option<Edit> {
    let said = members(meta.value)?.iter().any(|member| member.name == SERVER_INFO);
    if said {
        return None;
    }
    with(meta.value, span(text, meta.value)?.start, info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::splice::line;

    fn modern(result: &str, method: &str, info: Option<&str>) -> String {
        let text = format!("{{\"result\":{result}}}");
        let inner = text.get(10..10 + result.len()).unwrap();
        let line = line(&text, &mut to_modern(&text, inner, method, info));
        let line = String::from_utf8(line.trim_ascii_end().to_vec()).unwrap();
        line.get(10..line.len() - 1).unwrap().to_owned()
    }

    #[test]
    fn a_result_is_completed_and_keeps_what_it_has() {
        assert_eq!(modern("{}", "ping", None), r#"{"resultType":"complete"}"#);
        assert_eq!(
            modern(r#"{"tools":[ {"a": 1.0} ]}"#, "tools/list", None),
            r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[ {"a": 1.0} ]}"#
        );
        assert_eq!(
            modern(r#"{"resultType":"x","ttlMs":5,"cacheScope":"public"}"#, "tools/list", None),
            r#"{"resultType":"x","ttlMs":5,"cacheScope":"public"}"#
        );
    }

    #[test]
    fn the_server_is_named_once() {
        let info = Some(r#"{"name":"s"}"#);
        assert_eq!(
            modern(r#"{"content":[]}"#, "tools/call", info),
            r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}},"content":[]}"#
        );
        assert_eq!(
            modern(r#"{"a":1,"_meta":{"b":2}}"#, "tools/call", info),
            r#"{"resultType":"complete","a":1,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"},"b":2}}"#
        );
        let own = r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":1}}"#;
        assert_eq!(modern(own, "tools/call", info), own);
        assert_eq!(modern("[1]", "tools/call", info), "[1]");
    }
}

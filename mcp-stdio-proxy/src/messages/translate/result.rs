//! Translation of results: of a legacy server for a modern client, by adding what 2026-07-28 requires of every result,
//! and vice versa, by removing what a legacy client cannot read.

use crate::messages::array;
use crate::messages::json_edit::JsonEdit;
use crate::messages::meta::SERVER_INFO;
use crate::messages::object::{may_say, members, value};

/// The methods whose results state how long they may be cached (MCP "Caching").
const CACHEABLE: [&str; 8] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    // SEP-2640 "Skills".
    "skills/list",
    "skills/get",
];

/// Returns the changes that complete `result`, the result of `method` within `text`, for a modern client. `server_info`
/// is the name of the server, if it has one. Members that the result has stay the same.
pub fn to_modern<'a>(
    text: &'a str,
    result: &str,
    method: &str,
    server_info: Option<&str>,
) -> JsonEdit<'a> {
    let mut edit = JsonEdit::of(text);
    let Some(all) = members(result) else { return edit };
    let lacks = |name: &str| all.iter().all(|member| member.name != name);
    let mut added = Vec::new();
    if lacks("resultType") {
        added.push(r#""resultType":"complete""#.to_owned());
    }
    if CACHEABLE.contains(&method) {
        // The server states nothing, so nothing may be cached or shared.
        if lacks("ttlMs") {
            added.push(r#""ttlMs":0"#.to_owned());
        }
        if lacks("cacheScope") {
            added.push(r#""cacheScope":"private""#.to_owned());
        }
    }
    let info = server_info.map(|info| format!("\"{SERVER_INFO}\":{info}"));
    match (all.iter().find(|member| member.name == "_meta"), info) {
        (Some(meta), Some(info)) => edit = signed(edit, meta.value, &info),
        (None, Some(info)) => added.push(format!("\"_meta\":{{{info}}}")),
        (_, None) => {}
    }
    if added.is_empty() { edit } else { edit.insert(result, &added.join(",")) }
}

/// Adds the change that inserts `info` into `meta`, the `_meta` of a result, unless it names the server.
fn signed<'a>(edit: JsonEdit<'a>, meta: &str, info: &str) -> JsonEdit<'a> {
    let Some(all) = members(meta) else { return edit };
    let is_signed = all.iter().any(|member| member.name == SERVER_INFO);
    if is_signed { edit } else { edit.insert(meta, info) }
}

/// Returns the changes that make `result`, the result of `method` within `text`, readable for a legacy client. Results
/// are open objects to it, so new members stay. Two members must change: `outputSchema` and `structuredContent` are
/// objects in legacy revisions (2025-11-25 "Tools").
pub fn to_legacy<'a>(text: &'a str, result: &str, method: &str) -> JsonEdit<'a> {
    let edit = JsonEdit::of(text);
    match method {
        "tools/list" if may_say(result, "outputSchema") => without_other_schemas(edit, result),
        "tools/call" if may_say(result, "structuredContent") => wrapped_content(edit, result),
        _ => edit,
    }
}

/// Adds the changes that remove output schemas that are not of an object. The tool returns its result as text, too.
fn without_other_schemas<'a>(edit: JsonEdit<'a>, result: &str) -> JsonEdit<'a> {
    let mut tools = Vec::new();
    let read = value(result, "tools").and_then(|all| {
        array::each(all, |tool| {
            let schema = value(tool, "outputSchema");
            if schema.is_some_and(|schema| value(schema, "type") != Some("\"object\"")) {
                tools.push(tool);
            }
            true
        })
    });
    if read.is_none() {
        return edit;
    }
    tools.into_iter().fold(edit, |edit, tool| edit.remove(tool, |name| name == "outputSchema"))
}

/// Adds the change that makes structured content that is not an object the member `result` of one.
fn wrapped_content<'a>(edit: JsonEdit<'a>, result: &str) -> JsonEdit<'a> {
    match value(result, "structuredContent").filter(|text| !text.starts_with('{')) {
        Some(content) => edit.replace(content, format!(r#"{{"result":{content}}}"#)),
        None => edit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modern(result: &str, method: &str, info: Option<&str>) -> String {
        let text = format!("{{\"result\":{result}}}");
        let inner = text.get(10..10 + result.len()).unwrap();
        let line = to_modern(&text, inner, method, info).apply();
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
        for method in ["skills/list", "skills/get"] {
            let want = r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#;
            assert_eq!(modern("{}", method, None), want, "{method}");
        }
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

    fn legacy(method: &str, result: &str) -> String {
        let text = format!("{{\"result\":{result}}}");
        let inner = text.get(10..10 + result.len()).unwrap();
        let line = to_legacy(&text, inner, method).apply();
        line.get(10..line.len() - 1).unwrap().to_owned()
    }

    #[test]
    fn a_legacy_client_is_told_only_schemas_of_objects() {
        let list = r#"{"ttlMs":0,"tools":[{"name":"a","outputSchema":{"type":"object","x": 1}},{"outputSchema":{"type":"array"},"name":"b"}, {"name":"c","outputSchema":{"anyOf":[]}},{"name":"outputSchema"}]}"#;
        let want = r#"{"ttlMs":0,"tools":[{"name":"a","outputSchema":{"type":"object","x": 1}},{"name":"b"}, {"name":"c"},{"name":"outputSchema"}]}"#;
        assert_eq!(legacy("tools/list", list), want);
        assert_eq!(legacy("prompts/list", list), list);
    }

    #[test]
    fn a_legacy_client_gets_only_objects_as_structured_content() {
        let result = |content: &str| format!(r#"{{"content":[], "structuredContent": {content}}}"#);
        for (content, want) in [
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
            ("[1, 2]", r#"{"result":[1, 2]}"#),
            ("null", r#"{"result":null}"#),
        ] {
            assert_eq!(legacy("tools/call", &result(content)), result(want));
        }
        let escaped = r#"{"structured\u0043ontent":1}"#;
        assert_eq!(legacy("tools/call", escaped), r#"{"structured\u0043ontent":{"result":1}}"#);
    }
}

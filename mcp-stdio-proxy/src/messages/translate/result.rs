//! A result of a legacy server, for a modern client: with what 2026-07-28 demands of every result. And
//! the other way, without what a legacy client cannot read.

use crate::messages::array;
use crate::messages::meta::SERVER_INFO;
use crate::messages::object::{Edit, Member, may_say, members, value, with, without};
use crate::messages::splice::span;

/// The methods whose results say how long they may be kept (MCP "Caching").
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

/// The edits that make `result`, the answer to `method` within `text`, one for a legacy client. Results
/// are open objects to it, so what is new in them stays; two things would break its reading: "outputSchema"
/// and "structuredContent" are objects there (2025-11-25 "Tools").
#[must_use]
pub fn to_legacy(text: &str, result: &str, method: &str) -> Vec<Edit> {
    let edits = match method {
        "tools/list" if may_say(result, "outputSchema") => without_other_schemas(text, result),
        "tools/call" if may_say(result, "structuredContent") => wrapped_content(text, result),
        _ => None,
    };
    edits.unwrap_or_default()
}

/// A schema of something that is no object goes: what the tool answers is told as text, too.
fn without_other_schemas(text: &str, result: &str) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    array::each(value(result, "tools")?, |tool| {
        let schema = value(tool, "outputSchema");
        if schema.is_some_and(|schema| value(schema, "type") != Some("\"object\""))
            && let (Some(all), Some(place)) = (members(tool), span(text, tool))
        {
            edits.extend(without(&all, place.start, |name| name != "outputSchema"));
        }
        true
    })?;
    Some(edits)
}

/// What is no object becomes the `result` of one.
fn wrapped_content(text: &str, result: &str) -> Option<Vec<Edit>> {
    let content = value(result, "structuredContent").filter(|text| !text.starts_with('{'))?;
    Some(vec![(span(text, content)?, format!(r#"{{"result":{content}}}"#))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::splice::line;

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
        let line = line(&text, &mut to_legacy(&text, inner, method));
        let line = String::from_utf8(line.trim_ascii_end().to_vec()).unwrap();
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

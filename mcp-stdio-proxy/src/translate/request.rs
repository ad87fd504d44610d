//! A request of a modern client, for a legacy server: without what only 2026-07-28 has.

use crate::protocol::meta::ENVELOPE;
use crate::protocol::object::{Edit, members, without};
use crate::protocol::splice::span;

/// What a client sends when it asks again (MCP "Multi Round-Trip Requests").
const RETRY: [&str; 2] = ["inputResponses", "requestState"];

/// The edits that make `text`, a request with `params`, one of a revision with a handshake.
#[must_use]
pub fn to_legacy(text: &str, params: &str) -> Vec<Edit> {
    let edits = || {
        let offset = span(text, params)?.start;
        let all = members(params)?;
        let mut edits = without(&all, offset, |name| !RETRY.contains(&name));
        for member in all.iter().filter(|member| member.name == "_meta") {
            let offset = span(text, member.value)?.start;
            let Some(meta) = members(member.value) else { continue };
            edits.extend(without(&meta, offset, |name| !ENVELOPE.contains(&name)));
        }
        Some(edits)
    };
    edits().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::parse;
    use crate::protocol::splice::line;

    fn legacy(text: &str) -> String {
        let envelope = parse(text).unwrap();
        let line = line(text, &mut to_legacy(text, envelope.params.unwrap()));
        String::from_utf8(line.trim_ascii_end().to_vec()).unwrap()
    }

    #[test]
    fn the_envelope_goes_and_the_rest_stays() {
        let text = concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"requestState":"s","name":"a","#,
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
}

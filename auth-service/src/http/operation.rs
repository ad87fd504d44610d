//! The request headers of MCP 2026-07-28 that state the method and the tool of the body.

use actix_web::http::header::{HeaderMap, HeaderName};
use gateway_contract::{
    header_value::decoded, headers, methods::CALL_TOOL, revision::MODERN,
    spelling::is_ambiguous_method,
};

use super::forwarded;
use crate::{metrics::known_method, oauth::Operation};

const VERSION: HeaderName = HeaderName::from_static(headers::PROTOCOL_VERSION);
const METHOD: HeaderName = HeaderName::from_static(headers::METHOD);
const NAME: HeaderName = HeaderName::from_static(headers::NAME);

/// Reads `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name`.
///
/// MCP 2026-07-28, "Server Validation": an intermediary may rely on them only if the version names a revision in which
/// the server validates them. Returns [`Operation::Unstated`] otherwise, also for unknown revisions: a server may treat
/// them as a revision without these headers. A method that a server may take for another one states nothing.
pub(super) fn read(headers: &HeaderMap) -> Operation {
    if once(headers, &VERSION) != Some(MODERN) {
        return Operation::Unstated;
    }
    match once(headers, &METHOD) {
        None => Operation::Unstated,
        Some(CALL_TOOL) => {
            let name = once(headers, &NAME).and_then(decoded);
            name.map_or(Operation::Unstated, |name| Operation::Tool(name.into_owned()))
        }
        Some(method) if is_ambiguous_method(method) => Operation::Unstated,
        Some(method) => Operation::Other(known_method(method)),
    }
}

fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    forwarded::once(headers, name).ok().map(|text| text.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> Operation {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        read(&headers)
    }

    const MODERN: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
    const CALL: (&str, &str) = ("mcp-method", "tools/call");

    #[test]
    fn a_tool_is_named_plainly_or_in_base64() {
        let tool = |name: &str| Operation::Tool(name.to_owned());
        assert_eq!(of(&[MODERN, CALL, ("mcp-name", "write")]), tool("write"));
        assert_eq!(of(&[MODERN, CALL, ("mcp-name", " =?base64?w6Q=?= ")]), tool("ä"));
        assert_eq!(of(&[MODERN, CALL, ("mcp-name", "=?BASE64?w6Q=?=")]), tool("=?BASE64?w6Q=?="));
        assert_eq!(of(&[MODERN, ("mcp-method", "tools/list")]), Operation::Other("tools/list"));
    }

    #[test]
    fn what_cannot_be_relied_on_states_nothing() {
        for pairs in [
            [("mcp-protocol-version", "2025-11-25"), CALL, ("mcp-name", "x")].as_slice(),
            &[("mcp-protocol-version", "9999-12-31"), CALL, ("mcp-name", "x")],
            &[("mcp-protocol-version", "zzz"), CALL, ("mcp-name", "x")],
            &[("mcp-protocol-version", "2026-07-280"), CALL, ("mcp-name", "x")],
            &[CALL, ("mcp-name", "x")],
            &[MODERN],
            &[MODERN, CALL],
            &[MODERN, CALL, ("mcp-name", "x"), ("mcp-name", "y")],
            &[MODERN, CALL, ("mcp-method", "tools/list"), ("mcp-name", "x")],
            &[MODERN, CALL, ("mcp-name", "=?base64?!?=")],
        ] {
            assert_eq!(of(pairs), Operation::Unstated, "{pairs:?}");
        }
    }
}

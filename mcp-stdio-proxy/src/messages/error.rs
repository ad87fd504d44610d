//! Error codes and error objects of JSON-RPC 2.0 §5.1.

use std::borrow::Cow;

use serde_json::json;

/// Invalid JSON was received.
pub const PARSE: i32 = -32700;
/// The JSON is not a request object.
pub const INVALID_REQUEST: i32 = -32600;
/// The method does not exist.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters are invalid.
pub const INVALID_PARAMS: i32 = -32602;
/// An internal error of the server.
pub const INTERNAL: i32 = -32603;
/// The transport cannot serve the request (implementation-defined).
pub const TRANSPORT: i32 = -32000;
/// The session or server is unknown (implementation-defined).
pub const NOT_FOUND: i32 = -32001;

/// The headers and the body of a request disagree (2026-07-28).
pub const HEADER_MISMATCH: i32 = -32020;
/// The request needs a capability that the client has not declared (2026-07-28).
pub const MISSING_CAPABILITY: i32 = -32021;
/// The revision is not supported (2026-07-28).
pub const UNSUPPORTED_VERSION: i32 = -32022;

/// The reason why a request is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// The error code.
    pub code: i32,
    /// The message for the client.
    pub message: Cow<'static, str>,
}

impl RpcError {
    /// Creates an error.
    #[must_use]
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// Creates an error of invalid parameters.
    #[must_use]
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    /// Creates an internal error.
    #[must_use]
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(INTERNAL, message)
    }
}

/// Returns an error response with `data`. `id` is the JSON text of the request id.
#[must_use]
pub fn answer_with(id: &str, code: i32, message: &str, data: &serde_json::Value) -> String {
    let error = json!({ "code": code, "message": message, "data": data });
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

/// Returns an error response. `id` is the JSON text of the request id; an empty one becomes `null`.
#[must_use]
pub fn answer(id: &str, code: i32, message: &str) -> String {
    let error = json!({ "code": code, "message": message });
    let id = if id.is_empty() { "null" } else { id };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_echoes_the_text_of_the_id() {
        let text = answer("\"a\\\"b\"", INTERNAL, "say \"no\"");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["id"], "a\"b");
        assert_eq!(value["error"]["message"], "say \"no\"");
        assert!(answer("", PARSE, "x").contains("\"id\":null"));
    }
}

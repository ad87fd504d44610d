//! The envelope of a JSON-RPC 2.0 message; what it carries stays the text it was.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::object;

/// What a message is, by the members it has (JSON-RPC 2.0 §4, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It has a method and an id.
    Request,
    /// It has a method and no id.
    Notification,
    /// It has an id and a result or an error.
    Response,
}

/// The members of one message, borrowed from its text.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// What the message is.
    pub kind: Kind,
    /// The text of the id, quotes included; empty for a notification.
    pub id: &'a str,
    /// The method; empty for a response.
    pub method: Cow<'a, str>,
    /// The text of the parameters.
    pub params: Option<&'a str>,
    /// The text of a result.
    pub result: Option<&'a str>,
    /// The text of an error.
    pub error: Option<&'a str>,
}

/// Why a text is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is not JSON.
    #[error("the body is not valid JSON")]
    Json,
    /// It is JSON, but not a JSON-RPC 2.0 message.
    #[error("the body is not a JSON-RPC 2.0 request, notification or response")]
    Message,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// A member that is there, `null` included: `"result": null` is an answer.
fn present<'de, D: Deserializer<'de>>(de: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(de).map(Some)
}

/// Reads the envelope of one message.
pub fn parse(text: &str) -> Result<Envelope<'_>, Malformed> {
    let wire: Wire<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Malformed::Message,
        _ => Malformed::Json,
    })?;
    if wire.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
        return Err(Malformed::Message);
    }
    // JSON-RPC 2.0 §4 and MCP: "The ID MUST be a string or number and MUST NOT be null".
    let id = match wire.id.map(RawValue::get) {
        Some(id) if is_id(id) => id,
        Some(_) => return Err(Malformed::Message),
        None => "",
    };
    let method = wire.method.map(|raw| unquote(raw.get())).transpose()?;
    let answered = wire.result.is_some() ^ wire.error.is_some();
    let kind = match (&method, id.is_empty(), answered) {
        (Some(_), false, false) => Kind::Request,
        (Some(_), true, false) => Kind::Notification,
        (None, false, true) => Kind::Response,
        _ => return Err(Malformed::Message),
    };
    Ok(Envelope {
        kind,
        id,
        method: method.unwrap_or_default(),
        params: wire.params.map(RawValue::get),
        result: wire.result.map(RawValue::get),
        error: wire.error.map(RawValue::get),
    })
}

fn is_id(raw: &str) -> bool {
    raw.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit())
}

/// The string that a JSON string stands for, copied only if it has escapes.
fn unquote(raw: &str) -> Result<Cow<'_, str>, Malformed> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        None => Err(Malformed::Message),
        Some(inner) if inner.contains('\\') => {
            serde_json::from_str(raw).map(Cow::Owned).map_err(|_| Malformed::Json)
        }
        Some(inner) => Ok(Cow::Borrowed(inner)),
    }
}

/// The texts of the messages of a batch (2025-03-26 only).
pub fn batch(text: &str) -> Result<Vec<&str>, Malformed> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| Malformed::Json)?;
    Ok(items.into_iter().map(RawValue::get).collect())
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
    #[serde(borrow, rename = "requestId")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
}

/// The text of `params._meta.progressToken` of a request that wants progress.
#[must_use]
pub fn asked_progress(params: &str) -> Option<&str> {
    // Most requests want none: a search is cheaper than reading the parameters again.
    if !object::may_say(params, "progressToken") {
        return None;
    }
    let token = serde_json::from_str::<Params<'_>>(params).ok()?.meta?.progress_token?.get();
    is_id(token).then_some(token)
}

/// The text of `params.progressToken` of `notifications/progress`.
#[must_use]
pub fn progress_token(params: &str) -> Option<&str> {
    serde_json::from_str::<Params<'_>>(params).ok()?.progress_token.map(RawValue::get)
}

/// The text of `params.requestId` of `notifications/cancelled`.
#[must_use]
pub fn cancelled_request(params: &str) -> Option<&str> {
    serde_json::from_str::<Params<'_>>(params).ok()?.request_id.map(RawValue::get)
}

/// The `params.name` of `tools/call`.
#[must_use]
pub fn tool_name(params: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Params<'_>>(params).ok()?.name
}

/// The code of an error object.
#[must_use]
pub fn error_code(error: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Coded {
        code: i64,
    }
    serde_json::from_str::<Coded>(error).ok().map(|error| error.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_decide_what_a_message_is() {
        let kind = |text| parse(text).map(|envelope| envelope.kind);
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#), Ok(Kind::Request));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","method":"x","params":{}}"#), Ok(Kind::Notification));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":-1,"result":null}"#), Ok(Kind::Response));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"error":{}}"#), Ok(Kind::Response));
    }

    #[test]
    fn what_is_no_message_is_told_from_what_is_no_json() {
        for text in [
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#,
            r#"{"jsonrpc":"2.0"}"#,
            "17",
        ] {
            assert_eq!(parse(text).err(), Some(Malformed::Message), "{text}");
        }
        for text in ["", "{", r#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#] {
            assert_eq!(parse(text).err(), Some(Malformed::Json), "{text}");
        }
    }

    #[test]
    fn an_escaped_method_is_the_same_method() {
        let envelope = parse(r#"{"jsonrpc":"2.0","id":1,"method":"tools\/call"}"#).unwrap();
        assert_eq!(envelope.method, "tools/call");
    }

    #[test]
    fn a_progress_token_counts_only_in_its_place() {
        assert_eq!(asked_progress(r#"{"_meta":{"progressToken":"t"}}"#), Some("\"t\""));
        assert_eq!(asked_progress(r#"{"arguments":{"_meta":{"progressToken":1}}}"#), None);
        assert_eq!(asked_progress(r#"{"_meta":{"progressToken":{}}}"#), None);
        assert_eq!(asked_progress(r#"{"_meta":{"progress\u0054oken":5}}"#), Some("5"));
    }
}

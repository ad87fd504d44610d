//! The envelope of a JSON-RPC 2.0 message. The payload is not parsed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ids::is_id;
use super::meta::Asked;
use super::spelling::{self, Doubt};
use super::wire::Wire;
use super::{array, ids, object};

/// The kind of a message, determined by its members (JSON-RPC 2.0 §4, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message with a method and an id.
    Request,
    /// A message with a method and without an id.
    Notification,
    /// A message with an id and either a result or an error.
    Response,
}

/// The members of a message, borrowed from its text.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The kind of the message.
    pub kind: Kind,
    /// The id as JSON text, including quotes; empty for a notification.
    pub id: &'a str,
    /// The method; empty for a response.
    pub method: Cow<'a, str>,
    /// The parameters as JSON text.
    pub params: Option<&'a str>,
    /// The result as JSON text.
    pub result: Option<&'a str>,
    /// The error as JSON text.
    pub error: Option<&'a str>,
    /// `Ok` if every server parses the same members.
    pub spelling: Result<(), Doubt>,
}

impl Envelope<'_> {
    /// Rejects a message with the parameters `asked` if some server may parse it differently.
    pub fn check_spelling(&self, asked: &Asked<'_>) -> Result<(), Doubt> {
        self.spelling?;
        if self.kind != Kind::Response {
            spelling::method(&self.method)?;
        }
        asked.spelling?;
        match asked.name().filter(|_| self.method == "tools/call") {
            Some(name) => spelling::tool(&name),
            None => Ok(()),
        }
    }
}

/// The reason why a text is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The text is not valid JSON.
    #[error("the body is not valid JSON")]
    Json,
    /// The JSON value is not a JSON-RPC 2.0 message.
    #[error("the body is not a JSON-RPC 2.0 request, notification or response")]
    Message,
    /// The batch exceeds the maximum number of messages.
    #[error("the batch has too many messages")]
    Batch,
}

/// Parses the envelope of one message.
pub fn parse(text: &str) -> Result<Envelope<'_>, Malformed> {
    let wire: Wire<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Malformed::Message,
        _ => Malformed::Json,
    })?;
    let [jsonrpc, id, method, params, result, error] = wire.members;
    if jsonrpc != Some("\"2.0\"") {
        return Err(Malformed::Message);
    }
    // JSON-RPC 2.0 §4 and MCP: "The ID MUST be a string or number and MUST NOT be null".
    let id = match id {
        Some(id) if is_id(id) => id,
        Some(_) => return Err(Malformed::Message),
        None => "",
    };
    let method = method.map(unquote).transpose()?;
    // With both a method and a result, some servers would take it for a request and others for a response.
    let answers = usize::from(result.is_some()) + usize::from(error.is_some());
    let kind = match (&method, id.is_empty(), answers) {
        (Some(_), false, 0) => Kind::Request,
        (Some(_), true, 0) => Kind::Notification,
        (None, false, 1) => Kind::Response,
        _ => return Err(Malformed::Message),
    };
    Ok(Envelope {
        kind,
        id,
        method: method.unwrap_or_default(),
        params,
        result,
        error,
        spelling: wire.spelling,
    })
}

/// Decodes a JSON string; copies it only if it has escapes.
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

/// Splits a batch (2025-03-26 only) into its messages, at most `limit`. Reading stops beyond the limit,
/// because two bytes of text would become sixteen.
pub fn batch(text: &str, limit: usize) -> Result<Vec<&str>, Malformed> {
    let mut items = Vec::new();
    let read = array::each(text, |item| {
        items.push(item);
        items.len() <= limit
    });
    match read {
        Some(()) if items.len() <= limit => Ok(items),
        Some(()) => Err(Malformed::Batch),
        None => Err(Malformed::Json),
    }
}

/// Returns `params._meta.progressToken` of a request as JSON text.
#[must_use]
pub fn asked_progress(params: &str) -> Option<&str> {
    // Most requests have none, and a substring search is cheaper than parsing the parameters again.
    if !object::may_say(params, "progressToken") {
        return None;
    }
    Asked::of(Some(params)).progress_token().filter(|token| is_id(token))
}

/// Returns `params.progressToken` of `notifications/progress` as JSON text.
#[must_use]
pub fn progress_token(params: &str) -> Option<&str> {
    object::value(params, "progressToken")
}

/// Returns `params.requestId` of `notifications/cancelled` as JSON text.
#[must_use]
pub fn cancelled_request(params: &str) -> Option<&str> {
    object::value(params, "requestId")
}

/// Returns `params.name` of `tools/call`.
#[must_use]
pub fn tool_name(params: &str) -> Option<Cow<'_, str>> {
    Asked::of(Some(params)).name()
}

/// Returns the code of an error object.
#[must_use]
pub fn error_code(error: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Coded<'a> {
        #[serde(borrow)]
        code: &'a RawValue,
    }
    let code = serde_json::from_str::<Coded<'_>>(error).ok()?.code.get();
    code.parse().ok().or_else(|| {
        let (sign, digits) = code.strip_prefix('-').map_or((1, code), |digits| (-1, digits));
        Some(sign * i64::try_from(ids::number(digits)?).ok()?)
    })
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
            // Some servers read a request here, others a response.
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":null,"error":null}"#,
            r#"{"jsonrpc":"2.0","method":"x","error":{}}"#,
            // An array of the members in order is not a message. To a server, the last of these is a batch.
            r#"["2.0",1,"ping",{}]"#,
            r#"["2.0",1,"ping",{"jsonrpc":"2.0","id":2,"method":"ping"},null,null]"#,
        ] {
            assert_eq!(parse(text).err(), Some(Malformed::Message), "{text}");
        }
        for text in ["", "{", r#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#] {
            assert_eq!(parse(text).err(), Some(Malformed::Json), "{text}");
        }
    }

    #[test]
    fn what_may_be_read_otherwise_is_noted() {
        let check = |text| {
            let read = parse(text).unwrap();
            read.check_spelling(&Asked::of(read.params))
        };
        assert_eq!(check(r#"{"jsonrpc":"2.0","id":1,"method":"a","x":1,"params":null}"#), Ok(()));
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"a","ID":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"METHOD":"a"}"#,
            r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"a"}"#,
            r#"{"jsonrpc":"2.0","method":"a","params":{"name":1,"name":1}}"#,
            r#"{"jsonrpc":"2.0","method":"a","params":[]}"#,
            r#"{"jsonrpc":"2.0","method":"a","params":{"_meta":{"progress-token":1}}}"#,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        let many = vec!["\"a\":1"; 100].join(",");
        assert!(parse(&format!(r#"{{"jsonrpc":"2.0","method":"a",{many}}}"#)).is_err());
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

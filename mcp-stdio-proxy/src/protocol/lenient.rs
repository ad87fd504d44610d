//! Lenient parsing of malformed server messages (JSON-RPC 2.0 §5). Official clients accept some of them
//! anyway. For others, which no client accepts, the answered call can still be identified.
//!
//! "Official clients" are the TypeScript and Python SDKs over stdio, as tested. The former decodes bytes that
//! are not UTF-8. The latter ignores unknown members, accepts `NaN`, and prefers an error to a result.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::message::{self, Envelope};
use super::object::{Member, members};
use super::{finite, ids, spelling, torn};

/// The defect of a malformed message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// The text is not valid UTF-8.
    #[error("has bytes that are not UTF-8")]
    Encoding,
    /// The text contains `NaN` or `Infinity`.
    #[error("has NaN or Infinity, which JSON has not")]
    NotFinite,
    /// Members are null, unknown or duplicated.
    #[error("has members that do not belong to it")]
    Members,
    /// The text begins with a byte order mark.
    #[error("begins with a byte order mark")]
    Mark,
    /// A string contains a control character that is not escaped.
    #[error("has a control character in a string")]
    Control,
    /// The line ends before the JSON text does.
    #[error("is cut off")]
    Cut,
    /// The line continues after the end of the JSON text.
    #[error("has something after the end of the JSON")]
    Trailing,
    /// The JSON text continues on the next line.
    #[error("is spread over several lines")]
    Lines,
    /// The line break is missing.
    #[error("has no line break after it")]
    Unended,
    /// The text is invalid JSON for another reason.
    #[error("is not valid JSON: {0}")]
    Json(String),
    /// The `jsonrpc` member is missing or has another value.
    #[error("has no \"jsonrpc\": \"2.0\"")]
    Version,
    /// The id is missing, or is not a valid request id.
    #[error("has no id")]
    Id,
    /// The message has neither a result nor an error.
    #[error("has neither a result nor an error, or null in their place")]
    Empty,
    /// The message has a method in addition to a result or an error.
    #[error("is a request as well")]
    Request,
    /// The result is not an object.
    #[error("has a result that is not an object")]
    Result,
    /// The error is not an error object.
    #[error("has an error without a code and a message")]
    Error,
}

/// The interpretation of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// A message that an official client accepts, normalized to a form that every client accepts.
    Message(String),
    /// An array whose items are to be read one at a time.
    Batch(String),
    /// Responses that no client accepts.
    Answers(Vec<Answer>),
    /// Not a recognizable message.
    Noise,
}

/// A response that no client accepts.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The id of the call, if it is one of the proxy's.
    pub id: Option<u64>,
    /// The error code, if the response is an error.
    pub code: Option<i64>,
    /// The error message.
    pub said: Option<String>,
}

/// Returns `true` if every client accepts `read`, a valid message: results are objects, and errors have a
/// code and a message.
#[must_use]
pub fn is_plain(read: &Envelope<'_>) -> bool {
    match (read.result, read.error) {
        (Some(result), _) => result.starts_with('{'),
        (None, Some(error)) => is_error(error),
        (None, None) => true,
    }
}

fn is_error(error: &str) -> bool {
    #[derive(Deserialize)]
    struct Plain<'a> {
        #[serde(rename = "code")]
        _code: i64,
        #[serde(borrow)]
        message: &'a RawValue,
    }
    error.starts_with('{')
        && serde_json::from_str::<Plain<'_>>(error)
            .is_ok_and(|error| error.message.get().starts_with('"'))
}

/// Returns an error response whose id, zero or empty, no request of the proxy has. Servers that could not
/// determine the id send it.
#[must_use]
pub fn unaddressed(read: &Envelope<'_>) -> Option<Answer> {
    let is_zero = read.id.starts_with('-') || matches!(read.id, "0" | "\"\"");
    let error = read.error.filter(|_| is_zero)?;
    let parts = Parts { values: [None, None, None, None, None, Some(error)], others: false };
    Some(parts.answer())
}

/// Parses a line that is not a plain message. Returns the first defect found.
#[must_use]
pub fn read(line: &[u8]) -> (Option<Defect>, Reading) {
    let text = String::from_utf8_lossy(line);
    let decoded = matches!(text, Cow::Owned(_)).then_some(Defect::Encoding);
    let Err(invalid) = serde_json::from_str::<&RawValue>(&text) else {
        return after(decoded, of_json(&text));
    };
    if let Some(text) = finite::without(&text) {
        return after(Some(Defect::NotFinite), of_json(&text));
    }
    let answers = torn::answers(&text);
    if answers.is_empty() {
        return (decoded, Reading::Noise);
    }
    (Some(torn::defect(&text, &invalid)), Reading::Answers(answers))
}

/// Combines the defects. The one found `before` takes precedence, unless clients tolerate it and not the
/// others.
fn after(
    before: Option<Defect>,
    (found, reading): (Option<Defect>, Reading),
) -> (Option<Defect>, Reading) {
    match reading {
        Reading::Answers(_) => (found.or(before), reading),
        _ => (before.or(found), reading),
    }
}

fn of_json(text: &str) -> (Option<Defect>, Reading) {
    if message::parse(text).is_ok_and(|read| is_plain(&read)) {
        return (None, Reading::Message(text.to_owned()));
    }
    match text.trim_start().as_bytes().first() {
        Some(b'{') => members(text).map_or((None, Reading::Noise), |all| of_members(&all)),
        Some(b'[') => (None, Reading::Batch(text.to_owned())),
        _ => (None, Reading::Noise),
    }
}

fn of_members(all: &[Member<'_>]) -> (Option<Defect>, Reading) {
    let parts = Parts::of(all);
    match parts.message() {
        Ok(message) => (Some(Defect::Members), Reading::Message(message)),
        Err(Some(defect)) => (Some(defect), Reading::Answers(vec![parts.answer()])),
        Err(None) => (None, Reading::Noise),
    }
}

/// The members of a message. Of duplicates, the last wins, as in all libraries of the official clients. A
/// null member counts as absent, except the id.
#[derive(Default)]
pub(super) struct Parts<'a> {
    values: [Option<&'a str>; spelling::MESSAGE.len()],
    /// `true` if there are unknown members.
    others: bool,
}

impl<'a> Parts<'a> {
    pub(super) fn of(all: &[Member<'a>]) -> Self {
        let mut parts = Self::default();
        for member in all {
            let known = spelling::MESSAGE.iter().zip(&mut parts.values);
            match known.into_iter().find(|(name, _)| **name == member.name) {
                Some((name, value)) => {
                    let null = member.value == "null" && *name != "id";
                    *value = (!null).then_some(member.value);
                }
                None => parts.others = true,
            }
        }
        parts
    }

    /// Returns `true` for a response, as opposed to a JSON log line, which may have an id and an error, too.
    /// `open` is the name of a member that is truncated.
    pub(super) fn is_answer(&self, open: Option<&str>) -> bool {
        let [jsonrpc, _, method, _, result, error] = self.values;
        let said = result.is_some() || error.is_some() || matches!(open, Some("result" | "error"));
        said && method.is_none() && (jsonrpc.is_some() || !self.others)
    }

    /// Returns the message in a form that every client accepts, or the defect that makes all reject it.
    /// `Err(None)` means that it is not a message at all.
    fn message(&self) -> Result<String, Option<Defect>> {
        let [jsonrpc, id, method, params, result, error] = self.values;
        let is_versioned = jsonrpc == Some("\"2.0\"");
        let id = id.filter(|id| ids::is_id(id) && id.parse::<f64>().map_or(true, is_integer));
        let head = |id: Option<&str>| {
            let id = id.map(|id| format!(r#","id":{id}"#)).unwrap_or_default();
            format!(r#"{{"jsonrpc":"2.0"{id}"#)
        };
        if let Some(method) = method {
            // An echoed client request that includes the result.
            if !OF_SERVERS.contains(&method) && (result.is_some() || error.is_some()) {
                return Err(Some(Defect::Request));
            }
            if !is_versioned || !method.starts_with('"') {
                return Err(None);
            }
            let params = params.map(|params| format!(r#","params":{params}"#)).unwrap_or_default();
            return Ok(format!(r#"{},"method":{method}{params}}}"#, head(id)));
        }
        if result.is_none() && error.is_none() {
            let is_known = jsonrpc.is_some() && id.is_some() && !self.others;
            return Err(is_known.then_some(Defect::Empty));
        }
        if !self.is_answer(None) {
            return Err(None);
        }
        if !is_versioned {
            return Err(Some(Defect::Version));
        }
        let said = match (error.map(whole_error), result) {
            (Some(Some(error)), _) => format!(r#""error":{error}"#),
            (_, Some(result)) if result.starts_with('{') => format!(r#""result":{result}"#),
            (Some(None), _) => return Err(Some(Defect::Error)),
            (None, _) => return Err(Some(Defect::Result)),
        };
        if id.is_none() {
            return Err(Some(Defect::Id));
        }
        Ok(format!("{},{said}}}", head(id)))
    }

    /// Returns the response, for reporting.
    pub(super) fn answer(&self) -> Answer {
        let [_, id, _, _, _, error] = self.values;
        let read = error.and_then(members).unwrap_or_default();
        let last = |name: &str| read.iter().rfind(|member| member.name == name);
        let code = last("code").and_then(|member| code(member.value));
        let said = last("message").map(|member| member.value).or(error);
        let said = said.and_then(|said| serde_json::from_str::<String>(said).ok());
        let said = said.map(|said| said.chars().take(SAID).collect());
        let id = id.and_then(ids::number).filter(|id| *id > 0);
        Answer { id, code: code.or(error.map(|_| 0)), said }
    }
}

/// The requests that a server may send to a client.
const OF_SERVERS: [&str; 4] =
    ["\"ping\"", "\"roots/list\"", "\"sampling/createMessage\"", "\"elicitation/create\""];
/// The maximum number of characters of an error message to repeat.
const SAID: usize = 500;

fn is_integer(number: f64) -> bool {
    number.fract() == 0.0
}

/// Returns the error in a form that every client accepts. The Python SDK accepts a string of digits as the
/// code.
fn whole_error(error: &str) -> Option<Cow<'_, str>> {
    if is_error(error) {
        return Some(Cow::Borrowed(error));
    }
    let all = members(error)?;
    let last = |name: &str| all.iter().rfind(|member| member.name == name);
    let code = code(last("code")?.value)?;
    let message = last("message")?.value;
    let data = last("data").map(|data| format!(r#","data":{}"#, data.value)).unwrap_or_default();
    message
        .starts_with('"')
        .then(|| Cow::Owned(format!(r#"{{"code":{code},"message":{message}{data}}}"#)))
}

/// Parses an error code, which must be an integer.
fn code(text: &str) -> Option<i64> {
    let text = text.trim_matches('"').trim();
    let float = || text.parse::<f64>().ok().filter(|code| is_integer(*code) && code.abs() < 1e15);
    text.parse().ok().or_else(|| format!("{:.0}", float()?).parse().ok())
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.said, self.code) {
            (Some(said), Some(code)) if code != 0 => write!(f, ": {code} {said}"),
            (Some(said), _) => write!(f, ": {said}"),
            (None, _) => Ok(()),
        }
    }
}

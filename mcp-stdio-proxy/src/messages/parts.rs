//! The members of a malformed message, and the message that can be made of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::defect::{Answer, Defect};
use super::object::{Member, members};
use super::{ids, spelling};

/// The members of a message. Of duplicates, the last wins, as in all libraries of the official clients. A
/// null member counts as absent, except the id.
#[derive(Default)]
pub(super) struct Parts<'a> {
    values: [Option<&'a str>; spelling::MESSAGE.len()],
    /// `true` if there are unknown members.
    others: bool,
}

impl<'a> Parts<'a> {
    /// Returns the parts of a response that has nothing but an error.
    pub(super) fn of_error(error: &'a str) -> Self {
        Self { values: [None, None, None, None, None, Some(error)], others: false }
    }

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
    pub(super) fn message(&self) -> Result<String, Option<Defect>> {
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

/// Returns `true` if `error` is an error object with a code and a message.
pub(super) fn is_error(error: &str) -> bool {
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

//! Translation of a modern server's `InputRequiredResult` into requests to a legacy client, and of its
//! answers into a retry of the original request (MCP "Multi Round-Trip Requests").

use std::borrow::Cow;

use serde_json::Value;

use super::input::Kind;
use crate::messages::json_edit::JsonEdit;
use crate::messages::object::{may_say, members, value};

/// The maximum number of input requests in one round.
const REQUESTS: usize = 32;

/// An `InputRequiredResult`: "The request is incomplete and more information is needed".
#[derive(Debug, PartialEq, Eq)]
pub struct InputRequired<'a> {
    /// The input requests of this round.
    pub requests: Vec<InputRequest<'a>>,
    /// The `requestState` as JSON text.
    pub state: Option<&'a str>,
}

/// One input request.
#[derive(Debug, PartialEq, Eq)]
pub struct InputRequest<'a> {
    /// The key under which the server expects the answer.
    pub key: Cow<'a, str>,
    /// The method of the request.
    pub method: String,
    /// The parameters as JSON text.
    pub params: &'a str,
}

/// The reason why an `InputRequiredResult` cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// "Servers MUST include at least one of `inputRequests` or `requestState`".
    #[error("the server asks for input without naming any")]
    Malformed,
    /// The number of input requests exceeds the limit.
    #[error("the server asks for too many inputs at once")]
    Many,
    /// "Servers MUST NOT send an `inputRequests` that the client has not declared support for".
    #[error("the server asks for {0}, which the client has not declared")]
    Undeclared(String),
}

/// Parses a result. Returns `None` if it is not an `InputRequiredResult`.
#[must_use]
pub fn read(result: &str) -> Option<Result<InputRequired<'_>, Unfit>> {
    if !may_say(result, "input_required") {
        return None;
    }
    let kind: String = serde_json::from_str(value(result, "resultType")?).ok()?;
    (kind == "input_required").then(|| asked(result))
}

fn asked(result: &str) -> Result<InputRequired<'_>, Unfit> {
    let state = value(result, "requestState").filter(|text| text.starts_with('"'));
    let requests = match value(result, "inputRequests") {
        None | Some("null") => Vec::new(),
        Some(requests) => members(requests).ok_or(Unfit::Malformed)?,
    };
    if requests.len() > REQUESTS {
        return Err(Unfit::Many);
    }
    let requests: Vec<_> = requests
        .into_iter()
        .map(|one| {
            let method = value(one.value, "method").ok_or(Unfit::Malformed)?;
            let params = value(one.value, "params").unwrap_or("{}");
            let method = serde_json::from_str(method).map_err(|_| Unfit::Malformed)?;
            Ok(InputRequest { key: one.name, method, params })
        })
        .collect::<Result<_, Unfit>>()?;
    if requests.is_empty() && state.is_none() {
        return Err(Unfit::Malformed);
    }
    Ok(InputRequired { requests, state })
}

impl InputRequest<'_> {
    /// Returns the request to the client with the id `id`.
    #[must_use]
    pub fn to_client(&self, id: u64) -> String {
        let (method, mut params) = (Value::from(&*self.method), Cow::from(self.params));
        // "URL mode elicitation requests MUST include elicitationId" (2025-11-25).
        let is_url = value(&params, "mode") == Some("\"url\"");
        if is_url
            && self.method == "elicitation/create"
            && value(&params, "elicitationId").is_none()
        {
            let id = format!(r#""elicitationId":"{id}""#);
            params = JsonEdit::of(&params).set(&params, &["elicitationId"], &id).apply().into();
        }
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#)
    }

    /// Rejects a request that the client's `declared` capabilities do not cover.
    pub fn check(&self, declared: &str) -> Result<(), Unfit> {
        let kind = Kind::of(&self.method);
        if kind.is_some_and(|kind| kind.lacks(declared, self.params).is_none()) {
            return Ok(());
        }
        Err(Unfit::Undeclared(self.method.clone()))
    }
}

/// Returns the request `text`, which has `params`, with the client's `answers` by their keys and with
/// `state`: "the client MUST echo back the exact value", and send none if there was none. Returns `None` if nothing
/// changes, since a round has an answer or a state.
#[must_use]
pub fn retry(
    text: &str,
    params: &str,
    answers: &[(String, String)],
    state: Option<&str>,
) -> Option<String> {
    let mut put = Vec::new();
    if !answers.is_empty() {
        let answers: Vec<_> = answers
            .iter()
            .map(|(key, result)| format!("{}:{result}", Value::from(key.as_str())))
            .collect();
        put.push(format!(r#""inputResponses":{{{}}}"#, answers.join(",")));
    }
    put.extend(state.map(|state| format!(r#""requestState":{state}"#)));
    let names = ["inputResponses", "requestState"];
    JsonEdit::of(text).set(params, &names, &put.join(",")).changed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::message::parse;

    const RESULT: &str = r#"{"resultType":"input_required","inputRequests":{"na\u006de":{"method":"elicitation\/create","params":{"message":"Who?", "x":1.0}},"r":{"method":"roots/list"}},"requestState":"\u0073"}"#;

    #[test]
    fn what_is_asked_becomes_requests() {
        let asked = read(RESULT).unwrap().unwrap();
        assert_eq!(asked.state, Some(r#""\u0073""#));
        let keys: Vec<_> = asked.requests.iter().map(|one| &*one.key).collect();
        assert_eq!(keys, ["name", "r"]);
        let want = r#"{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"Who?", "x":1.0}}"#;
        assert_eq!(asked.requests[0].to_client(7), want);
        let want = r#"{"jsonrpc":"2.0","id":8,"method":"roots/list","params":{}}"#;
        assert_eq!(asked.requests[1].to_client(8), want);
    }

    #[test]
    fn only_a_result_that_says_so_asks() {
        assert!(read(r#"{"resultType":"complete","text":"input_required"}"#).is_none());
        assert!(read(r#"{"structuredContent":{"resultType":"input_required"}}"#).is_none());
        let unfit = |rest: &str| {
            read(&format!(r#"{{"resultType":"input_required"{rest}}}"#)).unwrap().unwrap_err()
        };
        assert_eq!(unfit(""), Unfit::Malformed);
        assert_eq!(unfit(r#","inputRequests":{}"#), Unfit::Malformed);
        assert_eq!(unfit(r#","inputRequests":[]"#), Unfit::Malformed);
        assert_eq!(unfit(r#","inputRequests":{"a":{}}"#), Unfit::Malformed);
        let many: Vec<_> = (0..=REQUESTS).map(|n| format!(r#""{n}":{{"method":"m"}}"#)).collect();
        assert_eq!(unfit(&format!(r#","inputRequests":{{{}}}"#, many.join(","))), Unfit::Many);
    }

    #[test]
    fn a_url_gets_the_id_that_it_had_before() {
        let result = r#"{"resultType":"input_required","inputRequests":{"u":{"method":"elicitation/create","params":{"mode":"url","url":"https://x"}}}}"#;
        let asked = read(result).unwrap().unwrap();
        assert!(asked.requests[0].to_client(7).contains(r#"{"elicitationId":"7","mode":"url""#));
    }

    #[test]
    fn nobody_is_asked_what_they_have_not_declared() {
        let asks = |method: &str, declared: &str| {
            let (method, key) = (method.to_owned(), "k".into());
            InputRequest { key, method, params: "{}" }.check(declared).is_ok()
        };
        assert!(asks("elicitation/create", r#"{"elicitation":{}}"#));
        assert!(!asks("elicitation/create", r#"{"sampling":{}}"#));
        assert!(!asks("tools/call", r#"{"tools":{}}"#));
    }

    #[test]
    fn a_retry_is_the_request_with_the_answers() {
        let again = |params: &str, answers: &[(String, String)], state| {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
            let text = retry(&text, parse(&text).unwrap().params.unwrap(), answers, state).unwrap();
            parse(&text).unwrap().params.unwrap().to_owned()
        };
        let answers = [("a\"b".to_owned(), r#"{"action": "decline"}"#.to_owned())];
        assert_eq!(
            again(r#"{"name": "t"}"#, &answers, Some("\"s\"")),
            r#"{"inputResponses":{"a\"b":{"action": "decline"}},"requestState":"s","name": "t"}"#
        );
        // The answers of the last round are not repeated.
        assert_eq!(
            again(
                r#"{"inputResponses":{"o":{}},"requestState":"o","name":"t"}"#,
                &[],
                Some("\"n\"")
            ),
            r#"{"requestState":"n","name":"t"}"#
        );
        assert_eq!(
            again(r#"{"requestState":"o","n":1}"#, &answers, None),
            r#"{"inputResponses":{"a\"b":{"action": "decline"}},"n":1}"#
        );
    }
}

//! Translation of a legacy server's requests to its client into the input requests of an
//! `InputRequiredResult`, and checks of the client's answers (MCP "Multi Round-Trip Requests").

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::messages::json_edit::JsonEdit;
use crate::messages::meta::RELATED_TASK;
use crate::messages::object::members;
use crate::messages::tree;

/// The kinds of input that a server may request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// User input, by `elicitation/create`.
    Elicitation,
    /// A completion of a language model, by `sampling/createMessage`.
    Sampling,
    /// The client's roots, by `roots/list`.
    Roots,
}

/// An input request of a server.
#[derive(Clone, Debug)]
pub struct Question {
    /// The key under which the client answers.
    pub key: String,
    /// The id of the server's request as JSON text.
    pub id: Box<str>,
    /// The kind of input.
    pub kind: Kind,
    /// The input request as JSON text: its method and parameters.
    pub text: String,
    /// The answer as JSON text, once the client has answered by a response.
    pub answer: Option<String>,
}

/// Members of the parameters that 2026-07-28 lacks: tasks of 2025-11-25, and the id by which a server reports
/// that a user has visited a URL.
const WITHDRAWN: [&str; 2] = ["task", "elicitationId"];

impl Kind {
    /// Returns the kind of input that `method` requests.
    #[must_use]
    pub fn of(method: &str) -> Option<Self> {
        match method {
            "elicitation/create" => Some(Self::Elicitation),
            "sampling/createMessage" => Some(Self::Sampling),
            "roots/list" => Some(Self::Roots),
            _ => None,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation/create",
            Self::Sampling => "sampling/createMessage",
            Self::Roots => "roots/list",
        }
    }

    /// Returns the capabilities that a client with the `declared` ones lacks for a question with `params`, in
    /// the form of `MissingRequiredClientCapabilityError`.
    #[must_use]
    pub fn lacks(self, declared: &str, params: &str) -> Option<Value> {
        let declared = tree::value(declared).unwrap_or_default();
        let params = tree::value(params).unwrap_or_default();
        let has = |pointer: &str| declared.pointer(pointer).is_some_and(Value::is_object);
        match self {
            Self::Roots => (!has("/roots")).then(|| json!({ "roots": {} })),
            Self::Sampling if params.get("tools").is_some() => {
                let missing = !has("/sampling/tools");
                missing.then(|| json!({ "sampling": { "tools": {} } }))
            }
            Self::Sampling => (!has("/sampling")).then(|| json!({ "sampling": {} })),
            Self::Elicitation if params.get("mode").is_some_and(|mode| mode == "url") => {
                let missing = !has("/elicitation/url");
                missing.then(|| json!({ "elicitation": { "url": {} } }))
            }
            Self::Elicitation => {
                // "an empty capabilities object is equivalent to declaring support for form mode".
                let form = has("/elicitation/form") || !has("/elicitation/url");
                let missing = !(has("/elicitation") && form);
                missing.then(|| json!({ "elicitation": {} }))
            }
        }
    }

    /// Returns `true` if `answer` has the form of an answer to such a question.
    #[must_use]
    pub fn is_answered_by(self, answer: &str) -> bool {
        let Some(Value::Object(answer)) = tree::value(answer) else { return false };
        match self {
            Self::Elicitation => {
                let action = answer.get("action").and_then(Value::as_str);
                action.is_some_and(|action| ["accept", "decline", "cancel"].contains(&action))
                    && answer
                        .get("content")
                        .is_none_or(|content| content.is_object() || content.is_null())
            }
            Self::Sampling => {
                answer.get("role").is_some_and(Value::is_string) && answer.contains_key("content")
            }
            Self::Roots => answer.get("roots").is_some_and(Value::is_array),
        }
    }
}

impl Question {
    /// Creates the input request for a server's request with `id` and `params`. `number` makes its key
    /// unique.
    #[must_use]
    pub fn new(kind: Kind, id: &str, params: Option<&str>, number: u64) -> Self {
        let text = format!(r#"{{"method":"{}","params":{}}}"#, kind.method(), params_of(params));
        let word = match kind {
            Kind::Elicitation => "elicitation",
            Kind::Sampling => "sampling",
            Kind::Roots => "roots",
        };
        Self { key: format!("{word}_{number}"), id: id.into(), kind, text, answer: None }
    }
}

fn params_of(params: Option<&str>) -> String {
    let text = params.unwrap_or("{}");
    let Some(all) = members(text) else { return "{}".to_owned() };
    let edit = JsonEdit::of(text).remove_members(&all, |name| WITHDRAWN.contains(&name));
    let metas = all.iter().filter(|member| member.name == "_meta");
    metas.fold(edit, |edit, meta| edit.remove(meta.value, |name| name == RELATED_TASK)).apply()
}

/// Returns the `InputRequiredResult` with `questions`, as the response to the request `id`.
#[must_use]
pub fn required(id: &str, questions: &[Question], state: Option<&str>) -> String {
    let asked: Vec<_> =
        questions.iter().map(|one| format!("{}:{}", Value::from(&*one.key), one.text)).collect();
    let asked = asked.join(",");
    let state =
        state.map(|state| format!(r#","requestState":{}"#, Value::from(state))).unwrap_or_default();
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"input_required","inputRequests":{{{asked}}}{state}}}}}"#
    )
}

/// Returns the answer to the question `key` in `inputResponses` as JSON text.
#[must_use]
pub fn response<'a>(responses: &'a str, key: &str) -> Option<&'a str> {
    members(responses)?.into_iter().find(|member| member.name == key).map(|member| member.value)
}

/// Returns the questions that replace a `URLElicitationRequiredError` (`-32042` of 2025-11-25), which lists
/// URLs that the user has to visit first. Returns `None` if it lists none.
#[must_use]
pub fn of_error(failure: &str) -> Option<Vec<Question>> {
    #[derive(Deserialize)]
    struct Failure<'a> {
        #[serde(borrow)]
        data: Data<'a>,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        elicitations: Vec<&'a RawValue>,
    }
    let failure: Failure<'_> = serde_json::from_str(failure).ok()?;
    let asked = failure.data.elicitations.into_iter().map(RawValue::get).zip(1..);
    let questions: Vec<_> = asked
        .map(|(params, number)| Question::new(Kind::Elicitation, "", Some(params), number))
        .collect();
    (!questions.is_empty()).then_some(questions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_only_of_those_who_declared_it() {
        let lacks = |kind: Kind, declared: &str, params: &str| kind.lacks(declared, params);
        let url = r#"{"mode":"url","url":"https://x"}"#;
        assert_eq!(lacks(Kind::Elicitation, "{}", "{}"), Some(json!({"elicitation": {}})));
        assert_eq!(lacks(Kind::Elicitation, r#"{"elicitation":{}}"#, "{}"), None);
        assert_eq!(lacks(Kind::Elicitation, r#"{"elicitation":{"form":{}}}"#, "{}"), None);
        assert!(lacks(Kind::Elicitation, r#"{"elicitation":{"url":{}}}"#, "{}").is_some());
        assert_eq!(
            lacks(Kind::Elicitation, r#"{"elicitation":{}}"#, url),
            Some(json!({"elicitation": {"url": {}}}))
        );
        assert_eq!(lacks(Kind::Elicitation, r#"{"elicitation":{"url":{}}}"#, url), None);
        assert_eq!(lacks(Kind::Sampling, r#"{"sampling":{}}"#, "{}"), None);
        assert_eq!(
            lacks(Kind::Sampling, r#"{"sampling":{}}"#, r#"{"tools":[]}"#),
            Some(json!({"sampling": {"tools": {}}}))
        );
        assert_eq!(lacks(Kind::Roots, "7", "{}"), Some(json!({"roots": {}})));
    }

    #[test]
    fn questions_are_asked_as_they_were_and_answers_must_fit() {
        let params = r#"{"message":"a\/b","task":{"ttl":1},"x": 1.0,"elicitationId":"e"}"#;
        let question = Question::new(Kind::Elicitation, "\"q\"", Some(params), 3);
        let text = required("7", &[question], Some("s"));
        let want = r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"elicitation_3":{"method":"elicitation/create","params":{"message":"a\/b","x": 1.0}}},"requestState":"s"}}"#;
        assert_eq!(text, want);
        let answers = r#"{"other":7,"elicitation_3":{"action":"accept","content":{"a":1.0}}}"#;
        let answer = response(answers, "elicitation_3").unwrap();
        assert_eq!(answer, r#"{"action":"accept","content":{"a":1.0}}"#);
        assert!(Kind::Elicitation.is_answered_by(answer));
        for bad in [r#"{"action":"maybe"}"#, "7", "{}", r#"{"action":"accept","content":"x"}"#] {
            assert!(!Kind::Elicitation.is_answered_by(bad), "{bad}");
        }
        assert!(Kind::Roots.is_answered_by(r#"{"roots":[]}"#) && !Kind::Roots.is_answered_by("{}"));
        let message = r#"{"role":"assistant","content":{"type":"text","text":"x"},"model":"m"}"#;
        assert!(Kind::Sampling.is_answered_by(message) && !Kind::Sampling.is_answered_by("{}"));
    }

    #[test]
    fn urls_that_a_user_must_visit_first_become_questions() {
        let failure = r#"{"code":-32042,"message":"x","data":{"elicitations":[{"mode":"url","url":"https://a","elicitationId":"1","message":"m"}]}}"#;
        let questions = of_error(failure).unwrap();
        assert_eq!(
            questions[0].text,
            r#"{"method":"elicitation/create","params":{"mode":"url","url":"https://a","message":"m"}}"#
        );
        assert!(of_error(r#"{"code":-32042,"data":{"elicitations":[]}}"#).is_none());
        assert!(of_error(r#"{"code":-32042}"#).is_none());
    }
}

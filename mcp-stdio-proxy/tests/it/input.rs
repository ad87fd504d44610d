//! Questions of a server to clients of 2026-07-28 (MCP "Multi Round-Trip Requests", rules HM-7, HM-18).

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Response;
use crate::support::{Modern, Proxy, eventually, text};

fn elicitation() -> Value {
    json!({"method": "elicitation/create", "params": {"message": "name?", "x": 1.0,
        "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}})
}

fn sampling() -> Value {
    json!({"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn everything() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}})
}

fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

/// The first round: the request, and the result that asks for input.
fn begin(client: &Modern<'_>, id: &str, questions: &[Value]) -> (Value, Value) {
    let params = json!({"name": "ask", "arguments": {"questions": questions}});
    let answer = client.send(&client.request(id, "tools/call", &params), &[]).answer().1;
    assert_eq!(answer["id"], id, "{answer}");
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    (params, answer["result"].clone())
}

fn keys(result: &Value) -> Vec<String> {
    result["inputRequests"].as_object().unwrap().keys().cloned().collect()
}

/// A later round, with `responses` in the order of the keys.
fn again(client: &Modern<'_>, params: &Value, state: &Value, responses: &Value) -> Response {
    let mut params = params.clone();
    params["requestState"] = state.clone();
    params["inputResponses"] = responses.clone();
    client.send(&client.request("again", "tools/call", &params), &[])
}

fn error(response: Response) -> (i64, String) {
    let answer = response.json();
    let code = answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}"));
    (code, answer["error"]["message"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_question_becomes_a_result_and_the_very_call_goes_on() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(everything());
    let pid = client.pid();
    let (params, result) = begin(&client, "first", &[elicitation()]);
    let key = &keys(&result)[0];
    assert_eq!(result["inputRequests"][key].to_string(), elicitation().to_string());
    let responses = json!({key: accept("Ada"), "other": 7});
    let answer = again(&client, &params, &result["requestState"], &responses).answer().1;
    assert_eq!(answer["id"], "again");
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(text(&answer), json!([accept("Ada")]).to_string());
    assert_eq!(client.pid(), pid);
    let asked = client.received("tools/call");
    let asked = asked.iter().filter(|one| one["params"]["name"] == "ask").count();
    assert_eq!(asked, 1, "the call was made once");
    assert!(client.received("notifications/cancelled").is_empty());
}

#[test]
fn several_questions_come_at_once_and_what_is_not_answered_is_asked_again() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(everything());
    let (params, result) = begin(&client, "1", &[elicitation(), sampling(), roots()]);
    let keys = keys(&result);
    assert_eq!(keys.len(), 3, "{result}");
    let key = |kind: &str| keys.iter().find(|key| key.starts_with(kind)).unwrap().clone();
    let some = json!({key("roots"): {"roots": []}});
    let more = again(&client, &params, &result["requestState"], &some).answer().1;
    let more = &more["result"];
    assert_eq!(more["resultType"], "input_required", "{more}");
    assert_eq!(more["inputRequests"].as_object().unwrap().len(), 2, "{more}");
    let message =
        json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "x"}});
    let rest = json!({key("elicitation"): accept("a"), key("sampling"): message});
    let answer = again(&client, &params, &more["requestState"], &rest).answer().1;
    let answers: Value = serde_json::from_str(text(&answer)).unwrap();
    assert_eq!(answers[0], json!({"roots": []}));
    assert_eq!(answers.as_array().unwrap().len(), 3);
}

/// A server may ask more while the client is still busy with what it asked before.
#[test]
fn a_question_that_comes_later_is_asked_when_the_client_comes_back() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(everything());
    let questions = json!({"questions": [elicitation(), roots()], "pause": 200});
    let params = json!({"name": "ask", "arguments": questions});
    let first = client.ask("tools/call", &params).answer().1["result"].clone();
    assert_eq!(keys(&first).len(), 1, "{first}");
    thread::sleep(Duration::from_millis(400));
    let responses = json!({&keys(&first)[0]: accept("a")});
    let second = again(&client, &params, &first["requestState"], &responses).answer().1;
    let second = &second["result"];
    assert!(keys(second)[0].starts_with("roots"), "{second}");
    let responses = json!({&keys(second)[0]: {"roots": []}});
    let last = again(&client, &params, &second["requestState"], &responses).answer().1;
    assert_eq!(text(&last), json!([accept("a"), {"roots": []}]).to_string());
}

/// What a server answers while its client is away is there when it comes back.
#[test]
fn an_answer_that_comes_without_the_client_is_kept_for_it() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(everything());
    let questions = json!({"questions": [elicitation()], "pause": 200, "impatient": true});
    let params = json!({"name": "ask", "arguments": questions});
    let first = client.ask("tools/call", &params).answer().1["result"].clone();
    thread::sleep(Duration::from_millis(400));
    let responses = json!({&keys(&first)[0]: accept("late")});
    let answer = again(&client, &params, &first["requestState"], &responses).answer().1;
    assert_eq!((text(&answer), &answer["id"]), ("without you", &json!("again")));
    assert_eq!(answer["result"]["resultType"], "complete");
}

/// HM-18: "MUST reject state that fails verification".
#[test]
fn a_state_is_good_once_for_one_user_and_one_request() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let alice = Modern { user: Some("alice"), ..proxy.modern(everything()) };
    let bob = Modern { user: Some("bob"), ..proxy.modern(everything()) };
    let (params, result) = begin(&alice, "1", &[elicitation()]);
    let (state, key) = (&result["requestState"], &keys(&result)[0]);
    let responses = json!({key: accept("Ada")});
    let refused = |client: &Modern<'_>, params: &Value, state: &Value, why: &str| {
        let (code, message) = error(again(client, params, state, &responses));
        assert_eq!(code, -32602, "{message}");
        assert!(message.contains(why), "{message}");
    };
    let mut altered = state.as_str().unwrap().to_owned();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'Q' } else { 'A' });
    refused(&alice, &params, &altered.into(), "altered");
    refused(&alice, &params, &json!("x"), "altered");
    refused(&bob, &params, state, "another user");
    let mut other = params.clone();
    other["arguments"]["more"] = true.into();
    refused(&alice, &other, state, "another request");
    // What does not fit is told, and the state stays good.
    let unfit = again(&alice, &params, state, &json!({key: {"action": "maybe"}}));
    assert_eq!(error(unfit).0, -32602);
    let answer = again(&alice, &params, state, &responses).answer().1;
    assert_eq!(text(&answer), json!([accept("Ada")]).to_string());
    refused(&alice, &params, state, "used");
    let elsewhere = Proxy::of_era("--legacy", &[]);
    let elsewhere = Modern { user: Some("alice"), ..elsewhere.modern(everything()) };
    refused(&elsewhere, &params, state, "altered");
}

#[test]
fn a_client_that_does_not_come_back_is_given_up() {
    let proxy = Proxy::of_era("--legacy", &["--input-timeout", "1"]);
    let client = proxy.modern(everything());
    let (params, result) = begin(&client, "1", &[elicitation()]);
    eventually("the call is given up", || client.received("notifications/cancelled").len() == 1);
    thread::sleep(Duration::from_secs(1));
    let responses = json!({&keys(&result)[0]: accept("late")});
    let (code, message) = error(again(&client, &params, &result["requestState"], &responses));
    assert_eq!(code, -32602);
    assert!(message.contains("expired"), "{message}");
    assert_eq!(proxy.state()["calls"], 0);
}

#[test]
fn a_call_whose_server_has_died_meanwhile_says_so() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(everything());
    let (params, result) = begin(&client, "1", &[elicitation()]);
    assert!(client.call("die", &json!({}))["error"].is_object());
    let responses = json!({&keys(&result)[0]: accept("late")});
    let (_, message) = error(again(&client, &params, &result["requestState"], &responses));
    assert!(message.contains("ended"), "{message}");
}

/// HM-7: "the server MUST return a `MissingRequiredClientCapabilityError`".
#[test]
fn only_what_a_client_has_declared_is_asked() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let url =
        json!({"method": "elicitation/create", "params": {"mode": "url", "url": "https://x"}});
    for (declared, question, missing) in [
        (json!({}), sampling(), json!({"sampling": {}})),
        (json!({}), elicitation(), json!({"elicitation": {}})),
        (json!({"elicitation": {}}), url, json!({"elicitation": {"url": {}}})),
        (json!({"sampling": {}}), roots(), json!({"roots": {}})),
    ] {
        let client = proxy.modern(declared);
        let params = json!({"name": "ask", "arguments": {"questions": [question]}});
        let response = client.ask("tools/call", &params);
        assert_eq!(response.status, 400);
        let answer = response.json();
        assert_eq!(answer["error"]["code"], -32021, "{answer}");
        assert_eq!(answer["error"]["data"]["requiredCapabilities"], missing);
        assert!(!client.received("notifications/cancelled").is_empty());
        assert!(!client.received("(answer)").is_empty(), "the server waits for nothing");
    }
}

/// 2025-11-25 had an error for this, 2026-07-28 has not.
#[test]
fn a_url_that_must_be_visited_first_becomes_a_question() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(everything());
    let answer = client.call("visit", &json!({}));
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let question = &result["inputRequests"][&keys(result)[0]]["params"];
    assert_eq!(
        *question,
        json!({"mode": "url", "url": "https://example.com/", "message": "visit"})
    );
    let poor = proxy.modern(json!({})).ask("tools/call", &json!({"name": "visit"}));
    assert_eq!(poor.status, 400);
}

/// Same era: the state is the server's own.
#[test]
fn the_state_of_a_modern_server_passes_as_it_is() {
    let proxy = Proxy::of_era("--modern", &[]);
    let client = proxy.modern(everything());
    let (_, result) = begin(&client, "1", &[elicitation()]);
    assert_eq!(result["requestState"], "its own");
    let params = json!({"name": "params", "requestState": "its own", "inputResponses": {"q": 1}});
    let answer = client.ask("tools/call", &params).answer().1;
    let seen: Value = serde_json::from_str(text(&answer)).unwrap();
    assert_eq!(
        (&seen["requestState"], &seen["inputResponses"]["q"]),
        (&json!("its own"), &json!(1))
    );
}

/// Without users it cannot be told which of several clients is meant: none is asked.
#[test]
fn of_several_strangers_none_is_asked() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(everything());
    thread::scope(|scope| {
        let busy = scope.spawn(|| client.call("sleep", &json!({"ms": 1000, "say": "x"})));
        eventually("it is busy", || proxy.state()["calls"] == 1);
        let answer = client.call("ask", &json!({"questions": [elicitation()]}));
        assert_eq!(text(&answer), r#"[{"error":-32603}]"#);
        assert_eq!(text(&busy.join().unwrap()), "x");
    });
    let alice = Modern { user: Some("alice"), ..proxy.modern(everything()) };
    thread::scope(|scope| {
        scope.spawn(|| alice.call("sleep", &json!({"ms": 500, "say": "x"})));
        eventually("it is busy", || proxy.state()["calls"] == 1);
        begin(&alice, "1", &[elicitation()]);
    });
}

/// The number of calls that wait is bounded, for each user.
#[test]
fn calls_that_wait_are_bounded() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let alice = Modern { user: Some("alice"), ..proxy.modern(everything()) };
    let bob = Modern { user: Some("bob"), ..proxy.modern(everything()) };
    for round in 0..32 {
        begin(&alice, &round.to_string(), &[elicitation()]);
    }
    let answer = alice.call("ask", &json!({"questions": [elicitation()]}));
    assert!(answer["error"]["message"].as_str().unwrap().contains("too many"), "{answer}");
    begin(&bob, "1", &[elicitation()]);
}

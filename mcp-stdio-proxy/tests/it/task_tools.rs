//! Tools of a legacy server that run only as tasks, called by clients of 2026-07-28, which have no such tasks
//! (rule TK-2).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::s6_scene::{Scene, assert_revoked};
use crate::support::{ERA_SERVER, Modern, Proxy, Session, call, eventually, text};

const RELATED: &str = "io.modelcontextprotocol/related-task";

fn proxy() -> Proxy {
    Proxy::of_era("--legacy-tasks", &[])
}

fn job(client: &Modern<'_>, arguments: &Value) -> Value {
    client.call("job", arguments)
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

/// How often the server was called for a tool.
fn calls(client: &Modern<'_>, tool: &str) -> Vec<Value> {
    let all = client.received("tools/call").into_iter();
    all.map(|one| one["params"].clone()).filter(|params| params["name"] == tool).collect()
}

#[test]
fn a_tool_that_must_be_a_task_answers_a_modern_client() {
    let proxy = proxy();
    let client = proxy.modern(json!({}));
    let answer = job(&client, &json!({"polls": 3, "say": "done"}));
    assert_eq!((text(&answer), &answer["id"]), ("done", &json!("m")));
    let result = &answer["result"];
    assert_eq!((&result["resultType"], &result["isError"]), (&json!("complete"), &json!(false)));
    assert!(result["_meta"]["io.modelcontextprotocol/serverInfo"].is_object(), "{answer}");
    assert_eq!(result["_meta"]["k"], 1);
    assert!(result["_meta"].get(RELATED).is_none(), "{answer}");
    let sent = calls(&client, "job");
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0]["task"]["ttl"].as_u64().unwrap() >= 3_600_000, "{sent:?}");
    assert!(sent[0]["_meta"].get("io.modelcontextprotocol/protocolVersion").is_none());
    assert_eq!(client.received("tasks/get").len(), 3);
    assert_eq!(client.received("tasks/result").len(), 1);
    assert!(client.received("tasks/cancel").is_empty());
    assert_eq!(proxy.state()["calls"], 0);
}

/// The result or the error of a task is the answer to the call. A server may also answer at once, without a task.
#[test]
fn an_error_of_a_task_is_the_answer() {
    let proxy = proxy();
    let client = proxy.modern(json!({}));
    let failed = job(&client, &json!({"is_error": true, "say": "no"}));
    assert_eq!((text(&failed), &failed["result"]["isError"]), ("no", &json!(true)));
    for (theirs, ours) in [(-32603, -32603), (-32050, -32603), (7, 7)] {
        assert_eq!(code(&job(&client, &json!({"error": theirs}))), ours);
    }
    for fault in ["lose", "no status"] {
        let lost = job(&client, &json!({"fault": fault}));
        assert_eq!(code(&lost), -32603, "{lost}");
        assert!(lost["error"]["message"].as_str().unwrap().contains("task"), "{lost}");
    }
    assert_eq!(text(&client.call("job_at_once", &json!({}))), "at once");
    assert_eq!(proxy.state()["calls"], 0);
}

#[test]
fn the_state_of_a_task_is_asked_for_as_often_as_the_server_wants() {
    let proxy = proxy();
    let client = proxy.modern(json!({}));
    let timed = |interval: u64| {
        let start = Instant::now();
        job(&client, &json!({"polls": 3, "interval": interval, "say": "x"}));
        start.elapsed()
    };
    assert!(timed(300) >= Duration::from_millis(900));
    assert!(timed(0) >= Duration::from_millis(300), "not without a pause");
}

#[test]
fn progress_of_a_task_reaches_its_client() {
    let proxy = proxy();
    let client = proxy.modern(json!({}));
    let params = json!({"name": "job", "arguments": {"polls": 3, "say": "done"},
        "_meta": {"progressToken": "mine"}});
    let (before, answer) = client.ask("tools/call", &params).answer();
    assert_eq!(text(&answer), "done");
    let seen: Vec<_> = before.iter().map(|one| &one["params"]).collect();
    assert_eq!(seen.len(), 3, "{before:?}");
    for (step, params) in (1..).zip(seen) {
        assert_eq!(*params, json!({"progressToken": "mine", "progress": step}));
    }
}

/// Its time is that of any call: progress restarts it.
#[test]
fn a_task_is_bounded_in_time() {
    let proxy = Proxy::of_era("--legacy-tasks", &["--request-timeout", "1.5"]);
    let client = proxy.modern(json!({}));
    let overdue = job(&client, &json!({"polls": 1000}));
    assert_eq!(code(&overdue), -32001, "{overdue}");
    eventually("it is cancelled", || client.received("tasks/cancel").len() == 1);
    let overdue = job(&client, &json!({"fault": "no result"}));
    assert_eq!(code(&overdue), -32001, "{overdue}");
    let params = json!({"name": "job", "_meta": {"progressToken": 1},
        "arguments": {"polls": 7, "interval": 500, "say": "in time"}});
    assert_eq!(text(&client.ask("tools/call", &params).answer().1), "in time");
    assert!(client.received("notifications/cancelled").is_empty());
}

/// "The `tasks/cancel` request MUST be used instead" of the notification; before the task has an id, when it has.
#[test]
fn a_client_that_leaves_cancels_its_task() {
    for arguments in [
        json!({"polls": 1000}),
        json!({"fault": "no result"}),
        json!({"polls": 1000, "slow_start": 700}),
    ] {
        let proxy = Proxy::of_era("--legacy-tasks", &["--stream-after", "0.1"]);
        let client = proxy.modern(json!({}));
        let params = json!({"name": "job", "arguments": arguments});
        let stream = client.ask("tools/call", &params);
        let step = if arguments["fault"].is_string() { "tasks/result" } else { "tools/call" };
        eventually("it runs", || {
            client.received(step).iter().any(|one| one["params"]["name"] != "received")
        });
        assert!(client.received("tasks/cancel").is_empty());
        drop(stream);
        eventually("it is cancelled", || client.received("tasks/cancel").len() == 1);
        assert_eq!(client.received("tasks/cancel")[0]["params"], json!({"taskId": "job-0"}));
        assert!(client.received("notifications/cancelled").is_empty());
        let asked = client.received("tasks/get").len();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(client.received("tasks/get").len(), asked, "nobody asks any more");
        assert_eq!(proxy.state()["calls"], 0);
    }
}

#[test]
fn a_server_whose_tasks_cannot_be_cancelled_is_not_told() {
    let proxy = Proxy::of_era("--legacy-tasks-lasting", &["--stream-after", "0.1"]);
    let client = proxy.modern(json!({}));
    let params = json!({"name": "job", "arguments": {"polls": 1000}});
    let stream = client.ask("tools/call", &params);
    eventually("it runs", || client.received("tasks/get").len() > 1);
    drop(stream);
    eventually("it is over", || proxy.state()["calls"] == 0);
    let asked = client.received("tasks/get").len();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(client.received("tasks/get").len(), asked);
    for method in ["tasks/cancel", "notifications/cancelled"] {
        assert!(client.received(method).is_empty(), "{method}");
    }
}

#[test]
fn a_revoked_access_ends_the_task() {
    let scene = Scene::with_command(&["--stream-after", "0.1"], &[ERA_SERVER, "--legacy-tasks"]);
    let (one, other) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let mut stream = scene.modern_call(&one, "job", &json!({"polls": 1000}));
    eventually("it runs", || scene.received(&other, "tasks/get") > 0);
    scene.keys.feed.end(&["g1"]);
    assert_revoked("a task", &mut stream);
    eventually("it is cancelled", || scene.received(&other, "tasks/cancel") == 1);
}

#[test]
fn a_server_that_dies_fails_its_task() {
    let proxy = proxy();
    let client = proxy.modern(json!({}));
    let failed = job(&client, &json!({"fault": "die"}));
    assert_eq!(code(&failed), -32603, "{failed}");
    assert!(failed["error"]["message"].as_str().unwrap().contains("ended"), "{failed}");
    assert_eq!(text(&job(&client, &json!({"say": "again"}))), "again");
}

#[test]
fn tasks_at_once_get_their_own_results() {
    let proxy = proxy();
    std::thread::scope(|scope| {
        for (number, mode) in (0..24).zip(["required", "at once", "other"].iter().cycle()) {
            let proxy = &proxy;
            scope.spawn(move || {
                let client = proxy.modern(json!({}));
                let (tool, said) = match *mode {
                    "required" => ("job", format!("task {number}")),
                    "at once" => ("job_at_once", "at once".to_owned()),
                    _ => ("sleep", format!("call {number}")),
                };
                let arguments = json!({"say": said, "polls": number % 4, "ms": 100});
                assert_eq!(text(&client.call(tool, &arguments)), said);
            });
        }
    });
    assert_eq!(proxy.state()["calls"], 0);
}

/// A result that cannot be passed on ends the call, as that of any call does.
#[test]
fn a_result_of_a_task_that_is_too_long_ends_its_call() {
    let proxy = Proxy::of_era("--legacy-tasks", &["--max-message", "20000"]);
    let client = proxy.modern(json!({}));
    let failed = job(&client, &json!({"long": 30_000}));
    assert_eq!(code(&failed), -32603, "{failed}");
    assert!(failed["error"]["message"].as_str().unwrap().contains("longer"), "{failed}");
    assert_eq!(proxy.state()["calls"], 0);
}

/// Where the list does not say it, the refusal does. It ran nothing, so the call may be sent once more.
#[test]
fn a_tool_that_is_not_listed_becomes_a_task_when_it_is_refused() {
    let proxy = Proxy::of_era("--legacy-tasks-unlisted", &[]);
    let client = proxy.modern(json!({}));
    let params =
        json!({"name": "job", "arguments": {"say": "done"}, "_meta": {"progressToken": 5}});
    let (before, answer) = client.ask("tools/call", &params).answer();
    assert_eq!((text(&answer), before.len()), ("done", 1), "{before:?}");
    assert_eq!(before[0]["params"]["progressToken"], 5);
    let sent = calls(&client, "job");
    assert!(sent.len() == 2 && sent[0].get("task").is_none(), "{sent:?}");
    assert!(sent[1]["task"].is_object(), "{sent:?}");
    // Other errors, and results, are the answer, and no tool is tried twice.
    for (tool, arguments, want) in [
        ("code", json!({"code": -32603}), Some(-32603)),
        ("nope", json!({}), Some(-32602)),
        ("pid", json!({}), None),
    ] {
        let answer = client.call(tool, &arguments);
        assert_eq!(answer["error"]["code"].as_i64(), want, "{answer}");
        assert_eq!(calls(&client, tool).len(), 1, "{tool}");
    }
    // Refused as a task too: once more, and no further.
    let refused = client.ask("tools/call", &json!({"name": "code", "arguments": {"code": -32601}}));
    assert_eq!((refused.status, code(&refused.json())), (404, -32601));
    assert_eq!(calls(&client, "code").len(), 3);
}

#[test]
fn a_tool_that_the_list_has_otherwise_or_not_at_all_is_called_as_it_was() {
    let proxy = proxy();
    let client = proxy.modern(json!({}));
    for (tool, arguments, want) in [
        ("code", json!({"code": -32601}), Some(-32601)),
        ("nope", json!({}), Some(-32602)),
        ("params", json!({}), None),
    ] {
        let answer = client.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        let answer = answer.answer_of_any_status();
        assert_eq!(answer["error"]["code"].as_i64(), want, "{answer}");
        let sent = calls(&client, tool);
        assert!(sent.len() == 1 && sent[0].get("task").is_none(), "{sent:?}");
    }
}

/// "Requestors MUST NOT" make tasks where the server has not declared them.
#[test]
fn a_server_without_the_capability_is_sent_no_task() {
    for options in [&[][..], &["--isolation", "shared"]] {
        let mode = if options.is_empty() { "--legacy-tasks-undeclared" } else { "--legacy-tasks" };
        let proxy = Proxy::of_era(mode, options);
        let client = proxy.modern(json!({}));
        let refused = client.ask("tools/call", &json!({"name": "job", "arguments": {}}));
        assert_eq!((refused.status, code(&refused.json())), (404, -32601));
        let sent = calls(&client, "job");
        assert!(sent.len() == 1 && sent[0].get("task").is_none(), "{sent:?}");
    }
}

/// In the same era tasks are the client's own business.
#[test]
fn a_legacy_client_makes_its_tasks_itself() {
    let proxy = proxy();
    let session: Session<'_> = proxy.session();
    assert_eq!(code(&session.call("job", &json!({}))), -32601);
    let mut body = call(1, "job", &json!({}));
    body["params"]["task"] = json!({});
    let made = session.post(&body).answer().1;
    assert_eq!(made["result"]["task"]["taskId"], "job-0", "{made}");
}

/// "When the requestor encounters the `input_required` status, it SHOULD preemptively call `tasks/result`".
#[test]
fn a_task_asks_its_client() {
    let proxy = proxy();
    let client = proxy.modern(json!({"elicitation": {}}));
    let ask = json!({"method": "elicitation/create", "params": {"message": "name?",
        "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}});
    let mut params = json!({"name": "job", "arguments": {"ask": ask}});
    let first = client.ask("tools/call", &params).answer().1["result"].clone();
    assert_eq!(first["resultType"], "input_required", "{first}");
    let (key, question) = first["inputRequests"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(question["params"]["message"], "name?");
    assert!(question["params"]["_meta"].get(RELATED).is_none(), "{question}");
    let accepted = json!({"action": "accept", "content": {"name": "Ada"}});
    params["requestState"] = first["requestState"].clone();
    params["inputResponses"] = json!({key: accepted});
    let answer = client.ask("tools/call", &params).answer().1;
    let heard: Value = serde_json::from_str(text(&answer)).unwrap();
    assert_eq!((heard, &answer["result"]["resultType"]), (accepted, &json!("complete")));
    assert_eq!(calls(&client, "job").len(), 1);
    assert!(client.received("tasks/cancel").is_empty());
    // A client that cannot be asked ends its task.
    let mute = proxy.modern(json!({}));
    params.as_object_mut().unwrap().retain(|name, _| name == "name" || name == "arguments");
    let refused = mute.ask("tools/call", &params);
    assert_eq!((refused.status, code(&refused.json())), (400, -32021));
    eventually("it is cancelled", || mute.received("tasks/cancel").len() == 1);
}

/// Its questions wait as long as any: then the task is cancelled.
#[test]
fn a_task_whose_client_does_not_come_back_is_cancelled() {
    let proxy = Proxy::of_era("--legacy-tasks", &["--input-timeout", "0.3"]);
    let client = proxy.modern(json!({"elicitation": {}}));
    let ask = json!({"method": "elicitation/create", "params": {"message": "name?"}});
    let first = client.call("job", &json!({"ask": ask}));
    assert_eq!(first["result"]["resultType"], "input_required", "{first}");
    eventually("it is cancelled", || client.received("tasks/cancel").len() == 1);
    assert!(client.received("notifications/cancelled").is_empty());
}

/// A question says which task it is of, so it is put to the client of that call, whatever else is in flight.
#[test]
fn a_question_of_a_task_goes_to_its_own_call() {
    let proxy = Proxy::of_era("--legacy-tasks", &["--stream-after", "0.1"]);
    let client = proxy.modern(json!({"elicitation": {}}));
    let ask = json!({"method": "elicitation/create", "params": {"message": "mine?"}});
    let arguments = json!({"ask": ask, "slow_start": 600});
    let mut asking = client.ask("tools/call", &json!({"name": "job", "arguments": arguments}));
    let hang = client.ask("tools/call", &json!({"name": "hang", "arguments": {}}));
    let asked = asking.event().unwrap().json();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    drop(hang);
}

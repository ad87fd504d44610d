//! Tasks of 2025-11-25 and the extension of 2026-07-28 are different things: neither reaches a peer of the other era
//! (rules TK-6 to TK-8).

use serde_json::{Value, json};

use crate::client::Response;
use crate::support::{ERA_SERVER, MODERN, Modern, Proxy, Session, call, text};

const STATELESS: &str = env!("CARGO_BIN_EXE_stateless-stdio-server");
const EXTENSION: &str = "io.modelcontextprotocol/tasks";

fn outcome(response: Response) -> (u16, Value) {
    let status = response.status;
    (status, response.answer_of_any_status()["error"]["code"].clone())
}

/// TK-8: "the Mcp-Name header MUST be params.taskId"; a mismatch is -32020.
#[test]
fn p13_a_request_about_a_task_names_it_in_its_header() {
    let proxy = Proxy::with_command(&[], &[STATELESS]);
    let client = proxy.modern(json!({"extensions": {EXTENSION: {}}}));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let body = client.request(1, method, &json!({"taskId": "t-ä", "inputResponses": {}}));
        let ask = |name: &[(&str, &str)]| {
            let headers =
                [&[("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)], name].concat();
            proxy.post(&headers, &body)
        };
        let encoded = ("Mcp-Name", "=?base64?dC3DpA==?=");
        let answer = ask(&[encoded]).answer().1;
        assert_eq!(answer["result"]["method"], method, "{answer}");
        assert_eq!(answer["result"]["echo"]["taskId"], "t-ä", "{answer}");
        for wrong in [&[][..], &[("Mcp-Name", "t")], &[("Mcp-Name", "")], &[encoded, encoded]] {
            assert_eq!(outcome(ask(wrong)), (400, json!(-32020)), "{method} {wrong:?}");
        }
        // What the body does not say is for the server to refuse.
        let bare = client.request(1, method, &json!({}));
        assert_eq!(client.send(&bare, &[]).status, 200);
    }
    let list = client.request(1, "tasks/list", &json!({}));
    assert_eq!(client.send(&list, &[]).status, 200, "it names none");
}

/// Headers that nobody asked for must not say another task than the body.
#[test]
fn p13_legacy_headers_must_not_name_another_task() {
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let get = json!({"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": "t"}});
    for (name, status) in [("t", 200), ("u", 400)] {
        let headers = [&session.headers()[..], &[("Mcp-Name", name)]].concat();
        assert_eq!(proxy.post(&headers, &get).status, status, "{name}");
    }
}

/// TK-6: a stray `task` is nothing in 2026-07-28, and makes a task in 2025-11-25.
#[test]
fn p13_no_request_of_a_modern_client_becomes_a_task_of_a_legacy_server() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(json!({}));
    for task in [json!({}), json!({"ttl": 1}), Value::Null, json!("x")] {
        let params = json!({"name": "params", "arguments": {"task": 1}, "task": task});
        let answer = client.ask("tools/call", &params).answer().1;
        let seen: Value = serde_json::from_str(text(&answer)).unwrap();
        assert!(seen.get("task").is_none(), "{seen}");
        assert_eq!(seen["arguments"]["task"], 1, "what is the tool's own stays");
    }
    let mut params = json!({"name": "received", "task": {}, "arguments": {}});
    client.ask("prompts/get", &params);
    params["uri"] = "a:b".into();
    client.ask("resources/read", &json!({"uri": "a:b", "task": {}}));
    for method in ["prompts/get", "resources/read"] {
        let sent = &client.received(method)[0]["params"];
        assert!(sent.get("task").is_none(), "{sent}");
    }
}

/// TK-7: "the extension MUST NOT count" at 2025-11-25, and the old capability is not said in 2026-07-28.
#[test]
fn p13_neither_kind_of_tasks_is_declared_to_the_other_era() {
    let both =
        json!({"tasks": {"requests": {}}, "extensions": {EXTENSION: {}, "com.example/x": {}}});
    let kept = json!({"extensions": {"com.example/x": {}}});
    let legacy = Proxy::of_era("--legacy", &[]);
    let client = legacy.modern(both.clone());
    let offered = client.ask("server/discover", &json!({})).answer().1;
    assert!(offered["result"]["capabilities"].get("tasks").is_none(), "{offered}");
    assert_eq!(client.received("initialize")[0]["params"]["capabilities"], kept);
    for method in ["tasks/get", "tasks/update", "tasks/cancel", "tasks/list", "tasks/result"] {
        let asked = client.request(1, method, &json!({"taskId": "t"}));
        assert_eq!(outcome(client.send(&asked, &[])), (404, json!(-32601)), "{method}");
    }
    let modern = Proxy::with_command(&[], &[STATELESS, "--tasks"]);
    let session = modern.session_of(&[], "2025-11-25", &both);
    let echo = json!({"jsonrpc": "2.0", "id": 1, "method": "x/echo", "params": {}});
    let echo = session.post(&echo).answer().1["result"]["echo"].clone();
    assert_eq!(echo["_meta"]["io.modelcontextprotocol/clientCapabilities"], kept, "{echo}");
}

fn legacy_ask(session: &Session<'_>, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    session.post(&body).answer().1
}

/// A legacy client of a modern server has no tasks: none is made, none is asked for, none is told of.
#[test]
fn p13_a_legacy_client_of_a_modern_server_has_no_tasks() {
    let proxy = Proxy::with_command(&[], &[STATELESS]);
    let session = proxy.session();
    for method in ["tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "tasks/update"] {
        let answer = legacy_ask(&session, method, &json!({"taskId": "t"}));
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
    // A server that makes one all the same is not taken at its word.
    let task = r#"{"jsonrpc":"2.0","id":%,"result":{"resultType":"task","taskId":"t","status":"working"}}"#;
    let answer = session.call("raw", &json!({"raw": format!("{task}\n")}));
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    let told = r#"{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t"}}"#;
    let done = r#"{"jsonrpc":"2.0","id":%,"result":{"content":[]}}"#;
    let raw = json!({"raw": format!("{told}\n{done}\n")});
    let (before, answer) = session.post(&call(1, "raw", &raw)).answer();
    assert!(before.is_empty() && answer["result"].is_object(), "{before:?} {answer}");
}

/// In one era, tasks are the business of client and server.
#[test]
fn p13_tasks_pass_in_the_same_era() {
    let proxy = Proxy::with_command(&[], &[ERA_SERVER, "--modern"]);
    let client: Modern<'_> = proxy.modern(json!({"extensions": {EXTENSION: {}}}));
    let offered = client.ask("server/discover", &json!({})).answer().1;
    assert!(offered["result"]["capabilities"]["extensions"][EXTENSION].is_object(), "{offered}");
    let task = r#"{"jsonrpc":"2.0","id":%,"result":{"resultType":"task","taskId":"t"}}"#;
    let answer = client.call("raw", &json!({"raw": format!("{task}\n")}));
    assert_eq!(answer["result"]["taskId"], "t", "{answer}");
    let proxy = Proxy::start(&[]);
    let session = proxy.session();
    let asked = json!({"taskId": "t", "task": {"ttl": 1.0}});
    let answer = legacy_ask(&session, "tasks/get", &asked);
    assert_eq!(answer["result"]["echo"], asked, "{answer}");
}

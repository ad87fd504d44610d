//! What is on record: one request id in the logs of all programs, and the events of calls. What servers answer, in a
//! browser.

use gateway_contract::audit::is_id;
use gateway_tests::{client::McpClient, stack::Stack, wait::eventually};
use serde_json::{Value, json};

use crate::{Scenario, edge::Edge, run};

pub const SCENARIOS: &[Scenario] = &[
    ("audit_one_request_id_is_in_the_logs_of_all_programs", one_request_id),
    ("audit_a_refusal_can_be_quoted", a_refusal_can_be_quoted),
];

type AtTheEdge = (&'static str, fn(&Stack, &Edge));

/// With servers that answer themselves.
pub const AT_THE_EDGE: &[AtTheEdge] =
    &[("audit_answers_of_servers_are_sandboxed_and_our_pages_are_not", answers_of_servers)];

/// The lines of JSON in `text` that have `id` as the member `name`.
fn named(text: &str, name: &str, id: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.contains(id));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line[name] == id).collect()
}

fn one_request_id(stack: &Stack) {
    run(async {
        let client = McpClient::log_in(stack, "everything", "recorded").await;
        let secret = "argument-of-the-recorded-call";
        let params = json!({"name": "echo", "arguments": {"message": secret}});
        let own = [("X-Request-Id", "believed"), ("User-Agent", "claude-code/2.1")];
        let reply = client.call_with("tools/call", params, &own).await;
        assert_eq!(reply.status, 200);
        assert!(reply.body.to_string().contains(secret), "{reply:?}");

        let mut call = Value::Null;
        eventually("the call is on record", || {
            let text = stack.log("proxy.audit.jsonl");
            let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let mut calls = events.filter(|event| event["event"] == "tool.called");
            call =
                calls.rfind(|event| event["actor"]["sub"] == "local:recorded").unwrap_or_default();
            call.is_object()
        });
        let id = call["request"].as_str().unwrap().to_owned();
        assert!(is_id(&id), "{call}");
        for (name, value) in
            [("server", "everything"), ("tool", "echo"), ("outcome", "ok"), ("addr", "127.0.0.1")]
        {
            assert_eq!(call[name], value, "{call}");
        }
        assert_eq!(call["agent"], "claude-code");
        assert_eq!(call["client"], json!({"id": client.id, "name": "By hand"}));
        assert!(call["grant"].is_string() && call["ms"].is_u64(), "{call}");

        eventually("Traefik has logged it", || {
            !named(&stack.log("access.log"), "request_X-Request-Id", &id).is_empty()
        });
        eventually("the proxy has logged it", || {
            stack.log("proxy.log").contains(&format!("request={id}"))
        });
        for name in ["access.log", "proxy.log", "proxy.audit.jsonl", "auth-service.log"] {
            let text = stack.log(name);
            assert!(!text.contains(secret), "{name} has an argument");
            assert!(!text.contains("believed"), "{name} has the client's own id");
        }
    });
}

fn a_refusal_can_be_quoted(stack: &Stack) {
    run(async {
        let request = stack.http().post(stack.url("time")).bearer_auth("no-token").body("{}");
        let answer = request.header("X-Request-Id", "believed").send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(is_id(&id), "{id}");
        eventually("Traefik has logged it", || {
            !named(&stack.log("access.log"), "downstream_X-Request-Id", &id).is_empty()
        });
        eventually("the refusal is on record", || {
            !named(&stack.log("auth-service.audit.jsonl"), "request", &id).is_empty()
        });
    });
}

/// The values of the headers of an answer that are called `name`.
fn headers<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

/// A server's own page, which says `default-src *`, is data in a sandbox. Refusals and pages of auth-service, on the
/// same hosts, are not.
fn answers_of_servers(_: &Stack, edge: &Edge) {
    let ask = |host: &str, path: &str, lines: &str| {
        let name = format!("{host}.mcp.localhost");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {name}:{{port}}\r\n{lines}\r\n");
        edge.exchange(&name, &edge.fill(&request)).expect("an answer")
    };
    let (token, html) = ("Authorization: Bearer {echo-a}\r\n", "Accept: text/html\r\n");
    let answer = ask("echo-a", "/mcp", &format!("{token}{html}"));
    assert!(answer.contains("X-Echo: a"), "{answer}");
    assert_eq!(headers(&answer, "content-security-policy"), ["sandbox; default-src 'none'"]);
    assert_eq!(headers(&answer, "x-content-type-options"), ["nosniff"]);
    for (host, path, lines) in [
        ("echo-a", "/mcp", html),
        ("echo-a", "/mcp", "Authorization: Bearer x\r\n"),
        ("auth", "/", html),
    ] {
        let answer = ask(host, path, lines);
        assert!(!answer.contains("X-Echo"), "{answer}");
        assert!(!answer.contains("sandbox"), "{host}{path}: {answer}");
    }
    let page = ask("auth", "/", html);
    assert_eq!(headers(&page, "content-security-policy").len(), 1, "{page}");
}

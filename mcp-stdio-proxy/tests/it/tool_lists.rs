//! The tools that the access policy allows a person, as the signed identity names them: they are listed and run,
//! and all others are refused alike, whatever the era and the way of the call.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Response, send};
use crate::config::File;
use crate::issuer::{KeyServer, Signer, changed, jwks};
use crate::support::{ERA_SERVER, Proxy, SERVER, call, eventually, initialize, text};

/// The servers of the eras, and whether the client is of 2026-07-28.
const PAIRINGS: [(&str, bool); 6] = [
    ("--legacy", false),
    ("--legacy", true),
    ("--modern", false),
    ("--modern", true),
    ("--dual", false),
    ("--dual", true),
];
const CHALLENGE: (&str, &str) =
    ("X-MCP-Challenge", "Bearer resource_metadata=\"https://one.example/m\"");

struct Scene {
    signer: Signer,
    proxy: Proxy,
}

impl Scene {
    fn start(options: &[&str], command: &[&str]) -> Self {
        Self::with(&[options, &["--"], command].concat())
    }

    fn of_era(mode: &str) -> Self {
        Self::start(&[], &[ERA_SERVER, mode])
    }

    fn with(arguments: &[&str]) -> Self {
        let signer = Signer::es256("one");
        let keys = KeyServer::start(Some(jwks(&[&signer])));
        let proxy = Proxy::with(&[&["--identity-jwks", &keys.url], arguments].concat(), &[]);
        eventually("the keys are known", || proxy.log().contains("the gateway has 1 keys"));
        Self { signer, proxy }
    }

    /// The client of `user` with these lists.
    fn client(&self, user: &str, lists: &Value, is_modern: bool) -> Client<'_> {
        let identity = self.signer.identity(&changed(json!({"sub": user}), lists));
        Client { proxy: &self.proxy, identity, is_modern }
    }
}

struct Client<'a> {
    proxy: &'a Proxy,
    identity: String,
    is_modern: bool,
}

impl Client<'_> {
    fn headers(&self) -> [(&str, &str); 3] {
        [("X-MCP-Identity", &self.identity), ("X-MCP-Server", "server"), CHALLENGE]
    }

    fn ask(&self, method: &str, params: &Value) -> Response {
        if self.is_modern {
            let client = self.proxy.modern(json!({"elicitation": {}}));
            return client.send(&client.request(1, method, params), &self.headers());
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.proxy.post(&self.headers(), &body)
    }

    fn call(&self, tool: &str) -> Response {
        self.ask("tools/call", &json!({"name": tool, "arguments": {}}))
    }

    fn list(&self) -> Value {
        self.ask("tools/list", &json!({})).answer().1["result"].clone()
    }

    fn listed(&self) -> Vec<String> {
        let list = self.list();
        let tools = list["tools"].as_array().unwrap_or_else(|| panic!("{list}"));
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The names in the calls that the server got.
    fn called(&self) -> Vec<Value> {
        let all = self.call("received").answer().1;
        let all: Vec<Value> = serde_json::from_str(text(&all)).unwrap();
        let calls = all.iter().filter(|one| one["method"] == "tools/call");
        calls.map(|one| one["params"]["name"].clone()).collect()
    }
}

/// What a refused call gets: no challenge, since no token would help.
fn refused(response: Response, what: &str) -> Value {
    assert_eq!(response.status, 403, "{what}");
    assert!(response.header("www-authenticate").is_none(), "{what}");
    let body = response.json();
    assert_eq!(body["error"]["code"], -32000, "{what}: {body}");
    assert!(is_of_the_policy(&body), "{what}: {body}");
    body
}

fn is_of_the_policy(answer: &Value) -> bool {
    answer["error"]["message"].as_str().is_some_and(|text| text.contains("access policy"))
}

#[test]
fn a_person_sees_and_calls_the_tools_of_the_policy_alone() {
    for (mode, is_modern) in PAIRINGS {
        let scene = Scene::of_era(mode);
        let what = format!("{mode} {is_modern}");
        for (lists, listed, run, not) in [
            (json!({}), &["pid", "secret", "mirrored"][..], &["pid", "secret"][..], &[][..]),
            (json!({"tools_allow": ["*"]}), &["pid", "secret", "mirrored"], &["secret"], &[]),
            (json!({"tools_allow": ["p*d", "mir*"]}), &["pid", "mirrored"], &["pid"], &["secret"]),
            (json!({"tools_allow": ["PID"]}), &[], &[], &["pid", "secret"]),
            (json!({"tools_allow": []}), &[], &[], &["pid", "secret", "none"]),
            (json!({"tools_deny": ["SEC*"]}), &["pid", "mirrored"], &["pid"], &["secret"]),
            (
                json!({"tools_allow": ["pid", "s*"], "tools_deny": ["*c*"]}),
                &["pid"],
                &["pid"],
                &["secret", "mirrored"],
            ),
        ] {
            let client = scene.client("github:7", &lists, is_modern);
            let what = format!("{what} {lists}");
            assert_eq!(client.listed(), listed, "{what}");
            for name in run {
                let answer = client.call(name).answer().1;
                assert!(answer["result"].is_object(), "{what} {name}: {answer}");
            }
            // A tool that the server has, and one that it has not, are refused alike.
            for name in not {
                let like = refused(client.call(name), &what);
                let unknown = client.call(&format!("{name}-unknown"));
                if lists.get("tools_allow").is_some() {
                    assert_eq!(like, refused(unknown, &what), "{what} {name}");
                }
            }
        }
        let all = scene.client("github:7", &json!({}), is_modern);
        let reached = all.called().iter().filter(|name| **name == "secret").count();
        assert_eq!(reached, 2, "{what}: only those who may call it reached it");
    }
}

#[test]
fn a_denied_tool_is_refused_in_every_case_of_its_name() {
    for (mode, is_modern) in PAIRINGS {
        let scene = Scene::of_era(mode);
        let client = scene.client("github:7", &json!({"tools_deny": ["delete_*"]}), is_modern);
        let what = format!("{mode} {is_modern}");
        for name in ["delete_x", "Delete_X", "DELETE_X"] {
            refused(client.call(name), &format!("{what} {name}"));
        }
        let unknown = client.call("undelete_x").answer().1;
        assert_eq!(unknown["error"]["code"], -32602, "{what}: {unknown}");
        assert!(!is_of_the_policy(&unknown), "{what}: {unknown}");
    }
}

/// Two people, one process: each list is for the one who asked.
#[test]
fn people_who_share_a_process_have_each_their_own_tools() {
    for (mode, is_modern) in PAIRINGS {
        let scene = Scene::start(&["--isolation", "shared"], &[ERA_SERVER, mode]);
        let what = format!("{mode} {is_modern}");
        let alice = json!({"tools_deny": ["secret"]});
        let alice = scene.client("github:1", &alice, is_modern);
        let bob = json!({"tools_allow": ["pid", "secret"]});
        let bob = scene.client("github:2", &bob, is_modern);
        let carol = scene.client("github:3", &json!({}), is_modern);
        let pids = [&alice, &bob, &carol].map(|one| text(&one.call("pid").answer().1).to_owned());
        assert!(pids.iter().all(|pid| *pid == pids[0]), "{what}: {pids:?}");
        let each: [(&Client<'_>, &[&str]); 3] = [
            (&alice, &["pid", "mirrored"]),
            (&bob, &["pid", "secret"]),
            (&carol, &["pid", "secret", "mirrored"]),
        ];
        thread::scope(|scope| {
            for (client, listed) in each {
                let what = &what;
                scope.spawn(move || {
                    for _ in 0..10 {
                        assert_eq!(client.listed(), listed, "{what}");
                    }
                });
            }
        });
        refused(alice.call("secret"), &what);
        refused(bob.call("mirrored"), &what);
        assert_eq!(text(&bob.call("secret").answer().1), "the secret", "{what}");
        let scope = |client: &Client<'_>| client.list()["cacheScope"].clone();
        if is_modern && mode != "--legacy" {
            assert_eq!(
                [&alice, &bob, &carol].map(scope),
                ["private", "private", "public"],
                "{what}"
            );
        }
    }
}

/// What the operator does not offer, and what needs a scope, the policy does not open.
#[test]
fn the_policy_opens_nothing_that_the_rules_of_the_server_close() {
    let rules = json!({"deny": ["secret"], "scopes": {"mirrored": "w", "params": "w"}});
    let server = json!({"command": ERA_SERVER, "args": ["--dual"], "tools": rules});
    let file = File::new(&json!({"server": server}));
    let scene = Scene::with(&["--config", file.path()]);
    for is_modern in [false, true] {
        let all = scene.client("github:7", &json!({"tools_allow": ["*"]}), is_modern);
        assert_eq!(all.listed(), ["pid"], "{is_modern}");
        let hidden = all.call("secret").answer().1;
        assert_eq!(hidden["error"]["message"], "this tool is not available", "{is_modern}");
        let challenged = all.call("params");
        assert_eq!(challenged.status, 403, "{is_modern}");
        let challenge = challenged.header("www-authenticate").unwrap();
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
        // What the policy denies is not asked a scope for, nor told to be hidden.
        let few = scene.client("github:7", &json!({"tools_allow": ["pid"]}), is_modern);
        let like = refused(few.call("params"), "params");
        for name in ["secret", "unknown"] {
            assert_eq!(refused(few.call(name), name), like, "{is_modern}");
        }
        assert_eq!(few.listed(), ["pid"], "{is_modern}");
    }
}

#[test]
fn a_batch_a_notification_and_a_task_run_no_other_tool() {
    for mode in ["--legacy", "--modern"] {
        let scene = Scene::of_era(mode);
        let client = scene.client("github:7", &json!({"tools_deny": ["secret"]}), false);
        let session = scene.proxy.session_of(&client.headers(), "2025-03-26", &json!({}));
        let batch = json!([call(1, "pid", &json!({})), call(2, "secret", &json!({}))]);
        let (mut answers, last) = session.post(&batch).answer();
        answers.push(last);
        assert_eq!(answers.len(), 2, "{answers:?}");
        for answer in &answers {
            let good = if answer["id"] == 1 {
                answer["result"].is_object()
            } else {
                answer["error"]["code"] == -32000 && is_of_the_policy(answer)
            };
            assert!(good, "{mode}: {answer}");
        }
        let silent =
            json!({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "secret"}});
        refused(session.post(&silent), mode);
        refused(session.post(&json!([silent])), mode);
        let task = json!({"name": "secret", "arguments": {}, "task": {"ttl": 1}});
        refused(client.ask("tools/call", &task), mode);
        assert!(!client.called().contains(&json!("secret")), "{mode}");
    }
    // Of 2026-07-28 a notification has its envelope, too.
    for mode in ["--legacy", "--modern"] {
        let scene = Scene::of_era(mode);
        let client = scene.client("github:7", &json!({"tools_deny": ["secret"]}), true);
        client.listed();
        let modern = scene.proxy.modern(json!({"elicitation": {}}));
        let mut silent = modern.request(1, "tools/call", &json!({"name": "secret"}));
        silent.as_object_mut().unwrap().remove("id");
        refused(modern.send(&silent, &client.headers()), mode);
        assert!(!client.called().contains(&json!("secret")), "{mode}");
    }
}

/// The result of a task is asked for by a method that says not what it is: lists are made no tasks.
#[test]
fn a_list_that_is_not_for_all_becomes_no_task() {
    let scene = Scene::of_era("--legacy");
    for (lists, kept) in [(json!({"tools_deny": ["secret"]}), false), (json!({}), true)] {
        let client = scene.client("github:7", &lists, false);
        let params = json!({"task": {"ttl": 1}, "cursor": "c"});
        client.ask("tools/list", &params).answer();
        let all = client.call("received").answer().1;
        let all: Vec<Value> = serde_json::from_str(text(&all)).unwrap();
        let last = all.iter().rfind(|one| one["method"] == "tools/list").unwrap();
        assert_eq!(last["params"]["cursor"], "c");
        assert_eq!(last["params"].get("task").is_some(), kept, "{last}");
    }
}

/// Whoever has lists is read in one way only.
#[test]
fn a_name_that_some_server_reads_otherwise_is_refused_to_those_who_have_lists() {
    let scene = Scene::start(&[], &[ERA_SERVER, "--legacy", "--fold"]);
    let body =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pid","NAME":"secret"}}"#;
    let status = |lists: &Value, body: &str| {
        let client = scene.client("github:7", lists, false);
        let headers = [&client.headers()[..], &[("Content-Type", "application/json")]].concat();
        send(scene.proxy.port, "POST", "/mcp", &headers, body.as_bytes()).status
    };
    let denied = json!({"tools_deny": ["secret"]});
    assert_eq!(status(&json!({}), body), 200);
    for lists in [&denied, &json!({"tools_allow": ["pid"]})] {
        assert_eq!(status(lists, body), 400, "{lists}");
        assert_eq!(status(lists, &format!("[{body}]")), 400, "{lists}");
        assert_eq!(status(lists, &body.replace(",\"NAME\":\"secret\"", "")), 200, "{lists}");
    }
}

/// A call that waits for its client does not go on if the policy has been narrowed meanwhile.
#[test]
fn a_call_that_was_admitted_is_checked_again_when_it_is_retried() {
    for mode in ["--legacy", "--modern"] {
        let scene = Scene::of_era(mode);
        let question = json!({"method": "elicitation/create", "params": {"message": "Who?"}});
        let mut params = json!({"name": "ask", "arguments": {"questions": [question]}});
        let before = scene.client("github:7", &json!({"tools_allow": ["ask"]}), true);
        let asked = before.ask("tools/call", &params).answer().1;
        let result = &asked["result"];
        assert_eq!(result["resultType"], "input_required", "{asked}");
        params["requestState"] = result["requestState"].clone();
        let keys = result["inputRequests"].as_object().unwrap().keys();
        let answers = keys.map(|key| (key.clone(), json!({"action": "decline"})));
        params["inputResponses"] = Value::Object(answers.collect());
        let after = scene.client("github:7", &json!({"tools_deny": ["ask"]}), true);
        refused(after.ask("tools/call", &params), mode);
        assert_eq!(before.ask("tools/call", &params).status, 200, "{mode}");
    }
}

/// Also if the stream that would bring the answer has something else to bring first.
#[test]
fn a_refusal_has_its_status_while_the_client_is_asked_something() {
    let scene = Scene::start(&[], &[SERVER, "--ask-at-start"]);
    let client = scene.client("github:7", &json!({"tools_deny": ["secret"]}), false);
    let session = scene.proxy.session_of(&client.headers(), "2025-11-25", &json!({"roots": {}}));
    let runs = || scene.proxy.state()["pids"].as_array().map(Vec::len) == Some(1);
    eventually("the server runs", runs);
    thread::sleep(Duration::from_millis(500));
    refused(session.post(&call(1, "secret", &json!({}))), "a question waits");
    let mut stream = session.post(&call(2, "pid", &json!({})));
    assert_eq!(stream.event().unwrap().json()["method"], "roots/list", "it still waits");
}

#[test]
fn an_identity_with_very_many_patterns_is_none() {
    let scene = Scene::start(&[], &[SERVER]);
    let patterns = |count: usize| vec!["x*"; count];
    let status = |allow: usize, deny: usize| {
        let lists = json!({"tools_allow": patterns(allow), "tools_deny": patterns(deny)});
        scene.client("github:7", &lists, false).ask("tools/list", &json!({})).status
    };
    assert_eq!(status(200, 56), 200);
    assert_eq!((status(200, 57), status(257, 0), status(0, 257)), (401, 401, 401));
    for bad in [json!({"tools_deny": ["x", 1]}), json!({"tools_allow": "x"})] {
        assert_eq!(scene.client("u", &bad, false).ask("tools/list", &json!({})).status, 401);
    }
}

/// `stepUpTools`: a tool without its scope is listed only if the entry says so, and a gateway can give the scope.
#[test]
fn tools_that_need_a_further_scope_are_listed_if_the_entry_says_so() {
    for (key, with_gateway, without) in [
        (None, &["pid"][..], &["pid"][..]),
        (Some("hide"), &["pid"], &["pid"]),
        (Some("list"), &["pid", "mirrored"], &["pid"]),
    ] {
        let rules = json!({"deny": ["secret"], "scopes": {"mirrored": "w"}});
        let mut server = json!({"command": ERA_SERVER, "args": ["--dual"], "tools": rules});
        if let Some(key) = key {
            server["stepUpTools"] = key.into();
        }
        let file = File::new(&json!({"server": server}));
        let scene = Scene::with(&["--config", file.path()]);
        for is_modern in [false, true] {
            let client = scene.client("github:7", &json!({}), is_modern);
            assert_eq!(client.listed(), with_gateway, "{key:?} {is_modern}");
            let denied = scene.client("github:7", &json!({"tools_deny": ["mirrored"]}), is_modern);
            assert_eq!(denied.listed(), ["pid"], "{key:?} {is_modern}");
        }
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let proxy = Proxy::with(&["--config", file.path()], &[]);
        assert_eq!(
            proxy.post_to("/server/mcp", &[], &initialize("2025-11-25", &json!({}))).status,
            200
        );
        let answer = proxy.post_to("/server/mcp", &[("X-User-Id", "u")], &list).answer().1;
        let names = answer["result"]["tools"].as_array().unwrap().iter();
        let names: Vec<&str> = names.map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, without, "{key:?}");
    }
}

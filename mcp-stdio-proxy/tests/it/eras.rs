//! Clients of 2026-07-28, with servers of either era (rules HM, DE, SD of the revision).

use std::thread;

use serde_json::{Value, json};

use crate::client::send;
use crate::support::{Modern, Proxy, call, eventually, is_alive, text};

const LEGACY: [&str; 3] = ["--legacy", "--legacy-strict", "--legacy-silent"];
const MODERN: [&str; 2] = ["--modern", "--dual"];
const META: &str = "io.modelcontextprotocol";

fn error(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

/// HM-8, HM-9: whatever the server makes of it, `server/discover` is answered.
#[test]
fn discovery_says_what_a_server_of_either_era_can() {
    for mode in LEGACY.iter().chain(&MODERN) {
        let proxy = Proxy::of_era(mode, &["--probe-timeout", "0.3"]);
        let response = proxy.modern(json!({})).ask("server/discover", &json!({}));
        assert_eq!(response.status, 200, "{mode}");
        assert_eq!(response.header("mcp-session-id"), None, "{mode}");
        let answer = response.json();
        let result = &answer["result"];
        assert_eq!(answer["id"], "m", "{mode}");
        assert_eq!(result["resultType"], "complete", "{answer}");
        assert_eq!(result["supportedVersions"], json!(["2026-07-28"]), "{answer}");
        assert_eq!(
            result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "era",
            "{answer}"
        );
        assert_eq!(result["capabilities"]["tools"]["listChanged"], true, "{answer}");
        if LEGACY.contains(mode) {
            assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
            assert_eq!(result["instructions"], "be kind");
            assert_eq!(result["capabilities"]["x"].to_string(), "1.0", "what is not known stays");
            assert!(result["capabilities"].get("tasks").is_none(), "{answer}");
        } else {
            assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(5), &json!("public")));
        }
    }
}

/// SD-2, SD-3: one process is asked and ended, and no other is until the command changes.
#[test]
fn the_era_is_asked_once_of_a_process_of_its_own() {
    for (mode, era) in [("--dual", "Modern"), ("--legacy-strict", "Silence")] {
        let proxy = Proxy::of_era(mode, &[]);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| proxy.modern(json!({})).pid());
            }
        });
        let users = ["a", "b"].map(|user| {
            let client = Modern { user: Some(user), ..proxy.modern(json!({})) };
            assert!(client.received("server/discover").len() <= 1);
            client.pid()
        });
        assert_ne!(users[0], users[1], "a process for each user");
        assert_eq!(proxy.log().matches("was asked for its era").count(), 1, "{mode}");
        let named = if mode == "--dual" { "modern" } else { "legacy" };
        assert_eq!(proxy.state()["era"], named);
        assert!(proxy.log().contains(era), "{mode}");
        eventually("only those that serve are left", || {
            proxy.state()["pids"].as_array().map(Vec::len) == Some(3)
        });
    }
}

/// DE-1, G-23: both eras on one URL, each with a process of its own.
#[test]
fn both_eras_are_served_side_by_side_for_each_of_two_users() {
    let proxy = Proxy::of_era("--dual", &[]);
    let users = ["alice", "bob"];
    let pids: Vec<_> = users
        .iter()
        .flat_map(|user| {
            let session = proxy.session_of(&[("X-User-Id", user)], "2025-11-25", &json!({}));
            let modern = Modern { user: Some(user), ..proxy.modern(json!({})) };
            for _ in 0..3 {
                assert!(is_alive(session.pid()) && is_alive(modern.pid()));
            }
            let legacy = session.call("params", &json!({}));
            assert!(legacy["result"].get("resultType").is_none(), "{legacy}");
            assert_eq!(modern.call("params", &json!({}))["result"]["resultType"], "complete");
            [session.pid(), modern.pid()]
        })
        .collect();
    for (at, pid) in pids.iter().enumerate() {
        assert!(!pids[..at].contains(pid), "{pids:?}");
    }
}

/// HM-3 to HM-6: statuses and codes, before any server is asked.
#[test]
fn requests_that_say_too_little_or_two_things_are_refused() {
    let proxy = Proxy::of_era("--modern", &[]);
    let client = proxy.modern(json!({}));
    let list = client.request(1, "tools/list", &json!({}));
    let told = |body: &Value, headers: &[(&str, &str)]| {
        let response = proxy.post(headers, body);
        let status = response.status;
        let answer = response.json();
        assert_eq!(answer["id"], body["id"], "{answer}");
        (status, error(&answer), answer["error"]["data"].clone())
    };
    let (version, method) = (("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list"));
    assert_eq!(told(&list, &[method]).1, -32020);
    assert_eq!(told(&list, &[version]).1, -32020);
    assert_eq!(told(&list, &[version, ("Mcp-Method", "tools/call")]).0, 400);
    let mut old = list.clone();
    old["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "v999".into();
    let data = json!({"supported": ["2026-07-28"], "requested": "v999"});
    assert_eq!(told(&old, &[("MCP-Protocol-Version", "v999"), method]), (400, -32022, data));
    assert_eq!(told(&old, &[version, method]).1, -32020);
    for key in ["protocolVersion", "clientCapabilities"] {
        let mut less = list.clone();
        let meta = less["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(&format!("{META}/{key}"));
        assert_eq!(told(&less, &[version, method]).1, -32602, "{key}");
    }
    let bare = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list"});
    assert_eq!(told(&bare, &[version, method]).0, 400);
    for removed in
        ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]
    {
        let body = client.request(1, removed, &json!({}));
        let told = told(&body, &[version, ("Mcp-Method", removed)]);
        assert_eq!((told.0, told.1), (404, -32601), "{removed}");
    }
    assert_eq!(proxy.state()["state"], "untried", "no server was started for any of it");
    let unknown = client.ask("x/unknown", &json!({}));
    assert_eq!(unknown.status, 404);
    assert_eq!(error(&unknown.json()), -32601);
}

/// HM-1: there is only POST; clients with a session keep what they have.
#[test]
fn other_methods_are_refused_to_modern_clients_alone() {
    let proxy = Proxy::of_era("--dual", &[]);
    for method in ["GET", "DELETE"] {
        let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Accept", "text/event-stream")];
        let response = send(proxy.port, method, "/mcp", &headers, b"");
        assert_eq!((response.status, response.header("allow")), (405, Some("POST")), "{method}");
    }
    let session = proxy.session();
    assert_eq!(session.get(&[("MCP-Protocol-Version", "2026-07-28")]).status, 200);
    assert_eq!(session.delete().status, 204);
}

/// CL-13, both ways: a newer header on a legacy request is no envelope, and an older one on a modern
/// request is tolerated if the operator says so.
#[test]
fn version_headers_of_clients_in_the_field_are_borne() {
    let proxy = Proxy::of_era("--dual", &["--tolerate-version-header"]);
    let session = proxy.session();
    let newer = [("Mcp-Session-Id", &*session.id), ("MCP-Protocol-Version", "2026-07-28")];
    let answer = proxy.post(&newer, &call(1, "pid", &json!({}))).answer().1;
    assert!(answer["result"].get("resultType").is_none(), "{answer}");
    let client = proxy.modern(json!({}));
    let body = client.request(1, "tools/list", &json!({}));
    for version in [&[("MCP-Protocol-Version", "2025-11-25")][..], &[]] {
        let headers = [version, &[("Mcp-Method", "tools/list")]].concat();
        assert_eq!(proxy.post(&headers, &body).status, 200);
    }
    let strict = Proxy::of_era("--dual", &[]);
    let headers = [("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Method", "tools/list")];
    assert_eq!(strict.post(&headers, &body).status, 400);
}

/// Same era: nothing but ids and tokens is touched, unknown methods and result types included.
#[test]
fn a_server_of_the_same_era_gets_and_gives_everything_as_it_was() {
    let proxy = Proxy::of_era("--modern", &[]);
    let client = proxy.modern(json!({"extensions": {"com.example/x": {"a": 1.0}}}));
    let params = json!({"anything": [1.0, {"b": null}], "_meta": {"com.example/k": 1}});
    let body = client.request("7", "x/echo", &params);
    let answer = client.send(&body, &[]).answer().1;
    assert_eq!(answer["result"]["params"].to_string(), body["params"].to_string());
    assert_eq!(answer["result"]["resultType"], "com.example/odd");
    assert_eq!(answer["id"], "7");
}

/// G-26: without the envelope in, with what 2026-07-28 demands out.
#[test]
fn a_legacy_server_is_spoken_to_in_its_own_era() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let client = proxy.modern(json!({"roots": {"listChanged": true}, "tasks": {}}));
    let params = json!({"name": "params", "arguments": {"a": 1.0}, "extra": {"b": [null]},
        "_meta": {"com.example/k": 1, "io.modelcontextprotocol/logLevel": "info"}});
    let answer = client.ask("tools/call", &params).answer().1;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    assert_eq!(answer["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "era");
    let seen: Value = serde_json::from_str(text(&answer)).unwrap();
    let want = json!({"name": "params", "arguments": {"a": 1.0}, "extra": {"b": [null]},
        "_meta": {"com.example/k": 1}});
    assert_eq!(seen.to_string(), want.to_string());
    let said = &client.received("initialize")[0]["params"];
    assert_eq!(said["capabilities"], json!({"roots": {}}));
    assert_eq!(said["clientInfo"]["name"], "test");
    assert_eq!(client.received("notifications/initialized").len(), 1);
    let list = client.ask("tools/list", &json!({})).json();
    assert_eq!(
        (&list["result"]["ttlMs"], &list["result"]["cacheScope"]),
        (&json!(0), &json!("private"))
    );
    // HM-14: codes that this revision has not.
    let gone = client.ask("resources/read", &json!({"uri": "no:such"}));
    assert_eq!(gone.status, 200);
    assert_eq!(error(&gone.json()), -32602);
    assert_eq!(error(&client.call("code", &json!({"code": -32021}))), -32603);
    for removed in ["tasks/list", "x/unknown"] {
        let response = client.ask(removed, &json!({}));
        assert_eq!((response.status, error(&response.json())), (404, -32601), "{removed}");
    }
}

/// Tool rules hold in both eras.
#[test]
fn rules_for_tools_hold_for_modern_clients() {
    for mode in ["--legacy", "--modern"] {
        let config = tempfile(&json!({"mcpServers": {"server": {
            "command": crate::support::ERA_SERVER, "args": [mode], "tools": ["pid"]}}}));
        let proxy = Proxy::with(&["--config", config.to_str().unwrap()], &[]);
        let client = proxy.modern(json!({}));
        let path = |body: &Value| {
            let headers = Modern::headers(body);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            proxy.post_to("/server/mcp", &headers, body)
        };
        let list = path(&client.request(1, "tools/list", &json!({}))).json();
        let tools = list["result"]["tools"].as_array().unwrap();
        assert_eq!(tools.len(), 1, "{list}");
        if mode == "--legacy" {
            assert_eq!(list["result"]["resultType"], "complete", "{list}");
        }
        let secret = path(&client.request(1, "tools/call", &json!({"name": "secret"})));
        assert_eq!(error(&secret.json()), -32602, "{mode}");
        std::fs::remove_file(config).unwrap();
    }
}

fn tempfile(content: &Value) -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("eras-{}-{}.json", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, content.to_string()).unwrap();
    path
}

/// HM-4: parameters that a tool wants repeated in headers.
#[test]
fn parameters_of_a_tool_are_compared_with_their_headers() {
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &[]);
        let client = proxy.modern(json!({}));
        let call = |arguments: &Value, headers: &[(&str, &str)]| {
            let params = json!({"name": "mirrored", "arguments": arguments});
            client.send(&client.request(1, "tools/call", &params), headers)
        };
        let both = json!({"region": "Größe", "count": 42});
        let region = ("Mcp-Param-Region", "=?base64?R3LDtsOfZQ==?=");
        assert_eq!(call(&both, &[region, ("mcp-param-COUNT", "42.0")]).status, 200, "{mode}");
        assert_eq!(call(&json!({"region": null}), &[]).status, 200, "{mode}");
        assert_eq!(call(&json!({"x": 1}), &[("Mcp-Param-Other", "x")]).status, 200, "{mode}");
        for headers in [
            &[region][..],
            &[region, ("Mcp-Param-Count", "41")],
            &[("Mcp-Param-Region", "=?base64?R3LDtsOfZQ?="), ("Mcp-Param-Count", "42")],
        ] {
            let response = call(&both, headers);
            assert_eq!((response.status, error(&response.json())), (400, -32020), "{headers:?}");
        }
    }
}

/// Progress under the client's own token; log messages only for those who asked, from their level on.
#[test]
fn what_comes_before_an_answer_is_what_its_request_asked_for() {
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &[]);
        let client = proxy.modern(json!({}));
        let params = json!({"name": "progress", "_meta": {"progressToken": "p"}});
        let (before, _) = client.ask("tools/call", &params).answer();
        assert_eq!(before.len(), 3, "{mode}: {before:?}");
        assert!(before.iter().all(|one| one["params"]["progressToken"] == "p"));
        let levels = |level: Option<&str>| {
            let mut params = json!({"name": "log"});
            if let Some(level) = level {
                params["_meta"] = json!({"io.modelcontextprotocol/logLevel": level});
            }
            let (before, _) = client.ask("tools/call", &params).answer();
            before.iter().map(|one| one["params"]["level"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(levels(None), [json!(null); 0], "{mode}");
        assert_eq!(levels(Some("debug")), ["debug", "error"], "{mode}");
        assert_eq!(levels(Some("warning")), ["error"], "{mode}");
        let bad = json!({"name": "log", "_meta": {"io.modelcontextprotocol/logLevel": "loud"}});
        let bad = client.ask("tools/call", &bad);
        assert_eq!((bad.status, error(&bad.json())), (400, -32602));
        if mode == "--legacy" {
            let told = client.received("logging/setLevel");
            assert_eq!(told.len(), 1, "the level was wanted already: {told:?}");
            assert_eq!(told[0]["params"]["level"], "debug");
        }
    }
}

/// HM-15: streams that are neither resumed nor buffered.
#[test]
fn a_long_call_gets_a_stream_without_event_ids() {
    let proxy = Proxy::of_era("--modern", &["--stream-after", "0.05", "--keep-alive", "0.05"]);
    let params = json!({"name": "sleep", "arguments": {"ms": 300, "say": "late"}});
    let mut slow = proxy.modern(json!({})).ask("tools/call", &params);
    assert_eq!(slow.header("x-accel-buffering"), Some("no"));
    let lines: Vec<_> = std::iter::from_fn(|| slow.line()).collect();
    assert!(lines.iter().any(|line| line == ": keep-alive"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("late")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("id:")), "{lines:?}");
}

/// "If the server does not implement the requested RPC method, it MUST respond with 404", also when the
/// server takes its time.
#[test]
fn a_slow_refusal_of_a_method_is_404() {
    let proxy = Proxy::of_era("--modern", &["--stream-after", "0.05"]);
    let slow = proxy.modern(json!({})).ask("x/slow", &json!({}));
    assert_eq!((slow.status, error(&slow.json())), (404, -32601));
}

/// HM-11: "Closing the SSE response stream MUST be treated as cancellation", and so is leaving before
/// there is one.
#[test]
fn a_client_that_leaves_cancels() {
    for options in [&["--stream-after", "0.05"][..], &["--stream-after", "60"]] {
        for mode in ["--legacy", "--modern"] {
            let proxy = Proxy::of_era(mode, options);
            let client = proxy.modern(json!({}));
            client.pid();
            let body = client.request("gone", "tools/call", &json!({"name": "hang"}));
            let mut tcp = std::net::TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
            let head = format!(
                "POST /mcp HTTP/1.1\r\nHost: localhost\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: hang\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: {}\r\n\r\n{body}",
                body.to_string().len(),
            );
            std::io::Write::write_all(&mut tcp, head.as_bytes()).unwrap();
            let hung = || {
                let calls = client.received("tools/call");
                calls.into_iter().find(|one| one["params"]["name"] == "hang")
            };
            eventually("the call arrives", || hung().is_some());
            let id = hung().unwrap()["id"].clone();
            assert!(client.received("notifications/cancelled").is_empty());
            drop(tcp);
            eventually("it is cancelled", || {
                let told = client.received("notifications/cancelled");
                told.iter().any(|one| one["params"]["requestId"] == id)
            });
            eventually("nothing stays in flight", || proxy.state()["calls"] == 0);
        }
    }
}

/// G-28, DE-3: a probe gets no 5xx, whatever is wrong.
#[test]
fn a_probe_is_answered_whatever_is_wrong() {
    let gone = Proxy::with_command(&[], &["/no/such/command"]);
    let response = gone.modern(json!({})).ask("server/discover", &json!({}));
    assert!(response.status < 500);
    assert_eq!(error(&response.json()), -32603);
    let dies = Proxy::with_command(&[], &[crate::support::SERVER, "--die-at-start"]);
    let response = dies.modern(json!({})).ask("server/discover", &json!({}));
    assert!(response.status < 500);
    assert_eq!(error(&response.json()), -32603);
    let mute = ["--probe-timeout", "0.2"];
    let mute = Proxy::with_command(&mute, &[crate::support::SERVER, "--mute-to-all"]);
    let response = mute.modern(json!({})).ask("server/discover", &json!({}));
    assert_eq!((response.status, error(&response.json())), (200, -32603));
    let full = Proxy::of_era("--modern", &["--max-children", "1"]);
    let client = Modern { user: Some("a"), ..full.modern(json!({})) };
    thread::scope(|scope| {
        let busy = scope.spawn(|| client.call("sleep", &json!({"ms": 4500, "say": "x"})));
        eventually("it is busy", || full.state()["calls"] == 1);
        let other = Modern { user: Some("b"), ..full.modern(json!({})) };
        let response = other.ask("server/discover", &json!({}));
        assert_eq!((response.status, response.header("retry-after")), (429, Some("5")));
        assert_eq!(text(&busy.join().unwrap()), "x");
    });
}

/// A process that dies fails its calls, and the next request starts another.
#[test]
fn a_server_that_dies_is_started_anew() {
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &[]);
        let client = proxy.modern(json!({}));
        let first = client.pid();
        assert_eq!(error(&client.call("die", &json!({}))), -32603);
        assert_ne!(client.pid(), first);
    }
}

/// An idle process is ended and its room with it; the next request starts both anew.
#[test]
fn an_idle_process_is_ended() {
    let proxy = Proxy::of_era("--modern", &["--idle-timeout", "0.3"]);
    let client = proxy.modern(json!({}));
    let first = client.pid();
    eventually("it is ended", || !is_alive(first));
    assert_ne!(client.pid(), first);
}

/// One for all: nobody is asked, and nobody's capabilities are the server's.
#[test]
fn a_shared_legacy_server_takes_no_ones_capabilities() {
    let proxy = Proxy::of_era("--legacy", &["--isolation", "shared"]);
    let clients = ["a", "b"].map(|user| Modern {
        user: Some(user),
        ..proxy.modern(json!({"elicitation": {}, "sampling": {}}))
    });
    assert_eq!(clients[0].pid(), clients[1].pid());
    assert_eq!(clients[0].received("initialize")[0]["params"]["capabilities"], json!({}));
    let ask = json!({"questions": [{"method": "elicitation/create", "params": {"message": "?"}}]});
    let answer = clients[0].call("ask", &ask);
    assert_eq!(text(&answer), r#"[{"error":-32603}]"#);
}

/// SEP-2640: what a server says of its skills is as cacheable as its other lists.
#[test]
fn results_about_skills_say_how_long_they_may_be_kept() {
    let proxy = Proxy::start(&[]);
    let client = proxy.modern(json!({}));
    for method in ["skills/list", "skills/get"] {
        let result = client.ask(method, &json!({"uri": "skill://a"})).answer().1["result"].clone();
        assert_eq!(result["method"], method, "{result}");
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
    }
    let other = client.ask("skills/other", &json!({})).answer().1;
    assert!(other["result"].get("ttlMs").is_none(), "{other}");
}

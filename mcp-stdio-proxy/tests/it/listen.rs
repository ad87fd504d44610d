//! `subscriptions/listen`, with servers of either era (rule HM-12).

use serde_json::{Value, json};

use crate::client::Response;
use crate::support::{Modern, Proxy, eventually, text};

const TOOLS: &str = "notifications/tools/list_changed";
const PROMPTS: &str = "notifications/prompts/list_changed";
const UPDATED: &str = "notifications/resources/updated";

/// Opens a stream, and reads its first message.
fn listen(client: &Modern<'_>, id: &Value, filter: &Value) -> (Response, Value) {
    let params = json!({"notifications": filter});
    let body = client.request(id.clone(), "subscriptions/listen", &params);
    let mut stream = client.send(&body, &[]);
    assert_eq!(stream.status, 200);
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    let first = stream.event().unwrap().json();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(tag(&first), id);
    (stream, first["params"]["notifications"].clone())
}

fn tag(message: &Value) -> &Value {
    &message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"]
}

fn change(client: &Modern<'_>, method: &str, params: &Value) {
    let answer = client.call("change", &json!({"method": method, "params": params}));
    assert_eq!(text(&answer), "done");
}

#[test]
fn each_hears_what_it_asked_for_under_its_own_id() {
    let proxy = Proxy::of_era("--legacy", &["--keep-alive", "0.1"]);
    let client = proxy.modern(json!({}));
    let all = json!({"toolsListChanged": true, "promptsListChanged": true,
        "resourceSubscriptions": ["a:b", "no:such"]});
    let (mut both, granted) = listen(&client, &json!("x"), &all);
    assert_eq!(granted, json!({"toolsListChanged": true, "resourceSubscriptions": ["a:b"]}));
    let (mut tools, _) = listen(&client, &json!(7), &json!({"toolsListChanged": true}));
    change(&client, PROMPTS, &json!({}));
    change(&client, UPDATED, &json!({"uri": "a:c"}));
    change(&client, UPDATED, &json!({"uri": "a:b", "k": 1.0}));
    change(&client, TOOLS, &json!({}));
    let first = both.event().unwrap().json();
    assert_eq!((&first["method"], tag(&first)), (&json!(UPDATED), &json!("x")));
    assert_eq!(first["params"]["k"].to_string(), "1.0");
    assert_eq!(both.event().unwrap().json()["method"], TOOLS);
    let only = tools.event().unwrap().json();
    assert_eq!((&only["method"], tag(&only)), (&json!(TOOLS), &json!(7)));
    assert_eq!(text(&client.call("resources", &json!({}))), "a:b");
    drop(both);
    eventually("the resource is given up", || {
        text(&client.call("resources", &json!({}))).is_empty()
    });
    assert_eq!(tools.line().as_deref(), Some(": keep-alive"));
}

#[test]
fn a_modern_server_keeps_its_subscriptions_itself() {
    let proxy = Proxy::of_era("--modern", &[]);
    let client = proxy.modern(json!({}));
    let filter = json!({"toolsListChanged": true, "com.example/x": [1.0]});
    let (mut one, granted) = listen(&client, &json!("x"), &filter);
    assert_eq!(granted, filter);
    let (mut two, _) = listen(&client, &json!("x"), &filter);
    change(&client, TOOLS, &json!({}));
    for stream in [&mut one, &mut two] {
        let told = stream.event().unwrap().json();
        assert_eq!((&told["method"], tag(&told)), (&json!(TOOLS), &json!("x")));
    }
    drop(one);
    eventually("it is cancelled", || client.received("notifications/cancelled").len() == 1);
    change(&client, TOOLS, &json!({"n": 2}));
    assert_eq!(two.event().unwrap().json()["params"]["n"], 2);
    // "a completion result before closing the stream", whichever way the server ends it.
    client.call("end_subscriptions", &json!({}));
    let end = two.event().unwrap().json();
    assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!("x"), &json!("complete")));
    assert_eq!(end["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "x");
    assert!(two.event().is_none());
    let (mut three, _) = listen(&client, &json!(3), &filter);
    client.call("end_subscriptions", &json!({"cancel": true}));
    assert_eq!(three.event().unwrap().json()["result"]["resultType"], "complete");
}

/// SD-5: "Active streams must also be re-established after restart".
#[test]
fn a_stream_outlives_its_process() {
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &[]);
        let client = proxy.modern(json!({}));
        let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["a:b"]});
        let (mut stream, _) = listen(&client, &json!(1), &filter);
        let first = client.pid();
        assert!(client.call("die", &json!({}))["error"].is_object());
        // Without anybody asking for anything.
        eventually("another one is started", || {
            proxy.state()["pids"]
                .as_array()
                .is_some_and(|pids| !pids.is_empty() && pids[0] != first)
        });
        change(&client, TOOLS, &json!({"n": 1}));
        let told = stream.event().unwrap().json();
        assert_eq!((&told["method"], tag(&told)), (&json!(TOOLS), &json!(1)), "{mode}");
        change(&client, UPDATED, &json!({"uri": "a:b"}));
        assert_eq!(stream.event().unwrap().json()["method"], UPDATED, "{mode}");
    }
}

#[test]
fn the_end_of_the_proxy_is_a_graceful_one() {
    let mut proxy = Proxy::of_era("--legacy", &[]);
    let (mut stream, _) =
        listen(&proxy.modern(json!({})), &json!(1), &json!({"toolsListChanged": true}));
    assert!(proxy.terminate());
    let end = stream.event().unwrap().json();
    assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!(1), &json!("complete")));
    assert!(stream.event().is_none());
}

#[test]
fn a_filter_must_be_one_and_listeners_are_of_one_user() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let alice = Modern { user: Some("alice"), ..proxy.modern(json!({})) };
    let bob = Modern { user: Some("bob"), ..proxy.modern(json!({})) };
    for bad in
        [json!({}), json!({"notifications": 7}), json!({"notifications": {"toolsListChanged": 1}})]
    {
        let response = alice.ask("subscriptions/listen", &bad);
        assert_eq!(response.status, 400);
        assert_eq!(response.json()["error"]["code"], -32602);
    }
    let filter = json!({"toolsListChanged": true});
    let (mut hers, _) = listen(&alice, &json!(1), &filter);
    let (mut his, _) = listen(&bob, &json!(1), &filter);
    change(&alice, TOOLS, &json!({"of": "alice"}));
    change(&bob, TOOLS, &json!({"of": "bob"}));
    assert_eq!(hers.event().unwrap().json()["params"]["of"], "alice");
    assert_eq!(his.event().unwrap().json()["params"]["of"], "bob");
}

/// What comes after an edit of the file may be another server: the client is told to begin anew.
#[test]
fn a_changed_server_ends_the_streams_in_order() {
    let file = std::env::temp_dir().join(format!("listen-{}.json", std::process::id()));
    let write = |extra: &str| {
        let servers = json!({"mcpServers": {"server": {"command": crate::support::ERA_SERVER,
            "args": ["--legacy", extra]}}});
        std::fs::write(&file, servers.to_string()).unwrap();
    };
    write("one");
    let proxy = Proxy::with(&["--config", file.to_str().unwrap()], &[]);
    let client = proxy.modern(json!({}));
    let body = client.request(1, "subscriptions/listen", &json!({"notifications": {}}));
    let headers = Modern::headers(&body);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut stream = proxy.post_to("/server/mcp", &headers, &body);
    let first = stream.event().unwrap().json();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    write("two");
    assert_eq!(stream.event().unwrap().json()["result"]["resultType"], "complete");
    std::fs::remove_file(file).unwrap();
}

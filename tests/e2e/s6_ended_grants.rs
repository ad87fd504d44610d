//! Open streams and calls end with their grant, through the whole gateway; and the feed by which the proxies
//! learn of it is on Traefik's inner entry point alone.

use gateway_tests::port::free_address;
use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use gateway_tests::{client::McpClient, stack::Stack};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{
    Scenario,
    edge::{await_listener, like, static_file},
    run,
};

pub const SCENARIOS: &[Scenario] = &[
    ("s6_streams_and_calls_end_with_the_grant", streams_and_calls),
    ("s6_the_feed_is_on_the_inner_entry_point_alone", inner_entry_point),
];

/// The longest a test waits for an end; the rule is a second, which a busy machine may not keep.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens a stream and reads its beginning.
async fn open(client: &McpClient, method: Method, body: Option<Value>) -> Response {
    let mut request = client.http.request(method, &client.url).bearer_auth(&client.token);
    request = request.header("Accept", "application/json, text/event-stream");
    if let Some(body) = body {
        request = request.json(&body);
    }
    let mut response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(response.chunk().await.expect("a stream").is_some());
    response
}

async fn long_call(client: &McpClient) -> Response {
    let params = json!({
        "name": "trigger-long-running-operation",
        "arguments": { "duration": 120, "steps": 2 },
        "_meta": { "progressToken": 1 },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    open(client, Method::POST, Some(body)).await
}

/// What comes until the end, and when that was.
async fn rest(mut response: Response) -> (String, Instant) {
    let read = async {
        let mut text = String::new();
        while let Ok(Some(piece)) = response.chunk().await {
            text += &String::from_utf8_lossy(&piece);
        }
        text
    };
    let text = tokio::time::timeout(PATIENCE, read).await.expect("the stream ends");
    (text, Instant::now())
}

fn streams_and_calls(stack: &Stack) {
    run(async {
        let client = McpClient::log_in(stack, "everything", "s6-revoked").await;
        let other = McpClient::log_in(stack, "everything", "s6-other").await;
        let (stream, call) = (open(&client, Method::GET, None).await, long_call(&client).await);
        let mut kept = open(&other, Method::GET, None).await;
        // In tasks of their own: the command below blocks this one.
        let (stream, call) = (tokio::spawn(rest(stream)), tokio::spawn(rest(call)));
        let begun = Instant::now();
        let revoked =
            stack.quickstart(&["admin", "token", "revoke", "--yes", "--user", "s6-revoked"]);
        assert!(revoked.status.success(), "{revoked:?}");
        let ((stream, stream_end), (call, call_end)) =
            (stream.await.expect("read"), call.await.expect("read"));
        let took = |end: Instant| end.saturating_duration_since(begun);
        println!(
            "after the command began, the stream ended in {:?} and the call in {:?}",
            took(stream_end),
            took(call_end)
        );
        assert!(!stream.contains("\"error\""), "{stream}");
        assert!(call.contains("-32000") && call.contains("revoked"), "{call}");
        let reply = client.send(Method::GET, &[], None).await;
        assert_eq!(reply.status, 401);
        // That of another person goes on: the next thing is a comment that keeps it open.
        let next = tokio::time::timeout(PATIENCE, kept.chunk()).await.expect("a comment");
        assert!(next.expect("a stream").is_some());
        assert_eq!(other.call("tools/list", json!({})).await.status, 200);
    });
}

/// A Traefik with an inner entry point, as in compose, before the auth-service of the stack.
struct Inside {
    traefik: Child,
    inside: String,
    directory: tempfile::TempDir,
}

impl Inside {
    fn start(stack: &Stack) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (public, inner) = (free_address(), free_address());
        let config = static_file(stack, directory.path(), public);
        let entry_point = format!("entryPoints:\n  inside:\n    address: \"{inner}\"\n");
        let file = directory.path().join("traefik.yml");
        fs::write(&file, config.replacen("entryPoints:\n", &entry_point, 1)).unwrap();
        let log = fs::File::create(directory.path().join("traefik.log")).unwrap();
        let traefik = like(stack.pid("traefik"))
            .arg(format!("--configFile={}", file.display()))
            .env("KEYS_ENTRY_POINT", "inside")
            .stdout(log)
            .spawn()
            .unwrap();
        await_listener(inner);
        Self { traefik, inside: format!("http://{inner}"), directory }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = self.traefik.kill();
        let _ = self.traefik.wait();
    }
}

fn inner_entry_point(stack: &Stack) {
    let gateway = Inside::start(stack);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let answer = http.get(format!("{}{path}", gateway.inside)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let position = run(async {
        let deadline = Instant::now() + PATIENCE;
        while get("/jwks").await.0 != 200 {
            assert!(Instant::now() < deadline, "Traefik does not route");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (status, text) = get("/ended-grants").await;
        assert_eq!(status, 200, "{text}");
        for path in ["/verify", "/ready", "/ended-grants/x", "/token", "/mcp"] {
            assert_eq!(get(path).await.0, 404, "{path}");
        }
        let news: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(news["reset"], true);
        news["after"].as_str().unwrap().to_owned()
    });
    // A proxy behind it, as in compose: it needs to know the keys alone.
    let listen = free_address();
    let log = gateway.directory.path().join("proxy.log");
    let mut proxy: Command = like(stack.pid("proxy"));
    let mut proxy = proxy
        .arg(format!("--listen={listen}"))
        .arg(format!("--config={}", stack.path("mcp-servers.json").display()))
        .arg(format!("--identity-jwks={}/jwks", gateway.inside))
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    await_listener(listen);
    run(async {
        let client = McpClient::log_in(stack, "time", "s6-inside").await;
        assert_eq!(client.call("tools/list", json!({})).await.status, 200);
        let revoked =
            stack.quickstart(&["admin", "token", "revoke", "--yes", "--user", "s6-inside"]);
        assert!(revoked.status.success(), "{revoked:?}");
        let (status, text) = get(&format!("/ended-grants?after={position}")).await;
        let news: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &news["reset"]), (200, &json!(false)), "{text}");
        assert!(!news["ended"].as_array().unwrap().is_empty(), "{text}");
        // Longer than the proxy believes a silent feed.
        tokio::time::sleep(Duration::from_secs(11)).await;
    });
    let _ = proxy.kill();
    let _ = proxy.wait();
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains("the gateway has") && !said.contains("ended grants"), "{said}");
    let logged = fs::read_to_string(gateway.directory.path().join("access.log")).unwrap();
    assert!(logged.contains("/jwks") && !logged.contains("/ended-grants?"), "{logged}");
}

//! A server in Go (mcp-go), whose JSON library folds case: what it makes of a message in other spellings, and
//! that none of them gets past the rules of the proxy.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
};

use gateway_tests::{proxy::Proxy, stack::root};
use serde_json::{Value, json};

/// What the rules refuse, and what they permit.
const REFUSED: &str = "current_time";
const PERMITTED: &str = "convert_timezone";

/// Messages that run the refused tool although they name another one, or another method.
const SPELLINGS: [&str; 8] = [
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"convert_timezone","NAME":"current_time","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"convert_timezone","Name":"current_time","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"convert_timezone","name":"current_time","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"ping","METHOD":"tools/call","params":{"name":"current_time","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"convert_timezone"},"PARAMS":{"name":"current_time","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"convert_timezone"},"paramſ":{"name":"current_time","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"convert_timezone"},"param\u017f":{"name":"current_time","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":6,"ID":7,"method":"tools/call","params":{"name":"current_time","arguments":{}}}"#,
];

/// The program; there is none for other machines than x64.
fn program() -> Option<PathBuf> {
    let program = root().join(".tools/servers/node_modules/mcp-time-linux-x64/bin/mcp-time");
    assert!(program.exists() || cfg!(not(target_arch = "x86_64")), "{}", program.display());
    program.exists().then_some(program)
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-03-26", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}}})
}

fn is_time(answer: &Value) -> bool {
    answer["result"]["content"][0]["text"].as_str().is_some_and(|text| text.contains('T'))
}

/// The server alone runs the tool in each of the spellings: this is what the proxy is there for.
pub fn itself() {
    let Some(program) = program() else { return };
    let mut server = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut stdin = server.stdin.take().expect("its input");
    let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    let mut ask = |message: &str| -> Value {
        writeln!(stdin, "{message}").expect("written");
        let line = lines.next().expect("an answer").expect("a line");
        serde_json::from_str(&line).expect("JSON")
    };
    ask(&initialize().to_string());
    for spelling in SPELLINGS {
        let answer = ask(spelling);
        assert!(answer["id"] == 7 && is_time(&answer), "{spelling}: {answer}");
    }
    drop(stdin);
    server.wait().expect("its end");
}

/// Behind rules none of them does, from a client of any revision, alone or in a batch.
pub fn behind_rules() {
    let Some(program) = program() else { return };
    let rules = [
        json!([PERMITTED]),
        json!({ "deny": [REFUSED] }),
        json!({ "scopes": { REFUSED: "time" } }),
    ];
    for rules in rules {
        let servers = json!({ "time": { "command": program, "tools": rules } });
        let proxy = Proxy::serving(&servers, &[]);
        let session = open(&proxy);
        for spelling in SPELLINGS {
            for body in [spelling.to_owned(), format!("[{spelling}]")] {
                refused(post(&proxy, &[("mcp-session-id", &session)], &body), &body);
            }
            let body = modern(spelling);
            let headers = [
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", PERMITTED),
            ];
            refused(post(&proxy, &headers, &body), &body);
        }
        let plain = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
            "name": REFUSED, "arguments": {}}});
        let (_, answer) = post(&proxy, &[("mcp-session-id", &session)], &plain.to_string());
        assert!(answer["error"].is_object(), "{answer}");
        let permitted = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
            "name": PERMITTED, "arguments": {
                "time": "2026-01-01T00:00:00Z", "input_timezone": "UTC", "output_timezone": "UTC"}}});
        let (status, answer) =
            post(&proxy, &[("mcp-session-id", &session)], &permitted.to_string());
        assert!(status == 200 && answer["result"].is_object(), "{answer}");
    }
}

fn refused((status, answer): (u16, Value), body: &str) {
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32600)), "{body}: {answer}");
}

/// The message with the envelope of 2026-07-28.
fn modern(text: &str) -> String {
    let envelope = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"name""#;
    text.replacen("\"name\"", envelope, 1)
}

fn open(proxy: &Proxy) -> String {
    let (_, id, _) = send(proxy, &[], &initialize().to_string());
    id.expect("a session")
}

fn post(proxy: &Proxy, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let (status, _, answer) = send(proxy, headers, body);
    (status, answer)
}

/// The status, the session and the body of an answer.
fn send(proxy: &Proxy, headers: &[(&str, &str)], body: &str) -> (u16, Option<String>, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut request = reqwest::Client::new()
            .post(proxy.url("time"))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let session = response.headers().get("mcp-session-id");
        let session = session.map(|id| id.to_str().expect("text").to_owned());
        (response.status().as_u16(), session, response.json().await.expect("JSON"))
    })
}

//! What a server writes that is not well formed: passed on if an official client reads it over stdio, else the
//! call that it can be attributed to ends at once, in each pairing of eras.

use std::thread;

use serde_json::{Value, json};

use crate::support::{
    ERA_SERVER, Modern, Proxy, SERVER, Session, call, eventually, initialize, text,
};

const STATELESS: &str = env!("CARGO_BIN_EXE_stateless-stdio-server");

/// Less than the default, so that a call that hangs fails its test soon.
const SOON: [&str; 2] = ["--request-timeout", "15"];

/// What becomes of an answer.
#[derive(Clone, Copy)]
enum Fate {
    /// It is passed on, with this in it.
    Read(&'static str),
    /// It is an error of the server's.
    Failed(i64),
    /// The call ends with an error that says this.
    Ends(&'static str),
}

use Fate::{Ends, Failed, Read};

/// `%` is the id, a letter of U+E000 to U+E0FF a byte.
const ANSWERS: &[(&str, Fate)] = &[
    // Read by an official client.
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":\"a\u{e0ff}b\"}}\n", Read("a\u{fffd}b")),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":\"\u{e0c3}(\u{e0e2}\u{e082}\"}}\n",
        Read("\u{fffd}(\u{fffd}"),
    ),
    ("{\"jsonrpc\":\"2.0\",\"id\":%.0,\"result\":{\"ok\":\"x\"}}\n", Read("x")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%e0,\"result\":{\"ok\":\"x\"}}\n", Read("x")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%0E-1,\"result\":{\"ok\":\"x\"}}\n", Read("x")),
    ("{\"jsonrpc\":\"2.0\",\"id\":\"%\",\"result\":{\"ok\":\"x\"}}\n", Read("x")),
    ("{\"jsonrpc\":\"2.0\",\"id\":\"%.0\",\"result\":{\"ok\":\"x\"}}\n", Read("x")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":\"x\"},\"error\":null}\n", Read("x")),
    (
        "{\"error\":null,\"jsonrpc\":\"2.0\",\"id\":%,\"method\":null,\"params\":null,\"result\":{\"ok\":\"x\"}}\n",
        Read("x"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":\"%\",\"result\":{\"ok\":\"\u{e0ff}\"},\"error\":null}\n",
        Read("\u{fffd}"),
    ),
    ("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":%,\"result\":{\"ok\":\"x\"}}\n", Read("x")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":null,\"result\":{\"ok\":\"x\"}}\n", Read("x")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":\"x\"},\"error\":\"\"}\n", Read("x")),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":\"x\",\"n\":NaN,\"i\":[-Infinity]}}\n",
        Read("x"),
    ),
    ("{\"jsonrpc\":\"2.0\",\r\"id\":%,\t\"result\":{\"ok\":\"x\"}}\r\n", Read("x")),
    ("[{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":\"x\"},\"error\":null}]\n", Read("x")),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":null,\"error\":{\"code\":-7,\"message\":\"no\"}}\n",
        Failed(-7),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{},\"error\":{\"code\":-7,\"message\":\"no\"}}\n",
        Failed(-7),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"error\":{\"code\":\"-7\",\"message\":\"no\",\"data\":1}}\n",
        Failed(-7),
    ),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"error\":{\"code\":-7.0,\"message\":\"no\"}}\n", Failed(-7)),
    // Read by none.
    ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{}}\n", Ends("byte order mark")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"a\":\"x\ty\"}}\n", Ends("control character")),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"a\":\"x\u{1b}[0my\"}}\n",
        Ends("control character"),
    ),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"a\":\"x\ry\"}}\n", Ends("control character")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"a\":\"x\ny\"}}\n", Ends("is cut off")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"a\":[1,\n", Ends("is cut off")),
    ("{\"jsonrpc\":\"2.0\",\"result\":{\"a\":[1,\n", Ends("is cut off")),
    ("{\n  \"jsonrpc\": \"2.0\",\n  \"id\": %,\n  \"result\": {}\n}\n", Ends("several lines")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{}}", Ends("no line break")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{}} ok\n", Ends("after the end")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"a\":'x'}}\n", Ends("not valid JSON")),
    ("[{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{}}\n", Ends("is cut off")),
    ("[7,{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":7},[]]\n", Ends("not an object")),
    ("{\"id\":%,\"result\":{}}\n", Ends("jsonrpc")),
    ("{\"jsonrpc\":\"1.0\",\"id\":%,\"result\":{}}\n", Ends("jsonrpc")),
    ("{\"jsonrpc\":2.0,\"id\":%,\"result\":{}}\n", Ends("jsonrpc")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":null}\n", Ends("neither a result nor an error")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":\"x\"}\n", Ends("not an object")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":[{}]}\n", Ends("not an object")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%}\n", Ends("neither a result nor an error")),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":null,\"error\":null}\n",
        Ends("neither a result nor an error"),
    ),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"error\":\"boom\"}\n", Ends("code and a message: boom")),
    ("{\"jsonrpc\":\"2.0\",\"id\":%,\"error\":{\"code\":-7}}\n", Ends("code and a message")),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"method\":\"tools/call\",\"result\":{}}\n",
        Ends("is a request as well"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what\"}}\n",
        Ends("no id: -32700 what"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\"what\"}}\n",
        Ends("no id: -32603 what"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32600,\"message\":\"what\"}}\n",
        Ends("no id: -32600 what"),
    ),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{\"code\":-32600,\"message\":\"what\"}}\n",
        Ends("no id"),
    ),
    ("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}\n", Ends("no id")),
];

/// Asks for each of the answers and compares what came of it.
fn try_all(pairing: &str, proxy: &Proxy, ask: impl Fn(&Value) -> Value) {
    for (raw, fate) in ANSWERS {
        let answer = ask(&json!({"raw": raw}));
        let said = format!("{pairing}: {raw}\n{answer}");
        match fate {
            Read(part) => assert!(
                answer["result"]["ok"].as_str().is_some_and(|ok| ok.contains(part)),
                "{said}"
            ),
            Failed(code) => {
                assert_eq!(
                    (&answer["error"]["code"], &answer["error"]["message"]),
                    (&json!(code), &json!("no")),
                    "{said}"
                );
            }
            Ends(why) => {
                assert_eq!(answer["error"]["code"], -32603, "{said}");
                assert!(answer["error"]["message"].as_str().unwrap().contains(why), "{said}");
                let defect = why.split(':').next().unwrap();
                let warned = |line: &str| line.contains("WARN") && line.contains(defect);
                eventually(&said, || proxy.log().lines().any(warned));
            }
        }
    }
    for warned in ["not UTF-8", "do not belong", "NaN"] {
        eventually(warned, || proxy.log().contains(warned));
        let log = proxy.log();
        let lines = log.lines().filter(|line| line.contains("WARN") && line.contains(warned));
        assert_eq!(lines.count(), 1, "{pairing}: {warned}: said once");
    }
}

#[test]
fn p2_legacy_clients_of_legacy_servers_get_what_can_be_read_and_wait_for_nothing_else() {
    let proxy = Proxy::start(&SOON);
    let session = proxy.session();
    let pid = session.pid();
    try_all("legacy to legacy", &proxy, |arguments| session.call("raw", arguments));
    assert_eq!(session.pid(), pid, "it was not started anew");
}

#[test]
fn p2_modern_clients_of_either_server_get_what_can_be_read_and_wait_for_nothing_else() {
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &SOON);
        let client = proxy.modern(json!({}));
        client.pid();
        try_all(mode, &proxy, |arguments| client.call("raw", arguments));
    }
}

#[test]
fn p2_legacy_clients_of_a_modern_server_get_what_can_be_read_and_wait_for_nothing_else() {
    let proxy = Proxy::with_command(&SOON, &[STATELESS]);
    let session = proxy.session();
    try_all("legacy to modern", &proxy, |arguments| session.call("raw", arguments));
}

/// NaN is what both SDKs make of it when they write it.
#[test]
fn p2_numbers_that_json_has_not_become_null() {
    let proxy = Proxy::start(&SOON);
    let session = proxy.session();
    let raw = r#"{"jsonrpc":"2.0","id":%,"result":{"a":NaN,"b":"NaN","c":[Infinity,-1]}}"#;
    let answer = session.call("raw", &json!({"raw": format!("{raw}\n")}));
    assert_eq!(answer["result"], json!({"a": null, "b": "NaN", "c": [null, -1]}));
}

fn raw(session: &Session<'_>, text: &str) -> Value {
    session.call("raw", &json!({"raw": text}))
}

/// With several calls in flight it cannot be told which an error without an id is about.
#[test]
fn p2_an_error_without_an_id_ends_no_call_of_several() {
    let proxy = Proxy::start(&SOON);
    let session = proxy.session();
    session.pid();
    let sleep = json!({"ms": 3000, "say": "slept"});
    thread::scope(|scope| {
        let [one, other] = [0; 2].map(|_| scope.spawn(|| session.call("sleep", &sleep)));
        eventually("they are in flight", || proxy.state()["calls"] == 2);
        let both = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"x\"}}\n{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":1}}\n";
        assert_eq!(raw(&session, both)["result"]["ok"], 1);
        assert_eq!(text(&one.join().unwrap()), "slept");
        assert_eq!(text(&other.join().unwrap()), "slept");
    });
}

/// Servers that refuse notifications as unknown methods have always worked.
#[test]
fn p2_the_refusal_of_a_notification_ends_no_call() {
    let proxy = Proxy::start(&SOON);
    let session = proxy.session();
    session.pid();
    let note = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
    assert_eq!(session.post(&note).status, 202);
    let refused = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n";
    let answered = format!("{refused}{{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{{\"ok\":1}}}}\n");
    assert_eq!(raw(&session, &answered)["result"]["ok"], 1);
    // Nothing but the call can be meant now.
    assert_eq!(raw(&session, refused)["error"]["code"], -32603);
}

/// What only quotes an answer, or is a message of its own, answers nothing.
#[test]
fn p2_logs_and_requests_on_stdout_end_no_call() {
    let proxy = Proxy::start(&SOON);
    let session = proxy.session_of(&[], "2025-11-25", &json!({"roots": {}}));
    let right = "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":1}}\n";
    for line in [
        "sending {\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{}}",
        "[debug] {\"jsonrpc\":\"2.0\",\"id\":%,\"error\":null}",
        "{\"level\":\"error\",\"id\":%,\"error\":\"no such file\"}",
        "{\"level\":\"error\",\"id\":%,\"error\":\"no such",
        "{\n  \"level\": \"info\",\n  \"id\": %\n}",
        "{\"jsonrpc\":\"2.0\",\"id\":%,\"method\":\"tools/call\",\"params\":{\"result\":",
        "{\"jsonrpc\":\"2.0\",\"id\":99999,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{\"result\":{\"a\":",
        "[[[{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{}}]]]",
        "",
    ] {
        let answer = raw(&session, &format!("{line}\n{right}"));
        assert_eq!(answer["result"]["ok"], 1, "{line}: {answer}");
    }
}

/// Requests and notifications of a server are read as leniently as its answers.
#[test]
fn p2_what_a_server_says_of_its_own_is_read_as_well() {
    let proxy = Proxy::start(&SOON);
    let session = proxy.session_of(&[], "2025-11-25", &json!({"roots": {}}));
    let lines = [
        r#"{"jsonrpc":"2.0","id":null,"method":"notifications/message","params":{"data":"a"},"result":null,"error":null}"#,
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":\"\u{e0ff}\"}}",
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":NaN}}"#,
        r#"{"jsonrpc":"2.0","id":%,"method":"roots/list","result":{},"error":null}"#,
        r#"{"jsonrpc":"2.0","id":%,"result":{"ok":1}}"#,
    ];
    let (before, answer) =
        session.post(&call(1, "raw", &json!({"raw": lines.join("\n") + "\n"}))).answer();
    assert_eq!(answer["result"]["ok"], 1, "{answer}");
    let told: Vec<_> = before.iter().map(|one| &one["params"]["data"]).collect();
    assert_eq!(told[..3], [&json!("a"), &json!("\u{fffd}"), &Value::Null], "{before:?}");
    assert_eq!(before[3]["method"], "roots/list", "{before:?}");
}

/// Two answers without a line break between them are both told.
#[test]
fn p2_two_answers_on_one_line_end_both_calls() {
    let proxy = Proxy::start(&SOON);
    let session = proxy.session();
    session.pid();
    thread::scope(|scope| {
        let hanging = scope.spawn(|| session.call("hang", &json!({})));
        let mut id = Value::Null;
        eventually("it is in flight", || {
            let received = text(&session.call("received", &json!({}))).to_owned();
            let calls: Vec<Value> = serde_json::from_str(&received).unwrap();
            id = calls.len().into();
            calls.iter().any(|one| one["params"]["name"] == "hang")
        });
        // The id of the call that hangs is one of the first.
        let lines: Vec<_> = (1..=id.as_u64().unwrap() + 3)
            .map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
            .collect();
        let answer = raw(&session, &format!("{}\n", lines.join("")));
        assert!(answer["error"]["message"].as_str().unwrap().contains("after the end"), "{answer}");
        assert_eq!(hanging.join().unwrap()["error"]["code"], -32603);
    });
}

/// The first request of all is one like any other.
#[test]
fn p2_a_defective_handshake_is_an_error_at_once() {
    for mode in ["--bom", "--null-result", "--no-id"] {
        let proxy = Proxy::with_command(&SOON, &[SERVER, mode]);
        let answer = proxy.post(&[], &initialize("2025-11-25", &json!({}))).json();
        assert!(answer["error"].is_object(), "{mode}: {answer}");
    }
    // A server is of an era even if its discovery is refused without an id.
    let proxy = Proxy::with_command(&["--probe-timeout", "60"], &[SERVER, "--no-id-to-unknown"]);
    assert!(proxy.modern(json!({})).pid() > 0);
}

/// Over the limit, too, a request of the server is not taken for an answer.
#[test]
fn p2_lines_over_the_limit_are_attributed_by_what_is_left_of_them() {
    let proxy = Proxy::start(&["--max-message", "4096"]);
    let session = proxy.session();
    let pad = "x".repeat(8192);
    for line in [
        format!(r#"{{"jsonrpc":"2.0","id":"%","result":{{"a":"{pad}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","result":{{"a":"{pad}"}},"id":%.0}}"#),
    ] {
        let answer = raw(&session, &format!("{line}\n"));
        assert!(
            answer["error"]["message"].as_str().unwrap().contains("longer than 4096"),
            "{answer}"
        );
    }
    let right = "{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{\"ok\":1}}\n";
    for line in [
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{{"a":"{pad}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":%,"method":"roots/list","params":{{"a":"{pad}"}}}}"#),
    ] {
        let answer = raw(&session, &format!("{line}\n{right}"));
        assert_eq!(answer["result"]["ok"], 1, "{answer}");
    }
}

/// A stream of a modern client that listens is one of those that wait.
#[test]
fn p2_a_subscription_that_is_answered_badly_ends() {
    let proxy = Proxy::with_command(&SOON, &[ERA_SERVER, "--modern", "--bad-subscriptions"]);
    let client: Modern<'_> = proxy.modern(json!({}));
    client.pid();
    let listen =
        client.ask("subscriptions/listen", &json!({"notifications": {"toolsListChanged": true}}));
    let answer = listen.answer().1;
    assert_eq!(answer["id"], "m");
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
}

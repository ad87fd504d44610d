//! What is checked is what the server reads: messages in spellings that lenient JSON libraries take for another
//! message, before a server that has rules and reads names as such libraries do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::{Response, send};
use crate::config::File;
use crate::support::{ERA_SERVER, Proxy, eventually, initialize, text};

/// Messages that run the tool `secret` on some server, or hide what they are; `@` is where the envelope of
/// 2026-07-28 goes. With `true`, those that do so on one that folds case and ends names at NUL.
const TABLE: &[(bool, &str)] = &[
    // The name of the tool.
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","NAME":"secret"}}"#,
    ),
    (true, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"Name":"secret"}}"#),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","nAm\u0045":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","name\u0000":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","name\u0000x":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","\u006eame":"secret"}}"#,
    ),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"secret","name":"pid"}}"#,
    ),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"\u006eame":"pid"}}"#),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","na_me":"secret"}}"#,
    ),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","na\u200bme":"secret"}}"#,
    ),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","__proto__":{"name":"secret"}}}"#,
    ),
    // The parameters.
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid"},"PARAMS":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid"},"paramſ":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid"},"param\u017f":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid"},"params\u0000":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid"},"params":{@"name":"secret"}}"#,
    ),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["secret",{}]}"#),
    (true, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","par\u0061ms":{@"name":"secret"}}"#),
    // The method.
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","METHOD":"tools/call","params":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call","params":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method\u0000":"tools/call","params":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","\u006dethod":"tools/call","params":{@"name":"secret"}}"#,
    ),
    (true, r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools/call","params":{@"name":"secret"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000","params":{@"name":"secret"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000x","params":{@"name":"secret"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{@"name":"secret"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":" tools/call","params":{@"name":"secret"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools//call","params":{@"name":"secret"}}"#),
    // One that is not known here, to a server that cuts or trims it.
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"x/tell\u0000","params":{@"name":"pid"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"x/te\u200bll","params":{@"name":"pid"}}"#),
    // The name of another tool to a server that cuts or trims it.
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"secret\u0000"}}"#),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"secret\u0000pid"}}"#,
    ),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":" secret"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"secret\u00a0"}}"#),
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"secret\ufeff"}}"#),
    // A notification and an answer that are a request, and a request that is an answer.
    (
        true,
        r#"{"jsonrpc":"2.0","method":"x/tell","METHOD":"tools/call","ID":7,"params":{@"name":"secret"}}"#,
    ),
    (
        true,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"METHOD":"tools/call","PARAMS":{@"name":"secret"}}"#,
    ),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"x/tell","result":{},"error":{},"params":{@"name":"secret"}}"#,
    ),
    // A call that is a task, and other names that decide something.
    (false, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","tasK":{}}}"#),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","reque\u017ftState":"s"}}"#,
    ),
    (false, r#"{"jsonrpc":"2.0","id":1,"ID":2,"method":"tools/call","params":{@"name":"pid"}}"#),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","_META":{"progressToken":1}}}"#,
    ),
    (
        false,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","_meta":{"ProgressToken":1}}}"#,
    ),
];

/// Members of `_meta` that some server reads as one of the envelope.
const META: &[&str] = &[
    r#""ProgressToken":1"#,
    r#""progress_token":1"#,
    r#""io.modelcontextprotocol/LogLevel":"debug""#,
    r#""IO.modelcontextprotocol/protocolVersion":"2025-11-25""#,
    r#""__proto__":{}"#,
];

/// Messages that every library reads alike, however odd they look.
const PLAIN: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{@"name":"p\u0069d","arguments":{"NAME":"secret","name\u0000":1,"name":2,"name":3}}}"#,
    r#"{"params":{@"arguments":{},"name":"pid","größe":1,"names":[],"x":{"METHOD":"tools/call"}},"method":"tools/call","id":1,"jsonrpc":"2.0","x":null}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{@"name":"pid","meta":null,"title":"Name"}}"#,
];

const ENVELOPE: &str = r#""_meta":{"io.modelcontextprotocol\/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"#;
/// How servers are spoken to by clients of each era.
const LEGACY: [&str; 2] = ["--legacy", "--modern"];
const MODERN: [&str; 2] = ["--legacy", "--dual"];

fn file(mode: &str, rules: &Value) -> File {
    let mut server = json!({"command": ERA_SERVER, "args": [mode, "--fold"]});
    if !rules.is_null() {
        server["tools"] = rules.clone();
    }
    File::new(&json!({"server": server}))
}

fn post(proxy: &Proxy, headers: &[(&str, &str)], body: &str) -> Response {
    let own =
        [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    send(proxy.port, "POST", "/server/mcp", &[&own[..], headers].concat(), body.as_bytes())
}

/// Sends a message with the secret mark `hush` in it.
fn say(proxy: &Proxy, modern: bool, row: &str) -> Response {
    let row = row.replace('@', if modern { ENVELOPE } else { r#""x":"hush","# });
    let user = [("X-User-Id", "u")];
    let headers =
        [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "pid")];
    let headers = if modern { [&user[..], &headers].concat() } else { user.to_vec() };
    post(proxy, &headers, &row)
}

fn refused(response: Response, what: &str) {
    let status = response.status;
    let answer = response.json();
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32600)), "{what}: {answer}");
}

/// What a rule refuses is refused in every spelling, of clients and servers of each era.
#[test]
fn a_message_that_a_server_may_read_otherwise_is_refused_where_there_are_rules() {
    for (modern, modes) in [(false, LEGACY), (true, MODERN)] {
        for mode in modes {
            let rules =
                [json!(["pid"]), json!({"deny": ["secret"]}), json!({"scopes": {"secret": "s"}})];
            for rules in rules {
                let file = file(mode, &rules);
                let proxy = Proxy::with(&["--config", file.path()], &[]);
                for row in PLAIN {
                    let answer = say(&proxy, modern, row).answer().1;
                    assert!(answer["result"].is_object(), "{mode}, {row}: {answer}");
                }
                for (_, row) in TABLE {
                    refused(say(&proxy, modern, row), &format!("{mode}, {rules}, {row}"));
                }
                for member in META {
                    let meta = if modern { ENVELOPE } else { r#""_meta":{"y":1},"# };
                    let meta = meta.replace(r#""_meta":{"#, &format!(r#""_meta":{{{member},"#));
                    let row = PLAIN[1].replace('@', &meta);
                    refused(say(&proxy, modern, &row), &format!("{mode}, {rules}, {row}"));
                }
                eventually("the refusal is logged", || proxy.log().contains("is refused: "));
                assert!(!proxy.log().contains("hush"), "without what it says");
            }
        }
    }
}

/// What the table is worth: a server that folds runs the tool if the message reaches it.
#[test]
fn the_rows_of_the_table_are_what_they_are_said_to_be() {
    for (runs, row) in TABLE {
        let mut server = Command::new(ERA_SERVER)
            .args(["--legacy", "--fold"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = server.stdin.take().unwrap();
        writeln!(stdin, "{}", row.replace('@', "")).unwrap();
        drop(stdin);
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let said: Vec<_> = lines.map_while(Result::ok).collect();
        server.wait().unwrap();
        assert_eq!(said.iter().any(|line| line.contains("the secret")), *runs, "{row}: {said:?}");
    }
}

/// 2026-07-28: a gateway decides by the headers, so the body must mean what they say, rules here or not.
/// Earlier: without rules a message passes as it is.
#[test]
fn without_rules_a_message_is_the_servers_business_unless_headers_speak_for_it() {
    let file = file("--dual", &Value::Null);
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    for (_, row) in TABLE {
        refused(say(&proxy, true, row), row);
    }
    let answer = say(&proxy, false, TABLE[0].1).answer().1;
    assert_eq!(text(&answer), "the secret");
}

/// No message of a batch is passed on if one of them is refused, and none is hidden in another.
#[test]
fn a_batch_is_refused_with_each_such_message_in_it() {
    let file = file("--legacy", &json!({"deny": ["secret"]}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let opened =
        post(&proxy, &[("X-User-Id", "u")], &initialize("2025-03-26", &json!({})).to_string());
    let id = opened.header("mcp-session-id").unwrap().to_owned();
    let headers = [("X-User-Id", "u"), ("Mcp-Session-Id", id.as_str())];
    let call = r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"resources"}}"#;
    assert_eq!(post(&proxy, &headers, &format!("[{call}]")).status, 200);
    for (_, row) in TABLE {
        let row = row.replace('@', "");
        refused(post(&proxy, &headers, &format!("[{call},{row}]")), &row);
    }
    // A message is no array, also where its members would be in order.
    let hidden = r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"secret"}}"#;
    for row in [
        format!(r#"["2.0",1,"ping",{hidden}]"#),
        format!(r#"["2.0",1,"ping",{hidden},null,null]"#),
        format!("[{hidden}]"),
    ] {
        refused(post(&proxy, &headers, &format!("[{row}]")), &row);
        refused(post(&proxy, &headers, &format!("[{call},{row}]")), &row);
    }
    let received = r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"received"}}"#;
    let answer = post(&proxy, &headers, received).answer().1;
    let received = text(&answer);
    assert_eq!(received.matches("resources\"").count(), 1, "{received}");
    assert!(!received.contains("secret"), "{received}");
}

/// A gateway decides by the headers whatever the revision of the body: a message of an earlier one, or a
/// notification, has none that say something else.
#[test]
fn headers_that_nobody_asked_for_say_what_the_body_says() {
    let file = file("--dual", &Value::Null);
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let opened = initialize("2025-03-26", &json!({})).to_string();
    let opened = post(&proxy, &[("X-User-Id", "u")], &opened);
    let id = opened.header("mcp-session-id").unwrap().to_owned();
    let call = r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"secret"}}"#;
    let silent = r#"{"jsonrpc":"2.0","method":"tools/call","params":{@"name":"secret"}}"#;
    let said = |body: &str, session: bool, headers: &[(&str, &str)]| {
        let own =
            [("X-User-Id", "u"), ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Session-Id", &id)];
        let own = if session { &own[..] } else { &own[..2] };
        let response = post(&proxy, &[own, headers].concat(), body);
        let status = response.status;
        (status, if status == 202 { Value::Null } else { response.answer_of_any_status() })
    };
    let (list, named) = (("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/call"));
    let (pid, secret) = (("Mcp-Name", "pid"), ("Mcp-Name", "secret"));
    for headers in [&[list][..], &[named, pid], &[pid], &[named, named], &[("Mcp-Method", "")]] {
        for body in [call, &format!("[{call}]"), &silent.replace('@', "")] {
            let (status, answer) = said(body, true, headers);
            assert_eq!(
                (status, &answer["error"]["code"]),
                (400, &json!(-32020)),
                "{headers:?} {body}"
            );
        }
        let (status, answer) = said(&silent.replace('@', ENVELOPE), false, headers);
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32020)), "{headers:?}");
    }
    for headers in [&[][..], &[named, secret], &[named], &[secret]] {
        assert_eq!(text(&said(call, true, headers).1), "the secret", "{headers:?}");
        assert_eq!(said(&silent.replace('@', ENVELOPE), false, headers).0, 202, "{headers:?}");
    }
}

/// A tool that is refused does not become another one by its case.
#[test]
fn names_of_tools_that_are_refused_are_refused_in_any_case() {
    let rules = json!({"deny": ["sec*"], "scopes": {"Pid": "s"}});
    let file = file("--dual", &rules);
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    for name in ["secret", "SECRET", "Secret", "\u{17f}ecret", "pid", "PID"] {
        let row =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}});
        let answer = say(&proxy, false, &row.to_string()).answer().1;
        let said =
            answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{name}: {answer}"));
        assert!(said.starts_with("this tool "), "{name}: {said}");
    }
}

//! The memory that a message takes is little more than its length, whatever is in it.

use serde_json::json;

use crate::client::send;
use crate::support::{Modern, Proxy, Session};

/// A long body; the longest that is taken has 16 MiB.
const BODY: usize = 6 << 20;
/// What a body may take, in MiB: it is held whole, and written to the server whole.
const MEMORY: usize = 60;

/// The most memory that the proxy has had, in MiB.
fn peak(proxy: &Proxy) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() >> 10
}

fn post(proxy: &Proxy, headers: &[(&str, &str)], body: &str) -> (u16, serde_json::Value) {
    let json = [("Content-Type", "application/json")];
    let response = send(proxy.port, "POST", "/mcp", &[headers, &json].concat(), body.as_bytes());
    (response.status, response.answer_of_any_status())
}

/// `BODY` bytes of `item`.
fn many(item: &str) -> String {
    item.repeat(BODY / item.len())
}

#[test]
fn s11_a_batch_of_many_messages_costs_little_memory() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let session: Session<'_> = proxy.session_of(&[], "2025-03-26", &json!({}));
    let before = peak(&proxy);
    for item in ["1,", "{},", "[],", "\"\","] {
        let (status, answer) = post(&proxy, &session.headers(), &format!("[{}1]", many(item)));
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32600)), "{item}");
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let pings = |count: usize| format!("[{}]", vec![ping; count].join(","));
    assert_eq!(post(&proxy, &session.headers(), &pings(65)).0, 400);
    let stream = send(
        proxy.port,
        "POST",
        "/mcp",
        &[&session.headers()[..], &[("Content-Type", "application/json")]].concat(),
        pings(64).as_bytes(),
    );
    assert_eq!(stream.status, 200);
    assert!(peak(&proxy) - before < MEMORY, "{} MiB more", peak(&proxy) - before);
}

/// Objects of many members and arrays of many items, wherever the proxy looks into them.
#[test]
fn s11_what_the_proxy_looks_into_costs_little_memory() {
    for mode in ["--legacy", "--dual"] {
        let proxy = Proxy::of_era(mode, &[]);
        let client = proxy.modern(json!({}));
        client.call("pid", &json!({}));
        let before = peak(&proxy);
        let (array, object) =
            (format!("[{}1]", many("1,")), format!("{{{}\"b\":1}}", many("\"a\":1,")));
        for (method, member) in [
            ("tools/call", format!("\"name\":\"mirrored\",\"arguments\":{{\"region\":{array}}}")),
            ("tools/call", format!("\"name\":\"mirrored\",\"arguments\":{object}")),
            (
                "tools/call",
                format!("\"name\":\"nope\",\"requestState\":\"s\",\"arguments\":{array}"),
            ),
            (
                "tools/call",
                format!("\"name\":\"nope\",\"requestState\":\"s\",\"inputResponses\":{object}"),
            ),
            ("tools/list", many("\"a\":1,").trim_end_matches(',').to_owned()),
            ("tools/list", format!("\"x\":{object},\"_meta\":{object}")),
            (
                "subscriptions/listen",
                format!("\"notifications\":{{\"resourceSubscriptions\":{array}}}"),
            ),
            ("subscriptions/listen", format!("\"notifications\":{object}")),
        ] {
            let envelope = client.request(1, method, &json!({}))["params"]["_meta"].to_string();
            let envelope = if member.contains("_meta") {
                String::new()
            } else {
                format!(",\"_meta\":{envelope}")
            };
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{member}{envelope}}}}}"#
            );
            let name = if member.contains("mirrored") { "mirrored" } else { "nope" };
            let headers = Modern::headers(&json!({"method": method, "params": {"name": name}}));
            let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            let (_, answer) = post(&proxy, &headers, &body);
            assert!(answer["error"].is_object(), "{mode}, {method}: {answer}");
        }
        let grown = peak(&proxy) - before;
        assert!(grown < MEMORY, "{mode}: {grown} MiB more");
    }
}

//! A stdio MCP server of 2026-07-28 that knows no handshake; with `--both`, one of either era, which a
//! process stays with; with `--legacy`, one that knows nothing else; with `--silent`, one that does not
//! take `subscriptions/listen`.
#![expect(clippy::indexing_slicing, reason = "a JSON value is indexed by name, and grows")]

mod later;
mod say;

use std::collections::BTreeMap;
use std::io::{self, BufRead as _};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use later::say_later;
use say::{say, say_raw};

const PREFIX: &str = "io.modelcontextprotocol";

/// What the server remembers. Statelessness is about answers: of this only tests ask.
#[derive(Default)]
struct Server {
    mode: String,
    /// It was greeted with `initialize`.
    is_legacy: bool,
    /// Every message received, in order.
    received: Vec<Value>,
    /// Who listens to what, by the id of the request.
    listeners: Vec<(Value, Value)>,
    /// Our requests to a client with a handshake: the call that waits, its key, and our id.
    asked: BTreeMap<String, (Value, Value)>,
    asks: u64,
}

fn main() -> io::Result<()> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    let mut server = Server { mode, ..Server::default() };
    for line in io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else { std::process::exit(3) };
        server.take(&message)?;
    }
    Ok(())
}

fn answer(id: &Value, mut result: Value) -> io::Result<()> {
    if result["resultType"].is_null() {
        result["resultType"] = "complete".into();
    }
    result["_meta"][format!("{PREFIX}/serverInfo")] = json!({"name": "stateless", "version": "7"});
    say(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn text(id: &Value, text: impl Into<Value>) -> io::Result<()> {
    answer(id, json!({"content": [{"type": "text", "text": text.into()}]}))
}

fn refuse(id: &Value, code: i32, message: &str, data: &Value) -> io::Result<()> {
    let error = json!({"code": code, "message": message, "data": data});
    say(&json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

fn notify(listener: &Value, method: &str, mut params: Value) -> io::Result<()> {
    params["_meta"] = json!({format!("{PREFIX}/subscriptionId"): listener, "k": 1});
    say(&json!({"jsonrpc": "2.0", "method": format!("notifications/{method}"), "params": params}))
}

fn capabilities() -> Value {
    json!({
        "tools": {"listChanged": true}, "logging": {},
        "resources": {"subscribe": true, "listChanged": true}, "extensions": {"com.example/x": {}},
    })
}

impl Server {
    fn take(&mut self, message: &Value) -> io::Result<()> {
        let (id, params) = (&message["id"], &message["params"]);
        self.received.push(message.clone());
        let Some(method) = message["method"].as_str() else { return self.answered(message) };
        if id.is_null() {
            if method == "notifications/cancelled" {
                self.listeners.retain(|(id, _)| *id != params["requestId"]);
            }
            return Ok(());
        }
        if method == "initialize" {
            return self.greet(id, params);
        }
        if self.mode == "--legacy" && !self.is_legacy {
            return refuse(id, -32601, "no handshake yet", &Value::Null);
        }
        let meta = &params["_meta"];
        let is_modern = meta[format!("{PREFIX}/protocolVersion")] == "2026-07-28"
            && meta[format!("{PREFIX}/clientCapabilities")].is_object();
        if is_modern == self.is_legacy {
            return refuse(id, -32602, "not of my era", &Value::Null);
        }
        self.serve(method, id, params)
    }

    fn greet(&mut self, id: &Value, params: &Value) -> io::Result<()> {
        if !["--both", "--legacy"].contains(&&*self.mode) {
            let data = json!({"supported": ["2026-07-28"], "requested": params["protocolVersion"]});
            return refuse(id, -32022, "there is no handshake", &data);
        }
        self.is_legacy = true;
        let info = json!({"name": "stateless", "version": "7"});
        let result = json!({
            "protocolVersion": params["protocolVersion"], "capabilities": capabilities(),
            "serverInfo": info,
        });
        say(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }

    fn serve(&mut self, method: &str, id: &Value, params: &Value) -> io::Result<()> {
        match method {
            "server/discover" => answer(
                id,
                json!({
                    "supportedVersions": ["2026-07-28"], "capabilities": capabilities(),
                    "instructions": "Be brief", "ttlMs": 1000, "cacheScope": "public", "x": [1.0],
                }),
            ),
            "tools/list" => answer(
                id,
                json!({"ttlMs": 0, "cacheScope": "private", "tools": [
                    {"name": "plain", "inputSchema": {"type": "object"}},
                    {"name": "object", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"}},
                    {"name": "array", "inputSchema": {"type": "object"}, "outputSchema": {"type": "array"}},
                ]}),
            ),
            "tools/call" => self.call(id, params),
            "subscriptions/listen" if self.mode == "--silent" => {
                refuse(id, -32601, "nobody listens here", &Value::Null)
            }
            "subscriptions/listen" => {
                self.listeners.push((id.clone(), params["notifications"].clone()));
                notify(
                    id,
                    "subscriptions/acknowledged",
                    json!({"notifications": params["notifications"]}),
                )
            }
            "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
                refuse(id, -32601, "removed", &Value::Null)
            }
            "x/slow" => {
                thread::sleep(Duration::from_millis(300));
                refuse(id, -32601, "unknown", &Value::Null)
            }
            _ => answer(id, json!({"echo": params, "method": method})),
        }
    }

    fn call(&mut self, id: &Value, params: &Value) -> io::Result<()> {
        let (arguments, meta) = (&params["arguments"], &params["_meta"]);
        match params["name"].as_str().unwrap_or_default() {
            "pid" => text(id, std::process::id().to_string()),
            "sleep" => {
                let (id, said) = (id.clone(), arguments["say"].clone());
                let pause = Duration::from_millis(arguments["ms"].as_u64().unwrap_or(0));
                thread::spawn(move || {
                    thread::sleep(pause);
                    text(&id, said)
                });
                Ok(())
            }
            "hang" => Ok(()),
            "later" => {
                say_later(arguments, id);
                text(id, "done")
            }
            "raw" => say_raw(arguments["raw"].as_str().unwrap_or_default(), id),
            "die" => std::process::exit(9),
            "received" => text(id, Value::from(self.received.clone()).to_string()),
            "ask" if self.is_legacy => self.ask(id, &arguments["requests"]),
            "ask" => ask(id, params),
            "log" => {
                let level = &meta[format!("{PREFIX}/logLevel")];
                if !level.is_null() {
                    let params = json!({"level": level, "data": arguments["say"]});
                    say(
                        &json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}),
                    )?;
                }
                text(id, "done")
            }
            "progress" => {
                for step in 1..=3 {
                    let params = json!({"progressToken": meta["progressToken"], "progress": step});
                    say(
                        &json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}),
                    )?;
                }
                text(id, "done")
            }
            "change" => self.change(id, arguments),
            "array" => answer(id, json!({"content": [], "structuredContent": [1, 2]})),
            other => refuse(id, -32602, other, &Value::Null),
        }
    }

    /// Tells those who listen that the tools have changed, or the resource `uri`.
    fn change(&self, id: &Value, arguments: &Value) -> io::Result<()> {
        for (listener, filter) in &self.listeners {
            let watched = filter["resourceSubscriptions"].as_array();
            if arguments["uri"].is_null() && filter["toolsListChanged"] == true {
                notify(listener, "tools/list_changed", json!({}))?;
            } else if watched.is_some_and(|uris| uris.contains(&arguments["uri"])) {
                notify(listener, "resources/updated", json!({"uri": arguments["uri"]}))?;
            }
        }
        text(id, self.listeners.len().to_string())
    }

    /// Asks a client with a handshake; what it says is the result of the call.
    fn ask(&mut self, id: &Value, requests: &Value) -> io::Result<()> {
        for (key, request) in requests.as_object().into_iter().flatten() {
            self.asks += 1;
            let ours = format!("q{}", self.asks);
            self.asked.insert(ours.clone(), (id.clone(), key.clone().into()));
            let (method, params) = (&request["method"], &request["params"]);
            say(&json!({"jsonrpc": "2.0", "id": ours, "method": method, "params": params}))?;
        }
        Ok(())
    }

    fn answered(&mut self, message: &Value) -> io::Result<()> {
        let asked = message["id"].as_str().and_then(|id| self.asked.remove(id));
        let Some((call, key)) = asked else { return Ok(()) };
        let answers = json!({key.as_str().unwrap_or_default(): message["result"]});
        text(&call, json!({"answers": answers}).to_string())
    }
}

/// Asks in as many rounds as told, in the last of them with the state alone if told; then says what it
/// has heard.
fn ask(id: &Value, params: &Value) -> io::Result<()> {
    let arguments = &params["arguments"];
    let state = params["requestState"].as_str();
    let round: u64 =
        state.and_then(|state| state.strip_prefix("round ")?.parse().ok()).unwrap_or(0);
    let heard = json!({"answers": params["inputResponses"], "state": state});
    if state.is_none() && !params["inputResponses"].is_null() {
        return text(id, heard.to_string());
    }
    if round == arguments["rounds"].as_u64().unwrap_or(1) {
        return text(id, heard.to_string());
    }
    let mut result = Map::from_iter([("resultType".to_owned(), json!("input_required"))]);
    if !arguments["requests"].is_null() {
        result.insert("inputRequests".to_owned(), arguments["requests"].clone());
    }
    if !arguments["rounds"].is_null() {
        result.insert("requestState".to_owned(), format!("round {}", round + 1).into());
    }
    answer(id, result.into())
}

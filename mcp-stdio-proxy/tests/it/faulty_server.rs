//! A stdio MCP server that does wrong, by tools named after the fault.

mod later;
mod reach;
mod say;

use std::collections::HashMap;
use std::io::{self, BufRead as _, Write as _};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use later::say_later;
use say::{say, say_raw};

/// What the server remembers.
#[derive(Default)]
struct Server {
    /// Every method and id received, in order.
    received: Vec<Value>,
    /// Our requests to the client: our id and the call that waits for the answer.
    asked: HashMap<String, Value>,
    asks: u64,
}

fn main() -> io::Result<()> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if mode == "--die-at-start" {
        writeln!(io::stderr(), "no such database")?;
        return Err(io::Error::other("told to die"));
    }
    let mut server = Server::default();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            writeln!(io::stderr(), "HALF A LINE: {line}")?;
            std::process::exit(3);
        };
        server.take(&mode, &message)?;
    }
    Ok(())
}

fn answer(id: &Value, result: &Value) -> io::Result<()> {
    say(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn list(mode: &str, id: &Value) -> io::Result<()> {
    match mode {
        // Checks that are asked for meanwhile wait for this one.
        "--slow-list" => {
            thread::sleep(Duration::from_millis(300));
            answer(id, &json!({"tools": [{"name": "slow"}]}))
        }
        "--no-list" => Ok(()),
        "--many-tools" => {
            let (title, description) = ("t".repeat(999), "d".repeat(9_999));
            let tool = |at: u32| {
                let name = format!("tool-{at}");
                json!({"name": name, "title": title, "description": description})
            };
            answer(id, &json!({"tools": (0..1_100).map(tool).collect::<Vec<_>>()}))
        }
        _ => answer(
            id,
            &json!({"tools": [{"name": "read_a"}, {"name": "write_b"}, {"name": "secret_c"}]}),
        ),
    }
}

fn no_id() -> io::Result<()> {
    say(&json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "what?"}}))
}

fn text(id: &Value, text: impl Into<Value>) -> io::Result<()> {
    answer(id, &json!({"content": [{"type": "text", "text": text.into()}]}))
}

impl Server {
    fn take(&mut self, mode: &str, message: &Value) -> io::Result<()> {
        let method = message["method"].as_str().unwrap_or("(answer)");
        let id = &message["id"];
        self.received.push(json!({"method": method, "params": message["params"]}));
        match method {
            _ if mode == "--mute-to-all" => Ok(()),
            "initialize" if mode == "--mute" => Ok(()),
            "initialize" if mode == "--bom" => {
                say_raw("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":%,\"result\":{}}\n", id)
            }
            "initialize" if mode == "--null-result" => answer(id, &Value::Null),
            "server/discover" if mode == "--no-id-to-unknown" => no_id(),
            _ if mode == "--no-id" => no_id(),
            "initialize" if mode == "--refuse" => say(&json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": "not you"}
            })),
            "initialize" => answer(
                id,
                &json!({
                    "protocolVersion": message.pointer("/params/protocolVersion"),
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "faulty", "version": std::process::id().to_string()},
                }),
            ),
            "tools/list" => list(mode, id),
            "notifications/initialized" if mode == "--ask-at-start" => {
                say(&json!({"jsonrpc": "2.0", "id": "r", "method": "roots/list"}))
            }
            "tools/call" => self.call(id, &message["params"]),
            "(answer)" => {
                let asked = id.as_str().and_then(|id| self.asked.remove(id));
                asked.map_or(Ok(()), |call| text(&call, message["result"].to_string()))
            }
            _ if !id.is_null() => answer(id, &json!({"echo": message["params"], "method": method})),
            _ => Ok(()),
        }
    }

    fn call(&mut self, id: &Value, params: &Value) -> io::Result<()> {
        let arguments = &params["arguments"];
        let number = |name: &str| arguments[name].as_u64().unwrap_or(0);
        match params["name"].as_str().unwrap_or_default() {
            "pid" => text(id, std::process::id().to_string()),
            "sleep" => {
                let (id, pause) = (id.clone(), Duration::from_millis(number("ms")));
                let said = arguments["say"].clone();
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
            "received" => text(id, Value::from(self.received.clone()).to_string()),
            "ask" => self.ask(id, arguments),
            "progress" => {
                let token = params.pointer("/_meta/progressToken");
                for step in 1..=number("steps") {
                    say(&json!({
                        "jsonrpc": "2.0", "method": "notifications/progress",
                        "params": {"progressToken": token, "progress": step, "message": arguments["say"]},
                    }))?;
                    thread::sleep(Duration::from_millis(number("ms")));
                }
                text(id, "done")
            }
            "notify" => {
                for count in 0..number("count").max(1) {
                    say(&json!({
                        "jsonrpc": "2.0", "method": arguments["method"],
                        "params": {"n": count, "pad": "x".repeat(usize::try_from(number("pad")).unwrap_or(0))},
                    }))?;
                }
                text(id, "done")
            }
            other => fault(other, id, arguments),
        }
    }
}

impl Server {
    /// Asks the client something; its answer will be that of call `id`.
    fn ask(&mut self, id: &Value, arguments: &Value) -> io::Result<()> {
        self.asks += 1;
        let ours = format!("q{}", self.asks);
        self.asked.insert(ours.clone(), id.clone());
        say(&json!({
            "jsonrpc": "2.0", "id": ours, "method": arguments["method"], "params": {}
        }))?;
        if arguments["cancel"] != true {
            return Ok(());
        }
        say(&json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": ours, "reason": "too late"},
        }))
    }
}

fn fault(name: &str, id: &Value, arguments: &Value) -> io::Result<()> {
    let bytes = usize::try_from(arguments["bytes"].as_u64().unwrap_or(0)).unwrap_or(0);
    match name {
        "die" => {
            writeln!(io::stderr(), "last words")?;
            std::process::exit(9)
        }
        "big" => text(id, "x".repeat(bytes)),
        "flood_stderr" => {
            let line = [b"noise ".repeat(20), b"\n".to_vec()].concat();
            for _ in 0..bytes / line.len() {
                io::stderr().write_all(&line)?;
            }
            text(id, "done")
        }
        "flood_stdout" => {
            let mut out = io::stdout().lock();
            for _ in 0..bytes / 64 {
                out.write_all(
                    &[
                        b"{\"level\": \"info\", \"not\": \"a message\"".as_slice(),
                        &[b' '; 26],
                        b"\n",
                    ]
                    .concat(),
                )?;
            }
            drop(out);
            text(id, "done")
        }
        "garbage" => {
            let mut out = io::stdout().lock();
            out.write_all(b"\n\xff\xfe\n{\n[]\n[1]\nhello\n{\"jsonrpc\":\"2.0\"}\nnull\n\r\n")?;
            let line = json!({"jsonrpc": "2.0", "id": id, "result": {"ok": true}}).to_string();
            out.write_all(line.replace(',', ",\r").as_bytes())?;
            out.write_all(b"\r\n")?;
            out.flush()
        }
        "close_stdout" => {
            let null = std::fs::File::create("/dev/null")?;
            rustix::stdio::dup2_stdout(null)?;
            Ok(())
        }
        "unknown_ids" => {
            for wrong in [json!(999_999), json!("x"), json!(-1), json!(0)] {
                text(&wrong, "to nobody")?;
            }
            text(id, "right")
        }
        other => process(other, id, arguments),
    }
}

fn process(name: &str, id: &Value, arguments: &Value) -> io::Result<()> {
    match name {
        "twice" => {
            text(id, "first")?;
            text(id, "second")
        }
        "fork" => {
            let child = std::process::Command::new("sleep")
                .arg("1000")
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::inherit())
                .spawn()?;
            text(id, child.id().to_string())
        }
        "env" => {
            let names: Vec<_> =
                std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
            text(id, names.join(" "))
        }
        "status" => text(id, std::fs::read_to_string("/proc/self/status")?),
        "limits" => text(id, std::fs::read_to_string("/proc/self/limits")?),
        "cwd" => text(id, std::env::current_dir()?.display().to_string()),
        "args" => text(id, std::env::args().skip(1).collect::<Vec<_>>().join("|")),
        _ => match reach::reach(name, arguments) {
            Some(outcome) => text(id, outcome),
            None => say(&json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": "no such tool"}
            })),
        },
    }
}

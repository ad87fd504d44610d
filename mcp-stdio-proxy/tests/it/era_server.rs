//! A stdio MCP server of one era or both, whose tools do what the eras do differently. With `--fold` after
//! the era it reads names as lenient JSON libraries do, and a batch as its messages. `--legacy-tasks` has tools
//! that run only as tasks, `--legacy-tasks-unlisted` the same, and no list of its tools,
//! `--legacy-tasks-undeclared` the same without the capability, `--legacy-tasks-lasting` without that of cancelling.
#![expect(clippy::indexing_slicing, reason = "a member that is not there is null")]

mod fold;
mod job;
mod say;

use std::collections::HashMap;
use std::io::{self, BufRead as _};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use job::Jobs;
use say::{say, say_raw};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// Which era a process speaks; one of both is fixed by the first request.
#[derive(Clone, Copy, PartialEq)]
enum Era {
    Open,
    Legacy,
    Modern,
}

struct Server {
    mode: String,
    era: Era,
    received: Vec<Value>,
    /// Our questions: our id, and the call it is about.
    asked: HashMap<String, u64>,
    /// Calls that wait for answers: how many, and those that came.
    asking: HashMap<u64, (Value, usize, Vec<Value>)>,
    asks: u64,
    /// Subscriptions by id, with their filters.
    listening: Vec<(Value, Value)>,
    resources: Vec<String>,
    level: Option<Value>,
    jobs: Jobs,
}

fn main() -> io::Result<()> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    let era = match &*mode {
        "--modern" => Era::Modern,
        mode if mode.starts_with("--legacy") => Era::Legacy,
        _ => Era::Open,
    };
    let mut server = Server {
        era,
        mode,
        received: Vec::new(),
        asked: HashMap::new(),
        asking: HashMap::new(),
        asks: 0,
        listening: Vec::new(),
        resources: Vec::new(),
        level: None,
        jobs: Jobs::default(),
    };
    let folds = std::env::args().nth(2).is_some_and(|mode| mode == "--fold");
    for line in io::stdin().lock().lines() {
        let line = line?;
        let strict = || serde_json::from_str(&line).ok();
        let message = if folds { fold::read(&line) } else { strict() };
        let message = message.ok_or_else(|| io::Error::other("not JSON"))?;
        match message.as_array() {
            Some(batch) => batch.iter().try_for_each(|message| server.take(message))?,
            None => server.take(&message)?,
        }
    }
    Ok(())
}

fn answer(id: &Value, result: &Value) -> io::Result<()> {
    say(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn fail(id: &Value, code: i64, data: &Value) -> io::Result<()> {
    say(&json!({"jsonrpc": "2.0", "id": id,
        "error": {"code": code, "message": "no", "data": data}}))
}

fn notify(method: &str, params: &Value) -> io::Result<()> {
    say(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

impl Server {
    fn take(&mut self, message: &Value) -> io::Result<()> {
        let method = message["method"].as_str().unwrap_or("(answer)");
        let (id, params) = (&message["id"], &message["params"]);
        self.received.push(json!({"method": method, "params": params, "id": id}));
        if method == "(answer)" {
            return self.answered(message);
        }
        let is_modern = params["_meta"].get(VERSION).is_some();
        if self.era == Era::Open && !id.is_null() {
            self.era = if is_modern { Era::Modern } else { Era::Legacy };
        }
        match (method, self.era) {
            ("initialize", Era::Legacy) if self.mode != "--modern" => self.initialize(id, params),
            ("initialize", _) => {
                fail(id, -32022, &json!({"supported": ["2026-07-28"], "requested": "x"}))
            }
            ("server/discover", Era::Modern) => self.discover(id),
            ("server/discover", _) if self.mode == "--legacy-strict" => std::process::exit(4),
            ("server/discover", _) if self.mode == "--legacy-silent" => Ok(()),
            // A process that serves one era refuses what is of the other.
            (_, Era::Legacy) if is_modern => fail(id, -32600, &Value::Null),
            (_, Era::Modern) if !is_modern && !id.is_null() => fail(id, -32602, &Value::Null),
            _ => self.serve(method, id, params),
        }
    }

    fn has_jobs(&self) -> bool {
        self.mode.starts_with("--legacy-tasks")
    }

    fn initialize(&self, id: &Value, params: &Value) -> io::Result<()> {
        let requests = json!({"tools": {"call": {}}});
        let tasks = match &*self.mode {
            "--legacy-tasks" | "--legacy-tasks-unlisted" => {
                json!({"list": {}, "cancel": {}, "requests": requests})
            }
            "--legacy-tasks-lasting" => json!({"requests": requests}),
            _ => json!({}),
        };
        let capabilities = json!({"tools": {"listChanged": true}, "logging": {}, "tasks": tasks,
            "resources": {"subscribe": true, "listChanged": true}, "x": 1.0});
        answer(
            id,
            &json!({"protocolVersion": params["protocolVersion"], "instructions": "be kind",
            "capabilities": capabilities, "serverInfo": self.info()}),
        )
    }

    fn info(&self) -> Value {
        json!({"name": "era", "version": std::process::id().to_string(), "mode": self.mode})
    }

    fn discover(&self, id: &Value) -> io::Result<()> {
        answer(
            id,
            &json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {"listChanged": true}, "logging": {},
                "resources": {"subscribe": true},
                "extensions": {"io.modelcontextprotocol/tasks": {}, "com.example/x": {}}}, "ttlMs": 5, "cacheScope": "public",
            "_meta": {"io.modelcontextprotocol/serverInfo": self.info()}}),
        )
    }

    fn list(&self, id: &Value) -> io::Result<()> {
        if self.mode == "--legacy-tasks-unlisted" {
            return fail(id, -32603, &Value::Null);
        }
        let mut list = json!({"tools": [
        {"name": "pid", "inputSchema": {"type": "object"}},
        {"name": "secret", "inputSchema": {"type": "object"}},
        {"name": "mirrored", "inputSchema": {"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "count": {"type": "integer", "x-mcp-header": "Count"}}}}]});
        let jobs = ["job", "job_at_once"].iter().filter(|_| self.has_jobs());
        for name in jobs {
            let tool = json!({"name": name, "inputSchema": {"type": "object"},
                "execution": {"taskSupport": "required"}});
            list["tools"].as_array_mut().into_iter().for_each(|all| all.push(tool.clone()));
        }
        if self.era == Era::Modern {
            list["ttlMs"] = 5.into();
            list["cacheScope"] = "public".into();
        }
        answer(id, &list)
    }

    fn serve(&mut self, method: &str, id: &Value, params: &Value) -> io::Result<()> {
        match method {
            "tools/list" => self.list(id),
            "tools/call" if params["name"].as_str().is_some_and(|name| name.starts_with("job")) => {
                self.jobs.call(id, params)
            }
            "tools/call" | "prompts/get" => self.call(id, params),
            method if self.has_jobs() && method.starts_with("tasks/") => {
                self.jobs.serve(method, id, params)
            }
            "resources/read" => fail(id, -32002, &json!({"uri": params["uri"]})),
            "resources/subscribe" if params["uri"] == "no:such" => fail(id, -32602, &Value::Null),
            "resources/subscribe" => {
                self.resources.extend(params["uri"].as_str().map(str::to_owned));
                answer(id, &json!({}))
            }
            "resources/unsubscribe" => {
                self.resources.retain(|uri| params["uri"] != **uri);
                answer(id, &json!({}))
            }
            "logging/setLevel" => {
                self.level = Some(params["level"].clone());
                answer(id, &json!({}))
            }
            "subscriptions/listen"
                if std::env::args().any(|mode| mode == "--bad-subscriptions") =>
            {
                answer(id, &Value::Null)
            }
            "subscriptions/listen" if self.era == Era::Modern => {
                self.listening.push((id.clone(), params["notifications"].clone()));
                notify(
                    "notifications/subscriptions/acknowledged",
                    &json!({
                    "_meta": {SUBSCRIPTION: id}, "notifications": params["notifications"]}),
                )
            }
            "notifications/cancelled" => {
                self.listening.retain(|(one, _)| *one != params["requestId"]);
                Ok(())
            }
            "x/echo" => answer(id, &json!({"params": params, "resultType": "com.example/odd"})),
            _ if id.is_null() => Ok(()),
            _ => fail(id, -32601, &Value::Null),
        }
    }

    fn call(&mut self, id: &Value, params: &Value) -> io::Result<()> {
        let arguments = &params["arguments"];
        match params["name"].as_str().unwrap_or_default() {
            "pid" => self.text(id, std::process::id().to_string()),
            "params" | "mirrored" => self.text(id, params.to_string()),
            "received" => self.text(id, Value::from(self.received.clone()).to_string()),
            "resources" => self.text(id, self.resources.join(" ")),
            "secret" => self.text(id, "the secret"),
            "hang" => Ok(()),
            "raw" => say_raw(arguments["raw"].as_str().unwrap_or_default(), id),
            "die" => std::process::exit(9),
            "sleep" => {
                let (id, pause) = (id.clone(), arguments["ms"].as_u64().unwrap_or(0));
                let result = self.result(arguments["say"].as_str().unwrap_or_default());
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(pause));
                    answer(&id, &result)
                });
                Ok(())
            }
            "progress" => {
                for step in 1..=3 {
                    notify(
                        "notifications/progress",
                        &json!({"progress": step,
                        "message": arguments["say"],
                        "progressToken": params["_meta"]["progressToken"]}),
                    )?;
                }
                self.text(id, arguments["say"].as_str().unwrap_or("done"))
            }
            "log" => {
                for level in ["debug", "error"] {
                    notify("notifications/message", &json!({"level": level, "data": level}))?;
                }
                self.text(id, "done")
            }
            "ask" => self.ask(id, arguments),
            "change" => self.change(id, arguments),
            "end_subscriptions" => self.end_subscriptions(id, arguments),
            "visit" => fail(
                id,
                -32042,
                &json!({"elicitations": [{"mode": "url", "elicitationId": "e",
                "url": "https://example.com/", "message": "visit"}]}),
            ),
            "code" => fail(id, arguments["code"].as_i64().unwrap_or(0), &Value::Null),
            _ => fail(id, -32602, &Value::Null),
        }
    }

    fn result(&self, text: &str) -> Value {
        let mut result = json!({"content": [{"type": "text", "text": text}]});
        if self.era == Era::Modern {
            result["resultType"] = "complete".into();
        }
        result
    }

    fn text(&self, id: &Value, text: impl AsRef<str>) -> io::Result<()> {
        answer(id, &self.result(text.as_ref()))
    }

    /// Asks the client: a legacy server all at once, one of 2026-07-28 by its result.
    fn ask(&mut self, id: &Value, arguments: &Value) -> io::Result<()> {
        let questions = arguments["questions"].as_array().cloned().unwrap_or_default();
        if self.era == Era::Modern {
            return answer(
                id,
                &json!({"resultType": "input_required", "requestState": "its own",
                "inputRequests": {"q": questions[0]}}),
            );
        }
        let call = id.as_u64().unwrap_or_default();
        self.asking.insert(call, (id.clone(), questions.len(), Vec::new()));
        for question in &questions {
            self.asks += 1;
            let ours = format!("q{}", self.asks);
            self.asked.insert(ours.clone(), call);
            let mut request = question.clone();
            request["jsonrpc"] = "2.0".into();
            request["id"] = ours.into();
            say(&request)?;
            thread::sleep(Duration::from_millis(arguments["pause"].as_u64().unwrap_or(0)));
        }
        if arguments["impatient"] == true {
            self.asking.remove(&call);
            return self.text(id, "without you");
        }
        Ok(())
    }

    fn answered(&mut self, message: &Value) -> io::Result<()> {
        if self.jobs.answered(message)? {
            return Ok(());
        }
        let call = message["id"].as_str().and_then(|id| self.asked.remove(id));
        let Some(call) = call else { return Ok(()) };
        let Some((id, due, answers)) = self.asking.get_mut(&call) else { return Ok(()) };
        let error = json!({"error": message["error"]["code"]});
        answers.push(message.get("result").cloned().unwrap_or(error));
        if answers.len() < *due {
            return Ok(());
        }
        let (id, text) = (id.clone(), Value::from(answers.clone()).to_string());
        self.asking.remove(&call);
        self.text(&id, text)
    }

    /// Tells of a change, of 2026-07-28 only those who listen.
    fn change(&self, id: &Value, arguments: &Value) -> io::Result<()> {
        let method = arguments["method"].as_str().unwrap_or_default();
        if self.era == Era::Modern {
            for (subscription, _) in &self.listening {
                let mut params = arguments["params"].clone();
                params["_meta"] = json!({SUBSCRIPTION: subscription});
                notify(method, &params)?;
            }
        } else {
            notify(method, &arguments["params"])?;
        }
        self.text(id, "done")
    }

    fn end_subscriptions(&mut self, id: &Value, arguments: &Value) -> io::Result<()> {
        for (subscription, _) in std::mem::take(&mut self.listening) {
            if arguments["cancel"] == true {
                notify("notifications/cancelled", &json!({"requestId": subscription}))?;
            } else {
                answer(
                    &subscription,
                    &json!({"resultType": "complete",
                    "_meta": {SUBSCRIPTION: subscription}}),
                )?;
            }
        }
        self.text(id, "done")
    }
}

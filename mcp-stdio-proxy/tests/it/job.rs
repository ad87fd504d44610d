//! Tools of the era server that run only as tasks (2025-11-25 "Tasks"), and do what their arguments say.

use std::io;

use serde_json::{Value, json};

use crate::say::say;

const RELATED: &str = "io.modelcontextprotocol/related-task";

/// A task.
struct Job {
    arguments: Value,
    token: Value,
    status: &'static str,
    /// How often its state was asked for.
    polls: u64,
    /// The requests that wait for its result.
    waiting: Vec<Value>,
    heard: Value,
}

/// The tasks of a process; their ids are their places.
#[derive(Default)]
pub(crate) struct Jobs(Vec<Job>);

fn fail(id: &Value, code: i64) -> io::Result<()> {
    say(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "no"}}))
}

fn answer(id: &Value, result: &Value) -> io::Result<()> {
    say(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

impl Jobs {
    /// Takes the call of a tool, which must be a task.
    pub(crate) fn call(&mut self, id: &Value, params: &Value) -> io::Result<()> {
        if !params["task"].is_object() {
            return fail(id, -32601);
        }
        if params["name"] == "job_at_once" {
            return answer(id, &json!({"content": [{"type": "text", "text": "at once"}]}));
        }
        let arguments = params["arguments"].clone();
        let status = if arguments["ask"].is_null() { "working" } else { "input_required" };
        let token = params["_meta"]["progressToken"].clone();
        self.0.push(Job {
            arguments,
            token,
            status,
            polls: 0,
            waiting: Vec::new(),
            heard: Value::Null,
        });
        let place = self.0.len() - 1;
        let (id, result) = (id.clone(), json!({"task": self.task(place)}));
        let pause = self.0[place].arguments["slow_start"].as_u64().unwrap_or(0);
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(pause));
            answer(&id, &result)
        });
        Ok(())
    }

    fn task(&self, place: usize) -> Value {
        let job = &self.0[place];
        json!({"taskId": format!("job-{place}"), "status": job.status, "ttl": null,
            "createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z",
            "pollInterval": job.arguments.get("interval").unwrap_or(&json!(1))})
    }

    /// Takes a request about a task.
    pub(crate) fn serve(&mut self, method: &str, id: &Value, params: &Value) -> io::Result<()> {
        let place = params["taskId"].as_str().and_then(|id| id.strip_prefix("job-")?.parse().ok());
        let Some(place) = place.filter(|place: &usize| *place < self.0.len()) else {
            return fail(id, -32602);
        };
        match method {
            "tasks/get" => self.get(place, id),
            "tasks/result" => {
                self.0[place].waiting.push(id.clone());
                if self.0[place].status == "input_required" {
                    let mut request = self.0[place].arguments["ask"].clone();
                    request["jsonrpc"] = "2.0".into();
                    request["id"] = format!("job-{place}").into();
                    request["params"]["_meta"] =
                        json!({RELATED: {"taskId": format!("job-{place}")}});
                    return say(&request);
                }
                self.tell(place)
            }
            "tasks/cancel" => {
                self.0[place].status = "cancelled";
                answer(id, &self.task(place))
            }
            _ => fail(id, -32601),
        }
    }

    fn get(&mut self, place: usize, id: &Value) -> io::Result<()> {
        let job = &mut self.0[place];
        job.polls += 1;
        let arguments = &job.arguments;
        match arguments["fault"].as_str() {
            Some("die") => std::process::exit(9),
            Some("lose") => return fail(id, -32602),
            Some("no status") => return answer(id, &json!({})),
            _ => {}
        }
        if !job.token.is_null() {
            say(&json!({"jsonrpc": "2.0", "method": "notifications/progress",
                "params": {"progressToken": job.token, "progress": job.polls}}))?;
        }
        if job.polls >= arguments["polls"].as_u64().unwrap_or(1) {
            let is_failed = arguments["error"].is_number() || arguments["is_error"] == true;
            job.status = if is_failed { "failed" } else { "completed" };
        }
        answer(id, &self.task(place))
    }

    /// Tells those that wait for the result of a task that has ended.
    fn tell(&mut self, place: usize) -> io::Result<()> {
        let job = &mut self.0[place];
        if job.arguments["fault"] == "no result" {
            return Ok(());
        }
        for id in std::mem::take(&mut job.waiting) {
            if let Some(code) = job.arguments["error"].as_i64() {
                fail(&id, code)?;
                continue;
            }
            let heard = (!job.heard.is_null()).then(|| job.heard.to_string().into());
            let long = job.arguments["long"]
                .as_u64()
                .map(|long| "x".repeat(usize::try_from(long).unwrap_or(0)).into());
            let said = heard.or(long).unwrap_or_else(|| job.arguments["say"].clone());
            answer(
                &id,
                &json!({"content": [{"type": "text", "text": said}],
                "isError": job.arguments["is_error"] == true,
                "_meta": {"k": 1, RELATED: {"taskId": format!("job-{place}")}}}),
            )?;
        }
        Ok(())
    }

    /// Takes the answer to a question of a task. Returns `false` if it is none.
    pub(crate) fn answered(&mut self, message: &Value) -> io::Result<bool> {
        let id = message["id"].as_str().and_then(|id| id.strip_prefix("job-"));
        let Some(place) = id.and_then(|id| id.parse::<usize>().ok()) else { return Ok(false) };
        self.0[place].heard = message["result"].clone();
        self.0[place].status = "completed";
        self.tell(place)?;
        Ok(true)
    }
}

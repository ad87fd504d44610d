//! The real proxy with the faulty server behind it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{PATIENCE, Response, send};

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_faulty-stdio-server");
/// The server whose era is its first argument.
pub(crate) const ERA_SERVER: &str = env!("CARGO_BIN_EXE_era-stdio-server");
pub(crate) const PROXY: &str = env!("CARGO_BIN_EXE_mcp-stdio-proxy");
const JSON: &[(&str, &str)] =
    &[("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];

/// A running proxy; dropped, it is killed.
pub(crate) struct Proxy {
    pub(crate) process: Child,
    pub(crate) port: u16,
    log: Arc<Mutex<String>>,
}

/// Waits until `what` holds.
pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    within(PATIENCE, what, holds);
}

fn within(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < patience, "did not happen in {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the process exists and is not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

impl Proxy {
    /// With the faulty server as its one server.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::with_command(options, &[SERVER])
    }

    /// With a server of the era that `mode` names.
    pub(crate) fn of_era(mode: &str, options: &[&str]) -> Self {
        Self::with_command(options, &[ERA_SERVER, mode])
    }

    /// A client of 2026-07-28 without a gateway.
    pub(crate) fn modern(&self, capabilities: Value) -> Modern<'_> {
        Modern { proxy: self, user: None, capabilities }
    }

    pub(crate) fn with_command(options: &[&str], command: &[&str]) -> Self {
        Self::with(&[options, &["--"], command].concat(), &[])
    }

    pub(crate) fn with(args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut process = Command::new(PROXY)
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .env("RUST_LOG", "debug,actix_server=warn,mio=warn")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut proxy = Self { process, port: 0, log };
        let mut port = None;
        eventually("the proxy listens", || {
            assert!(proxy.process.try_wait().unwrap().is_none(), "{}", proxy.log());
            let log = proxy.log();
            let line = log.lines().find_map(|line| line.split("listening on 127.0.0.1:").nth(1));
            // As text the line ends here, as JSON it goes on.
            port = line.and_then(|line| line.split('"').next()?.trim().parse().ok());
            port.is_some()
        });
        proxy.port = port.unwrap();
        proxy
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn post_to(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
        let headers = [JSON, headers].concat();
        send(self.port, "POST", path, &headers, body.to_string().as_bytes())
    }

    pub(crate) fn post(&self, headers: &[(&str, &str)], body: &Value) -> Response {
        self.post_to("/mcp", headers, body)
    }

    pub(crate) fn get(&self, headers: &[(&str, &str)]) -> Response {
        let headers = [&[("Accept", "text/event-stream")], headers].concat();
        send(self.port, "GET", "/mcp", &headers, b"")
    }

    /// A session of an anonymous client.
    pub(crate) fn session(&self) -> Session<'_> {
        self.session_of(&[], "2025-11-25", &json!({}))
    }

    pub(crate) fn session_of<'a>(
        &'a self,
        headers: &[(&str, &str)],
        version: &str,
        capabilities: &Value,
    ) -> Session<'a> {
        let response = self.post(headers, &initialize(version, capabilities));
        assert_eq!(response.status, 200);
        let id = response.header("mcp-session-id").expect("a session id").to_owned();
        let result = response.json();
        assert!(result["result"]["serverInfo"].is_object(), "{result}");
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let session = Session { proxy: self, id, headers };
        let done = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(session.post(&done).status, 202);
        session
    }

    /// The state that `/servers` shows of the only server.
    pub(crate) fn state(&self) -> Value {
        send(self.port, "GET", "/servers", &[], b"").json()["servers"]["server"].clone()
    }

    /// Sends TERM and returns whether it ended well.
    pub(crate) fn terminate(&mut self) -> bool {
        self.terminate_within(PATIENCE)
    }

    pub(crate) fn terminate_within(&mut self, patience: Duration) -> bool {
        let pid = rustix::process::Pid::from_raw(self.process.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut status = None;
        within(patience, "the proxy ends", || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().success()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

pub(crate) fn initialize(version: &str, capabilities: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": capabilities,
        "clientInfo": {"name": "test", "version": "1"}}})
}

/// A call of a tool.
pub(crate) fn call(id: impl Into<Value>, tool: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call",
        "params": {"name": tool, "arguments": arguments}})
}

/// The text of a result of a tool.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

/// A client.
pub(crate) struct Session<'a> {
    pub(crate) proxy: &'a Proxy,
    pub(crate) id: String,
    headers: Vec<(String, String)>,
}

impl Session<'_> {
    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain([("Mcp-Session-Id", self.id.as_str())]).collect()
    }

    pub(crate) fn post(&self, body: &Value) -> Response {
        self.proxy.post(&self.headers(), body)
    }

    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.post(&call(1, tool, arguments)).answer().1
    }

    pub(crate) fn pid(&self) -> u32 {
        text(&self.call("pid", &json!({}))).parse().unwrap()
    }

    pub(crate) fn get(&self, more: &[(&str, &str)]) -> Response {
        self.proxy.get(&[&self.headers()[..], more].concat())
    }

    pub(crate) fn delete(&self) -> Response {
        send(self.proxy.port, "DELETE", "/mcp", &self.headers(), b"")
    }
}

/// A client of 2026-07-28.
pub(crate) struct Modern<'a> {
    pub(crate) proxy: &'a Proxy,
    pub(crate) user: Option<&'a str>,
    pub(crate) capabilities: Value,
}

pub(crate) const MODERN: &str = "2026-07-28";
const META: &str = "io.modelcontextprotocol";

impl Modern<'_> {
    /// The body of a request: the envelope is added to `params`.
    pub(crate) fn request(&self, id: impl Into<Value>, method: &str, params: &Value) -> Value {
        let mut params = params.clone();
        params["_meta"][format!("{META}/protocolVersion")] = MODERN.into();
        params["_meta"][format!("{META}/clientCapabilities")] = self.capabilities.clone();
        params["_meta"][format!("{META}/clientInfo")] = json!({"name": "test", "version": "1"});
        json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
    }

    /// The headers that a request must have.
    pub(crate) fn headers(body: &Value) -> Vec<(String, String)> {
        let mut headers = vec![
            ("MCP-Protocol-Version".to_owned(), MODERN.to_owned()),
            ("Mcp-Method".to_owned(), body["method"].as_str().unwrap_or_default().to_owned()),
        ];
        let params = &body["params"];
        let names_task = body["method"]
            .as_str()
            .is_some_and(|method| ["tasks/get", "tasks/update", "tasks/cancel"].contains(&method));
        let task = params["taskId"].as_str().filter(|_| names_task);
        if let Some(name) = params["name"].as_str().or(params["uri"].as_str()).or(task) {
            headers.push(("Mcp-Name".to_owned(), name.to_owned()));
        }
        headers
    }

    pub(crate) fn send(&self, body: &Value, more: &[(&str, &str)]) -> Response {
        let own = Self::headers(body);
        let mut headers: Vec<_> =
            own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.extend(self.user.map(|user| ("X-User-Id", user)));
        headers.extend(more);
        self.proxy.post(&headers, body)
    }

    pub(crate) fn ask(&self, method: &str, params: &Value) -> Response {
        self.send(&self.request("m", method, params), &[])
    }

    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments})).answer().1
    }

    /// What the server has received that has this method.
    pub(crate) fn received(&self, method: &str) -> Vec<Value> {
        let all = self.call("received", &json!({}));
        let all: Vec<Value> = serde_json::from_str(text(&all)).unwrap();
        all.into_iter().filter(|one| one["method"] == method).collect()
    }

    pub(crate) fn pid(&self) -> u32 {
        text(&self.call("pid", &json!({}))).parse().unwrap()
    }
}

//! Two users with clients of both eras, at servers of every era, at once: whatever comes in whatever
//! order, nobody hears what is another's (property test over random interleavings). Apart from the other
//! tests, because it takes the whole machine.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

const PROXY: &str = env!("CARGO_BIN_EXE_mcp-stdio-proxy");
const SERVER: &str = env!("CARGO_BIN_EXE_stateless-stdio-server");
const META: &str = "io.modelcontextprotocol";
/// Messages that the clients send and receive, in all.
const MESSAGES: u64 = 100_000;
const SEED: u64 = 20_260_728;

/// The longest that a client waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// The proxy; dropped, it is killed.
struct Proxy {
    process: Child,
    port: u16,
}

impl Proxy {
    fn start(catalogue: &str) -> Self {
        let mut process = Command::new(PROXY)
            .args(["--listen", "127.0.0.1:0", "--config", catalogue])
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let port = log.find_map(|line| {
            line.split("listening on 127.0.0.1:").nth(1).and_then(|port| port.trim().parse().ok())
        });
        // What it says later would fill the pipe.
        thread::spawn(move || log.for_each(drop));
        Self { process, port: port.unwrap() }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A connection that is kept.
struct Connection {
    tcp: BufReader<TcpStream>,
    /// What is left of a response without length.
    streamed: bool,
    ready: VecDeque<Value>,
}

impl Connection {
    fn open(port: u16) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_nodelay(true).unwrap();
        Self { tcp: BufReader::new(tcp), streamed: false, ready: VecDeque::new() }
    }

    /// Sends a message; the session that it has opened.
    fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<String> {
        let mut text = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        );
        text += "Accept: application/json, text/event-stream\r\n";
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        let body = body.to_string();
        write!(text, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.tcp.get_mut().write_all(text.as_bytes()).unwrap();
        let status = self.line();
        assert!(status.contains(" 200 ") || status.contains(" 202 "), "{status}: {body}");
        let (mut length, mut session) = (None, None);
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse::<usize>().unwrap()),
                "mcp-session-id" => session = Some(value.to_owned()),
                _ => {}
            }
        }
        self.streamed = length.is_none();
        let mut body = vec![0; length.unwrap_or(0)];
        self.tcp.read_exact(&mut body).unwrap();
        if !body.is_empty() {
            self.ready.push_back(serde_json::from_slice(&body).unwrap());
        }
        session
    }

    /// The next message of the response; `None` at its end.
    fn next(&mut self) -> Option<Value> {
        while self.ready.is_empty() && self.streamed {
            let size = usize::from_str_radix(&self.line(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.tcp.read_exact(&mut chunk).unwrap();
            self.streamed = size > 0;
            // An event this small is written as one.
            let text = String::from_utf8(chunk).unwrap();
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            let data = data.filter(|line| !line.is_empty());
            self.ready.extend(data.map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
        self.ready.pop_front()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.tcp.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

/// A client that has one request in flight at a time, beside others of its user and of the other.
struct Lane<'a> {
    main: Connection,
    /// For what it says while it is being answered.
    side: Connection,
    path: &'a str,
    user: &'a str,
    /// One of the era with a handshake has a session.
    session: Option<String>,
    /// What is in all that it says, and in all that it hears.
    mark: String,
    random: u64,
    messages: &'a AtomicU64,
}

impl Lane<'_> {
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end
    }

    /// All that comes back; what the server asks meanwhile is answered.
    fn ask(&mut self, body: &Value) -> Vec<Value> {
        let method = body["method"].as_str().unwrap().to_owned();
        let name = body["params"]["name"].as_str().unwrap_or_default().to_owned();
        let mut headers = vec![("X-User-Id", self.user)];
        if let Some(session) = &self.session {
            headers.push(("Mcp-Session-Id", session));
        } else {
            headers.extend([("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", &method)]);
            headers.extend(Some(("Mcp-Name", &*name)).filter(|_| !name.is_empty()));
        }
        self.main.post(self.path, &headers, body);
        let mut sent = 1;
        let mut heard = Vec::new();
        while let Some(message) = self.main.next() {
            if message["id"].is_u64() && message["method"].is_string() {
                let answer =
                    json!({"jsonrpc": "2.0", "id": message["id"], "result": self.reply(&message)});
                self.side.post(self.path, &headers, &answer);
                sent += 1;
            }
            heard.push(message);
        }
        self.messages.fetch_add(sent + heard.len() as u64, Ordering::Relaxed);
        heard
    }

    /// What its user says to a question, which must be its own.
    fn reply(&self, question: &Value) -> Value {
        assert_eq!(question["params"]["message"], self.mark.as_str(), "{question}");
        json!({"action": "accept", "content": {"mark": self.mark}})
    }

    fn request(&self, params: Value) -> Value {
        let mut params = params;
        if self.session.is_none() {
            params["_meta"][format!("{META}/protocolVersion")] = "2026-07-28".into();
            params["_meta"][format!("{META}/clientCapabilities")] = json!({"elicitation": {}});
        }
        // All have the same id in flight.
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let params =
            json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": self.mark}});
        let mut heard = self.ask(&self.request(params.clone()));
        while heard.last().unwrap()["result"]["resultType"] == "input_required" {
            let required = heard.pop().unwrap()["result"].take();
            let mut again = params.clone();
            for (key, question) in required["inputRequests"].as_object().into_iter().flatten() {
                again["inputResponses"][key] = self.reply(question);
            }
            if !required["requestState"].is_null() {
                again["requestState"] = required["requestState"].clone();
            }
            heard.extend(self.ask(&self.request(again)));
        }
        let last = heard.pop().unwrap();
        for event in heard.iter().filter(|one| one["id"].is_null()) {
            assert_eq!(event["params"]["progressToken"], self.mark.as_str(), "{event}");
        }
        assert_eq!(last["id"], 1, "{last}");
        last
    }

    /// One request of a random kind.
    fn step(&mut self) {
        let (pause, mark) = (self.below(3), self.mark.clone());
        let answer = match self.below(4) {
            0 => {
                let answer = self.call("progress", &json!({}));
                assert!(answer["result"].is_object(), "{answer}");
                return;
            }
            1 => {
                let question = json!({"method": "elicitation/create", "params": {"message": mark}});
                self.call("ask", &json!({"requests": {"q": question}, "rounds": 1}))
            }
            _ => self.call("sleep", &json!({"ms": pause, "say": mark})),
        };
        let said = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
        assert!(said.contains(&self.mark), "{} hears {answer}", self.mark);
    }
}

/// A lane of `user` at `server`, with a handshake or without.
fn lane<'a>(
    port: u16,
    (path, user): (&'a str, &'a str),
    number: u64,
    messages: &'a AtomicU64,
) -> Lane<'a> {
    let (mut main, side) = (Connection::open(port), Connection::open(port));
    let has_handshake = number.is_multiple_of(2);
    let session = has_handshake.then(|| {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "test", "version": "1"}}});
        let session = main.post(path, &[("X-User-Id", user)], &hello);
        assert!(main.next().unwrap()["result"]["serverInfo"].is_object());
        session.unwrap()
    });
    let mark = format!("mark-{user}-{path}-{number}");
    let random = (SEED + number) * 2 + 1;
    Lane { main, side, path, user, session, mark, random, messages }
}

#[test]
fn two_users_with_clients_of_both_eras_hear_nothing_of_each_other() {
    let directory = std::env::temp_dir().join(format!("interleaved-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("mcp-servers.json");
    let server = |mode: &str| json!({"command": SERVER, "args": [mode]});
    let servers = json!({"mcpServers": {
        "both": server("--both"), "modern": server("--modern"), "legacy": server("--legacy"),
    }});
    std::fs::write(&file, servers.to_string()).unwrap();
    let proxy = Proxy::start(file.to_str().unwrap());
    let messages = AtomicU64::new(0);
    let paths = ["/both/mcp", "/modern/mcp", "/legacy/mcp"];
    let places: Vec<_> =
        paths.into_iter().flat_map(|path| ["a", "b"].map(|user| (path, user))).collect();
    thread::scope(|scope| {
        for (number, place) in (0..).zip(places.iter().flat_map(|place| [place; 2])) {
            let (port, messages) = (proxy.port, &messages);
            scope.spawn(move || {
                let mut lane = lane(port, *place, number, messages);
                while messages.load(Ordering::Relaxed) < MESSAGES {
                    lane.step();
                }
            });
        }
    });
    std::fs::remove_dir_all(&directory).unwrap();
    println!("{} messages", messages.into_inner());
}

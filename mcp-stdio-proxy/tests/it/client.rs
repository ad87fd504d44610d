//! A blocking HTTP/1.1 client that can do what a test needs: read half, hang up, read slowly.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The head of a response, and a body still to be read.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    chunk: usize,
}

/// An event of a stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// Sends a request on a connection of its own.
pub(crate) fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head += "Host: localhost\r\n";
    }
    if method == "POST" {
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    tcp.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    tcp.write_all(body).unwrap();
    read_head(tcp)
}

fn read_head(tcp: TcpStream) -> Response {
    let mut reader = BufReader::new(tcp);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no status: {line:?}"));
    let status = status.parse().unwrap();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Response { status, headers, reader, chunk: 0 }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The whole body.
    pub(crate) fn body(mut self) -> Vec<u8> {
        let mut all = Vec::new();
        if let Some(length) = self.header("content-length") {
            all.resize(length.parse().unwrap(), 0);
            self.reader.read_exact(&mut all).unwrap();
            return all;
        }
        // Comments come all the while on a stream that has no end.
        let start = Instant::now();
        while let Some(byte) = self.byte() {
            all.push(byte);
            assert!(start.elapsed() < 3 * PATIENCE, "the body has no end");
        }
        all
    }

    pub(crate) fn json(self) -> Value {
        let body = self.body();
        serde_json::from_slice(&body)
            .unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&body)))
    }

    /// The next event; `None` at the end. Comments and priming events are passed over.
    pub(crate) fn event(&mut self) -> Option<Event> {
        let (mut id, mut data) = (String::new(), String::new());
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < 3 * PATIENCE, "there is no event");
            let line = self.line()?;
            if let Some(value) = line.strip_prefix("id: ") {
                value.clone_into(&mut id);
            } else if let Some(value) = line.strip_prefix("data: ") {
                value.clone_into(&mut data);
            } else if line.is_empty() && !data.is_empty() {
                return Some(Event { id, data });
            }
        }
    }

    /// The answer to a request, whether it came as JSON or on a stream, and what came before it.
    pub(crate) fn answer(mut self) -> (Vec<Value>, Value) {
        assert_eq!(self.status, 200, "{:?}", self.headers);
        if self.header("content-type") == Some("application/json") {
            return (Vec::new(), self.json());
        }
        let mut before = Vec::new();
        while let Some(event) = self.event() {
            before.push(event.json());
        }
        let last = before.pop().unwrap();
        (before, last)
    }

    /// Whether the stream has ended without a message, as that of a cancelled call does.
    pub(crate) fn ends_unanswered(self) -> bool {
        let is_stream = self.header("content-type") == Some("text/event-stream");
        let body = String::from_utf8(self.body()).unwrap();
        is_stream && body.lines().filter_map(|line| line.strip_prefix("data: ")).all(str::is_empty)
    }

    /// The answer, whatever the status.
    pub(crate) fn answer_of_any_status(self) -> Value {
        if self.status == 200 { self.answer().1 } else { self.json() }
    }

    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Some(String::from_utf8(line).unwrap()),
                byte => line.push(byte),
            }
        }
    }

    /// One byte of a chunked body.
    fn byte(&mut self) -> Option<u8> {
        if self.chunk == 0 {
            let mut size = String::new();
            self.reader.read_line(&mut size).ok()?;
            self.chunk = usize::from_str_radix(size.trim(), 16).ok()?;
            if self.chunk == 0 {
                return None;
            }
        }
        let mut byte = [0];
        self.reader.read_exact(&mut byte).ok()?;
        self.chunk -= 1;
        if self.chunk == 0 {
            self.reader.read_exact(&mut [0; 2]).ok()?;
        }
        Some(byte[0])
    }
}

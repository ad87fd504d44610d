//! A stand-in for a provider, each of whose answers a test can write itself, byte for byte.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

/// A way to answer.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Status 200 with this JSON.
    Json(Value),
    /// A status line, headers and a body.
    Raw(&'static str, String, Vec<u8>),
    /// Status 200, then a byte a second.
    Drip,
    /// Nothing, on an open connection.
    Silence,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

#[derive(Default)]
struct State {
    replies: HashMap<String, Reply>,
    seen: Vec<Seen>,
}

/// A running stand-in. Its thread ends with the process.
pub(crate) struct StandIn {
    pub(crate) base: String,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(connection, &state));
            }
        });
        Self { base, state }
    }

    pub(crate) fn answer(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    pub(crate) fn json(&self, path: &str, value: Value) {
        self.answer(path, Reply::Json(value));
    }

    /// Answers 503 from now on.
    pub(crate) fn fail(&self, path: &str) {
        self.answer(path, Reply::Raw("503 Service Unavailable", String::new(), Vec::new()));
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen(path).len()
    }

    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        state.seen.iter().filter(|seen| seen.path == path).cloned().collect()
    }
}

fn serve(mut connection: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let reply = {
        let mut state = state.lock().unwrap();
        state.seen.push(Seen { path: path.clone(), authorization, body });
        state.replies.get(&path).cloned()
    };
    let not_found = Reply::Raw("404 Not Found", String::new(), Vec::new());
    // A client that has enough may be gone.
    let _ = write(&mut connection, reply.unwrap_or(not_found));
}

fn write(connection: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    let (status, headers, body) = match reply {
        Reply::Json(value) => {
            let headers = "Content-Type: application/json\r\n".to_owned();
            ("200 OK", headers, value.to_string().into_bytes())
        }
        Reply::Raw(status, headers, body) => (status, headers, body),
        Reply::Silence => {
            thread::sleep(Duration::from_mins(1));
            return Ok(());
        }
        Reply::Drip => {
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
            for _ in 0..60 {
                connection.write_all(b" ")?;
                thread::sleep(Duration::from_secs(1));
            }
            return Ok(());
        }
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    connection.write_all(head.as_bytes())?;
    connection.write_all(&body)
}

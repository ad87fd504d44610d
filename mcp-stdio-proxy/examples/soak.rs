//! Full load on the proxy for a long time: no error, no growth of memory, no file left open.
//!
//! usage: soak [SECONDS [CALLS]]      until the first of both; 900 and 10,000,000
//!
//! Every tenth call is answered on a stream, with progress before the answer. Each lane gives up its
//! session after some time and opens another, one in four without a word of goodbye.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for the developer: it stops at what it does not expect, and prints"
)]

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Clients at once, each with a connection and sessions of its own.
const LANES: usize = 16;
/// Calls of a session.
const SESSION: usize = 20_000;
/// A process of an abandoned session ends after this many seconds.
const IDLE: &str = "5";
/// By then all of them have ended.
const SETTLED: Duration = Duration::from_secs(20);
/// What the proxy may have open for a lane: its connection, three pipes and the pidfd of its process,
/// and those of the process it abandoned last.
const FILES_OF_A_LANE: usize = 1 + 4 + 4;

static CALLS: AtomicU64 = AtomicU64::new(0);
static ERRORS: AtomicU64 = AtomicU64::new(0);
static OVER: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "echo").is_some() {
        return echo().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let mut number = |usual| arguments.next().map_or(usual, |text| text.parse().expect("a number"));
    let (seconds, calls) = (number(900), number(10_000_000));
    let (mut proxy, address) = start();
    // Its workers open their files when it listens already.
    thread::sleep(Duration::from_secs(1));
    let before = sample(proxy.id()).files;
    let samples = thread::scope(|scope| {
        for lane in 0..LANES {
            let address = &address;
            scope.spawn(move || run(lane, address));
        }
        let samples = watch(proxy.id(), Duration::from_secs(seconds), calls);
        OVER.store(true, Ordering::Relaxed);
        samples
    });
    let after = settle(proxy.id(), before);
    proxy.kill().expect("the proxy runs");
    verdict(&samples, before, after)
}

/// The proxy that was built with this program, and where it listens.
fn start() -> (Child, String) {
    let own = std::env::current_exe().expect("a path");
    let release = own.parent().and_then(Path::parent).expect("target/release");
    let mut proxy = Command::new(release.join("mcp-stdio-proxy"))
        .args(["--listen", "127.0.0.1:0", "--idle-timeout", IDLE, "--session-timeout", IDLE, "--"])
        .arg(&own)
        .arg("echo")
        .env("RUST_LOG", "info,access=off")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the proxy starts");
    let mut log = BufReader::new(proxy.stderr.take().expect("a pipe")).lines();
    let mut lines = log.by_ref().map_while(Result::ok);
    let address = lines.find_map(|line| line.split("listening on ").nth(1).map(str::to_owned));
    thread::spawn(move || log.map_while(Result::ok).for_each(drop));
    (proxy, address.expect("an address"))
}

/// What is to be seen of the proxy from outside.
struct Sample {
    calls: u64,
    kilobytes: u64,
    /// The open files, which root alone can see: the proxy is not dumpable.
    files: Option<usize>,
}

fn watch(pid: u32, time: Duration, calls: u64) -> Vec<Sample> {
    let every = Duration::from_mins(1).min(time / 6);
    let (start, mut samples) = (Instant::now(), Vec::new());
    println!(
        "{:>8} {:>12} {:>9} {:>7} {:>9} {:>6}",
        "seconds", "calls", "calls/s", "errors", "RSS KiB", "files"
    );
    while start.elapsed() < time && CALLS.load(Ordering::Relaxed) < calls {
        let last = CALLS.load(Ordering::Relaxed);
        let until = Instant::now() + every;
        while Instant::now() < until && CALLS.load(Ordering::Relaxed) < calls {
            thread::sleep(Duration::from_millis(100));
        }
        let sample = sample(pid);
        println!(
            "{:>8} {:>12} {:>9} {:>7} {:>9} {:>6}",
            start.elapsed().as_secs(),
            sample.calls,
            (sample.calls - last) / every.as_secs().max(1),
            ERRORS.load(Ordering::Relaxed),
            sample.kilobytes,
            shown(sample.files),
        );
        samples.push(sample);
    }
    samples
}

fn sample(pid: u32) -> Sample {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the proxy runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kilobytes = line.trim().trim_end_matches(" kB").parse().expect("a number");
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok().map(Iterator::count);
    Sample { calls: CALLS.load(Ordering::Relaxed), kilobytes, files }
}

fn shown(files: Option<usize>) -> String {
    files.map_or_else(|| "-".to_owned(), |files| files.to_string())
}

/// How many files are open when no client is left: under load their number goes up and down with the
/// sessions that wait for their end.
fn settle(pid: u32, before: Option<usize>) -> Option<usize> {
    let until = Instant::now() + SETTLED;
    loop {
        let files = sample(pid).files;
        if files <= before || Instant::now() > until {
            return files;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// After the first sample the memory may not grow by more than a tenth. No lane may have more files than
/// are its own, and none may be left open, as far as they can be seen.
fn verdict(samples: &[Sample], before: Option<usize>, after: Option<usize>) -> ExitCode {
    let (Some(first), errors) = (samples.first(), ERRORS.load(Ordering::Relaxed)) else {
        return ExitCode::FAILURE;
    };
    let kilobytes = samples.iter().map(|sample| sample.kilobytes).max().unwrap_or_default();
    let files = samples.iter().map(|sample| sample.files).max().unwrap_or_default();
    let allowed = before.map(|before| before + LANES * FILES_OF_A_LANE);
    let closed = files <= allowed && after <= before;
    let flat = kilobytes * 10 <= first.kilobytes * 11 && closed;
    let calls = samples.last().map_or(0, |sample| sample.calls);
    println!(
        "{calls} calls, {errors} errors; RSS {} -> at most {kilobytes} KiB; files {} before, at most {}, {} after: {}",
        first.kilobytes,
        shown(before),
        shown(files),
        shown(after),
        if flat && errors == 0 { "flat" } else { "NOT as it should be" },
    );
    if flat && errors == 0 && calls > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One client, until all is over.
fn run(lane: usize, address: &str) {
    let mut session = 0;
    while !OVER.load(Ordering::Relaxed) {
        session += 1;
        if let Err(error) = use_session(lane, session, address) {
            ERRORS.fetch_add(1, Ordering::Relaxed);
            eprintln!("lane {lane}, session {session}: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn use_session(lane: usize, session: usize, address: &str) -> io::Result<()> {
    let mut client = Client::connect(address)?;
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "soak", "version": "1"}}});
    client.ask("POST", &hello)?;
    client.ask("POST", &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
    // Not all lanes at once.
    for round in 0..SESSION + lane * 500 {
        if OVER.load(Ordering::Relaxed) {
            break;
        }
        let said = format!("{lane}-{session}-{round}");
        let mut params = json!({ "name": "echo", "arguments": { "say": said } });
        if round.is_multiple_of(10) {
            params["_meta"] = json!({ "progressToken": round });
        }
        // The same id each time.
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let answer = client.ask("POST", &call)?;
        if !answer.contains(&format!("\"{said}\"")) || !answer.contains("\"id\":1") {
            return Err(io::Error::other(format!("{said} is answered with {answer}")));
        }
        if round.is_multiple_of(10) && answer.matches("notifications/progress").count() != 2 {
            return Err(io::Error::other(format!("progress is missing: {answer}")));
        }
        CALLS.fetch_add(1, Ordering::Relaxed);
    }
    if !session.is_multiple_of(4) {
        client.ask("DELETE", &Value::Null)?;
    }
    Ok(())
}

/// A connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
    session: Option<String>,
}

impl Client {
    fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream), session: None })
    }

    /// Sends a message, and returns the body of the answer.
    fn ask(&mut self, method: &str, message: &Value) -> io::Result<String> {
        let body = if message.is_null() { String::new() } else { message.to_string() };
        let session = self.session.as_ref().map(|id| format!("Mcp-Session-Id: {id}\r\n"));
        let request = format!(
            "{method} /mcp HTTP/1.1\r\nHost: localhost\r\n{}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
            session.unwrap_or_default(),
            body.len(),
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut head = Vec::new();
        while head.last().is_none_or(|line: &String| !line.trim_end().is_empty()) {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            head.push(line);
        }
        if !head[0].starts_with("HTTP/1.1 2") {
            return Err(io::Error::other(head[0].clone()));
        }
        let header = |name: &str| {
            let lines = head.iter().filter_map(|line| line.split_once(':'));
            let mut found = lines.filter(|(one, _)| one.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| value.trim().to_owned())
        };
        self.session = header("mcp-session-id").or_else(|| self.session.take());
        let chunked = header("transfer-encoding").is_some();
        let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        if chunked { self.chunks() } else { self.exactly(length) }
    }

    fn exactly(&mut self, length: usize) -> io::Result<String> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        String::from_utf8(body).map_err(io::Error::other)
    }

    fn chunks(&mut self) -> io::Result<String> {
        let mut body = String::new();
        loop {
            let mut size = String::new();
            self.stream.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
            body += &self.exactly(size)?;
            self.exactly(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

/// The server: answers with the arguments, after two notifications of progress if they are wanted.
fn echo() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?).map_err(io::Error::other)?;
        let (id, params) = (&message["id"], &message["params"]);
        if id.is_null() {
            continue;
        }
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": params["protocolVersion"], "capabilities": { "tools": {} },
                "serverInfo": { "name": "echo", "version": "1" },
            }),
            _ => json!({ "content": [{ "type": "text", "text": params["arguments"]["say"] }] }),
        };
        if let Some(token) = params.pointer("/_meta/progressToken") {
            for progress in [1, 2] {
                let params = json!({ "progressToken": token, "progress": progress });
                let note = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
                writeln!(out, "{note}")?;
            }
        }
        writeln!(out, "{}", json!({ "jsonrpc": "2.0", "id": id, "result": result }))?;
        out.flush()?;
    }
    Ok(())
}

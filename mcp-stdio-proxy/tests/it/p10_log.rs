//! The log never stops the service: a stderr that nobody reads, or that is closed, costs lines and nothing else.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::json;

use crate::client::{PATIENCE, send};
use crate::support::{PROXY, SERVER, eventually, initialize};

/// Requests whose lines are more than the pipe and the proxy hold.
const REQUESTS: usize = 8000;

/// A proxy whose log is read up to the address that it listens on.
struct Unread {
    process: Child,
    /// Dropped, it is closed.
    stderr: Option<BufReader<ChildStderr>>,
    port: u16,
}

impl Unread {
    fn start(command: &[&str]) -> Self {
        let mut process = Command::new(PROXY)
            .args(["--listen", "127.0.0.1:0", "--"])
            .args(command)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::with_capacity(1, process.stderr.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it does not listen");
            if let Some((_, port)) = line.split_once("listening on 127.0.0.1:") {
                break port.trim().parse().unwrap();
            }
        };
        Self { process, stderr: Some(stderr), port }
    }

    /// Sends `count` requests that are refused and logged, and returns how many were answered.
    fn flood(&self, count: usize) -> usize {
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "m".repeat(128)}).to_string();
        let request = move |more: &str| {
            format!(
                "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 X-Request-Id: {}\r\nContent-Length: {}\r\n{more}\r\n{body}",
                "i".repeat(128),
                body.len()
            )
        };
        let mut writer = tcp.try_clone().unwrap();
        let sent = std::thread::spawn(move || {
            for _ in 1..count {
                writer.write_all(request("").as_bytes())?;
            }
            writer.write_all(request("Connection: close\r\n").as_bytes())
        });
        let mut answers = Vec::new();
        let _read = BufReader::new(tcp).read_to_end(&mut answers);
        let _sent = sent.join().unwrap();
        String::from_utf8_lossy(&answers).matches("HTTP/1.1 400").count()
    }

    /// The next line of the log.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stderr.as_mut().unwrap().read_line(&mut line).unwrap();
        assert!(read > 0, "the log has ended");
        line
    }

    fn healthy(&self) -> bool {
        send(self.port, "GET", "/healthz", &[], b"").status == 200
    }

    fn terminate(&mut self) {
        let pid = rustix::process::Pid::from_raw(self.process.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut status = None;
        eventually("it ends", || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        assert!(status.unwrap().success());
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A server that fills its own stderr.
fn noisy() -> String {
    format!("yes noise >&2 & exec {SERVER}")
}

#[test]
fn p10_an_unread_stderr_stops_nothing_and_what_was_dropped_is_counted() {
    let mut proxy = Unread::start(&["sh", "-c", &noisy()]);
    let hello = initialize("2025-11-25", &json!({})).to_string();
    let headers = [("Content-Type", "application/json"), ("Accept", "*/*")];
    assert_eq!(send(proxy.port, "POST", "/mcp", &headers, hello.as_bytes()).status, 200);
    assert_eq!(proxy.flood(REQUESTS), REQUESTS);
    assert!(proxy.healthy());
    // Nor does the server wait for a reader.
    assert_eq!(send(proxy.port, "POST", "/mcp", &headers, hello.as_bytes()).status, 200);
    // Somebody reads again.
    let (mut logged, mut dropped) = (0, 0);
    while dropped == 0 {
        let line = proxy.line();
        logged += usize::from(line.contains("iiii"));
        let number = line.split_once("] dropped ").and_then(|(_, rest)| rest.split_once(" lines"));
        dropped = number.map_or(0, |(number, _)| number.parse().unwrap());
    }
    assert!(logged + dropped >= REQUESTS && logged < REQUESTS, "{logged} + {dropped}");
    assert_eq!(proxy.flood(1), 1);
    while !proxy.line().contains("iiii") {}
}

#[test]
fn p10_an_unread_stderr_does_not_keep_the_proxy_from_ending() {
    let mut proxy = Unread::start(&[SERVER]);
    assert_eq!(proxy.flood(REQUESTS), REQUESTS);
    proxy.terminate();
}

#[test]
fn p10_the_last_lines_are_written_before_the_end() {
    let mut proxy = Unread::start(&[SERVER]);
    proxy.terminate();
    let mut rest = String::new();
    proxy.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
    assert!(rest.contains("shutting down"), "{rest}");
}

#[test]
fn p10_a_closed_stderr_stops_nothing() {
    let mut proxy = Unread::start(&["sh", "-c", &noisy()]);
    proxy.stderr = None;
    assert_eq!(proxy.flood(100), 100);
    assert!(proxy.healthy());
    proxy.terminate();
}

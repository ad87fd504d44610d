//! The log never stops the service: a stderr that nobody reads costs lines and nothing else.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use gateway_tests::redis::Redis;

const PROGRAM: &str = env!("CARGO_BIN_EXE_auth-service");
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests whose lines are more than the pipe and the service hold.
const REQUESTS: usize = 1000;

/// Dropped, it is killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Sends `count` requests with a long path on one connection, and returns how many were answered.
fn ask(port: u16, path: &str, count: usize) -> usize {
    let tcp = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.set_write_timeout(Some(PATIENCE)).unwrap();
    let request = |more: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let all = request("").repeat(count - 1) + &request("Connection: close\r\n");
    let mut writer = tcp.try_clone().unwrap();
    let sent = std::thread::spawn(move || writer.write_all(all.as_bytes()));
    let mut answers = Vec::new();
    let _read = BufReader::new(tcp).read_to_end(&mut answers);
    let _sent = sent.join().unwrap();
    String::from_utf8_lossy(&answers).matches("HTTP/1.1 ").count()
}

#[test]
fn p10_an_unread_stderr_stops_nothing_and_what_was_dropped_is_counted() {
    let redis = Redis::start();
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key.pem");
    let servers = directory.path().join("servers.json");
    std::fs::write(&servers, r#"{"mcpServers": {"one": {"command": "x"}}}"#).unwrap();
    let made = Command::new(PROGRAM).args(["key", "generate", "--out"]).arg(&key).status();
    assert!(made.unwrap().success());
    let port = gateway_tests::port::free_port();
    let mut service = Command::new(PROGRAM)
        .arg("serve")
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("BASE_DOMAIN", "mcp.localhost")
        .env("AUTH_LISTEN", format!("127.0.0.1:{port}"))
        .env("REDIS_URL", redis.url())
        .env("SIGNING_KEY_FILE", &key)
        .env("MCP_SERVERS_FILE", &servers)
        .env("LOCAL_LOGIN", "true")
        .env("RUST_LOG", "info,access=debug")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::with_capacity(1, service.stderr.take().unwrap());
    let _service = Running(service);
    let mut line = String::new();
    while !line.contains("listening on") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it does not listen");
    }
    let path = format!("/{}", "long".repeat(1000));
    assert_eq!(ask(port, &path, REQUESTS), REQUESTS);
    assert_eq!(ask(port, "/health", 1), 1);
    // Somebody reads again.
    let (mut logged, mut dropped) = (0, 0);
    while dropped == 0 {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "no report");
        logged += usize::from(line.contains("longlong"));
        let number = line.split_once("] dropped ").and_then(|(_, rest)| rest.split_once(" lines"));
        dropped = number.map_or(0, |(number, _)| number.parse().unwrap());
    }
    assert!(logged + dropped >= REQUESTS && logged < REQUESTS, "{logged} + {dropped}");
}

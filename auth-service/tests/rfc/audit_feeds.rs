//! Events of proxies: each is added once, whatever is interrupted, and a proxy is believed only what it can know.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::Gateway;

/// A proxy that has these events, numbered from 101, and says how many it has dropped.
struct Proxy {
    url: String,
    events: Arc<Mutex<Vec<Value>>>,
    /// The positions that were asked for.
    asked: Arc<Mutex<Vec<u64>>>,
}

impl Proxy {
    fn start(lost: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (events, asked) =
            (Arc::<Mutex<Vec<Value>>>::default(), Arc::<Mutex<Vec<u64>>>::default());
        let (told, noted) = (Arc::clone(&events), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).unwrap();
                let number =
                    line.split("/audit?after=").nth(1).and_then(|rest| rest.split(' ').next());
                let Some(after) = number.and_then(|number| number.parse::<u64>().ok()) else {
                    continue;
                };
                noted.lock().unwrap().push(after);
                let events = told.lock().unwrap();
                let seen = usize::try_from(after.saturating_sub(100)).unwrap();
                // Two at a time.
                let page: Vec<_> = events.iter().skip(seen).take(2).collect();
                let end = 100 + (seen + page.len()) as u64;
                let lost = if after == 0 { lost } else { 0 };
                let body = json!({"after": end, "lost": lost, "events": page}).to_string();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len());
                let _sent = write!(&stream, "{head}Connection: close\r\n\r\n{body}");
            }
        });
        Self { url, events, asked }
    }

    fn add(&self, number: usize, kind: &str) {
        let id = format!("0197a1b2-c3d4-7000-8f21-{number:012}");
        self.events.lock().unwrap().push(json!({
            "v": 1, "id": id, "time": "2025-11-29T16:02:11.120Z", "event": kind, "outcome": "ok",
            "server": "time", "by": "mcp-stdio-proxy@test",
        }));
    }
}

/// The events in the stream, by kind.
fn events(gateway: &Gateway, kind: &str) -> Vec<Value> {
    let lines = gateway.redis.cli(&["XRANGE", "mcpgw:audit", "-", "+"]);
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|event| event["event"] == kind).collect()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn audit_events_of_a_proxy_are_added_once() {
    let proxy = Proxy::start(7);
    for number in 0..5 {
        proxy.add(number, "tool.called");
    }
    proxy.add(5, "grant.created");
    let gateway = Gateway::with(&[("PROXIES", &format!("time={}", proxy.url))]);
    until("five calls are added", || events(&gateway, "tool.called").len() == 5).await;
    until("the lost ones are told", || events(&gateway, "audit.lost").len() == 1).await;
    assert_eq!(events(&gateway, "audit.lost")[0]["count"], 7);
    proxy.add(6, "server.failed");
    until("the failure is added", || events(&gateway, "server.failed").len() == 1).await;
    assert!(events(&gateway, "grant.created").is_empty(), "a proxy makes no grants");
    // The position is forgotten, as after a crash before it was written: nothing is added twice.
    gateway.redis.cli(&["DEL", "mcpgw:audit-feeds"]);
    proxy.asked.lock().unwrap().clear();
    until("it is read from the start", || proxy.asked.lock().unwrap().contains(&106)).await;
    assert!(proxy.asked.lock().unwrap().contains(&0));
    assert_eq!(events(&gateway, "tool.called").len(), 5);
    assert_eq!(gateway.redis.cli(&["HGET", "mcpgw:audit-feeds", "time"]).trim(), "107");
}

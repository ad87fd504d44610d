//! The real program, killed under load: no change is without its event, and no event is lost or doubled.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use gateway_tests::port::free_address;
use serde_json::{Value, json};

use crate::support::{CALLBACK, Gateway};

/// How often the program is killed.
const KILLS: u32 = 6;

/// Registers clients that have secrets, so that none is shared, and deletes every second one.
async fn load(http: reqwest::Client, base: String, stop: Arc<AtomicBool>) -> usize {
    let mut done = 0;
    while !stop.load(SeqCst) {
        let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post" });
        let answer = http.post(format!("{base}/register")).json(&metadata).send().await;
        let Ok(answer) = answer else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        if answer.status() != 201 {
            continue;
        }
        let Ok(client) = answer.json::<Value>().await else { continue };
        done += 1;
        let text = |name: &str| client[name].as_str().unwrap_or("").to_owned();
        if done % 2 == 0 {
            let url = format!("{base}/register/{}", text("client_id"));
            let delete = http.delete(url).bearer_auth(text("registration_access_token"));
            let _lost = delete.send().await;
        }
    }
    done
}

fn serve(gateway: &Gateway, address: &str) -> Child {
    let mut serve = gateway.command(&["serve"]);
    serve.env("AUTH_LISTEN", address).env("AUDIT_LOG", gateway.path("audit.log"));
    // Rotation happens, too.
    serve.env("LOG_MAX_SIZE", "100KB").env("LOG_KEEP", "1000").env("AUTH_WORKERS", "2");
    serve.env("CLIENT_UNUSED_LIFETIME", "0").stderr(Stdio::null()).spawn().unwrap()
}

/// The ids of events and of their clients, by kind, in all files of the log.
fn files(gateway: &Gateway) -> Vec<Value> {
    let directory = gateway.path("audit.log").parent().unwrap().to_owned();
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let logs =
        files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("audit.log"));
    let text: String = logs.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one scenario, step by step")]
async fn a_program_that_is_killed_under_load_loses_and_doubles_no_event() {
    let mut gateway = Gateway::start();
    // It would move events, too, and writes no file.
    gateway.stop().await;
    // An address of its own: while the program is down, another test could take the port.
    let address = format!("127.0.0.77:{}", free_address().port());
    let base = format!("http://{address}");
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..4)
        .map(|_| tokio::spawn(load(gateway.http.clone(), base.clone(), Arc::clone(&stop))))
        .collect();
    for number in 0..KILLS {
        let mut program = serve(&gateway, &address);
        let deadline = Instant::now() + Duration::from_secs(30);
        while gateway.http.get(format!("{base}/health")).send().await.is_err() {
            assert!(Instant::now() < deadline, "it does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(u64::from(700 + 130 * number))).await;
        // SIGKILL.
        program.kill().unwrap();
        program.wait().unwrap();
    }
    stop.store(true, SeqCst);
    let mut done = 0;
    for load in loads {
        done += load.await.unwrap();
    }
    assert!(done > 50, "only {done} registrations");
    let mut program = serve(&gateway, &address);
    let deadline = Instant::now() + Duration::from_mins(1);
    let waiting =
        || gateway.redis.cli(&["EVAL", "return #redis.call('KEYS', 'mcpgw:outbox:*')", "0"]);
    while waiting().trim() != "0" {
        assert!(Instant::now() < deadline, "{} outboxes are left", waiting());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    program.kill().unwrap();
    program.wait().unwrap();
    let stream = gateway.cli_list(&["audit", "search", "--json"]);
    let file = files(&gateway);
    for events in [&stream, &file] {
        let mut ids = BTreeMap::<&str, u32>::new();
        for event in events {
            *ids.entry(event["id"].as_str().unwrap()).or_default() += 1;
        }
        assert!(ids.values().all(|count| *count == 1), "duplicate event");
    }
    let of = |events: &[Value], kind: &str| -> BTreeSet<String> {
        let of_kind = events.iter().filter(|event| event["event"] == kind);
        of_kind.map(|event| event["client"]["id"].as_str().unwrap().to_owned()).collect()
    };
    let keys = gateway.redis.cli(&["KEYS", "mcpgw:client:*"]);
    let live: BTreeSet<String> = keys
        .lines()
        .filter_map(|key| key.strip_prefix("mcpgw:client:"))
        .map(str::to_owned)
        .collect();
    for (name, events) in [("stream", &stream), ("file", &file)] {
        let (registered, deleted) = (of(events, "client.registered"), of(events, "client.deleted"));
        let counts = (registered.len(), deleted.len(), done);
        assert!(deleted.len() > 10 && registered.len() >= done, "{name}: {counts:?}");
        let left: BTreeSet<_> = registered.difference(&deleted).cloned().collect();
        assert_eq!(left, live, "{name}");
    }
}

//! The relay moves each event once, wherever it is interrupted.

use std::collections::BTreeSet;

use auth_service::model::User;
use gateway_contract::audit::EventKind;

use crate::audit_stage::Stage;

/// The relay ends between any two of its requests, again and again, and events come meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn the_relay_moves_each_event_once_wherever_it_ends() {
    let stage = Stage::new();
    let near = stage.store();
    let (mut posted, mut cuts) = (0, 0);
    for last_arrives in [false, true] {
        for requests in 0.. {
            for _ in 0..3 {
                near.audit.post(near.audit.draft(EventKind::BackupCreated)).await.unwrap();
                posted += 1;
            }
            let far = stage.far().await;
            stage.end_lease();
            stage.link.cut_after(requests, last_arrives);
            let done = far.audit.relay_once().await;
            if !stage.link.is_cut() {
                done.unwrap();
                break;
            }
            cuts += 1;
        }
    }
    assert!(cuts >= 10, "only {cuts} interruptions");
    stage.relay().await;
    let counts = stage.counts().await;
    assert_eq!(counts.len(), posted);
    assert!(counts.values().all(|count| *count == (1, 1)), "{counts:?}");
    // What a crash has left goes with the time.
    let age = "for _, name in ipairs(redis.call('ZRANGE', 'mcpgw:outboxes', 0, -1)) do
            redis.call('ZADD', 'mcpgw:outboxes', 1, name) end";
    stage.redis.cli(&["EVAL", age, "0"]);
    stage.relay().await;
    assert_eq!(stage.redis.cli(&["ZCARD", "mcpgw:outboxes"]).trim(), "0");
    assert!(!stage.has("mcpgw:outbox:{mcpgw:outboxes}"));
}

/// A crash in the middle of a line leaves part of it. The event is written again as a whole.
#[tokio::test]
async fn an_event_whose_line_is_torn_is_written_again() {
    let stage = Stage::new();
    let near = stage.store();
    near.audit.post(near.audit.draft(EventKind::BackupCreated)).await.unwrap();
    let line = stage.redis.cli(&["LINDEX", "mcpgw:outbox:{mcpgw:outboxes}", "0"]);
    std::fs::write(stage.file(), &line[..line.len() / 2]).unwrap();
    stage.relay().await;
    let counts = stage.counts().await;
    assert_eq!(counts.values().collect::<Vec<_>>(), [&(1, 1)]);
    let text = std::fs::read_to_string(stage.file()).unwrap();
    assert!(text.ends_with(&line), "{text}");
}

/// The writer has announced an event and ended before the change. Its announcement goes after a minute, and no
/// sooner.
#[tokio::test]
async fn an_announcement_without_an_event_is_removed_after_a_minute() {
    let stage = Stage::new();
    let time = stage.redis.cli(&["TIME"]);
    let now: i64 = time.lines().next().unwrap().parse::<i64>().unwrap() * 1000;
    for (name, ago) in [("old", 61_000), ("young", 50_000)] {
        let member = format!("{name} mcpgw:outbox:{{{name}}}");
        stage.redis.cli(&["ZADD", "mcpgw:outboxes", &(now - ago).to_string(), &member]);
    }
    stage.relay().await;
    let left = stage.redis.cli(&["ZRANGE", "mcpgw:outboxes", "0", "-1"]);
    assert_eq!(left.trim(), "young mcpgw:outbox:{young}");
}

/// Only the holder of the lease works.
#[tokio::test]
async fn one_instance_moves_events() {
    let stage = Stage::new();
    let (first, second) = (stage.store(), stage.store());
    first.audit.relay_once().await.unwrap();
    second.audit.post(second.audit.draft(EventKind::BackupCreated)).await.unwrap();
    second.audit.relay_once().await.unwrap();
    assert!(stage.stream().await.is_empty());
    first.audit.stop_relay().await.unwrap();
    second.audit.post(second.audit.draft(EventKind::BackupCreated)).await.unwrap();
    second.audit.relay_once().await.unwrap();
    assert_eq!(stage.stream().await.len(), 2);
}

/// Events of proxies are added once by id, and found by person: by the index, and beyond it by a search.
#[tokio::test]
async fn events_of_a_person_are_found_in_order() {
    let stage = Stage::new();
    let store = stage.store();
    let mut lines = Vec::new();
    for number in 0..300 {
        let name = if number % 2 == 0 { "even" } else { "odd" };
        let user = User { subject: format!("local:{name}"), name: name.into(), email: None };
        let draft = store.audit.draft(EventKind::ToolCalled).actor(&user);
        let event = draft.reason(&number.to_string()).into_event();
        lines.push(serde_json::to_string(&event).unwrap());
    }
    assert_eq!(store.audit.add(&lines).await.unwrap(), 0);
    assert_eq!(store.audit.add(&lines).await.unwrap(), 0);
    assert_eq!(store.audit.add(&["no event"]).await.unwrap(), 1);
    assert_eq!(stage.stream().await.len(), 300);
    let (mut found, mut before) = (Vec::new(), None::<String>);
    loop {
        let page = store.audit.of_person("local:even", before.as_deref(), 40).await.unwrap();
        found.extend(page.events.iter().map(|one| one.event.reason.clone().unwrap().to_string()));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..300).rev().filter(|n| n % 2 == 0).map(|n| n.to_string()).collect();
    assert_eq!(found, expected);
    let ids: BTreeSet<_> =
        stage.stream().await.iter().map(|one| one.event.id.to_string()).collect();
    assert_eq!(ids.len(), 300);
    assert!(store.audit.of_person("local:none", None, 40).await.unwrap().events.is_empty());
}

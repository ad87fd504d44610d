//! What anybody can make the gateway write is bounded, and what is dropped is counted.

use auth_service::{
    model::{Caller, ClientId},
    store::Selection,
};
use gateway_contract::audit::EventKind;

use crate::{audit_stage::Stage, made_up::NOW};

/// Announces so many events whose writers are slow.
fn crowd(stage: &Stage, count: usize) {
    let script = "local t = redis.call('TIME')[1] * 1000
        for i = 1, ARGV[1] do redis.call('ZADD', 'mcpgw:outboxes', t, 'x' .. i .. ' mcpgw:outbox:{x}') end";
    stage.redis.cli(&["EVAL", script, "0", &count.to_string()]);
}

/// With 4,096 events that wait, registrations go without theirs, and a revocation has its own. With 10,000, it goes
/// without, too. Those without are counted.
#[tokio::test]
async fn outboxes_are_bounded_and_a_revocation_never_fails_for_them() {
    let stage = Stage::new();
    let store = stage.store();
    let by_anybody = || store.audit.entry(store.audit.draft(EventKind::ClientDeleted));
    let by_operator = || {
        let draft = store.audit.draft(EventKind::GrantsRevoked).actor_named("operator:0@host");
        store.audit.entry(draft)
    };
    let revoke = async |name: &str| {
        let what = Selection::Client(ClientId::parsed(name));
        store.maintenance.revoke(&what, NOW, by_operator().as_ref()).await.unwrap();
    };
    crowd(&stage, 4_095);
    let id = ClientId::parsed("c");
    store.clients.forget_client(&id, by_anybody().as_ref()).await.unwrap();
    assert!(!stage.has("mcpgw:outboxes-lost:{mcpgw:outboxes}"));
    store.clients.forget_client(&id, by_anybody().as_ref()).await.unwrap();
    assert_eq!(stage.redis.cli(&["GET", "mcpgw:outboxes-lost:{mcpgw:outboxes}"]).trim(), "1");
    revoke("first").await;
    crowd(&stage, 9_998);
    revoke("second").await;
    assert_eq!(stage.redis.cli(&["GET", "mcpgw:outboxes-lost:{mcpgw:outboxes}"]).trim(), "2");
    assert!(stage.has("mcpgw:gen:client:first") && stage.has("mcpgw:gen:client:second"));
    let clear = "for i = 1, 9998 do redis.call('ZREM', 'mcpgw:outboxes', 'x' .. i .. ' mcpgw:outbox:{x}') end";
    stage.redis.cli(&["EVAL", clear, "0"]);
    stage.relay().await;
    let events = stage.stream().await;
    let kinds: Vec<_> = events.iter().map(|one| (one.event.event, one.event.count)).collect();
    assert!(kinds.contains(&(EventKind::AuditLost, Some(2))), "{kinds:?}");
    let revoked = kinds.iter().filter(|(kind, _)| *kind == EventKind::GrantsRevoked).count();
    assert_eq!(revoked, 1, "{kinds:?}");
}

/// A full Redis takes no registrations, but revocations with their events, and the relay moves these.
#[tokio::test]
async fn a_full_redis_takes_a_revocation_with_its_event() {
    let stage = Stage::new();
    let store = stage.store();
    store.ping().await.unwrap();
    stage.redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let draft = store.audit.draft(EventKind::GrantsRevoked).actor_named("operator:0@host");
    let entry = store.audit.entry(draft);
    let what = Selection::Client(ClientId::parsed("c"));
    store.maintenance.revoke(&what, NOW, entry.as_ref()).await.unwrap();
    stage.relay().await;
    let counts = stage.counts().await;
    assert_eq!(counts.values().collect::<Vec<_>>(), [&(1, 1)]);
}

/// Of refusals that anybody can cause, 50 of a second are written, and the rest is counted.
#[tokio::test]
async fn refusals_are_written_at_a_bounded_rate() {
    let stage = Stage::new();
    let store = stage.store();
    let tell = || {
        let draft = store.audit.draft(EventKind::AccessDenied).servers("time");
        store.audit.tell(draft.denied("invalid").from(&Caller::default()));
    };
    let started = std::time::Instant::now();
    (0..1_000).for_each(|_| tell());
    // Few, unless the machine is busy.
    let seconds = started.elapsed().as_secs() + 1;
    store.audit.relay_once().await.unwrap();
    let events = stage.stream().await;
    let lost: u64 = events.iter().filter_map(|one| one.event.count).sum();
    let written = events.iter().filter(|one| one.event.count.is_none()).count() as u64;
    assert!((50..=50 * seconds).contains(&written), "{written} in {seconds} s");
    assert_eq!(written + lost, 1_000);
    assert_eq!(store.audit.lost(), lost);
    assert!(stage.counts().await.values().all(|count| *count == (1, 1)));
}

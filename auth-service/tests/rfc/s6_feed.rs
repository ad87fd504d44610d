//! The feed of ended grants: resumable, bounded, and honest about what it does not know.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_service::{model::Clock, store::Selection};
use serde_json::json;

use crate::{
    s6_reader::{Reader, hashes, operator},
    support::{Answer, Gateway, TIME},
};

/// Readers that may wait at once.
const WAITING: usize = 256;

/// A reader that was away misses nothing, at whichever instance it comes back.
#[tokio::test]
async fn s6_the_feed_is_resumed_at_any_instance() {
    let gateway = Gateway::start();
    let mut reader = Reader::current(&gateway).await;
    let position = reader.after.clone().unwrap();
    let (store, app) = (operator(&gateway), gateway.app().await);
    let mut expected = Vec::new();
    for _ in 0..3 {
        let access = gateway.tokens(&app, "alice", TIME).await.text("access_token");
        expected.push(hashes(&access).0);
        store
            .maintenance
            .revoke(&Selection::User("alice".into()), gateway.clock.now(), None)
            .await
            .unwrap();
    }
    reader.expect("the last", &expected[2]).await;
    let mut again = Reader::at(&gateway.base, Some(&position));
    assert_eq!(again.read().await, (false, expected.clone()), "each once, in order");
    assert_eq!(again.read().await, (false, Vec::new()), "nothing else");
    // Started only now, from what is in Redis.
    let other = Arc::new(gateway.instance());
    let publishing = Arc::clone(&other);
    let task = tokio::spawn(async move { publishing.core.store.grants.publish_ended().await });
    let news = other.core.store.grants.ended_after(Some(&position)).await.unwrap();
    let ended: Vec<String> = news.ended.iter().map(ToString::to_string).collect();
    assert_eq!((news.reset, ended, Some(&*news.after)), (false, expected, again.after.as_deref()));
    task.abort();
}

/// The stream is bounded; who missed something is told to start again, and so is who names a position
/// that never was.
#[tokio::test]
async fn s6_the_feed_is_bounded_and_says_when_something_was_missed() {
    let gateway = Gateway::start();
    let mut reader = Reader::current(&gateway).await;
    let add = |count: u32| {
        let script = "for i = 1, ARGV[1] do \
             redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'ended', ARGV[2] .. i) end";
        gateway.redis.cli(&["EVAL", script, "1", "mcpgw:ended-grants", &count.to_string(), "h"]);
    };
    add(2_500);
    let mut told = Vec::new();
    while told.len() < 2_500 {
        let (reset, ended) = reader.read().await;
        assert!(!reset && ended.len() <= 1_000, "{}", ended.len());
        told.extend(ended);
    }
    let all: Vec<String> = (1..=2_500).map(|number| format!("h{number}")).collect();
    assert_eq!(told, all);
    // The copy in memory is bounded, too.
    for _ in 0..4 {
        add(2_500);
        let (reset, ended) = until_told_times(&mut reader, "h2500", 1).await;
        assert!(!reset && ended.len() == 2_500);
    }
    let mut fresh = Reader::at(&gateway.base, None);
    let copied = until_told_times(&mut fresh, "h2500", 4).await.1.len();
    assert_eq!(copied, 10_000, "of 12,500");
    add(30_000);
    let (reset, _) = until_told(&mut reader, "h30000").await;
    assert!(reset, "some were trimmed before they were read");
    for nonsense in ["0-0", "9999999999999-0", "x", "%00"] {
        let (reset, ended) = Reader::at(&gateway.base, Some(nonsense)).read().await;
        assert!(reset && ended.len() == 1_000, "{nonsense}");
    }
}

/// The end of a grant trims the stream, whatever was there.
#[tokio::test]
async fn s6_the_stream_does_not_grow() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let length =
        || -> u32 { gateway.redis.cli(&["XLEN", "mcpgw:ended-grants"]).trim().parse().unwrap() };
    gateway.tokens(&app, "alice", TIME).await;
    let script = "for i = 1, 12000 do redis.call('XADD', KEYS[1], '*', 'ended', i) end";
    gateway.redis.cli(&["EVAL", script, "1", "mcpgw:ended-grants"]);
    assert!(length() >= 12_000);
    gateway.revoke("alice").await;
    // Redis trims whole blocks of entries.
    assert!((10_000..10_200).contains(&length()), "{}", length());
}

/// Reads on until `hash` is told; whether there was a reset on the way, and all that was told.
async fn until_told(reader: &mut Reader, hash: &str) -> (bool, Vec<String>) {
    until_told_times(reader, hash, 1).await
}

/// The same, until it is told so many times.
async fn until_told_times(reader: &mut Reader, hash: &str, times: usize) -> (bool, Vec<String>) {
    let (mut any, mut all) = (false, Vec::<String>::new());
    let deadline = Instant::now() + Duration::from_secs(20);
    while all.iter().filter(|one| *one == hash).count() < times {
        assert!(Instant::now() < deadline, "{hash} is not told");
        let (reset, ended) = reader.read().await;
        any |= reset;
        all.extend(ended);
    }
    (any, all)
}

/// Redis lost everything, and with it every grant.
#[tokio::test]
async fn s6_lost_data_is_a_reset_and_no_answer_is_no_news() {
    let mut gateway = Gateway::start();
    let mut reader = Reader::current(&gateway).await;
    gateway.redis.cli(&["FLUSHALL"]);
    let (reset, ended) = until_reset(&mut reader).await;
    assert!(reset && ended.is_empty());
    gateway.redis.kill();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = reader.ask().await;
        if answer.status == 503 {
            assert_eq!(answer.header("retry-after"), "2");
            break;
        }
        assert!(Instant::now() < deadline, "a dead redis has no news");
    }
    gateway.redis.restart();
    assert!(until_reset(&mut reader).await.0);
}

async fn until_reset(reader: &mut Reader) -> (bool, Vec<String>) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = reader.ask().await;
        if answer.status == 200 && answer.body["reset"] == true {
            return reader.read().await;
        }
        assert!(Instant::now() < deadline, "no reset: {answer:?}");
    }
}

/// A full Redis ends grants all the same, and tells of it.
#[tokio::test]
async fn s6_a_full_redis_ends_grants() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let mut reader = Reader::current(&gateway).await;
    gateway.redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    gateway.redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let form = [("client_id", app.id.as_str()), ("token", &tokens.text("refresh_token"))];
    assert_eq!(gateway.post("/revoke", &form).await.status, 200);
    let access = tokens.text("access_token");
    reader.expect("the grant", &hashes(&access).0).await;
    assert_eq!(gateway.verify(TIME, &access).await.status, 401);
}

/// The feed is for the proxies that run now: a restored one would name grants that are back.
#[tokio::test]
async fn s6_a_backup_has_no_feed() {
    let gateway = Gateway::start();
    gateway.cli(&["client", "list"]).unwrap();
    let app = gateway.app().await;
    gateway.tokens(&app, "alice", TIME).await;
    gateway.cli(&["token", "revoke", "--yes", "--user", "alice"]).unwrap();
    let file = gateway.path("backup").display().to_string();
    gateway.cli(&["backup", &file]).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("mcpgw:clients") && !text.contains("ended-grants"), "{text}");
}

/// Readers beyond the bound are answered, only not waited for: they hear that there is no news before the
/// others hear some.
#[tokio::test]
async fn s6_many_readers_hinder_nobody() {
    let gateway = Gateway::start();
    let mut current = Reader::current(&gateway).await;
    let app = gateway.app().await;
    // A machine under load may be too slow for all to wait at once.
    for _ in 0..10 {
        let access = gateway.tokens(&app, "alice", TIME).await.text("access_token");
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..400 {
            let (base, after) = (current.base.clone(), current.after.clone());
            let reader = Reader { base, http: current.http.clone(), after };
            readers.spawn(async move { reader.ask().await });
        }
        let mut early = Vec::new();
        while early.len() < 400 - WAITING {
            early.push(readers.join_next().await.unwrap().unwrap());
        }
        assert_eq!(gateway.verify(TIME, &access).await.status, 200);
        gateway.revoke("alice").await;
        let late = readers.join_all().await;
        let told = |answers: &[Answer], ended: bool| {
            let told = |answer: &&Answer| {
                let none = answer.body["ended"] == json!([]);
                answer.status == 200 && answer.body["reset"] == false && none != ended
            };
            answers.iter().filter(told).count()
        };
        if (told(&early, false), told(&late, true)) == (400 - WAITING, WAITING) {
            return;
        }
        current = Reader::current(&gateway).await;
    }
    panic!("either nobody waits, or too many do, or some are refused");
}

//! A Redis of one test with an audit log in a file, and what both have.

use std::{collections::BTreeMap, path::PathBuf};

use auth_service::{
    config::RedisConfig,
    store::{AuditFilter, AuditedEvent, Store},
};
use gateway_contract::audit::{AuditLog, Filter, Settings, Target};
use gateway_tests::{link::Link, redis::Redis};
use serde_json::Value;
use tempfile::TempDir;

/// A Redis, a link to it that can be cut, and the file of the audit log.
pub(crate) struct Stage {
    pub(crate) redis: Redis,
    pub(crate) link: Link,
    directory: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let redis = Redis::start();
        let link = Link::to(redis.socket());
        Self { redis, link, directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("audit.log")
    }

    fn log(&self, filter: &str) -> AuditLog {
        let filter: Filter = filter.parse().unwrap();
        let target = Some(Target::File(self.file()));
        AuditLog::start(&Settings { target, filter, ..Settings::default() }, "test").unwrap()
    }

    /// The store of a process of its own.
    pub(crate) fn store(&self) -> Store {
        self.store_with("")
    }

    pub(crate) fn store_with(&self, events: &str) -> Store {
        open(&self.redis.url()).with_audit(self.log(events), 100_000)
    }

    /// One over the link, which has a connection already.
    pub(crate) async fn far(&self) -> Store {
        self.link.mend();
        let store =
            open(&self.link.url()).with_audit(self.log("token.issued,token.refreshed"), 100_000);
        store.ping().await.unwrap();
        store
    }

    /// Ends the lease of a relay that has crashed, as time would.
    pub(crate) fn end_lease(&self) {
        self.redis.cli(&["DEL", "mcpgw:outboxes-lease"]);
    }

    /// Lets a new process move all events.
    pub(crate) async fn relay(&self) {
        self.end_lease();
        let store = self.store();
        store.audit.relay_once().await.unwrap();
        store.audit.stop_relay().await.unwrap();
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.redis.cli(&["EXISTS", key]).trim() == "1"
    }

    /// All events of the stream, latest first.
    pub(crate) async fn stream(&self) -> Vec<AuditedEvent> {
        let (store, mut all, mut before) = (self.store(), Vec::new(), None::<String>);
        loop {
            let filter = AuditFilter::default();
            let page = store.audit.page(&filter, before.as_deref(), 500).await.unwrap();
            all.extend(page.events);
            before = page.next;
            if before.is_none() {
                return all;
            }
        }
    }

    /// How often the stream has each id, and how often the file.
    pub(crate) async fn counts(&self) -> BTreeMap<String, (usize, usize)> {
        let mut counts = BTreeMap::<String, (usize, usize)>::new();
        for one in self.stream().await {
            counts.entry(one.event.id.to_string()).or_default().0 += 1;
        }
        for id in ids(&std::fs::read_to_string(self.file()).unwrap_or_default()) {
            counts.entry(id).or_default().1 += 1;
        }
        counts
    }
}

/// The ids of the events in the text of a file.
pub(crate) fn ids(text: &str) -> Vec<String> {
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn open(url: &str) -> Store {
    Store::open(&RedisConfig::parse(url).unwrap()).unwrap()
}

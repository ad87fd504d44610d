//! Grants of made-up people as a version without indexes wrote them, and as its backup has them.

use auth_service::{
    model::{Fingerprint, Identifier, UnixTime},
    store::{Entry, Held, Store},
};
use gateway_tests::redis::Redis;
use serde_json::{Value, json};

/// The time of the records.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// The servers.
pub(crate) const SERVERS: [&str; 2] = ["https://time.gw.example/mcp", "https://git.gw.example/mcp"];

/// Grant number `number`, of one of `people`, who use one of as many clients.
pub(crate) struct MadeUp {
    number: usize,
    people: usize,
}

impl MadeUp {
    pub(crate) fn all(count: usize, people: usize) -> impl Iterator<Item = Self> {
        (0..count).map(move |number| Self { number, people })
    }

    pub(crate) fn grant(&self) -> Identifier {
        Identifier::parsed(&format!("grant-{}", self.number))
    }

    pub(crate) fn jti(&self) -> String {
        format!("jti-{}", self.number)
    }

    pub(crate) fn user(&self) -> String {
        format!("user{}", self.number % self.people)
    }

    pub(crate) fn client(&self) -> String {
        format!("client{}", self.number % self.people)
    }

    pub(crate) fn server(&self) -> &'static str {
        SERVERS[self.number % SERVERS.len()]
    }

    /// The keys and values of the grant, its access token and its refresh token.
    pub(crate) fn records(&self) -> [(String, Value); 3] {
        let (grant, user, jti) = (self.grant(), self.user(), self.jti());
        let subject = format!("local:{user}");
        let resources = [self.server()];
        let (hour, month) = (NOW.0 + 3600, NOW.0 + 2_592_000);
        [
            (
                format!("mcpgw:grant:{{{grant}}}"),
                json!({
                    "id": grant, "user": { "subject": subject, "name": user },
                    "client_id": self.client(), "client_name": "App", "resources": resources,
                    "scopes": "mcp", "created_at": NOW, "expires_at": month,
                }),
            ),
            (
                format!("mcpgw:access:{{{grant}}}:{jti}"),
                json!({
                    "jti": jti, "grant": grant, "subject": subject, "name": user,
                    "client_id": self.client(), "resources": resources, "scopes": "mcp",
                    "issued_at": NOW, "expires_at": hour,
                }),
            ),
            (
                format!("mcpgw:refresh:{}", Fingerprint::of(&format!("refresh-{}", self.number))),
                json!({ "grant": grant, "expires_at": month }),
            ),
        ]
    }

    /// Writes the records as that version did.
    pub(crate) fn write(&self, redis: &Redis) {
        for (key, value) in self.records() {
            redis.cli(&["SET", &key, &value.to_string()]);
        }
    }

    /// Restores a backup of that version with `count` grants.
    pub(crate) async fn restore(store: &Store, count: usize, people: usize) {
        let entries: Vec<Entry> = Self::all(count, people)
            .flat_map(|one| one.records())
            .map(|(key, value)| {
                let end = value["expires_at"].as_i64().unwrap() * 1000;
                let value = Held::String(value.to_string());
                Entry { key, expires_at_ms: Some(end), value }
            })
            .collect();
        store.maintenance.prepare_restore().await.unwrap();
        let done = store.maintenance.restore(&entries, NOW).await.unwrap();
        assert_eq!(done.written, 3 * count);
    }
}

/// The calls of each command since the statistics of `redis` were reset, without those of connections.
pub(crate) fn commands(redis: &Redis) -> Vec<(String, u64)> {
    let stats = redis.cli(&["info", "commandstats"]);
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    });
    // Of the pool: a connection that waited is tried first.
    let own = ["unwatch", "client", "hello", "select", "config", "info", "ping", "auth", "command"];
    let mut calls: Vec<(String, u64)> =
        calls.filter(|(name, _)| !own.iter().any(|own| name.starts_with(own))).collect();
    calls.sort();
    calls
}

//! Metrics in the Prometheus text format. The number of label values is bounded, and no label identifies
//! a person or a client.

mod family;
mod verified;

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use family::Family;
use parking_lot::{Mutex, RwLock};
use verified::Verified;
pub use verified::{Decision, known_method};

const GRANT_TYPES: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "other",
];

/// The counters of this process since its start.
pub struct Metrics {
    verified: RwLock<BTreeMap<String, Verified>>,
    no_server: AtomicU64,
    issued: Family<5>,
    registrations: AtomicU64,
    logins: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    limited: Family<2>,
}

/// Values that are read from the running server when the metrics are rendered.
#[derive(Clone, Copy, Debug)]
pub struct Gauges {
    /// `true` if Redis accepts writes.
    pub writable: bool,
    /// `true` while Redis sends invalidations for revoked tokens.
    pub link_up: bool,
    /// The number of token liveness lookups in Redis since the start.
    pub questions: u64,
    /// The number of verified tokens in the cache.
    pub seen_tokens: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            verified: RwLock::default(),
            no_server: AtomicU64::new(0),
            issued: Family::new(GRANT_TYPES),
            registrations: AtomicU64::new(0),
            logins: Mutex::default(),
            limited: Family::new(["address", "client"]),
        }
    }
}

impl Metrics {
    /// Counts a request whose URL belongs to no server.
    pub fn no_server(&self) {
        self.no_server.fetch_add(1, Relaxed);
    }

    /// Counts a decision about a request to `server`. Admitted requests are also counted by MCP method
    /// and tool.
    pub fn verified(&self, server: &str, decision: Decision, (method, tool): (&str, Option<&str>)) {
        let count = |one: &Verified| {
            one.decided(decision);
            if decision == Decision::Admitted {
                one.asked(method, tool);
            }
        };
        let known = self.verified.read();
        if let Some(one) = known.get(server) {
            return count(one);
        }
        drop(known);
        let mut all = self.verified.write();
        count(all.entry(server.to_owned()).or_default());
    }

    /// Counts a token response of the token endpoint, by grant type.
    pub fn issued(&self, grant_type: &str) {
        self.issued.count(grant_type);
    }

    /// Counts a new client registration.
    pub fn registered(&self) {
        self.registrations.fetch_add(1, Relaxed);
    }

    /// Counts a finished login at `provider` with its outcome.
    pub fn login(&self, provider: &str, outcome: &'static str) {
        let provider = match provider {
            "github" => "github",
            "local" => "local",
            _ => "other",
        };
        let mut logins = self.logins.lock();
        *logins.entry((provider, outcome)).or_default() += 1;
    }

    /// Counts a request that exceeded a rate limit; `bound` is `address` or `client`.
    pub fn limited(&self, bound: &str) {
        self.limited.count(bound);
    }

    /// Renders the metrics page in the Prometheus text format.
    #[must_use]
    pub fn render(&self, gauges: Gauges) -> String {
        let mut page = String::new();
        // Writing to a string cannot fail.
        let _written = self.write(&mut page, gauges);
        page
    }

    fn write(&self, page: &mut String, gauges: Gauges) -> fmt::Result {
        verified::write(page, &self.verified.read())?;
        let one = |page: &mut String, kind: &str, name: &str, value: u64| {
            writeln!(page, "# TYPE mcp_auth_{name} {kind}\nmcp_auth_{name} {value}")
        };
        one(page, "counter", "verify_no_server_total", self.no_server.load(Relaxed))?;
        writeln!(page, "# TYPE mcp_auth_tokens_issued_total counter")?;
        self.issued.write(page, "mcp_auth_tokens_issued_total", "grant_type")?;
        one(page, "counter", "registrations_total", self.registrations.load(Relaxed))?;
        writeln!(page, "# TYPE mcp_auth_logins_total counter")?;
        let logins = self.logins.lock();
        for ((provider, outcome), count) in logins.iter() {
            let labels = format!("provider=\"{provider}\",outcome=\"{outcome}\"");
            writeln!(page, "mcp_auth_logins_total{{{labels}}} {count}")?;
        }
        writeln!(page, "# TYPE mcp_auth_rate_limited_total counter")?;
        self.limited.write(page, "mcp_auth_rate_limited_total", "bound")?;
        one(page, "counter", "redis_questions_total", gauges.questions)?;
        one(page, "gauge", "redis_writable", gauges.writable.into())?;
        one(page, "gauge", "revocation_link_up", gauges.link_up.into())?;
        one(page, "gauge", "seen_tokens", u64::try_from(gauges.seen_tokens).unwrap_or(u64::MAX))
    }
}

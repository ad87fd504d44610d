//! Prometheus metrics. The number of label values is bounded, and no label identifies a person or a
//! client.

mod decision;
mod tools;
mod verified;

use gateway_contract::metrics::{Handles, page, register};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
    },
    registry::Registry,
};

use self::verified::Verified;
pub use self::{decision::Decision, verified::known_method};

const GRANT_TYPES: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "other",
];

const BOUNDS: [&str; 2] = ["address", "client"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Issued {
    grant_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Login {
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    bound: &'static str,
}

/// The counters of this process since its start.
pub struct Metrics {
    verified: Verified,
    no_server: Counter,
    issued: Handles<Counter, 5>,
    registrations: Counter,
    logins: Family<Login, Counter>,
    fact_checks: Family<Login, Counter>,
    limited: Handles<Counter, 2>,
    registry: Registry,
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
    /// The number of audit events that were lost since the start.
    pub audit_lost: u64,
}

impl Gauges {
    fn registry(self) -> Registry {
        let mut registry = Registry::default();
        registry.register(
            "mcp_auth_redis_questions",
            "Lookups in Redis whether a token is still live",
            ConstCounter::new(self.questions),
        );
        registry.register(
            "mcp_auth_redis_writable",
            "1 if Redis accepts writes, 0 if it refuses them or does not answer",
            ConstGauge::new(u64::from(self.writable)),
        );
        registry.register(
            "mcp_auth_revocation_link_up",
            "1 while Redis reports revoked tokens to this process, 0 otherwise",
            ConstGauge::new(u64::from(self.link_up)),
        );
        registry.register(
            "mcp_auth_seen_tokens",
            "Verified access tokens in the cache",
            ConstGauge::new(u64::try_from(self.seen_tokens).unwrap_or(u64::MAX)),
        );
        registry.register(
            "mcp_auth_audit_lost",
            "Audit events that were dropped because there were too many at once",
            ConstCounter::new(self.audit_lost),
        );
        registry
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let all = &mut registry;
        Self {
            verified: Verified::new(all),
            no_server: register(
                all,
                "mcp_auth_verify_no_server",
                "Requests to /verify whose URL belongs to no server",
            ),
            issued: {
                let help = "Successful responses of the token endpoint";
                let family: Family<Issued, Counter> = register(all, "mcp_auth_tokens_issued", help);
                Handles::new(&GRANT_TYPES, move |grant_type| {
                    family.get_or_create_owned(&Issued { grant_type })
                })
            },
            registrations: register(
                all,
                "mcp_auth_registrations",
                "Clients that registered themselves",
            ),
            logins: register(all, "mcp_auth_logins", "Finished logins"),
            fact_checks: register(
                all,
                "mcp_auth_fact_checks",
                "Questions to login providers whether facts about people still hold",
            ),
            limited: {
                let help = "Requests that exceeded a rate limit";
                let family: Family<Limited, Counter> = register(all, "mcp_auth_rate_limited", help);
                Handles::new(&BOUNDS, move |bound| family.get_or_create_owned(&Limited { bound }))
            },
            registry,
        }
    }
}

impl Metrics {
    /// Counts a request whose URL belongs to no server.
    pub fn no_server(&self) {
        self.no_server.inc();
    }

    /// Counts a decision about a request to `server`. Admitted requests are also counted by MCP method
    /// and tool.
    pub fn verified(&self, server: &str, decision: Decision, asked: (&str, Option<&str>)) {
        self.verified.count(server, decision, asked);
    }

    /// Counts a token response of the token endpoint, by grant type.
    pub fn issued(&self, grant_type: &str) {
        self.issued.count(grant_type);
    }

    /// Counts a new client registration.
    pub fn registered(&self) {
        self.registrations.inc();
    }

    /// Counts a finished login at `provider` with its outcome.
    pub fn login(&self, provider: &str, outcome: &'static str) {
        let provider = provider.to_owned();
        self.logins.get_or_create(&Login { provider, outcome }).inc();
    }

    /// Counts a check of the facts about a person at a configured login provider.
    pub fn fact_check(&self, provider: &str, outcome: &'static str) {
        let provider = provider.to_owned();
        self.fact_checks.get_or_create(&Login { provider, outcome }).inc();
    }

    /// Counts a request that exceeded a rate limit; `bound` is `address` or `client`.
    pub fn limited(&self, bound: &str) {
        self.limited.count(bound);
    }

    /// Renders the metrics page in the Prometheus text format.
    #[must_use]
    pub fn render(&self, gauges: Gauges) -> String {
        page(&[&self.registry, &gauges.registry()])
    }
}

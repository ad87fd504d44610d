//! Answers of the access policy about one person.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::{self, Facts, Lists, Narrowing, Policy, ServerVerdict, policy_of},
    config::{AccessSource, Config, Provider},
    model::{CLIENT_PROVIDER, McpServer, UnixTime, WantedFacts},
};

/// The provider part of subjects that login codes create.
const LOCAL: &str = "local";

/// The access policy with what it needs to know of the providers.
#[derive(Debug, PartialEq)]
pub struct AccessPolicy {
    policy: Policy,
    /// The declared providers.
    pub(super) providers: Vec<access::Provider>,
    /// The names of the providers whose people may log in at all.
    enabled: BTreeSet<String>,
    wanted: BTreeMap<String, WantedFacts>,
    nothing: WantedFacts,
}

impl AccessPolicy {
    /// Prepares `policy` for the providers of `config`.
    #[must_use]
    pub fn new(policy: Policy, config: &Config) -> Self {
        let providers: Vec<_> = config.providers.iter().map(Provider::for_policy).collect();
        let mut enabled: BTreeSet<String> =
            providers.iter().map(|provider| provider.name.clone()).collect();
        enabled.insert(CLIENT_PROVIDER.to_owned());
        if config.local_login {
            enabled.insert(LOCAL.to_owned());
        }
        let wanted = policy.wanted(&providers);
        Self { policy, providers, enabled, wanted, nothing: WantedFacts::default() }
    }

    /// Returns the policy of the lists in `config`. Logs entries that admit nobody.
    #[must_use]
    pub fn of_lists(config: &Config) -> Self {
        let (github, oidc) = match &config.access {
            AccessSource::Lists { github, oidc } => (github.as_slice(), oidc.as_slice()),
            AccessSource::File { .. } => (&[][..], &[][..]),
        };
        let mut providers = config.providers.iter().map(Provider::for_policy);
        let of_variables = providers.find(|provider| provider.kind == access::ProviderKind::Oidc);
        let oidc = of_variables.as_ref().map(|provider| (provider, oidc));
        let (policy, ignored) = policy_of(Lists { github, local: config.local_login, oidc });
        for one in ignored {
            log::warn!("{}: {}; it admits nobody", one.variable, one.what);
        }
        Self::new(policy, config)
    }

    /// Returns the facts that the policy needs from `provider`.
    #[must_use]
    pub fn wanted(&self, provider: &str) -> &WantedFacts {
        self.wanted.get(provider).unwrap_or(&self.nothing)
    }

    /// Returns `true` if the person with these facts may log in.
    #[must_use]
    pub fn may_log_in(&self, facts: &Facts) -> bool {
        self.enabled.contains(&facts.provider) && self.policy.admits(&self.policy.evidence(facts))
    }

    /// Returns the answers for the person with these facts at `server`. For a person who may not log in, it is closed.
    #[must_use]
    pub fn at_server(&self, facts: &Facts, server: &McpServer, now: UnixTime) -> ServerVerdict {
        let mut verdict = self.policy.compile(facts, now).server(server.name.as_str());
        verdict.allowed = verdict.allowed
            && self.enabled.contains(&facts.provider)
            && self.narrows_to(server, facts);
        verdict
    }

    /// Returns `true` if the list `allow` of `server` admits the person. It is about people only: the servers of a
    /// client that acts for itself are in its registration.
    fn narrows_to(&self, server: &McpServer, facts: &Facts) -> bool {
        let Some(allow) = &server.allow else { return true };
        let admits = || {
            let (narrowing, _) = Narrowing::parse(allow.entries(), &self.providers);
            narrowing.admits(&self.policy.evidence(facts))
        };
        facts.provider == CLIENT_PROVIDER || admits()
    }
}

//! Compiled answers: everything that depends on the person and the client is decided beforehand.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    certainty::Certainty,
    facts::Facts,
    pattern::{DeniedTools, Pattern, denies},
    policy::Policy,
    rule::{Effect, Period, Rule},
};
use crate::model::{Scopes, UnixTime};

/// The compiled answers for a person with a client, from the time of the compilation until
/// [`Verdict::valid_until`].
#[derive(Clone, Debug)]
pub struct Verdict {
    /// With `false`, the person may not log in, and every server is closed.
    pub may_log_in: bool,
    now: UnixTime,
    /// The deny rules that possibly apply to the person, and the allow rules that surely do, at any time.
    rules: Vec<Arc<Rule>>,
}

/// The compiled answers for one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVerdict {
    /// With `false`, the server is closed.
    pub allowed: bool,
    /// The allowed tools. With `None`, all.
    pub tools_allow: Option<Box<[Pattern]>>,
    /// The denied tools.
    pub tools_deny: Box<[DeniedTools]>,
    /// The scopes that may be granted. With `None`, all.
    pub scopes: Option<Scopes>,
    /// The time from which the verdict may be wrong, because a rule begins or ceases to apply.
    pub valid_until: Option<UnixTime>,
}

impl Policy {
    /// Compiles the policy for a person at a time.
    #[must_use]
    pub fn compile(&self, facts: &Facts, now: UnixTime) -> Verdict {
        let evidence = self.evidence(facts);
        let may_log_in = self.admits(&evidence);
        let applies = |rule: &&Arc<Rule>| match rule.applies(&evidence) {
            Certainty::Yes => true,
            Certainty::Unknown => rule.is_deny(),
            Certainty::No => false,
        };
        let rules = self.rules.iter().filter(|_| may_log_in).filter(applies);
        let rules = rules.filter(|rule| !matches!(rule.period(now), Period::After(_)));
        Verdict { may_log_in, now, rules: rules.cloned().collect() }
    }
}

impl Verdict {
    /// Returns the time from which the verdict may be wrong for some server.
    #[must_use]
    pub fn valid_until(&self) -> Option<UnixTime> {
        self.rules.iter().filter_map(|rule| rule.next_change(self.now)).min()
    }

    /// Returns the verdict for a server. Keep it: making it costs more than using it.
    #[must_use]
    pub fn server(&self, name: &str) -> ServerVerdict {
        let about = || self.rules.iter().filter(|rule| rule.is_about(name));
        let mut found = Found::default();
        for rule in about().filter(|rule| rule.period(self.now) == Period::Within) {
            found.add(&rule.effect);
        }
        let allowed = found.allows > 0 && !found.denied;
        ServerVerdict {
            allowed,
            tools_allow: found.tools_allow(),
            tools_deny: found.tools_deny.into_iter().collect(),
            scopes: found.scopes.filter(|_| !found.all_scopes),
            valid_until: about().filter_map(|rule| rule.next_change(self.now)).min(),
        }
    }
}

/// The effects of the rules about a server, so far.
#[derive(Default)]
struct Found {
    /// The number of rules that allow.
    allows: usize,
    denied: bool,
    all_tools: bool,
    tools_allow: BTreeSet<Pattern>,
    tools_deny: BTreeSet<DeniedTools>,
    all_scopes: bool,
    scopes: Option<Scopes>,
}

impl Found {
    fn add(&mut self, effect: &Effect) {
        match effect {
            Effect::Allow { tools, scopes } => {
                self.allows += 1;
                self.all_tools |= tools.is_none();
                self.tools_allow.extend(tools.iter().flatten().cloned());
                self.all_scopes |= scopes.is_none();
                if let Some(scopes) = scopes {
                    let all = self.scopes.take().unwrap_or_default();
                    self.scopes = Some(all.union(scopes));
                }
            }
            Effect::Deny { tools: None } => self.denied = true,
            Effect::Deny { tools: Some(tools) } => self.tools_deny.extend(tools.iter().cloned()),
        }
    }

    fn tools_allow(&mut self) -> Option<Box<[Pattern]>> {
        let patterns = std::mem::take(&mut self.tools_allow);
        (!self.all_tools).then(|| patterns.into_iter().collect())
    }
}

impl ServerVerdict {
    /// Returns `true` if the policy allows a tool of the server. Allocates nothing if the name is ASCII and not
    /// longer than 256 bytes.
    #[must_use]
    pub fn admits_tool(&self, name: &str) -> bool {
        let is_allowed =
            |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        self.allowed
            && self.tools_allow.as_deref().is_none_or(is_allowed)
            && !denies(&self.tools_deny, name)
    }

    /// Returns `true` if the verdict still holds at `now`.
    #[must_use]
    pub fn is_valid(&self, now: UnixTime) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }
}

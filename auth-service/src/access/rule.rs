//! A rule: people, servers, tools, clients, and the time in which it applies.

use gateway_contract::servers::Place;

use super::{
    certainty::Certainty,
    evidence::Evidence,
    facts::Fact,
    pattern::{DeniedTools, Pattern, denies},
    who::{Who, any_means},
};
use crate::model::{Scopes, UnixTime};

/// A rule of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The number of the rule in the file, from 1.
    pub number: usize,
    /// The position of the rule.
    pub place: Place,
    /// The name, for explanations.
    pub name: Option<String>,
    /// The people to whom the rule applies.
    pub who: Vec<Who>,
    /// The exceptions from `who`.
    pub not: Vec<Who>,
    /// The servers to which the rule applies.
    pub servers: Vec<Pattern>,
    /// The clients to which the rule applies. With `None`, all.
    pub clients: Option<Vec<Pattern>>,
    /// The time from which the rule applies.
    pub from: Option<UnixTime>,
    /// The time from which the rule no longer applies.
    pub until: Option<UnixTime>,
    /// The effect of the rule.
    pub effect: Effect,
}

/// The effect of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Use is allowed.
    Allow {
        /// The allowed tools. With `None`, all.
        tools: Option<Vec<Pattern>>,
        /// The scopes that may be granted. With `None`, all.
        scopes: Option<Scopes>,
    },
    /// Use is denied.
    Deny {
        /// The denied tools. With `None`, the server as a whole.
        tools: Option<Vec<DeniedTools>>,
    },
}

/// The relation of a moment to the time in which a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// The rule does not apply yet.
    Before(UnixTime),
    /// The rule applies.
    Within,
    /// The rule applies no longer.
    After(UnixTime),
}

impl Rule {
    /// Returns the certainty with which the rule applies to the person and the client, at any server and time.
    #[must_use]
    pub fn applies(&self, evidence: &Evidence<'_>) -> Certainty {
        let is_exempt = || any_means(&self.not, evidence).negated();
        let who = any_means(&self.who, evidence);
        if who == Certainty::No {
            who
        } else {
            who.and(is_exempt()).and(self.fits_client(evidence))
        }
    }

    /// Returns the certainty with which the client in use is one of the rule's.
    #[must_use]
    pub fn fits_client(&self, evidence: &Evidence<'_>) -> Certainty {
        let Some(patterns) = &self.clients else { return Certainty::Yes };
        let client = evidence.facts().client.as_deref().unwrap_or_default();
        // Of an unknown client, only a pattern that matches every text is sure to match.
        if patterns.iter().any(|pattern| pattern.matches(client)) {
            Certainty::Yes
        } else if evidence.facts().lack(Fact::Client) {
            Certainty::Unknown
        } else {
            Certainty::No
        }
    }

    /// Returns `true` if the rule is about the server.
    #[must_use]
    pub fn is_about(&self, server: &str) -> bool {
        self.servers.iter().any(|pattern| pattern.matches(server))
    }

    /// Returns `true` if the rule is about the tool or, with `None`, about the server as a whole. A rule that denies
    /// tools does not close the server.
    #[must_use]
    pub fn is_about_tool(&self, tool: Option<&str>) -> bool {
        match (&self.effect, tool) {
            (Effect::Allow { tools: Some(patterns), .. }, Some(tool)) => {
                patterns.iter().any(|pattern| pattern.matches(tool))
            }
            (Effect::Deny { tools: Some(patterns) }, Some(tool)) => denies(patterns, tool),
            (Effect::Deny { tools }, None) => tools.is_none(),
            _ => true,
        }
    }

    /// Returns the relation of `now` to the time in which the rule applies.
    #[must_use]
    pub fn period(&self, now: UnixTime) -> Period {
        match (self.from, self.until) {
            (_, Some(until)) if until <= now => Period::After(until),
            (Some(from), _) if now < from => Period::Before(from),
            _ => Period::Within,
        }
    }

    /// Returns the next time after `now` at which the rule begins or ceases to apply.
    #[must_use]
    pub fn next_change(&self, now: UnixTime) -> Option<UnixTime> {
        [self.from, self.until].into_iter().flatten().filter(|time| *time > now).min()
    }

    /// Returns `true` if the rule denies.
    #[must_use]
    pub const fn is_deny(&self) -> bool {
        matches!(self.effect, Effect::Deny { .. })
    }
}

//! The policy: who may log in, and the rules.

use std::sync::Arc;

use gateway_contract::servers::Problem;

use super::{
    certainty::Certainty,
    evidence::Evidence,
    facts::Facts,
    pattern::Pattern,
    rule::{Effect, Rule},
    who::{Who, any_means},
};

/// The access policy. The default admits nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The people who may log in.
    pub login_allow: Vec<Who>,
    /// The people who may not log in, even if `login_allow` names them.
    pub login_deny: Vec<Who>,
    /// The roles.
    pub roles: Roles,
    /// The rules. Their order has no effect.
    pub rules: Vec<Arc<Rule>>,
}

/// The members of each role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The members, by the index of the role.
    pub members: Vec<Vec<Who>>,
    /// The indexes of the roles, in an order in which each role follows those in it.
    pub order: Vec<usize>,
}

impl Policy {
    /// Prepares `facts` for comparison and derives the person's roles from them.
    #[must_use]
    pub fn evidence<'a>(&self, facts: &'a Facts) -> Evidence<'a> {
        let mut evidence = Evidence::new(facts);
        for index in &self.roles.order {
            let members = self.roles.members.get(*index).map_or(&[][..], Vec::as_slice);
            let certainty = any_means(members, &evidence);
            evidence.set_role(*index, certainty);
        }
        evidence
    }

    /// Returns `true` if the person may log in: an entry of `login_allow` surely means the person, and none of
    /// `login_deny` possibly does.
    #[must_use]
    pub fn admits(&self, evidence: &Evidence<'_>) -> bool {
        any_means(&self.login_deny, evidence) == Certainty::No
            && any_means(&self.login_allow, evidence) == Certainty::Yes
    }

    /// Returns `true` if a rule is about single tools.
    #[must_use]
    pub fn has_tool_rules(&self) -> bool {
        self.rules.iter().any(|rule| match &rule.effect {
            Effect::Allow { tools, .. } => tools.is_some(),
            Effect::Deny { tools } => tools.is_some(),
        })
    }

    /// Returns a problem for each pattern of a rule that matches none of the servers `names`.
    #[must_use]
    pub fn unknown_servers(&self, names: &[&str]) -> Vec<Problem> {
        let is_unknown = |pattern: &&Pattern| !names.iter().any(|name| pattern.matches(name));
        let of_rule = |rule: &Arc<Rule>| {
            let unknown = rule.servers.iter().filter(is_unknown);
            let what = |pattern: &Pattern| format!("there is no server {:?}", pattern.as_str());
            let problem = |what| Problem { place: rule.place, server: None, what };
            unknown.map(what).map(problem).collect::<Vec<_>>()
        };
        self.rules.iter().flat_map(of_rule).collect()
    }
}

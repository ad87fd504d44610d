//! The facts of a person, prepared for many comparisons.

use std::{borrow::Cow, collections::HashSet};

use super::{
    certainty::Certainty,
    facts::{Fact, Facts},
};

/// The facts of a person as sets, with the person's roles.
#[derive(Debug)]
pub struct Evidence<'a> {
    facts: &'a Facts,
    orgs: HashSet<Cow<'a, str>>,
    teams: HashSet<Cow<'a, str>>,
    groups: HashSet<&'a str>,
    /// The local part and the folded domain of the verified address, if it has exactly one `@`.
    email: Option<(&'a str, Cow<'a, str>)>,
    roles: Vec<Certainty>,
}

/// Returns `text` with its ASCII letters in lower case. Other letters stay: full Unicode folding would make some of
/// them ASCII.
#[must_use]
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

impl<'a> Evidence<'a> {
    /// Prepares `facts`, without roles so far.
    #[must_use]
    pub fn new(facts: &'a Facts) -> Self {
        let email = facts.verified_email.as_deref().and_then(|email| email.split_once('@'));
        let email = email.filter(|(local, domain)| !local.is_empty() && !domain.contains('@'));
        Self {
            facts,
            orgs: facts.orgs.iter().map(|org| folded(org)).collect(),
            teams: facts.teams.iter().map(|team| folded(team)).collect(),
            groups: facts.groups.iter().map(String::as_str).collect(),
            email: email.map(|(local, domain)| (local, folded(domain))),
            roles: Vec::new(),
        }
    }

    /// Sets the certainty with which the person has a role. Until then it is unknown.
    pub fn set_role(&mut self, index: usize, certainty: Certainty) {
        if self.roles.len() <= index {
            self.roles.resize(index + 1, Certainty::Unknown);
        }
        if let Some(role) = self.roles.get_mut(index) {
            *role = certainty;
        }
    }

    /// Returns the facts.
    #[must_use]
    pub const fn facts(&self) -> &'a Facts {
        self.facts
    }

    /// Returns the name of the person's provider.
    #[must_use]
    pub fn provider(&self) -> &'a str {
        &self.facts.provider
    }

    /// Compares the id of the person.
    #[must_use]
    pub fn has_id(&self, provider: &str, id: &str) -> Certainty {
        self.check(provider, Fact::Id, || self.facts.id.as_deref() == Some(id))
    }

    /// Compares the login name of the person.
    #[must_use]
    pub fn has_login(&self, provider: &str, same: impl Fn(&str) -> bool) -> Certainty {
        self.check(provider, Fact::Login, || self.facts.login.as_deref().is_some_and(same))
    }

    /// Looks up an organization, whose name is folded.
    #[must_use]
    pub fn is_in_org(&self, provider: &str, org: &str) -> Certainty {
        self.check(provider, Fact::Orgs, || self.orgs.contains(org))
    }

    /// Looks up a team, whose name is folded.
    #[must_use]
    pub fn is_in_team(&self, provider: &str, team: &str) -> Certainty {
        self.check(provider, Fact::Teams, || self.teams.contains(team))
    }

    /// Looks up a group.
    #[must_use]
    pub fn is_in_group(&self, provider: &str, group: &str) -> Certainty {
        self.check(provider, Fact::Groups, || self.groups.contains(group))
    }

    /// Compares the local part and the folded domain of the verified e-mail address.
    #[must_use]
    pub fn has_email(&self, provider: &str, same: impl Fn(&str, &str) -> bool) -> Certainty {
        let same = || self.email.as_ref().is_some_and(|(local, domain)| same(local, domain));
        self.check(provider, Fact::VerifiedEmail, same)
    }

    /// Returns the certainty with which the person has a role.
    #[must_use]
    pub fn has_role(&self, index: usize) -> Certainty {
        self.roles.get(index).copied().unwrap_or(Certainty::Unknown)
    }

    /// Compares a fact of the kind `fact` that `provider` states.
    fn check(&self, provider: &str, fact: Fact, same: impl FnOnce() -> bool) -> Certainty {
        if provider != self.facts.provider {
            Certainty::No
        } else if same() {
            Certainty::Yes
        } else if self.facts.lack(fact) {
            Certainty::Unknown
        } else {
            Certainty::No
        }
    }
}

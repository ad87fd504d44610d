//! Facts about a person, from a token and from the record of the last check.

use super::policy::AccessPolicy;
use crate::{
    access::{self, Fact, Facts},
    config::FactTerms,
    model::{CLIENT_PROVIDER, FactsRecord, Membership, Person, UnixTime, WantedFacts},
};

/// The facts about a person at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The facts.
    pub facts: Facts,
    /// The time from which they are out of date. With `None`, they do not change.
    pub valid_until: Option<UnixTime>,
    /// `true` if facts are unknown only because the last check was too long ago, and another one can succeed.
    pub are_stale: bool,
}

impl AccessPolicy {
    /// Returns the facts about `person`, with the client in use. `record` is that of the last check.
    #[must_use]
    pub fn known(
        &self,
        person: Person<'_>,
        client: Option<&str>,
        record: Option<&FactsRecord>,
        (now, terms): (UnixTime, &FactTerms),
    ) -> Known {
        let (provider, id) = person.subject.split_once(':').unwrap_or_default();
        let kind = self.providers.iter().find(|one| one.name == provider).map(|one| one.kind);
        let mut facts = Facts {
            provider: provider.to_owned(),
            id: Some(id.to_owned()),
            client: client.map(str::to_owned),
            ..Facts::default()
        };
        if client.is_none() {
            facts.unknown.push(Fact::Client);
        }
        let Some(kind) = kind else {
            // Login codes and clients have no facts but their names.
            if provider != CLIENT_PROVIDER {
                facts.login = Some(person.name.to_owned());
            }
            return Known { facts: facts.with_own_client(), valid_until: None, are_stale: false };
        };
        let is_github = kind == access::ProviderKind::Github;
        if is_github {
            facts.login = Some(person.name.to_owned());
        }
        let Some(record) = record else {
            facts.unknown.extend(changing(is_github));
            return Known { facts, valid_until: None, are_stale: false };
        };
        if is_github {
            facts.login = record.login.clone().or(facts.login);
        }
        let valid_until = terms.end_of(record);
        if valid_until <= now {
            facts.unknown.extend(changing(is_github));
            // Those of a login that cannot be checked again: the person logs in again.
            return Known { facts, valid_until: None, are_stale: record.renewable };
        }
        facts.login.clone_from(&record.login);
        facts.verified_email.clone_from(&record.email);
        match &record.groups {
            Some(groups) => facts.groups = groups.iter().cloned().collect(),
            None => facts.unknown.push(Fact::Groups),
        }
        add_memberships(&mut facts, record, self.wanted(provider));
        Known { facts, valid_until: Some(valid_until), are_stale: false }
    }
}

/// Returns the facts that a check can change. A login name of GitHub stays that of the token until then.
fn changing(is_github: bool) -> impl Iterator<Item = Fact> {
    let login = (!is_github).then_some(Fact::Login);
    [Fact::Orgs, Fact::Teams, Fact::Groups, Fact::VerifiedEmail].into_iter().chain(login)
}

/// Adds the memberships of `record`. What the policy wants by now but was not asked for is unknown.
fn add_memberships(facts: &mut Facts, record: &FactsRecord, wanted: &WantedFacts) {
    let memberships = &record.memberships;
    for (fact, answers, wanted) in [
        (Fact::Orgs, &memberships.orgs, &wanted.orgs),
        (Fact::Teams, &memberships.teams, &wanted.teams),
    ] {
        let members = answers.iter().filter(|(_, answer)| **answer == Membership::Member);
        let members = members.map(|(name, _)| name.clone()).collect();
        match fact {
            Fact::Orgs => facts.orgs = members,
            _ => facts.teams = members,
        }
        let is_unknown =
            |name: &String| answers.get(name).is_none_or(|one| *one == Membership::Unknown);
        if wanted.iter().any(is_unknown) {
            facts.unknown.push(fact);
        }
    }
}

impl Known {
    /// Returns `true` if the provider could add nothing that the policy wants to know.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.are_stale && self.facts.unknown.iter().all(|fact| *fact == Fact::Client)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Duration};

    use super::*;
    use crate::{
        access::{Document, Policy},
        config::Config,
        model::Memberships,
    };

    const TERMS: FactTerms = FactTerms {
        interval: Duration::from_mins(10),
        grace: Duration::from_hours(1),
        max_age: Duration::from_hours(24),
    };

    /// The policy `text` for GitHub and the OpenID provider `oidc`.
    fn policy(text: &str) -> AccessPolicy {
        let settings = [
            ("BASE_DOMAIN", "gw.example"),
            ("REDIS_URL", "redis://127.0.0.1/0"),
            ("SIGNING_KEY_FILE", "key.pem"),
            ("GITHUB_CLIENT_ID", "id"),
            ("GITHUB_CLIENT_SECRET", "secret"),
            ("ALLOWED_GITHUB_USERS", "*"),
            ("OIDC_ISSUER", "https://id.example"),
            ("OIDC_CLIENT_ID", "id"),
            ("OIDC_ALLOW", "*"),
        ];
        let settings: HashMap<String, String> =
            settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let config = Config::from_map(settings).unwrap();
        let known: Vec<_> =
            config.providers.iter().map(crate::config::Provider::for_policy).collect();
        let policy: Policy = Document::read(text, &known).unwrap().policy;
        AccessPolicy::new(policy, &config)
    }

    fn record(subject: &str) -> FactsRecord {
        FactsRecord {
            subject: subject.to_owned(),
            login: Some("now".to_owned()),
            email: Some("a@acme.com".to_owned()),
            groups: Some(["staff".to_owned()].into()),
            memberships: Memberships {
                orgs: [
                    ("acme".to_owned(), Membership::Member),
                    ("other".to_owned(), Membership::NotMember),
                ]
                .into(),
                teams: std::iter::empty().collect(),
            },
            checked_at: UnixTime(1_000_000),
            renewable: true,
            expires_at: UnixTime(i64::MAX),
        }
    }

    fn known(
        policy: &AccessPolicy,
        record: Option<&FactsRecord>,
        subject: &str,
        now: i64,
    ) -> Known {
        let person = Person { subject, name: "then" };
        policy.known(person, Some("app"), record, (UnixTime(now), &TERMS))
    }

    #[test]
    fn facts_are_in_force_until_the_grace_period_is_over() {
        let policy = policy("[login]\nallow = [\"group:oidc:staff\"]\n");
        let record = record("oidc:u1");
        let end = 1_000_000 + 600 + 3600;
        let fresh = known(&policy, Some(&record), "oidc:u1", end - 1);
        assert_eq!(fresh.facts.groups, ["staff"]);
        assert_eq!((fresh.valid_until, fresh.is_complete()), (Some(UnixTime(end)), true));
        assert!(policy.may_log_in(&fresh.facts));
        let stale = known(&policy, Some(&record), "oidc:u1", end);
        assert!(stale.are_stale && !stale.is_complete() && stale.facts.groups.is_empty());
        assert!(!policy.may_log_in(&stale.facts));
        // The facts of a login that cannot be checked again last for a day.
        let alone = FactsRecord { renewable: false, ..record };
        assert!(policy.may_log_in(&known(&policy, Some(&alone), "oidc:u1", 1_086_399).facts));
        let ended = known(&policy, Some(&alone), "oidc:u1", 1_086_400);
        assert!(!policy.may_log_in(&ended.facts) && !ended.are_stale && !ended.is_complete());
        let nothing = known(&policy, None, "oidc:u1", 0);
        assert!(!nothing.is_complete() && !nothing.are_stale && nothing.facts.login.is_none());
    }

    #[test]
    fn a_name_is_that_of_the_last_check_and_at_an_openid_provider_of_nothing_else() {
        let policy = policy("[login]\nallow = [\"github:now\"]\n");
        assert!(!policy.may_log_in(&known(&policy, None, "github:1", 0).facts));
        let mut record = record("github:1");
        assert!(policy.may_log_in(&known(&policy, Some(&record), "github:1", 1_000_000).facts));
        record.login = Some("other".to_owned());
        assert!(!policy.may_log_in(&known(&policy, Some(&record), "github:1", 1_000_000).facts));
        assert!(!policy.may_log_in(&known(&policy, None, "oidc:now", 0).facts));
    }

    #[test]
    fn what_was_not_asked_for_is_unknown() {
        let asked = policy("[login]\nallow = [\"org:github:acme\", \"org:github:other\"]\n");
        let record = record("github:1");
        let complete = known(&asked, Some(&record), "github:1", 1_000_000);
        assert_eq!(complete.facts.orgs, ["acme"]);
        assert!(complete.is_complete());
        let more = policy("[login]\nallow = [\"org:github:acme\", \"team:github:acme/sre\"]\n");
        let partly = known(&more, Some(&record), "github:1", 1_000_000);
        assert_eq!(partly.facts.unknown, [Fact::Teams]);
        let mut hidden = record;
        hidden.memberships.orgs.insert("other".to_owned(), Membership::Unknown);
        assert!(!known(&asked, Some(&hidden), "github:1", 1_000_000).is_complete());
    }

    #[test]
    fn nobody_of_a_provider_that_is_gone_is_let_in() {
        let policy = policy("[login]\nallow = [\"*\"]\n");
        for (subject, may_log_in) in [
            ("oidc:u1", true),
            ("local:a", true),
            ("client:x", true),
            ("okta:u1", false),
            ("", false),
        ] {
            let known = known(&policy, None, subject, 0);
            assert_eq!(policy.may_log_in(&known.facts), may_log_in, "{subject}");
        }
    }
}

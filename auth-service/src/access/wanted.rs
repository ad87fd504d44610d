//! The facts that the policy needs from each provider.

use std::collections::BTreeMap;

use super::{
    document::{Provider, ProviderKind},
    policy::Policy,
    who::{People, Who},
};
use crate::model::WantedFacts;

impl Policy {
    /// Returns the facts that the policy needs, by the name of the provider. `providers` are all that are declared.
    #[must_use]
    pub fn wanted(&self, providers: &[Provider]) -> BTreeMap<String, WantedFacts> {
        let is_oidc = |name: &str| {
            providers.iter().any(|one| one.name == name && one.kind == ProviderKind::Oidc)
        };
        let mut wanted = BTreeMap::<String, WantedFacts>::new();
        let mut of = |provider: &str, note: &dyn Fn(&mut WantedFacts)| {
            note(wanted.entry(provider.to_owned()).or_default());
        };
        for who in self.entries() {
            match &who.people {
                People::Org(provider, org) => of(provider, &|facts| {
                    facts.orgs.insert(org.to_string());
                }),
                People::Team(provider, team) => of(provider, &|facts| {
                    facts.teams.insert(team.to_string());
                }),
                People::Group(provider, _) => of(provider, &|facts| facts.groups = true),
                People::Email(provider, ..) | People::Domain(provider, _) => {
                    of(provider, &|facts| facts.email = true);
                }
                People::OfProvider(provider) if is_oidc(provider) => {
                    of(provider, &|facts| facts.account = true);
                }
                People::Login(login) if is_oidc(&login.provider) => {
                    of(&login.provider, &|facts| facts.account = true);
                }
                People::All => {
                    let oidc = providers.iter().filter(|one| one.kind == ProviderKind::Oidc);
                    oidc.for_each(|one| of(&one.name, &|facts| facts.account = true));
                }
                _ => {}
            }
        }
        wanted
    }

    /// Returns all entries that name people.
    fn entries(&self) -> impl Iterator<Item = &Who> {
        let login = self.login_allow.iter().chain(&self.login_deny);
        let roles = self.roles.members.iter().flatten();
        let of_rules = self.rules.iter().flat_map(|rule| rule.who.iter().chain(&rule.not));
        login.chain(roles).chain(of_rules)
    }
}

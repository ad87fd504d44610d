//! The policy of a gateway without `access.toml`: those on a list may log in and use every server.

use std::{collections::BTreeMap, sync::Arc};

use gateway_contract::servers::Place;

use super::{
    document::{Provider, Providers, parse_who},
    pattern::Pattern,
    policy::Policy,
    rule::{Effect, Rule},
    who::{People, Who},
};
use crate::model::CLIENT_PROVIDER;

/// The settings that say who may log in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lists<'a> {
    /// `ALLOWED_GITHUB_USERS`.
    pub github: &'a [String],
    /// `LOCAL_LOGIN`.
    pub local: bool,
    /// The name of the provider of `OIDC_ISSUER`, and `OIDC_ALLOW`.
    pub oidc: Option<(&'a Provider, &'a [String])>,
}

/// An entry of a list that admits nobody, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The variable.
    pub variable: &'static str,
    /// The reason, which names the entry.
    pub what: String,
}

/// The place of entries that are in no file.
const NOWHERE: Place = Place { line: 0, column: 0 };

/// Builds the policy of the lists. An empty list admits nobody. Returns the entries that have no meaning as well.
#[must_use]
pub fn policy_of(lists: Lists<'_>) -> (Policy, Vec<Ignored>) {
    let mut ignored = Vec::new();
    let oidc = lists.oidc.map(|(provider, _)| provider.clone());
    let providers = Providers::new(oidc.as_slice(), &[]);
    let mut login_allow = Vec::new();
    let mut add = |variable, text: String| match parse_who(&text, &providers, &BTreeMap::new()) {
        Ok(people) => login_allow.push(Who { text: text.into(), place: NOWHERE, people }),
        Err(what) => ignored.push(Ignored { variable, what }),
    };
    for entry in entries(lists.github) {
        add("ALLOWED_GITHUB_USERS", of_github(entry));
    }
    if let Some((provider, list)) = lists.oidc {
        for entry in entries(list) {
            add("OIDC_ALLOW", of_oidc(entry, &provider.name));
        }
    }
    if lists.local {
        add("LOCAL_LOGIN", "local:*".to_owned());
    }
    // The operator registered these clients and their servers.
    add("clients", format!("{CLIENT_PROVIDER}:*"));
    let rules = vec![Arc::new(everything())];
    (Policy { login_allow, rules, ..Policy::default() }, ignored)
}

fn entries(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty())
}

/// Returns an entry of `ALLOWED_GITHUB_USERS` in the form of the policy.
fn of_github(entry: &str) -> String {
    if entry.starts_with("github:") { entry.to_owned() } else { format!("github:{entry}") }
}

/// Returns an entry of `OIDC_ALLOW` in the form of the policy. There is one provider, so `group:staff` needs not
/// name it, and `*` means its people. A bare word is a login name there.
fn of_oidc(entry: &str, provider: &str) -> String {
    let is_named =
        |value: &str| value.strip_prefix(provider).is_some_and(|rest| rest.starts_with(':'));
    match entry.split_once(':') {
        None if entry == "*" => format!("{provider}:*"),
        None => format!("login:{provider}:{entry}"),
        Some((kind, value)) if kind != provider && !is_named(value) => {
            format!("{kind}:{provider}:{value}")
        }
        _ => entry.to_owned(),
    }
}

/// Returns the rule that everybody who may log in may use every server.
fn everything() -> Rule {
    let who = Who { text: "*".into(), place: NOWHERE, people: People::All };
    Rule {
        number: 1,
        place: NOWHERE,
        name: None,
        who: vec![who],
        not: Vec::new(),
        servers: vec![Pattern::new("*")],
        clients: None,
        from: None,
        until: None,
        effect: Effect::Allow { tools: None, scopes: None },
    }
}

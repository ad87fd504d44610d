//! The list `allow` of a server, which narrows the policy and never widens it.

use std::collections::BTreeMap;

use gateway_contract::servers::Place;

use super::{
    certainty::Certainty,
    document::{Provider, Providers, parse_who},
    evidence::Evidence,
    who::{Who, any_means},
};

/// The people whom the list `allow` of a server admits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing(Vec<Who>);

impl Narrowing {
    /// Parses the entries of a list, which have the form of the policy's, without roles. An entry that cannot be
    /// parsed admits nobody. Returns the messages about those as well.
    #[must_use]
    pub fn parse(entries: &[String], providers: &[Provider]) -> (Self, Vec<String>) {
        let (providers, roles) = (Providers::new(providers, &[]), BTreeMap::new());
        let (mut people, mut ignored) = (Vec::new(), Vec::new());
        let entries = entries.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty());
        for entry in entries {
            match parse_who(entry, &providers, &roles) {
                Ok(whom) => {
                    let place = Place { line: 0, column: 0 };
                    people.push(Who { text: entry.into(), place, people: whom });
                }
                Err(what) => ignored.push(what),
            }
        }
        (Self(people), ignored)
    }

    /// Returns `true` if an entry surely means the person.
    #[must_use]
    pub fn admits(&self, evidence: &Evidence<'_>) -> bool {
        any_means(&self.0, evidence) == Certainty::Yes
    }
}

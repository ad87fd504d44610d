//! The grants of a history: which operation concerned which of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::history::{Act, Entry, Id, Micros, Outcome, Tokens};

/// A grant, from the code that it begins with.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The person who gave it.
    pub person: String,
    /// The client that has it.
    pub client: Id,
    /// The times at which the consent began and ended.
    pub consent: (Micros, Micros),
    /// The entries that concern it, by index.
    pub entries: Vec<usize>,
}

/// All grants of a history.
#[derive(Debug, Default)]
pub struct Grants {
    /// The grants by their code.
    pub by_code: BTreeMap<Id, Grant>,
    /// The code that each access token and refresh token comes from.
    pub origins: HashMap<Id, Id>,
    /// The successors that were answered for each refresh token.
    pub successors: HashMap<Id, BTreeSet<Id>>,
    /// The start of the first use of each refresh token.
    pub first_uses: HashMap<Id, Micros>,
}

impl Grants {
    /// Collects the grants of `entries`, which are in the order of their ends.
    pub fn of(entries: &[Entry]) -> Self {
        let mut grants = Self::default();
        for (index, entry) in entries.iter().enumerate() {
            grants.add(index, entry);
        }
        grants
    }

    /// Returns the grant of the access token or refresh token `token`.
    pub fn grant_of(&self, token: Id) -> Option<(Id, &Grant)> {
        let code = *self.origins.get(&token)?;
        Some((code, self.by_code.get(&code)?))
    }

    fn add(&mut self, index: usize, entry: &Entry) {
        match &entry.act {
            Act::Consent { person, client, outcome: Outcome::Done(consent) } => {
                let (person, client) = (person.clone(), *client);
                let consented = (entry.began, entry.ended);
                let grant = Grant { person, client, consent: consented, entries: vec![index] };
                self.by_code.insert(consent.code, grant);
            }
            Act::Redeem(code, _, outcome) => {
                self.note(*code, index);
                self.issue(*code, outcome);
            }
            Act::Refresh(token, _, outcome) => {
                let first = self.first_uses.entry(*token).or_insert(entry.began);
                *first = entry.began.min(*first);
                let Some(code) = self.origins.get(token).copied() else { return };
                self.note(code, index);
                self.issue(code, outcome);
                if let Outcome::Done(tokens) = outcome {
                    self.successors.entry(*token).or_default().insert(tokens.refresh);
                }
            }
            Act::Call(token, ..) | Act::Stream(token) => {
                if let Some(code) = self.origins.get(token).copied() {
                    self.note(code, index);
                }
            }
            Act::Consent { .. }
            | Act::Register(_)
            | Act::Page { .. }
            | Act::Revoke(..)
            | Act::List(_) => {}
        }
    }

    fn note(&mut self, code: Id, index: usize) {
        if let Some(grant) = self.by_code.get_mut(&code) {
            grant.entries.push(index);
        }
    }

    fn issue(&mut self, code: Id, outcome: &Outcome<Tokens>) {
        if let Outcome::Done(tokens) = outcome {
            self.origins.insert(tokens.access, code);
            self.origins.insert(tokens.refresh, code);
        }
    }
}

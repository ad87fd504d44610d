//! The model: the guarantees that hold whatever fails, checked against a history.

use std::collections::{BTreeMap, HashMap};

use super::{
    endings::{self, Ending},
    grants::{Grant, Grants},
    history::{Act, Consent, Entry, Id, Micros, Outcome, Tokens},
    sessions,
    violation::{Kind, Verdict, Violation},
};

/// The longest time for which a stream may outlive its grant: the silence of the feed after which all streams end
/// (10 s), and what a busy machine needs.
pub const STREAM_END: Micros = 20_000_000;

/// Checks `entries`, which are in the order of their ends.
pub fn check(entries: &[Entry]) -> Verdict {
    let grants = Grants::of(entries);
    let mut verdict = Verdict::default();
    let mut all = BTreeMap::new();
    for (code, grant) in &grants.by_code {
        let endings = endings::of(*code, grant, &grants, entries);
        let scene = Scene { code: *code, grant, endings: &endings, entries };
        scene.check(&mut verdict);
        all.insert(*code, endings);
    }
    check_successors(&grants, entries, &mut verdict);
    check_lists(&grants, &all, entries, &mut verdict);
    sessions::check(entries, &mut verdict);
    verdict.violations.sort_by_key(|violation| violation.at);
    verdict
}

/// One grant with everything that concerns it.
struct Scene<'a> {
    code: Id,
    grant: &'a Grant,
    endings: &'a [Ending],
    entries: &'a [Entry],
}

impl Scene<'_> {
    fn check(&self, verdict: &mut Verdict) {
        let mut redeemed = 0;
        for index in &self.grant.entries {
            let entry = &self.entries[*index];
            match &entry.act {
                Act::Redeem(.., outcome) => {
                    redeemed += usize::from(outcome.done().is_some());
                    if redeemed > 1 {
                        self.violate(verdict, Kind::TwoGrants, entry, None);
                    }
                    self.check_use(verdict, entry, outcome, None);
                    let is_alone = !self.has_rival(*index);
                    if outcome.is_refused() && is_alone && !self.explains(None, entry.ended) {
                        verdict.note("codes that were lost before their redemption");
                    }
                }
                Act::Refresh(.., outcome) => {
                    self.check_use(verdict, entry, outcome, None);
                    if outcome.is_refused() && !self.explains(None, entry.ended) {
                        self.violate(verdict, Kind::LoggedOut, entry, None);
                    }
                }
                Act::Call(token, _, outcome) => {
                    self.check_use(verdict, entry, outcome, Some(*token));
                    if outcome.is_refused() && !self.explains(Some(*token), entry.ended) {
                        self.violate(verdict, Kind::GrantLost, entry, None);
                    }
                }
                Act::Stream(token) => {
                    let ends = self.endings.iter().filter_map(|end| end.certain(Some(*token)));
                    if ends.min().is_some_and(|end| entry.ended > end + STREAM_END) {
                        self.violate(verdict, Kind::StreamOutlived, entry, None);
                    }
                }
                _ => {}
            }
        }
    }

    /// Checks that nothing was accepted after a revocation had been acknowledged.
    fn check_use<T>(
        &self,
        verdict: &mut Verdict,
        entry: &Entry,
        outcome: &Outcome<T>,
        access: Option<Id>,
    ) {
        if outcome.done().is_none() {
            return;
        }
        for ending in self.endings {
            if ending.certain(access).is_some_and(|end| entry.began > end) {
                self.violate(verdict, Kind::RevokedAccepted, entry, Some(ending.entry));
            }
        }
    }

    /// Returns `true` if another redemption of the code began before the one at `index` ended.
    fn has_rival(&self, index: usize) -> bool {
        let ended = self.entries[index].ended;
        let others = self.grant.entries.iter().filter(|other| **other != index);
        others
            .map(|other| &self.entries[*other])
            .any(|other| matches!(other.act, Act::Redeem(..)) && other.began < ended)
    }

    fn explains(&self, access: Option<Id>, ended: Micros) -> bool {
        self.endings.iter().any(|ending| ending.explains(access, ended))
    }

    fn violate(&self, verdict: &mut Verdict, kind: Kind, entry: &Entry, by: Option<usize>) {
        let Self { code, grant, .. } = self;
        let mut entries = grant.entries.clone();
        entries.extend(self.endings.iter().map(|ending| ending.entry).chain(by));
        entries.sort_unstable();
        entries.dedup();
        let object =
            format!("grant of code {code:?}, {} at client {:?}", grant.person, grant.client);
        verdict.violate(Violation { kind, object, at: entry.ended, entries });
    }
}

/// Checks that each refresh token has one successor, and each successor one predecessor.
fn check_successors(grants: &Grants, entries: &[Entry], verdict: &mut Verdict) {
    let mut predecessors: HashMap<Id, Id> = HashMap::new();
    for (token, successors) in &grants.successors {
        let shared = successors
            .iter()
            .any(|next| predecessors.insert(*next, *token).is_some_and(|other| other != *token));
        if successors.len() < 2 && !shared {
            continue;
        }
        let concerns = |entry: &Entry| match &entry.act {
            Act::Refresh(used, _, outcome) => {
                used == token
                    || successors.contains(used)
                    || outcome.done().is_some_and(|tokens| successors.contains(&tokens.refresh))
            }
            _ => false,
        };
        let found = entries.iter().enumerate().filter(|(_, entry)| concerns(entry));
        let concerned: Vec<usize> = found.map(|(index, _)| index).collect();
        let at = concerned.iter().map(|index| entries[*index].ended).max().unwrap_or_default();
        let object = format!("refresh token {token:?}");
        verdict.violate(Violation { kind: Kind::TwoSuccessors, object, at, entries: concerned });
    }
}

/// Checks the operator's lists: a client has at least the grants that are certainly live, and at most those that may
/// be.
fn check_lists(
    grants: &Grants,
    endings: &BTreeMap<Id, Vec<Ending>>,
    entries: &[Entry],
    verdict: &mut Verdict,
) {
    for (at, entry) in entries.iter().enumerate() {
        let Act::List(listed) = &entry.act else { continue };
        let listed: HashMap<Id, usize> = listed.iter().copied().collect();
        let mut bounds: BTreeMap<Id, (usize, usize, Vec<usize>)> = BTreeMap::new();
        for (code, grant) in &grants.by_code {
            let redemptions = || {
                let own = grant.entries.iter().map(|index| &entries[*index]);
                own.filter_map(|entry| match &entry.act {
                    Act::Redeem(.., outcome) => Some((entry, outcome)),
                    _ => None,
                })
            };
            let ends = &endings[code];
            let is_live = redemptions()
                .any(|(redeem, outcome)| outcome.done().is_some() && redeem.ended < entry.began)
                && !ends.iter().any(|end| end.explains(None, entry.ended));
            let may_be_live = redemptions().any(|(redeem, _)| redeem.began < entry.ended)
                && !ends.iter().filter_map(|end| end.certain(None)).any(|end| end < entry.began);
            let bound = bounds.entry(grant.client).or_default();
            bound.0 += usize::from(is_live);
            bound.1 += usize::from(may_be_live);
            bound.2.extend(&grant.entries);
            bound.2.extend(ends.iter().map(|end| end.entry));
        }
        for (client, (least, most, mut concerned)) in bounds {
            let count = listed.get(&client).copied().unwrap_or(0);
            let kind = match count {
                _ if count < least => Kind::GrantLost,
                _ if count > most && most == 0 => Kind::RevokedAccepted,
                _ if count > most => Kind::TwoGrants,
                _ => continue,
            };
            concerned.push(at);
            concerned.sort_unstable();
            concerned.dedup();
            let object = format!(
                "client {client:?}, {count} grants in the list, {least} to {most} expected"
            );
            verdict.violate(Violation { kind, object, at: entry.ended, entries: concerned });
        }
    }
}

/// Returns the tokens of all answers that issued any, with the time of the answer.
pub fn issued(entries: &[Entry]) -> impl Iterator<Item = (Micros, &Tokens)> {
    entries.iter().filter_map(|entry| match &entry.act {
        Act::Redeem(.., Outcome::Done(tokens)) | Act::Refresh(.., Outcome::Done(tokens)) => {
            Some((entry.ended, tokens))
        }
        _ => None,
    })
}

/// Returns the consents that were answered with a code, with their entry.
pub fn consents(entries: &[Entry]) -> impl Iterator<Item = (&Entry, &str, &Consent)> {
    entries.iter().filter_map(|entry| match &entry.act {
        Act::Consent { person, outcome: Outcome::Done(consent), .. } => {
            Some((entry, person.as_str(), consent))
        }
        _ => None,
    })
}

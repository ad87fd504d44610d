//! The ends of grants and tokens that a history explains: revocations and replays.

use super::{
    grants::{Grant, Grants},
    history::{Act, Entry, Id, Micros, Outcome, Target},
};

/// The longest time after which a request whose answer was lost may still take effect: a pause or a blackhole of the
/// faults, and the timeouts of the programs.
pub const LATE: Micros = 15_000_000;

/// The time after which a second redemption of a code ends the grant of the first one.
pub const CODE_RETRY: Micros = 10_000_000;

/// A possible end of a grant or of one access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The earliest time at which it may have ended.
    pub from: Micros,
    /// The time at which a revocation was acknowledged that ended it for certain.
    pub acknowledged: Option<Micros>,
    /// The access token, if it alone is meant.
    pub access: Option<Id>,
    /// The entry that ends it, by index.
    pub entry: usize,
}

impl Ending {
    /// Returns `true` if this may be the reason why `access` (or, with `None`, the grant) was refused in an answer
    /// that came at `ended`.
    pub fn explains(&self, access: Option<Id>, ended: Micros) -> bool {
        self.from < ended && (self.access.is_none() || self.access == access)
    }

    /// Returns the time of the acknowledgement, if `access` (or, with `None`, the grant) has ended for certain.
    pub fn certain(&self, access: Option<Id>) -> Option<Micros> {
        self.acknowledged.filter(|_| self.access.is_none() || self.access == access)
    }
}

/// Returns the possible ends of `grant`, which begins with `code`.
pub fn of(code: Id, grant: &Grant, grants: &Grants, entries: &[Entry]) -> Vec<Ending> {
    let mut endings: Vec<Ending> = entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| revocation(index, entry, code, grant, grants))
        .collect();
    let own = grant.entries.iter().map(|index| (*index, &entries[*index]));
    let mut redeemed: Option<Micros> = None;
    for (index, entry) in own {
        let replay = match &entry.act {
            Act::Redeem(.., outcome) => {
                let first = *redeemed.get_or_insert(entry.began);
                let end = if outcome.is_unknown() { entry.ended + LATE } else { entry.ended };
                end.saturating_sub(first) > CODE_RETRY && first != entry.began
            }
            Act::Refresh(token, _, outcome) => {
                is_replay(*token, outcome.is_unknown(), entry, grants)
            }
            _ => false,
        };
        if replay {
            endings.push(Ending {
                from: entry.began,
                acknowledged: None,
                access: None,
                entry: index,
            });
        }
    }
    endings
}

/// Returns `true` if a successor of `token` may have been in use before this refresh took effect. The grant is
/// revoked then (RFC 9700 §4.14.2).
fn is_replay(token: Id, is_unknown: bool, entry: &Entry, grants: &Grants) -> bool {
    let end = if is_unknown { entry.ended + LATE } else { entry.ended };
    let successors = grants.successors.get(&token).into_iter().flatten();
    successors.filter_map(|next| grants.first_uses.get(next)).any(|began| *began < end)
}

/// Returns the end of `grant` by the revocation in `entry`, if it concerns the grant.
fn revocation(
    index: usize,
    entry: &Entry,
    code: Id,
    grant: &Grant,
    grants: &Grants,
) -> Option<Ending> {
    let Act::Revoke(target, _, outcome) = &entry.act else { return None };
    let is_unknown = !matches!(outcome, Outcome::Done(()));
    let mut access = None;
    let certain = match target {
        Target::Refresh(token) => (grants.origins.get(token) == Some(&code)).then_some(true),
        Target::Access(token) => {
            access = Some(*token);
            (grants.origins.get(token) == Some(&code)).then_some(true)
        }
        Target::Person(name) => (*name == grant.person).then(|| precedes(grant, entry)),
        Target::Client(id) => (*id == grant.client).then(|| precedes(grant, entry)),
        Target::PersonAtClient(name, id) => {
            (*name == grant.person && *id == grant.client).then(|| precedes(grant, entry))
        }
    }?;
    let end = if is_unknown { entry.ended + LATE } else { entry.ended };
    // A consent that began after the revocation had ended is not concerned.
    if grant.consent.0 > end {
        return None;
    }
    let acknowledged = (certain && !is_unknown).then_some(entry.ended);
    Some(Ending { from: entry.began, acknowledged, access, entry: index })
}

/// Returns `true` if the consent had ended before the revocation began.
fn precedes(grant: &Grant, revocation: &Entry) -> bool {
    grant.consent.1 < revocation.began
}

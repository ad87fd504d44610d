//! Browser sessions: a person who is logged in stays so.

use std::collections::HashMap;

use super::{
    endings::LATE,
    history::{Act, Entry, Id, Micros, Outcome, Target},
    model,
    violation::{Kind, Verdict, Violation},
};

/// Checks that the consent page knows the person of each session.
///
/// The login itself is not waited for on replicas. A redemption is, and with it everything that Redis wrote before:
/// from the first acknowledged redemption after the login on, a session must not be lost.
pub fn check(entries: &[Entry], verdict: &mut Verdict) {
    let mut established: HashMap<Id, (Micros, &str)> = HashMap::new();
    for (entry, person, consent) in model::consents(entries) {
        if let Some(session) = consent.session {
            established.entry(session).or_insert((entry.ended, person));
        }
    }
    for (index, entry) in entries.iter().enumerate() {
        let Act::Page { session: Some(session), outcome: Outcome::Done(false), .. } = &entry.act
        else {
            continue;
        };
        let Some((since, person)) = established.get(session) else { continue };
        if may_be_revoked(person, *since, entry.ended, entries) {
            continue;
        }
        if is_anchored(*since, entry.began, entries) {
            let object = format!("browser session {session:?} of {person}");
            let concerned = concerned(*session, index, entries);
            verdict.violate(Violation {
                kind: Kind::LoggedOut,
                object,
                at: entry.ended,
                entries: concerned,
            });
        } else {
            verdict.note("browser sessions that were lost before the first redemption");
        }
    }
}

/// Returns `true` if a redemption that began after `since` was acknowledged before `until`.
fn is_anchored(since: Micros, until: Micros, entries: &[Entry]) -> bool {
    entries.iter().any(|entry| {
        matches!(&entry.act, Act::Redeem(.., Outcome::Done(_)))
            && entry.began >= since
            && entry.ended < until
    })
}

/// Returns `true` if a revocation of everything of `person` may have ended a session of `since` before `until`.
fn may_be_revoked(person: &str, since: Micros, until: Micros, entries: &[Entry]) -> bool {
    entries.iter().any(|entry| {
        matches!(&entry.act, Act::Revoke(Target::Person(name), ..) if name == person)
            && entry.began < until
            && entry.ended + LATE > since
    })
}

fn concerned(session: Id, until: usize, entries: &[Entry]) -> Vec<usize> {
    let found = entries.iter().enumerate().take(until + 1).filter(|(_, entry)| match &entry.act {
        Act::Page { session: Some(other), .. } => *other == session,
        Act::Consent { outcome: Outcome::Done(consent), .. } => consent.session == Some(session),
        _ => false,
    });
    found.map(|(index, _)| index).collect()
}

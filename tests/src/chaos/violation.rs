//! The result of checking a history.

use std::{collections::BTreeMap, fmt};

use super::history::Micros;

/// A guarantee that the history breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A code yielded two grants.
    TwoGrants,
    /// A refresh token yielded two different successors, or two yielded the same one.
    TwoSuccessors,
    /// A token, code or grant was accepted after its revocation had been acknowledged.
    RevokedAccepted,
    /// An acknowledged grant or access token was refused although nothing had ended it.
    GrantLost,
    /// A client or a browser had to log in again although nothing had ended its login.
    LoggedOut,
    /// A stream outlived its grant.
    StreamOutlived,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoGrants => "a code yielded two grants",
            Self::TwoSuccessors => "a refresh token yielded two successors",
            Self::RevokedAccepted => "accepted after an acknowledged revocation",
            Self::GrantLost => "an acknowledged grant was lost",
            Self::LoggedOut => "logged out by a fault",
            Self::StreamOutlived => "a stream outlived its grant",
        })
    }
}

/// A broken guarantee, with the history of the object.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The guarantee.
    pub kind: Kind,
    /// The object, in words.
    pub object: String,
    /// The time of the entry that shows it.
    pub at: Micros,
    /// The entries that concern the object, by index.
    pub entries: Vec<usize>,
}

/// The result of checking a history.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The broken guarantees, at most one of each kind for an object.
    pub violations: Vec<Violation>,
    /// Observations that break no guarantee, with their number.
    pub notes: BTreeMap<&'static str, usize>,
}

impl Verdict {
    /// Adds a violation, unless the object has one of this kind.
    pub fn violate(&mut self, violation: Violation) {
        let is_same =
            |other: &&Violation| other.kind == violation.kind && other.object == violation.object;
        if !self.violations.iter().any(|other| is_same(&other)) {
            self.violations.push(violation);
        }
    }

    /// Counts an observation.
    pub fn note(&mut self, what: &'static str) {
        *self.notes.entry(what).or_default() += 1;
    }
}

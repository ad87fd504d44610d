//! The setting `AUDIT_EVENTS`: the kinds of events that are recorded.

use std::fmt;
use std::str::FromStr;

use super::EventKind;
use crate::tool_pattern::matches;

/// The kinds of events that are recorded. By default all except those that are
/// [off by default](EventKind::is_off_by_default).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter(u64);

/// An entry of `AUDIT_EVENTS` that matches no kind of event.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no event is called {}", self.0)
    }
}

impl std::error::Error for UnknownKind {}

impl Filter {
    const fn bit(kind: EventKind) -> u64 {
        1 << kind as u32
    }

    /// Returns `true` if events of `kind` are recorded. That events were lost is always recorded.
    #[must_use]
    pub const fn records(self, kind: EventKind) -> bool {
        matches!(kind, EventKind::AuditLost) || self.0 & Self::bit(kind) != 0
    }
}

impl Default for Filter {
    fn default() -> Self {
        let on = EventKind::ALL.into_iter().filter(|kind| !kind.is_off_by_default());
        Self(on.fold(0, |bits, kind| bits | Self::bit(kind)))
    }
}

/// Changes the default by comma-separated patterns of kinds: each adds what it matches, or with `-` before it leaves
/// it out. Later ones win. `*` stands for any characters.
impl FromStr for Filter {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let mut filter = Self::default();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (pattern, leaves_out) = match entry.strip_prefix('-') {
                Some(pattern) => (pattern.trim_start(), true),
                None => (entry, false),
            };
            let named = EventKind::ALL.into_iter().filter(|kind| matches(pattern, kind.as_str()));
            let bits = named.fold(0, |bits, kind| bits | Self::bit(kind));
            match (bits, leaves_out) {
                (0, _) => return Err(UnknownKind(pattern.to_owned())),
                (_, true) => filter.0 &= !bits,
                (_, false) => filter.0 |= bits,
            }
        }
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EventKind::{AccessAdmitted, AuditLost, GrantCreated, ToolCalled, ToolRefused};

    #[test]
    fn patterns_add_kinds_and_leave_them_out() {
        let filter = |text: &str| text.parse::<Filter>().unwrap();
        assert_eq!(filter(""), Filter::default());
        assert!(filter("").records(ToolCalled) && !filter("").records(AccessAdmitted));
        let changed = filter("access.admitted, -tool.called");
        assert!(changed.records(AccessAdmitted) && !changed.records(ToolCalled));
        assert!(changed.records(ToolRefused));
        let few = filter("-*,grant.*");
        assert!(few.records(GrantCreated) && !few.records(ToolRefused) && few.records(AuditLost));
        assert_eq!("tool.caled".parse::<Filter>(), Err(UnknownKind("tool.caled".to_owned())));
    }

    #[test]
    fn each_kind_has_a_bit_of_its_own() {
        let bits = EventKind::ALL.into_iter().fold(0, |bits: u64, kind| {
            assert_eq!(bits & Filter::bit(kind), 0);
            bits | Filter::bit(kind)
        });
        assert_eq!(bits.count_ones() as usize, EventKind::ALL.len());
    }
}

//! The replicas that must confirm an operation: how many, and which.
//!
//! A number alone is not enough. While Sentinel promotes a replica, the old master may still have another
//! one, which has just joined and would make up the number.

use std::collections::BTreeSet;

use super::node::Address;

/// The replicas that must confirm an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Quorum {
    /// The least number of replicas.
    pub(super) count: usize,
    /// The replicas that must be among them, by the addresses that Sentinel knows.
    pub(super) required: BTreeSet<Address>,
    /// All other replicas that Sentinel knows.
    pub(super) spared: BTreeSet<Address>,
}

impl Quorum {
    /// A number of any replicas.
    pub(super) fn any(count: usize) -> Self {
        Self { count, ..Self::default() }
    }

    /// Returns `true` if nothing must be awaited.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns `true` if `confirmed` replicas are enough, whichever they are.
    pub(super) fn is_met_by_number(&self, confirmed: usize) -> bool {
        let all =
            if self.required.is_empty() { 0 } else { self.required.len() + self.spared.len() };
        confirmed >= self.count.max(all)
    }

    /// Returns the required replicas that are not among the `confirmed` ones.
    ///
    /// The master may know replicas by other addresses than Sentinel does. Then a number of unknown ones
    /// counts as the required ones, if it is so large that they must be among them.
    pub(super) fn missing<'a>(&'a self, confirmed: &BTreeSet<Address>) -> Vec<&'a Address> {
        let lacks = |address: &&Address| !confirmed.contains(*address);
        let missing: Vec<&Address> = self.required.iter().filter(lacks).collect();
        let is_unknown = |address: &&Address| {
            !self.required.contains(*address) && !self.spared.contains(*address)
        };
        let unknown = confirmed.iter().filter(is_unknown).count();
        if unknown >= missing.len() + self.spared.difference(confirmed).count() {
            return Vec::new();
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(names: &str) -> BTreeSet<Address> {
        names.split_whitespace().map(|name| (name.to_owned(), 1)).collect()
    }

    fn quorum(required: &str, spared: &str) -> Quorum {
        let (required, spared) = (nodes(required), nodes(spared));
        Quorum { count: required.len().max(1), required, spared }
    }

    fn is_met(quorum: &Quorum, confirmed: &str) -> bool {
        quorum.missing(&nodes(confirmed)).is_empty()
    }

    #[test]
    fn a_replica_that_has_just_joined_does_not_replace_a_required_one() {
        let quorum = quorum("b", "c");
        assert!(is_met(&quorum, "b"));
        assert!(!is_met(&quorum, "c"), "b may be the next master");
        assert!(!is_met(&quorum, "d"), "a stranger may be c under another name");
    }

    #[test]
    fn unknown_names_count_if_they_must_be_the_required_replicas() {
        assert!(is_met(&quorum("b c", ""), "10.0.0.2 10.0.0.3"));
        assert!(is_met(&quorum("b c", ""), "b 10.0.0.3"));
        assert!(!is_met(&quorum("b c", ""), "10.0.0.3"));
        assert!(!is_met(&quorum("b c", ""), "b"));
        assert!(is_met(&quorum("b", "c"), "10.0.0.2 10.0.0.3"));
    }

    #[test]
    fn a_number_is_enough_only_if_it_includes_all() {
        assert!(Quorum::any(1).is_met_by_number(1));
        assert!(!Quorum::any(1).is_met_by_number(0));
        assert!(!quorum("b", "c").is_met_by_number(1));
        assert!(quorum("b", "c").is_met_by_number(2));
    }
}

//! The replicas that must have a write before it counts.
//!
//! With Sentinel, a majority of all nodes is the least. In addition, every replica counts that Sentinel
//! could promote: each one that it considers neither down nor cut off. Otherwise a write could be
//! acknowledged by one replica while Sentinel promotes another that lacks it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    node::Address,
    quorum::Quorum,
    sentinels::{Standing, Survey},
};

/// The use of a connection: it decides which replicas must confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The operation only reads. A majority confirms that this node still was the master.
    Read,
    /// The operation may write. Each replica that could be promoted must have the write.
    Write,
}

/// The replicas of the master, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Replicas {
    /// `true` if Sentinel monitors the master, so that another node can replace it.
    has_failover: bool,
    /// The number of replicas that are connected to a master without failover.
    connected: usize,
    /// The replicas that Sentinel knows.
    standings: BTreeMap<Address, Standing>,
    /// The earlier masters that do not follow the current one yet. Sentinel takes some seconds to make a
    /// node that comes back a replica.
    earlier_masters: BTreeSet<Address>,
}

impl Replicas {
    /// Notes the answer of the Sentinels.
    pub(super) fn learn(&mut self, survey: &Survey) {
        self.has_failover = true;
        if survey.is_of_majority() {
            self.standings.clone_from(&survey.replicas);
            let standings = &self.standings;
            self.earlier_masters
                .retain(|address| standings.get(address) != Some(&Standing::Follows));
        } else {
            // Too few answers to conclude that a replica is gone.
            for (address, standing) in &survey.replicas {
                let best = self.standings.entry(address.clone()).or_insert(*standing);
                *best = (*standing).max(*best);
            }
        }
    }

    /// Notes the number of replicas that are connected to the master.
    pub(super) fn meet(&mut self, connected: usize) {
        self.connected = connected;
    }

    /// Notes that `new` has replaced `old` as the master.
    pub(super) fn succeed(&mut self, old: Option<Address>, new: &Address) {
        self.standings.clear();
        self.earlier_masters.extend(old);
        self.earlier_masters.remove(new);
    }

    /// Returns the replicas that call themselves masters, without those that are known to be earlier ones.
    pub(super) fn unknown_leaders(&self) -> Vec<Address> {
        let leads = self.standings.iter().filter(|(_, standing)| **standing == Standing::Leads);
        let unknown = leads.filter(|(address, _)| !self.earlier_masters.contains(*address));
        unknown.map(|(address, _)| address.clone()).collect()
    }

    /// Notes that the node at `address` is an earlier master.
    pub(super) fn depose(&mut self, address: &Address) {
        if self.standings.get(address) == Some(&Standing::Leads) {
            self.earlier_masters.insert(address.clone());
        }
    }

    /// Returns the number of replicas that make a majority of all nodes together with the master.
    fn majority(&self) -> usize {
        let known = if self.has_failover { self.standings.len() } else { self.connected };
        known.div_ceil(2)
    }

    /// Returns the replicas that must confirm an operation. `is_current` says that the Sentinels have
    /// answered lately. Otherwise a replica that was away may be back, and is required.
    pub(super) fn quorum(&self, effect: Effect, is_current: bool) -> Quorum {
        match effect {
            Effect::Read => Quorum::any(self.needed_for_reads()),
            Effect::Write if !self.has_failover => Quorum::any(self.majority()),
            Effect::Write => {
                let could_lead = |(address, standing): &(&Address, &Standing)| match standing {
                    _ if !is_current => true,
                    Standing::Away => false,
                    Standing::Leads => !self.earlier_masters.contains(*address),
                    Standing::Follows => true,
                };
                let (required, spared): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    self.standings.iter().partition(could_lead);
                let names = |part: BTreeMap<&Address, _>| part.into_keys().cloned().collect();
                let count = self.majority().max(required.len());
                Quorum { count, required: names(required), spared: names(spared) }
            }
        }
    }

    /// Returns the number of replicas that must confirm a read. It is 0 unless another node can replace
    /// the master.
    pub(super) fn needed_for_reads(&self) -> usize {
        if self.has_failover { self.majority() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Standing::{Away, Follows, Leads},
        *,
    };

    fn node(name: &str) -> Address {
        (name.to_owned(), 1)
    }

    fn survey(replicas: &[(&str, Standing)], agreeing: usize) -> Survey {
        let replicas = replicas.iter().map(|(name, standing)| (node(name), *standing)).collect();
        Survey { master: node("a"), epoch: 1, replicas, agreeing, configured: 3, quorum: 2 }
    }

    fn with(replicas: &[(&str, Standing)]) -> Replicas {
        let mut all = Replicas::default();
        all.learn(&survey(replicas, 3));
        all
    }

    fn required(replicas: &Replicas) -> Vec<String> {
        let quorum = replicas.quorum(Effect::Write, true);
        quorum.required.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn without_replicas_nothing_is_awaited() {
        let alone = |replicas: &Replicas| {
            replicas.quorum(Effect::Read, true).is_empty()
                && replicas.quorum(Effect::Write, true).is_empty()
        };
        assert!(alone(&Replicas::default()));
        assert!(alone(&with(&[])));
    }

    #[test]
    fn without_failover_a_majority_has_each_write() {
        let mut replicas = Replicas::default();
        for (connected, needed) in [(1, 1), (2, 1), (3, 2), (4, 2), (1, 1), (0, 0)] {
            replicas.meet(connected);
            assert_eq!(replicas.quorum(Effect::Write, true), Quorum::any(needed), "{connected}");
            assert_eq!(replicas.needed_for_reads(), 0);
        }
    }

    #[test]
    fn a_replica_counts_until_a_majority_says_that_it_is_away() {
        let mut replicas = with(&[("b", Follows), ("c", Follows)]);
        assert_eq!(replicas.quorum(Effect::Write, true).count, 2);
        assert_eq!(replicas.needed_for_reads(), 1);
        replicas.learn(&survey(&[("b", Follows), ("c", Away)], 1));
        assert_eq!(required(&replicas), ["b", "c"], "a single Sentinel says so");
        replicas.learn(&survey(&[("b", Follows), ("c", Away)], 2));
        assert_eq!(required(&replicas), ["b"]);
        replicas.learn(&survey(&[("b", Away), ("c", Away)], 3));
        assert_eq!(replicas.quorum(Effect::Write, true).count, 1, "never less than a majority");
    }

    #[test]
    fn a_replica_that_is_being_promoted_counts_from_the_first_look() {
        assert_eq!(required(&with(&[("b", Leads), ("c", Follows)])), ["b", "c"]);
    }

    #[test]
    fn an_earlier_master_that_is_recognized_later_is_spared() {
        let mut replicas = with(&[("b", Follows), ("z", Leads)]);
        assert_eq!(replicas.unknown_leaders(), [node("z")]);
        replicas.depose(&node("b"));
        replicas.depose(&node("z"));
        assert_eq!((required(&replicas), replicas.unknown_leaders()), (vec!["b".into()], vec![]));
    }

    #[test]
    fn an_old_master_counts_once_it_follows() {
        let mut replicas = with(&[("b", Follows), ("c", Follows)]);
        replicas.succeed(Some(node("z")), &node("a"));
        replicas.learn(&survey(&[("b", Follows), ("z", Leads)], 3));
        assert_eq!(required(&replicas), ["b"]);
        replicas.learn(&survey(&[("b", Follows), ("z", Follows)], 3));
        assert_eq!(required(&replicas), ["b", "z"]);
        replicas.learn(&survey(&[("b", Follows), ("z", Leads)], 3));
        assert_eq!(required(&replicas), ["b", "z"], "it is being promoted again");
    }

    #[test]
    fn every_replica_counts_if_the_sentinels_do_not_answer() {
        let replicas = with(&[("b", Follows), ("c", Away)]);
        let quorum = replicas.quorum(Effect::Write, false);
        assert_eq!((quorum.count, quorum.required.len()), (2, 2));
    }
}

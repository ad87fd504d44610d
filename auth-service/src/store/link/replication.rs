//! The number of replicas that must have a write before it counts.
//!
//! With Sentinel, a majority of all nodes is the least. In addition, every replica counts that has
//! followed this master and that Sentinel considers neither down nor cut off. Otherwise a write could be
//! acknowledged by one replica while Sentinel promotes another that lacks it.

use super::sentinels::Survey;

/// The use of a connection: it decides how many replicas must confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The operation only reads. A majority confirms that this node still was the master.
    Read,
    /// The operation may write. Each replica that could be promoted must have the write.
    Write,
}

/// The replicas of the master, as far as they are known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Replicas {
    /// `true` if Sentinel monitors the master, so that another node can replace it.
    has_failover: bool,
    /// The number of replicas, including those that are down.
    known: usize,
    /// The number of replicas that Sentinel considers neither down nor cut off from the master.
    up: usize,
    /// The number of replicas that have followed the master in this term, without those that went down.
    joined: usize,
}

impl Replicas {
    /// Notes the answer of the Sentinels.
    pub(super) fn learn(&mut self, survey: &Survey) {
        self.has_failover = true;
        if survey.is_of_majority() {
            (self.known, self.up) = (survey.known, survey.up);
            // One that was down and comes back counts again once it has caught up.
            self.joined = self.joined.min(survey.up);
        } else {
            // Too few answers to conclude that a replica is gone.
            (self.known, self.up) = (self.known.max(survey.known), self.up.max(survey.up));
        }
    }

    /// Notes the number of replicas that are connected to the master.
    pub(super) fn meet(&mut self, connected: usize) {
        if self.has_failover {
            self.joined = self.joined.max(connected);
        } else {
            self.known = connected;
        }
    }

    /// Forgets which replicas have followed the master, because another node is the master now.
    pub(super) fn succeed(&mut self) {
        self.joined = 0;
    }

    /// Returns the number of replicas that make a majority of all nodes together with the master.
    pub(super) const fn majority(&self) -> usize {
        self.known.div_ceil(2)
    }

    /// Returns the number of replicas that must confirm an operation. It is 0 without replicas.
    pub(super) fn needed(&self, effect: Effect) -> usize {
        match effect {
            Effect::Read if !self.has_failover => 0,
            Effect::Write if self.has_failover => self.majority().max(self.joined.min(self.up)),
            _ => self.majority(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(known: usize, up: usize, agreeing: usize) -> Survey {
        let master = ("a".to_owned(), 1);
        Survey { master, epoch: 1, known, up, agreeing, configured: 3, quorum: 2 }
    }

    #[test]
    fn without_replicas_nothing_is_awaited() {
        let mut alone = Replicas::default();
        alone.meet(0);
        assert_eq!((alone.needed(Effect::Read), alone.needed(Effect::Write)), (0, 0));
        alone.learn(&survey(0, 0, 3));
        assert_eq!((alone.needed(Effect::Read), alone.needed(Effect::Write)), (0, 0));
    }

    #[test]
    fn without_failover_a_majority_has_each_write() {
        let mut replicas = Replicas::default();
        for (connected, needed) in [(1, 1), (2, 1), (3, 2), (4, 2), (1, 1), (0, 0)] {
            replicas.meet(connected);
            assert_eq!(replicas.needed(Effect::Write), needed, "{connected}");
            assert_eq!(replicas.needed(Effect::Read), 0);
        }
    }

    #[test]
    fn a_replica_that_left_counts_until_sentinel_says_that_it_is_down() {
        let mut replicas = Replicas::default();
        replicas.learn(&survey(2, 2, 3));
        replicas.meet(2);
        replicas.meet(1);
        assert_eq!(replicas.needed(Effect::Write), 2, "it may be the next master");
        assert_eq!(replicas.needed(Effect::Read), 1);
        replicas.learn(&survey(2, 1, 1));
        assert_eq!(replicas.needed(Effect::Write), 2, "a single Sentinel says so");
        replicas.learn(&survey(2, 1, 2));
        assert_eq!(replicas.needed(Effect::Write), 1);
        replicas.learn(&survey(2, 0, 3));
        assert_eq!(replicas.needed(Effect::Write), 1, "never less than a majority");
    }

    #[test]
    fn a_replica_that_comes_back_counts_once_it_has_caught_up() {
        let mut replicas = Replicas::default();
        replicas.learn(&survey(2, 2, 3));
        replicas.meet(2);
        replicas.learn(&survey(2, 1, 3));
        replicas.learn(&survey(2, 2, 3));
        replicas.meet(1);
        assert_eq!(replicas.needed(Effect::Write), 1);
        replicas.meet(2);
        assert_eq!(replicas.needed(Effect::Write), 2);
    }

    #[test]
    fn an_old_master_that_has_not_joined_is_not_awaited() {
        let mut replicas = Replicas::default();
        replicas.learn(&survey(2, 2, 3));
        replicas.meet(2);
        replicas.succeed();
        replicas.meet(1);
        assert_eq!(replicas.needed(Effect::Write), 1);
    }
}

//! Lanes: each injects the faults of its sequence, one after the other, until the run is over.

use std::{sync::Arc, time::Duration};

use gateway_tests::chaos::random::Random;
use tokio::{sync::RwLock, task::JoinSet};

use super::{
    inject::{inject, ready},
    plan::{Fault, Lane},
    record::{Injected, Record},
};
use crate::{names::INSTANCES, people::Gateway};

/// The longest time that Redis may take to be in order after a fault.
const SETTLE: Duration = Duration::from_secs(90);

/// The time after which each instance of auth-service knows what the sentinels know: it asks them twice a second, and
/// does not rely on an answer that is older than two seconds.
const NEWS: Duration = Duration::from_millis(2200);

/// What the lanes share.
pub struct Lanes {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// What was injected.
    pub record: Arc<Record>,
    /// Taken for reading by a fault, and for writing by one that bears no other beside it.
    alone: RwLock<()>,
    seed: u64,
}

impl Lanes {
    /// The lanes of a run.
    pub fn new(gateway: Arc<Gateway>, record: Arc<Record>, seed: u64) -> Arc<Self> {
        Arc::new(Self { gateway, record, alone: RwLock::new(()), seed })
    }

    async fn follow(self: Arc<Self>, lane: Lane) {
        let mut random = Random::of(self.seed, lane.name());
        let stack = &self.gateway.stack;
        let (is_single, clocks) = (stack.cluster.is_single, stack.clocks.len());
        loop {
            let step = lane.next(&mut random, is_single, clocks);
            tokio::time::sleep(step.gap).await;
            if lane == Lane::Data {
                if !self.settle().await {
                    continue;
                }
                if !is_single {
                    tokio::time::sleep(NEWS).await;
                }
            }
            if step.fault == Fault::RollingRestart {
                let _alone = self.alone.write().await;
                if self.settle().await && self.all_ready().await {
                    self.carry_out(step.fault, step.hold).await;
                }
            } else {
                let _beside = self.alone.read().await;
                self.carry_out(step.fault, step.hold).await;
            }
        }
    }

    async fn carry_out(&self, fault: Fault, hold: Duration) {
        let began = self.gateway.history.now();
        match inject(&self.gateway.stack, fault, hold).await {
            Ok(()) => {
                let ended = self.gateway.history.now();
                self.record.add(Injected { fault, began, ended });
            }
            // The state of the moment does not allow it, as when there is no master.
            Err(why) => eprintln!("    no {}: {why}", fault.kind()),
        }
    }

    /// Waits until Redis is in order.
    pub async fn settle(&self) -> bool {
        let settled = self.gateway.stack.cluster.settled(SETTLE).await;
        if let Err(why) = &settled {
            self.record.problem(format!("Redis is not in order after {SETTLE:?}: {why}"));
        }
        settled.is_ok()
    }

    /// Waits until all instances are ready, and Traefik has noticed.
    pub async fn all_ready(&self) -> bool {
        for number in 0..INSTANCES {
            if let Err(why) = ready(number).await {
                self.record.problem(why);
                return false;
            }
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        true
    }
}

/// Starts all lanes. They end when the set is dropped; [`Lanes::settle`] and the caller then undo what is left.
pub fn run(lanes: &Arc<Lanes>) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let mut all = vec![Lane::Data, Lane::Instances, Lane::Links];
    if !lanes.gateway.stack.cluster.is_single {
        all.push(Lane::Sentinels);
    }
    for lane in all {
        running.spawn(Arc::clone(lanes).follow(lane));
    }
    running
}

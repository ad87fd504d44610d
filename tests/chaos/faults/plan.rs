//! The plan: which faults follow each other in each lane, from the seed alone.

use std::{fmt, time::Duration};

use gateway_tests::chaos::random::Random;

use crate::names::{INSTANCES, NODES};

/// The largest shift of a clock, in seconds: less than the time in which a second redemption of a code counts as a
/// retry, which each instance measures by its own clock. `auth-service doctor` warns of more than 5.
const SHIFT: u64 = 9;

/// A Redis node by what it does at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The master.
    Master,
    /// The replica of this number.
    Replica(usize),
}

/// A trouble of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ail {
    /// It is cut and does not last.
    Cut,
    /// It is slower by this time.
    Slow(Duration),
    /// It swallows what it is given.
    Swallow,
}

/// A link of an instance of auth-service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To the Redis nodes.
    Redis,
    /// To the sentinels.
    Sentinels,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of an instance.
    KillAuth(usize),
    /// `SIGSTOP` of an instance.
    PauseAuth(usize),
    /// A restart of an instance by `SIGTERM`.
    RestartAuth(usize),
    /// A restart of one instance after the other, without another fault at that time.
    RollingRestart,
    /// A shifted clock of a program, by so many seconds.
    ShiftClock(usize, i64),
    /// `kill -9` of a node, which stays away.
    KillNode(Role),
    /// `kill -9` of a node, which comes back at once.
    CrashNode(Role),
    /// `SIGSTOP` of a node.
    PauseNode(Role),
    /// A node that nobody reaches.
    IsolateNode(Role),
    /// The master and an instance that reach each other and nobody else.
    Split(usize),
    /// `SENTINEL FAILOVER`.
    Failover,
    /// A full disk of a node.
    FillDisk(Role),
    /// A trouble of the replication of a replica.
    Replication(usize, Ail),
    /// `kill -9` of a sentinel.
    KillSentinel(usize),
    /// `SIGSTOP` of a sentinel.
    PauseSentinel(usize),
    /// A sentinel that nobody reaches.
    IsolateSentinel(usize),
    /// A trouble of a link of an instance.
    Link(usize, Side, Ail),
}

impl Fault {
    /// Returns the name that faults of this kind are counted under.
    pub fn kind(self) -> String {
        let role = |role| match role {
            Role::Master => "the master",
            Role::Replica(_) => "a replica",
        };
        match self {
            Self::KillAuth(_) => "kill -9 of auth-service".into(),
            Self::PauseAuth(_) => "pause of auth-service".into(),
            Self::RestartAuth(_) => "restart of auth-service".into(),
            Self::RollingRestart => "rolling restart".into(),
            Self::ShiftClock(..) => "shifted clock".into(),
            Self::KillNode(of) => format!("kill -9 of {}", role(of)),
            Self::CrashNode(of) => format!("crash and return of {}", role(of)),
            Self::PauseNode(of) => format!("pause of {}", role(of)),
            Self::IsolateNode(of) => format!("isolation of {}", role(of)),
            Self::Split(_) => "isolation of the master with an auth-service".into(),
            Self::Failover => "SENTINEL FAILOVER".into(),
            Self::FillDisk(of) => format!("full disk of {}", role(of)),
            Self::Replication(_, ail) => format!("replication {}", ail.word()),
            Self::KillSentinel(_) => "kill -9 of a sentinel".into(),
            Self::PauseSentinel(_) => "pause of a sentinel".into(),
            Self::IsolateSentinel(_) => "isolation of a sentinel".into(),
            Self::Link(_, side, ail) => {
                let side = match side {
                    Side::Redis => "auth-service to Redis",
                    Side::Sentinels => "auth-service to sentinels",
                };
                format!("{side} {}", ail.word())
            }
        }
    }
}

impl Ail {
    fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Slow(_) => "delayed",
            Self::Swallow => "blackholed",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A fault with its times.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The time before it.
    pub gap: Duration,
    /// The fault.
    pub fault: Fault,
    /// How long it lasts.
    pub hold: Duration,
}

/// A sequence of faults that follow each other. Lanes run at the same time; the guarantees are about the loss of one
/// node, so one lane has all faults of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Redis.
    Data,
    /// The instances of auth-service, and clocks.
    Instances,
    /// The links of the instances.
    Links,
    /// The sentinels.
    Sentinels,
}

impl Lane {
    /// Returns the name of its sequence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Instances => "instances",
            Self::Links => "links",
            Self::Sentinels => "sentinels",
        }
    }

    /// Returns the next step. `clocks` is the number of clocks that can be shifted.
    pub fn next(self, random: &mut Random, is_single: bool, clocks: usize) -> Step {
        match self {
            Self::Data if is_single => single(random),
            Self::Data => data(random),
            Self::Instances => instances(random, clocks),
            Self::Links => links(random, is_single),
            Self::Sentinels => sentinels(random),
        }
    }
}

/// Faults of Redis with replicas. A master that is away for longer than four seconds is replaced.
fn data(random: &mut Random) -> Step {
    let replica = Role::Replica(random.index(NODES - 1));
    let number = random.index(NODES - 1);
    let instance = random.index(INSTANCES);
    let ail = ail(random);
    let (fault, hold) = random.weighted(&[
        (4, (Fault::KillNode(Role::Master), (4500, 6000))),
        (3, (Fault::PauseNode(Role::Master), (4500, 6000))),
        (3, (Fault::IsolateNode(Role::Master), (4500, 6500))),
        (4, (Fault::Split(instance), (4500, 6500))),
        (8, (Fault::Failover, (1000, 1500))),
        (2, (Fault::CrashNode(Role::Master), (50, 400))),
        (2, (Fault::KillNode(replica), (500, 3000))),
        (2, (Fault::PauseNode(replica), (300, 3000))),
        (2, (Fault::IsolateNode(replica), (300, 4000))),
        (1, (Fault::CrashNode(replica), (50, 400))),
        (2, (Fault::FillDisk(Role::Master), (500, 2500))),
        (2, (Fault::FillDisk(replica), (500, 2500))),
        (4, (Fault::Replication(number, ail), (300, 3000))),
    ]);
    Step { gap: random.millis(0..400), fault, hold: random.millis(hold.0..hold.1) }
}

/// Faults of one Redis without replicas.
fn single(random: &mut Random) -> Step {
    let (fault, hold) = random.weighted(&[
        (3, (Fault::KillNode(Role::Master), (300, 3000))),
        (3, (Fault::CrashNode(Role::Master), (50, 400))),
        (3, (Fault::PauseNode(Role::Master), (300, 4000))),
        (2, (Fault::IsolateNode(Role::Master), (300, 4000))),
        (3, (Fault::FillDisk(Role::Master), (500, 2500))),
    ]);
    Step { gap: random.millis(1500..5000), fault, hold: random.millis(hold.0..hold.1) }
}

fn instances(random: &mut Random, clocks: usize) -> Step {
    let instance = random.index(INSTANCES);
    let shift = i64::try_from(random.within(2..SHIFT)).expect("a small number");
    let shift = if random.chance(50) { shift } else { -shift };
    let clock = random.index(clocks);
    let (fault, hold) = random.weighted(&[
        (8, (Fault::KillAuth(instance), (100, 2500))),
        (8, (Fault::PauseAuth(instance), (100, 3000))),
        (3, (Fault::RestartAuth(instance), (0, 1))),
        (1, (Fault::RollingRestart, (0, 1))),
        (4, (Fault::ShiftClock(clock, shift), (2000, 6000))),
    ]);
    Step { gap: random.millis(500..2500), fault, hold: random.millis(hold.0..hold.1) }
}

fn links(random: &mut Random, is_single: bool) -> Step {
    let instance = random.index(INSTANCES);
    let sentinels = if is_single { 0 } else { 2 };
    let side = random.weighted(&[(6, Side::Redis), (sentinels, Side::Sentinels)]);
    let fault = Fault::Link(instance, side, ail(random));
    Step { gap: random.millis(300..1600), fault, hold: random.millis(50..2500) }
}

fn sentinels(random: &mut Random) -> Step {
    let sentinel = random.index(NODES);
    let (fault, hold) = random.weighted(&[
        (3, (Fault::KillSentinel(sentinel), (500, 4000))),
        (2, (Fault::PauseSentinel(sentinel), (200, 1600))),
        (2, (Fault::IsolateSentinel(sentinel), (500, 4000))),
    ]);
    Step { gap: random.millis(3000..9000), fault, hold: random.millis(hold.0..hold.1) }
}

fn ail(random: &mut Random) -> Ail {
    let slow = random.millis(5..400);
    random.weighted(&[(3, Ail::Cut), (3, Ail::Slow(slow)), (3, Ail::Swallow)])
}

//! Faults in effect: each begins, lasts, and is undone.

use std::{fs::File, io::Write, path::Path, time::Duration};

use tokio::time::sleep;

use super::plan::{Ail, Fault, Role, Side};
use crate::{
    cluster::ask,
    names::{INSTANCES, MASTER_SET, NODES, Name},
    relay::{Links, Trouble},
    stack::Stack,
};

/// The longest time that an instance may take to be ready after its start.
const START: Duration = Duration::from_secs(60);

/// The time in which Traefik notices that an instance is ready.
const NOTICE: Duration = Duration::from_secs(2);

/// Injects `fault`, keeps it for `hold` and undoes it. Returns the reason if that cannot be done.
pub(super) async fn inject(stack: &Stack, fault: Fault, hold: Duration) -> Result<(), String> {
    match fault {
        Fault::KillAuth(number) => away(stack, Name::Auth(number), hold).await,
        Fault::PauseAuth(number) => pause(stack, Name::Auth(number), hold).await,
        Fault::RestartAuth(number) => restart(stack, number).await?,
        Fault::RollingRestart => {
            for number in 0..INSTANCES {
                restart(stack, number).await?;
                sleep(NOTICE).await;
            }
        }
        Fault::ShiftClock(number, seconds) => {
            let name = stack.clocks[number];
            stack.shift_clock(name, seconds);
            sleep(hold).await;
            stack.shift_clock(name, 0);
        }
        Fault::KillNode(role) | Fault::CrashNode(role) => {
            away(stack, node(stack, role).await?, hold).await
        }
        Fault::PauseNode(role) => pause(stack, node(stack, role).await?, hold).await,
        Fault::IsolateNode(role) => {
            let links = Links::Around(vec![node(stack, role).await?]);
            trouble(stack, links, Trouble::Blackhole, hold).await;
        }
        Fault::Split(number) => {
            let links = Links::Around(vec![node(stack, Role::Master).await?, Name::Auth(number)]);
            trouble(stack, links, Trouble::Blackhole, hold).await;
        }
        Fault::Failover => {
            failover(stack).await?;
            sleep(hold).await;
        }
        Fault::FillDisk(role) => {
            let file = stack.disk(node(stack, role).await?).join("filler");
            fill(&file).map_err(|error| error.to_string())?;
            sleep(hold).await;
            std::fs::remove_file(file).map_err(|error| error.to_string())?;
        }
        Fault::Replication(number, ail) => {
            let (master, replica) =
                (node(stack, Role::Master).await?, node(stack, Role::Replica(number)).await?);
            trouble(stack, Links::Between(replica, vec![master]), of(ail), hold).await;
        }
        Fault::KillSentinel(number) => away(stack, Name::Sentinel(number), hold).await,
        Fault::PauseSentinel(number) => pause(stack, Name::Sentinel(number), hold).await,
        Fault::IsolateSentinel(number) => {
            let links = Links::Around(vec![Name::Sentinel(number)]);
            trouble(stack, links, Trouble::Blackhole, hold).await;
        }
        Fault::Link(number, side, ail) => {
            let others = match side {
                Side::Redis => (0..NODES).map(Name::Redis).collect(),
                Side::Sentinels => (0..NODES).map(Name::Sentinel).collect(),
            };
            trouble(stack, Links::Between(Name::Auth(number), others), of(ail), hold).await;
        }
    }
    Ok(())
}

async fn away(stack: &Stack, name: Name, hold: Duration) {
    stack.fleet.kill(name);
    sleep(hold).await;
    stack.fleet.start(name);
}

async fn pause(stack: &Stack, name: Name, hold: Duration) {
    stack.fleet.pause(name);
    sleep(hold).await;
    stack.fleet.resume(name);
}

async fn trouble(stack: &Stack, links: Links, trouble: Trouble, hold: Duration) {
    let number = stack.network.impose(links, trouble);
    sleep(hold).await;
    stack.network.lift(number);
}

fn of(ail: Ail) -> Trouble {
    match ail {
        Ail::Cut => Trouble::Cut,
        Ail::Slow(time) => Trouble::Delay(time),
        Ail::Swallow => Trouble::Blackhole,
    }
}

/// Restarts an instance as a deployment does: `SIGTERM`, its end, the start, and until it is ready.
async fn restart(stack: &Stack, number: usize) -> Result<(), String> {
    let name = Name::Auth(number);
    stack.fleet.end(name).await;
    stack.fleet.start(name);
    ready(number).await
}

/// Waits until an instance is ready.
pub(super) async fn ready(number: usize) -> Result<(), String> {
    let name = Name::Auth(number);
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build();
    let http = http.map_err(|error| error.to_string())?;
    let url = format!("http://{}/ready", name.address());
    let deadline = tokio::time::Instant::now() + START;
    while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
        if tokio::time::Instant::now() > deadline {
            return Err(format!("{name} is not ready within {START:?}"));
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Returns the node that has the role now.
async fn node(stack: &Stack, role: Role) -> Result<Name, String> {
    let master = stack.cluster.master().await.ok_or("the sentinels name no master")?;
    let mut replicas = (0..NODES).filter(|node| *node != master);
    let number = match role {
        Role::Master => Some(master),
        Role::Replica(number) => replicas.nth(number),
    };
    number.map(Name::Redis).ok_or_else(|| "there is no such replica".to_owned())
}

async fn failover(stack: &Stack) -> Result<(), String> {
    let mut said = "there is no sentinel".to_owned();
    for sentinel in stack.cluster.sentinels() {
        match ask::<String>(sentinel, &["SENTINEL", "FAILOVER", MASTER_SET]).await {
            Ok(_) => return Ok(()),
            Err(error) => said = error.to_string(),
        }
    }
    Err(said)
}

/// Writes a file until its file system is full.
fn fill(file: &Path) -> std::io::Result<()> {
    let mut file = File::create(file)?;
    for size in [1 << 20, 4096, 1] {
        let block = vec![0; size];
        while file.write_all(&block).is_ok() {}
    }
    Ok(())
}

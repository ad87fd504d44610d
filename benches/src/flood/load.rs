//! Sends the flood: at a fixed offered rate, or as fast as it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::kit::Kit;
use super::shots::Vector;
use super::source::Sources;
use super::tally::Tally;

/// The most requests that wait for an answer at a fixed rate. What is offered beyond is not sent, and
/// counted as that.
const WAITING: usize = 1000;

/// All that sending takes.
pub struct Flood {
    /// What was learnt.
    pub kit: Kit,
    /// Where requests come from.
    pub sources: Sources,
    /// The kinds of requests, by turns.
    pub vectors: Vec<Vector>,
}

/// What became of a load.
pub struct Load {
    /// The answers.
    pub tally: Tally,
    /// Requests that were to be sent.
    pub offered: u64,
    /// Requests that were not sent, since too many waited for an answer.
    pub withheld: u64,
    /// How long it took.
    pub took: Duration,
}

impl Flood {
    /// Sends request `number` over `client`.
    async fn fire(&self, client: &Client, number: u64, tally: &Tally) {
        let Some(place) = self.place(number) else { return };
        let Some(vector) = self.vectors.get(place) else { return };
        let shot = (vector.aim)(&self.kit, number);
        let since = Instant::now();
        let (way, from) = (self.sources.way(), self.sources.address(number));
        let answer = shot.send(client, &self.kit, way, from).await;
        tally.note(place, &answer, since.elapsed());
        if let Ok(answer) = &answer {
            (vector.learn)(&self.kit, &shot, answer);
        }
    }

    fn place(&self, number: u64) -> Option<usize> {
        let count = u64::try_from(self.vectors.len()).ok().filter(|count| *count > 0)?;
        usize::try_from(number % count).ok()
    }
}

/// Offers `rate` requests in a second for `seconds`, each on a connection of its own, whether or not
/// earlier ones were answered. Numbers begin with `first`.
pub async fn paced(flood: &Arc<Flood>, first: u64, rate: u64, seconds: u64) -> Load {
    let tally = Arc::new(Tally::of(&flood.vectors));
    let waiting = Arc::new(Semaphore::new(WAITING));
    let (mut shots, mut withheld, offered) = (JoinSet::new(), 0, rate * seconds);
    let begun = tokio::time::Instant::now();
    for number in 0..offered {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let due = Duration::from_secs_f64(number as f64 / rate as f64);
        tokio::time::sleep_until(begun + due).await;
        while shots.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&waiting).try_acquire_owned() else {
            withheld += 1;
            continue;
        };
        let (flood, tally) = (Arc::clone(flood), Arc::clone(&tally));
        shots.spawn(async move {
            let number = first + number;
            if let Ok(client) = flood.sources.client(number) {
                flood.fire(&client, number, &tally).await;
            }
            drop(place);
        });
    }
    let took = begun.elapsed();
    while shots.join_next().await.is_some() {}
    Load { tally: only(tally, flood), offered, withheld, took }
}

/// Sends `requests` as fast as they are answered, `lanes` at a time. A connection serves as many as
/// make every address come up.
pub async fn unpaced(
    flood: &Arc<Flood>,
    first: u64,
    requests: u64,
    lanes: usize,
) -> anyhow::Result<Load> {
    let tally = Arc::new(Tally::of(&flood.vectors));
    let next = Arc::new(AtomicU64::new(0));
    let each = (requests / flood.sources.count()).max(1);
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..lanes {
        let (flood, tally, next) = (Arc::clone(flood), Arc::clone(&tally), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let from = next.fetch_add(each, Relaxed);
                if from >= requests {
                    return anyhow::Ok(());
                }
                let client = flood.sources.client(from / each)?;
                for number in from..(from + each).min(requests) {
                    flood.fire(&client, first + number, &tally).await;
                }
            }
        });
    }
    while let Some(lane) = tasks.join_next().await {
        lane.context("a lane")??;
    }
    let took = begun.elapsed();
    Ok(Load { tally: only(tally, flood), offered: requests, withheld: 0, took })
}

/// The tally, which no task holds any more.
fn only(tally: Arc<Tally>, flood: &Flood) -> Tally {
    Arc::into_inner(tally).unwrap_or_else(|| Tally::of(&flood.vectors))
}

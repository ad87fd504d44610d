//! Counters of requests, shared by all instances.

use std::time::Duration;

use super::{Error, Key, Store};
use crate::model::UnixTime;

/// A bound on how often something may happen in a window of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What is counted, and for whom: the end of the key.
    pub what: String,
    /// How often it may happen.
    pub most: u32,
    /// How long a window is.
    pub window: Duration,
}

impl Store {
    /// Counts one event against all `bounds`, in one round trip; answers how long to wait if one of
    /// them is passed. Windows begin at multiples of their length, so that every instance counts in
    /// the same one.
    pub async fn count(&self, bounds: &[Bound], now: UnixTime) -> Result<Option<Duration>, Error> {
        if bounds.is_empty() {
            return Ok(None);
        }
        let mut pipe = redis::pipe();
        for bound in bounds {
            let key = Key::Limit(&bound.what, window(bound, now)).text();
            // The counter is made with its end, so that none can be left without.
            let life = bound.window.as_secs().max(1).saturating_mul(2);
            pipe.cmd("SET").arg(&key).arg(0).arg("EX").arg(life).arg("NX").ignore();
            pipe.cmd("INCR").arg(&key);
        }
        let counts: Vec<u64> = pipe.query_async(&mut self.hot.clone()).await?;
        let passed = bounds.iter().zip(counts).filter(|(bound, count)| *count > bound.most.into());
        Ok(passed.map(|(bound, _)| left(bound, now)).max())
    }
}

/// The number of the window that `now` is in.
fn window(bound: &Bound, now: UnixTime) -> i64 {
    now.0.div_euclid(seconds(bound))
}

/// How long until the next window.
fn left(bound: &Bound, now: UnixTime) -> Duration {
    let past = now.0.rem_euclid(seconds(bound));
    bound.window.saturating_sub(Duration::from_secs(past.unsigned_abs()))
}

fn seconds(bound: &Bound) -> i64 {
    i64::try_from(bound.window.as_secs()).unwrap_or(i64::MAX).max(1)
}

//! Counters for rate limits, shared by all instances, in a fixed amount of memory.
//!
//! Each kind of counter has one count–min sketch (Cormode and Muthukrishnan, 2005) per window. A
//! sketch has four rows of 32,768 counters in one string of 512 KiB, however many addresses there
//! are. A subject increments one counter of each row, and its count is the minimum of the four. It
//! is never too low. It is too high only if other subjects share all four counters: with 10,000
//! subjects in a window, for one in 200.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::{Counters, Error, Key};
use crate::model::UnixTime;

/// The number of rows of a sketch.
const ROWS: usize = 4;

/// The number of counters in a row.
const WIDTH: u32 = 32_768;

/// Counts one event in a sketch, and returns the count. Works even when the memory of Redis is full,
/// because a rate limit that cannot be counted would stop everything behind it.
const COUNT: &str = "#!lua flags=allow-oom
local least
for row = 1, 4 do
    local cell = '#' .. ARGV[row]
    local answer = redis.call('BITFIELD', KEYS[1], 'OVERFLOW', 'SAT', 'INCRBY', 'u32', cell, 1)
    if not least or answer[1] < least then least = answer[1] end
end
if least == 1 then redis.call('EXPIRE', KEYS[1], ARGV[5], 'NX') end
return least
";

/// A rate limit: the maximum number of events per window of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The kind of counter, which is part of the key.
    pub kind: &'static str,
    /// The subject of the count, as a keyed hash. An attacker cannot search for subjects that share
    /// the counters of a victim.
    pub subject: [u8; 32],
    /// The maximum number of events in a window.
    pub most: u32,
    /// The length of a window.
    pub window: Duration,
}

impl Counters {
    /// Counts one event against all `bounds` in one round trip. Returns the time to wait if a bound
    /// is exceeded. Windows start at multiples of their length, so that all instances count in the
    /// same one.
    pub async fn count(&self, bounds: &[Bound], now: UnixTime) -> Result<Option<Duration>, Error> {
        let counts = self.counts(bounds, now).await?;
        let passed = bounds.iter().zip(counts).filter(|(bound, count)| *count > bound.most.into());
        Ok(passed.map(|(bound, _)| left(bound, now)).max())
    }

    /// Counts one event against each of `bounds` and returns the counts.
    pub async fn counts(&self, bounds: &[Bound], now: UnixTime) -> Result<Vec<u64>, Error> {
        // A script for each sketch, because they are in different hash slots. They share the connection,
        // and thus a round trip.
        let counts = bounds.iter().map(async |bound| {
            let script = redis::Script::new(COUNT);
            let mut call = script.prepare_invoke();
            call.key(Key::Limit(bound.kind, window(bound, now)).text());
            for cell in cells(bound) {
                call.arg(cell);
            }
            call.arg(bound.window.as_secs().max(1).saturating_mul(2));
            call.invoke_async(&mut self.records.hot.clone()).await
        });
        Ok(try_join_all(counts).await?)
    }
}

/// Returns the indexes of the counters of a subject, one in each row.
fn cells(bound: &Bound) -> [u32; ROWS] {
    let mut cells = [0; ROWS];
    for ((row, cell), bytes) in (0..).zip(&mut cells).zip(bound.subject.chunks_exact(4)) {
        let random = bytes.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        *cell = row * WIDTH + random % WIDTH;
    }
    cells
}

/// Returns the number of the window that contains `now`.
fn window(bound: &Bound, now: UnixTime) -> i64 {
    now.0.div_euclid(seconds(bound))
}

/// Returns the time until the next window starts.
fn left(bound: &Bound, now: UnixTime) -> Duration {
    let past = now.0.rem_euclid(seconds(bound));
    bound.window.saturating_sub(Duration::from_secs(past.unsigned_abs()))
}

fn seconds(bound: &Bound) -> i64 {
    i64::try_from(bound.window.as_secs()).unwrap_or(i64::MAX).max(1)
}

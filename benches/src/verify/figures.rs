//! What is measured of each row, over the rounds.

use std::collections::BTreeMap;

use super::contender::Row;
use crate::stats::median;

/// Connections at once.
pub const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// One thing measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Requests per second.
    Rate(usize),
    /// Milliseconds.
    P50(usize),
    /// Milliseconds.
    P99(usize),
    /// Microseconds of processor time per request, of the service.
    Cpu(usize),
    /// The same, of Redis.
    RedisCpu(usize),
    /// The same, of Traefik.
    TraefikCpu(usize),
    /// The same, of the server behind Traefik.
    BackendCpu(usize),
    /// Megabytes in use before the first request.
    Idle,
    /// Megabytes in use after the load.
    Loaded,
    /// Megabytes in use after every token of the list.
    Cached,
    /// Milliseconds from the start to the first connection accepted.
    Listening,
    /// Milliseconds from the start to the first answer.
    Answering,
    /// Answers other than 200, and failures.
    Errors,
}

/// The figures of all rounds.
#[derive(Clone, Debug, Default)]
pub struct Figures(BTreeMap<(Row, Figure), Vec<f64>>);

impl Figures {
    /// Adds one.
    pub fn add(&mut self, row: Row, figure: Figure, value: f64) {
        self.0.entry((row, figure)).or_default().push(value);
    }

    /// The median of the rounds; of errors, the sum.
    #[must_use]
    pub fn get(&self, row: Row, figure: Figure) -> Option<f64> {
        let values = self.0.get(&(row, figure))?;
        if figure == Figure::Errors { Some(values.iter().sum()) } else { median(values) }
    }

    /// The median of how often `other` goes into `one` in each round: what the machine was doing
    /// besides, both have had to bear.
    #[must_use]
    pub fn ratio(&self, one: Row, other: Row, figure: Figure) -> Option<f64> {
        let (one, other) = (self.0.get(&(one, figure))?, self.0.get(&(other, figure))?);
        let ratios: Vec<f64> = one.iter().zip(other).map(|(one, other)| one / other).collect();
        median(&ratios)
    }
}

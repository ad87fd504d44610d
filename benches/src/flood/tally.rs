//! The answers to the flood, counted for each kind of request.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::shot::Answer;
use super::shots::Vector;
use crate::stats::millis;

/// The answers to one kind of request.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// How often each status came.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub lost: u64,
    /// Why the latest of those had none.
    pub why: Option<String>,
    /// How long each answer took, in milliseconds.
    pub times: Vec<f64>,
}

impl Row {
    /// The number of requests.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.lost + self.statuses.values().sum::<u64>()
    }
}

/// All answers, in the order of the vectors.
pub struct Tally(Vec<Mutex<Row>>);

impl Tally {
    /// An empty one for `vectors`.
    #[must_use]
    pub fn of(vectors: &[Vector]) -> Self {
        Self(vectors.iter().map(|_| Mutex::default()).collect())
    }

    /// Counts what became of a request of the vector at `place`.
    pub fn note(&self, place: usize, answer: &reqwest::Result<Answer>, took: Duration) {
        let Some(row) = self.0.get(place) else { return };
        let mut row = row.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(answer) => {
                *row.statuses.entry(answer.status).or_default() += 1;
                row.times.push(millis(took));
            }
            Err(error) => {
                row.lost += 1;
                // What is outermost has the whole URL.
                row.why = error.source().map(chain);
            }
        }
    }

    /// The counts.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let row = |row: &Mutex<Row>| row.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.0.iter().map(row).collect()
    }
}

/// An error with its causes.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.extend([": ", &next.to_string()]);
        cause = next.source();
    }
    text
}

//! Recently ended grants and tokens, for requests that the gateway admitted just before.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The retention time, longer than the validity of a signed identity.
const KEPT: Duration = Duration::from_mins(2);

/// The maximum number of hashes to keep; beyond it, the oldest is evicted.
const MOST: usize = 65_536;

/// The hashes of recently ended grants and tokens.
#[derive(Default)]
pub(super) struct Ended {
    hashes: HashSet<Arc<str>>,
    by_age: VecDeque<(Instant, Arc<str>)>,
}

impl Ended {
    pub(super) fn has(&self, hash: &str) -> bool {
        self.hashes.contains(hash)
    }

    pub(super) fn add(&mut self, hash: &str) {
        if self.has(hash) {
            return;
        }
        let is_over = |(since, _): &(Instant, Arc<str>)| since.elapsed() > KEPT;
        while self.by_age.len() >= MOST || self.by_age.front().is_some_and(is_over) {
            let Some((_, oldest)) = self.by_age.pop_front() else { break };
            self.hashes.remove(&oldest);
        }
        let hash: Arc<str> = hash.into();
        self.hashes.insert(Arc::clone(&hash));
        self.by_age.push_back((Instant::now(), hash));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_are_kept() {
        let mut ended = Ended::default();
        for number in 0..=MOST {
            ended.add(&number.to_string());
            ended.add(&number.to_string());
        }
        assert_eq!(ended.by_age.len(), MOST);
        assert_eq!(ended.hashes.len(), MOST);
        assert!(!ended.has("0") && ended.has("1") && ended.has(&MOST.to_string()));
    }
}

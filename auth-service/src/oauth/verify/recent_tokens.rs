//! Tokens of the latest requests that came before, as they were sent. A client sends the same one again
//! and again, and to compare it takes a tenth of the time to hash it.

use std::sync::{Arc, Mutex};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::seen_token::SeenToken;

/// The most that are kept, each in one place: a prime, over which the ends of signatures are spread.
const PLACES: u64 = 61;

/// See the module.
pub(in crate::oauth) struct RecentTokens(Vec<Mutex<Option<Recent>>>);

struct Recent {
    token: Box<[u8]>,
    seen: Arc<SeenToken>,
}

impl Default for RecentTokens {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Mutex::default()).collect())
    }
}

impl RecentTokens {
    /// What is known of `token`, if it is one of them. Nobody waits here: whoever finds the place taken
    /// hashes the token.
    pub(in crate::oauth) fn get(&self, token: &[u8]) -> Option<Arc<SeenToken>> {
        let place = self.place(token)?.try_lock().ok()?;
        let recent = place.as_ref()?;
        // The time it takes must not tell how much of somebody's token was guessed.
        verify_slices_are_equal(&recent.token, token).ok()?;
        Some(Arc::clone(&recent.seen))
    }

    /// Keeps `token`, in the place of an earlier one.
    pub(in crate::oauth) fn put(&self, token: &[u8], seen: &Arc<SeenToken>) {
        if let Some(Ok(mut place)) = self.place(token).map(Mutex::try_lock) {
            *place = Some(Recent { token: token.into(), seen: Arc::clone(seen) });
        }
    }

    fn place(&self, token: &[u8]) -> Option<&Mutex<Option<Recent>>> {
        let end = u64::from_le_bytes(*token.last_chunk()?);
        self.0.get(usize::try_from(end % PLACES).ok()?)
    }
}

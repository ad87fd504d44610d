//! First-level cache of raw tokens.
//!
//! A client sends the same token repeatedly, and comparing a token is ten times faster than hashing
//! it.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use parking_lot::Mutex;

use super::cached_token::CachedToken;

/// The number of cache slots. A prime distributes the last bytes of signatures evenly.
const PLACES: u64 = 61;

/// First-level cache, a direct-mapped table with one token per slot.
pub(in crate::oauth) struct FirstLevel(Vec<Mutex<Option<Recent>>>);

struct Recent {
    token: Box<[u8]>,
    entry: Arc<CachedToken>,
}

impl Default for FirstLevel {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Mutex::default()).collect())
    }
}

impl FirstLevel {
    /// Returns the cached entry of `token`.
    ///
    /// Returns `None` if another thread holds the lock of the slot. Falling back to the hash is faster
    /// than waiting.
    pub(in crate::oauth) fn get(&self, token: &[u8]) -> Option<Arc<CachedToken>> {
        let place = self.place(token)?.try_lock()?;
        let recent = place.as_ref()?;
        // Constant time, so that the duration does not reveal a correctly guessed prefix of a token.
        verify_slices_are_equal(&recent.token, token).ok()?;
        Some(Arc::clone(&recent.entry))
    }

    /// Caches `token`, and evicts the earlier token in its slot.
    pub(in crate::oauth) fn put(&self, token: &[u8], entry: &Arc<CachedToken>) {
        if let Some(mut place) = self.place(token).and_then(Mutex::try_lock) {
            *place = Some(Recent { token: token.into(), entry: Arc::clone(entry) });
        }
    }

    fn place(&self, token: &[u8]) -> Option<&Mutex<Option<Recent>>> {
        let end = u64::from_le_bytes(*token.last_chunk()?);
        self.0.get(usize::try_from(end % PLACES).ok()?)
    }
}

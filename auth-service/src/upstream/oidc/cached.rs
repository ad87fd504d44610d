//! A document of a provider that is fetched when it is needed, by one caller at a time.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Mutex as Turn;

use super::error::OidcError;
use crate::model::UnixTime;

/// The minimum interval between attempts after a failure. Anonymous requests cause the attempts.
const RETRY: Duration = Duration::from_secs(10);
/// The minimum interval between fetches of a document that is still fresh. Forged tokens with
/// invented key ids cause them.
const REFETCH: Duration = Duration::from_mins(1);

/// The lifetimes of a document.
pub(super) struct Lifetimes {
    /// The minimum and the maximum time until the document is fetched again.
    pub(super) fresh: (Duration, Duration),
    /// The time that a stale document remains usable while fetching it again fails.
    pub(super) stale: Duration,
}

/// A fetched value with the lifetime that its answer stated.
pub(super) type Fetched<T> = (T, Duration);

/// A cache of one document.
pub(super) struct Cached<T> {
    /// The name of the document in the log.
    name: String,
    lifetimes: Lifetimes,
    state: Mutex<State<T>>,
    /// Held by the caller that fetches.
    turn: Turn<()>,
}

struct State<T> {
    kept: Option<Kept<T>>,
    failed: Option<(UnixTime, OidcError)>,
}

struct Kept<T> {
    value: Arc<T>,
    fetched_at: UnixTime,
    fresh_until: UnixTime,
}

impl<T> Cached<T> {
    pub(super) fn new(name: String, lifetimes: Lifetimes) -> Self {
        let state = Mutex::new(State { kept: None, failed: None });
        Self { name, lifetimes, state, turn: Turn::default() }
    }

    /// Returns the document, and fetches it if it is missing or stale.
    pub(super) async fn current(
        &self,
        now: UnixTime,
        fetch: impl Future<Output = Result<Fetched<T>, OidcError>>,
    ) -> Result<Arc<T>, OidcError> {
        if let Some(value) = self.fresh(now) {
            return Ok(value);
        }
        // While one caller fetches, the others use the stale document.
        let _turn = match (self.turn.try_lock(), self.usable(now)) {
            (Ok(turn), _) => turn,
            (Err(_), Some(value)) => return Ok(value),
            (Err(_), None) => self.turn.lock().await,
        };
        if let Some(value) = self.fresh(now) {
            return Ok(value);
        }
        if let Some(error) = self.failed_recently(now) {
            return self.usable(now).ok_or(error);
        }
        self.fetch(now, fetch).await
    }

    /// Fetches the document again because `seen` lacks something. Returns `None` if there is no
    /// newer one, or if the last fetch is less than a minute old.
    pub(super) async fn newer(
        &self,
        seen: &Arc<T>,
        now: UnixTime,
        fetch: impl Future<Output = Result<Fetched<T>, OidcError>>,
    ) -> Option<Arc<T>> {
        let _turn = self.turn.lock().await;
        {
            let state = self.state.lock();
            let kept = state.kept.as_ref()?;
            if !Arc::ptr_eq(&kept.value, seen) {
                return Some(Arc::clone(&kept.value));
            }
            let failed = state.failed.as_ref().map(|(at, _)| *at);
            let last = failed.map_or(kept.fetched_at, |at| at.max(kept.fetched_at));
            if now < last.plus(REFETCH) {
                return None;
            }
        }
        self.fetch(now, fetch).await.ok().filter(|value| !Arc::ptr_eq(value, seen))
    }

    async fn fetch(
        &self,
        now: UnixTime,
        fetch: impl Future<Output = Result<Fetched<T>, OidcError>>,
    ) -> Result<Arc<T>, OidcError> {
        match fetch.await {
            Ok((value, keep)) => {
                let value = Arc::new(value);
                let (least, most) = self.lifetimes.fresh;
                let fresh_until = now.plus(keep.clamp(least, most));
                let kept = Kept { value: Arc::clone(&value), fetched_at: now, fresh_until };
                *self.state.lock() = State { kept: Some(kept), failed: None };
                Ok(value)
            }
            Err(error) => {
                log::warn!("{} not fetched: {error}", self.name);
                self.state.lock().failed = Some((now, error.clone()));
                self.usable(now).ok_or(error)
            }
        }
    }

    fn fresh(&self, now: UnixTime) -> Option<Arc<T>> {
        let state = self.state.lock();
        let kept = state.kept.as_ref().filter(|kept| now < kept.fresh_until)?;
        Some(Arc::clone(&kept.value))
    }

    /// Returns the document if it is fresh or may be used while stale. A stale document does not hide
    /// a fault that the operator must correct.
    fn usable(&self, now: UnixTime) -> Option<Arc<T>> {
        let state = self.state.lock();
        let fault = state
            .failed
            .as_ref()
            .is_some_and(|(_, error)| !matches!(error, OidcError::Unavailable(_)));
        let usable = |kept: &&Kept<T>| now < kept.fresh_until.plus(self.lifetimes.stale);
        let kept = state.kept.as_ref().filter(usable).filter(|_| !fault)?;
        Some(Arc::clone(&kept.value))
    }

    fn failed_recently(&self, now: UnixTime) -> Option<OidcError> {
        let state = self.state.lock();
        let (at, error) = state.failed.as_ref()?;
        (now < at.plus(RETRY)).then(|| error.clone())
    }
}

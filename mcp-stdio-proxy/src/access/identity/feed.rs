//! The gateway's feed of ended grants: resumed from its last position, with a lease that expires when the
//! feed is silent.

use std::sync::Arc;
use std::time::Duration;

use gateway_contract::backoff::Backoff;
use gateway_contract::chain::Chain;
use reqwest::Url;
use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::fetch::{self, Fetcher};
use crate::access::grants::Grants;
use crate::clock::now_ms;

/// The delays between failed attempts, much shorter than a lease.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
/// The minimum interval between requests to a feed that has nothing new and does not long-poll.
const TURN: Duration = Duration::from_millis(250);
/// The minimum and the maximum interval for checking whether the lease has expired.
const LOOK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error("the answer is not that of a feed of ended grants")]
    Json(#[from] serde_json::Error),
}

/// A response of the feed.
#[derive(Deserialize)]
struct News {
    /// `true` if ended grants may have been missed.
    reset: bool,
    ended: Vec<Box<str>>,
    /// The position to resume from.
    after: String,
}

/// The follower of the feed.
pub(super) struct Feed {
    url: Url,
    fetcher: Fetcher,
    grants: Arc<Grants>,
}

impl Feed {
    pub(super) fn new(url: Url, fetcher: Fetcher, grants: Arc<Grants>) -> Self {
        Self { url, fetcher, grants }
    }

    /// Reads the feed and ends everything that depends on ended grants. Never returns.
    pub(super) async fn follow(&self, end_revoked: impl Fn()) {
        let (mut after, mut backoff, mut failing) = (None, BACKOFF, false);
        loop {
            let (started, asked) = (Instant::now(), now_ms());
            match self.ask(after.as_deref()).await {
                Ok(news) => {
                    if failing {
                        log::info!("the feed of ended grants is read again");
                    }
                    backoff.reset();
                    failing = false;
                    // The first response is complete; nothing can have been missed before it.
                    let missed = news.reset && after.is_some();
                    let is_quiet = news.ended.is_empty();
                    self.take(&news, missed, &end_revoked);
                    self.grants.lease().renew(asked);
                    after = Some(news.after);
                    if is_quiet {
                        sleep_until(started + TURN).await;
                    }
                }
                Err(error) => {
                    if !failing {
                        log::warn!("the feed of ended grants cannot be read: {}", Chain(&error));
                    }
                    failing = true;
                    sleep(backoff.delay()).await;
                }
            }
        }
    }

    fn take(&self, news: &News, missed: bool, end_revoked: impl Fn()) {
        let in_use = self.grants.end(&news.ended);
        if missed {
            log::warn!(
                "revocations may have been missed; all earlier requests and streams are ended"
            );
            self.grants.lease().reset();
        }
        if in_use || missed {
            end_revoked();
        }
    }

    /// Ends requests when the feed has been silent for too long. Never returns.
    pub(super) async fn watch(&self, end_revoked: impl Fn()) {
        let lease = self.grants.lease();
        let turn = (lease.length() / 20).clamp(LOOK.0, LOOK.1);
        let mut was_lost = false;
        loop {
            sleep(turn).await;
            let is_lost = lease.is_lost();
            if is_lost {
                if !was_lost {
                    let seconds = lease.length().as_secs();
                    log::error!(
                        "no word of ended grants for {seconds} s from {}: no request or stream goes on \
                         for longer than that",
                        self.url
                    );
                }
                end_revoked();
            }
            was_lost = is_lost;
        }
    }

    async fn ask(&self, after: Option<&str>) -> Result<News, Error> {
        let mut url = self.url.clone();
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", after);
        }
        Ok(serde_json::from_slice(&self.fetcher.fetch(url).await?)?)
    }
}

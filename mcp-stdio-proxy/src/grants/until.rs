//! The end of a stream that its client can open again: with the grant, with the access token, or when the
//! feed has been silent for too long.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Select, select};
use jsonwebtoken::get_current_timestamp;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{Admission, Lease};

/// A stream ends at the latest after this time, so that `/verify` decides again: access tokens may live for
/// a year, and who may use a server changes.
const LONGEST: Duration = Duration::from_hours(1);

/// A stream whose access token has ended by our clock, which may be ahead, lives this long: its client would
/// open it again and again as long as the gateway lets it in.
const SHORTEST: Duration = Duration::from_secs(5);

type Cancelled = Pin<Box<WaitForCancellationFutureOwned>>;

/// See the module.
pub struct Until {
    revoked: Select<Cancelled, Cancelled>,
    lease: Arc<Lease>,
    at: u64,
    /// When the access token ends.
    end: Instant,
    timer: Pin<Box<Sleep>>,
    is_over: bool,
}

impl Until {
    pub(super) fn of(admission: &Admission) -> Self {
        let access = &admission.access;
        let left = access.ends.map_or(LONGEST, |end| {
            Duration::from_secs(end.saturating_sub(get_current_timestamp()))
        });
        let revoked = Box::pin(access.ended.clone().cancelled_owned());
        let reset = Box::pin(access.lease.epoch().cancelled_owned());
        Self {
            revoked: select(revoked, reset),
            lease: Arc::clone(&access.lease),
            at: admission.at,
            end: Instant::now() + if left.is_zero() { SHORTEST } else { left.min(LONGEST) },
            timer: Box::pin(sleep(Duration::ZERO)),
            is_over: false,
        }
    }

    /// Ready when the stream has to end.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.is_over = self.is_over || Pin::new(&mut self.revoked).poll(cx).is_ready();
        while !self.is_over && self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            match self.lease.left(self.at) {
                Some(left) if now < self.end => {
                    self.timer.as_mut().reset((now + left).min(self.end));
                }
                _ => self.is_over = true,
            }
        }
        if self.is_over { Poll::Ready(()) } else { Poll::Pending }
    }
}

//! The end of an open stream: with its grant, with its access token, or when the feed has been silent for too
//! long.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Select, select};
use jsonwebtoken::get_current_timestamp;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{Admission, Lease};

/// The maximum duration of a stream that can be reopened, so that `/verify` decides again. Access tokens may
/// be valid for a year, and permissions change.
const LONGEST: Duration = Duration::from_hours(1);

/// The minimum duration of a stream, even if its access token has expired by our clock, which may be ahead.
/// Otherwise its client would reopen it in a loop as long as the gateway admits it.
const SHORTEST: Duration = Duration::from_secs(5);

/// The time that the client of a revoked call has to read the error.
const GRACE: Duration = Duration::from_millis(500);

type Cancelled = Pin<Box<WaitForCancellationFutureOwned>>;

/// The end of a stream, to be polled with it.
pub struct Until {
    /// Resolves when the access ends; `None` afterwards.
    revoked: Option<Select<Cancelled, Cancelled>>,
    lease: Arc<Lease>,
    at: u64,
    /// The expiry of the access token, if the stream ends with it.
    end: Option<Instant>,
    /// The time for which the stream stays open after the end.
    grace: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Admission {
    /// Returns the end of a stream that a client can reopen.
    #[must_use]
    pub fn until(&self) -> Until {
        Until::of_stream(self)
    }

    /// Returns the end of a stream with the response to a call, which may outlive the access token.
    #[must_use]
    pub fn until_answered(&self) -> Until {
        Until::of_call(self)
    }
}

impl Until {
    fn of_stream(admission: &Admission) -> Self {
        let left = admission.access.ends.map_or(LONGEST, |end| {
            Duration::from_secs(end.saturating_sub(get_current_timestamp()))
        });
        let left = if left.is_zero() { SHORTEST } else { left.min(LONGEST) };
        Self::new(admission, Some(Instant::now() + left), Duration::ZERO)
    }

    fn of_call(admission: &Admission) -> Self {
        Self::new(admission, None, GRACE)
    }

    fn new(admission: &Admission, end: Option<Instant>, grace: Duration) -> Self {
        let access = &admission.access;
        let revoked = Box::pin(access.ended.clone().cancelled_owned());
        let reset = Box::pin(access.lease.epoch().cancelled_owned());
        Self {
            revoked: Some(select(revoked, reset)),
            lease: Arc::clone(&access.lease),
            at: admission.at,
            end,
            grace,
            timer: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// Returns `Ready` when the stream has to end.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.revoked.as_mut().is_some_and(|revoked| Pin::new(revoked).poll(cx).is_ready()) {
            self.is_over();
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.revoked.is_none() {
                return Poll::Ready(());
            }
            let now = Instant::now();
            match self.lease.left(self.at) {
                Some(left) if self.end.is_none_or(|end| now < end) => {
                    let next = now + left;
                    self.timer.as_mut().reset(self.end.map_or(next, |end| next.min(end)));
                }
                _ => self.is_over(),
            }
        }
        Poll::Pending
    }

    fn is_over(&mut self) {
        self.revoked = None;
        self.timer.as_mut().reset(Instant::now() + self.grace);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Waker;

    use super::super::{Grants, Rests};
    use super::*;

    #[tokio::test]
    async fn a_stream_ends_at_once_and_a_call_when_its_error_can_be_read() {
        let grants = Grants::new(Duration::from_hours(1));
        let ends = Some(get_current_timestamp() + 60);
        let access = grants.access(&Rests { grant: "g", token: Some("t"), ends }).unwrap();
        let admission = Admission::now(&access);
        let (mut stream, mut call) = (admission.until(), admission.until_answered());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(stream.poll(&mut cx).is_pending() && call.poll(&mut cx).is_pending());
        grants.end(&["g".into()]);
        poll_fn(|cx| stream.poll(cx)).await;
        assert!(call.poll(&mut cx).is_pending());
        poll_fn(|cx| call.poll(cx)).await;
        assert!(stream.poll(&mut cx).is_ready() && call.poll(&mut cx).is_ready());
    }

    #[tokio::test]
    async fn a_reset_and_a_lost_lease_end_a_stream() {
        let access = |lease| {
            let grants = Grants::new(lease);
            let rests = Rests { grant: "g", token: None, ends: None };
            (grants.access(&rests).unwrap(), grants)
        };
        let (lasting, grants) = access(Duration::from_hours(1));
        let mut stream = Admission::now(&lasting).until();
        assert!(stream.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        grants.lease().reset();
        poll_fn(|cx| stream.poll(cx)).await;
        let (short, _) = access(Duration::from_millis(20));
        let mut stream = Admission::now(&short).until();
        poll_fn(|cx| stream.poll(cx)).await;
    }
}

//! Server-sent events of a stream, with ids to resume after and comments to keep the connection open
//! (Streamable HTTP, "Resumability and Redelivery").

use std::any::Any;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use tokio::time::{Instant, Interval, interval_at};

use super::answer::next_piece;
use crate::access::grants::Until;
use crate::messages::payload::Payload;
use crate::messages::stream::Reader;

/// The size below which an event is sent as one chunk.
const SMALL: usize = 16 << 10;

/// Responds with the events of `reader`, a resumable stream, until it ends or `until` is reached.
pub(super) fn response(
    reader: Reader,
    priming: bool,
    beat: Duration,
    until: Option<Until>,
) -> HttpResponse {
    let first = match reader.name().filter(|_| priming) {
        // "The server SHOULD immediately send an SSE event consisting of an event ID and an empty data field
        // in order to prime the client to reconnect".
        Some(name) => format!("id: {name}-0\nretry: 1000\ndata: \n\n").into(),
        // Something must be sent immediately, since the client would not see otherwise that the stream is
        // open.
        None => Bytes::from_static(b": open\n\n"),
    };
    let ready = VecDeque::from([first]);
    respond(Events { reader, ready, large: None, beats: beats(beat), until, whole: None })
}

/// Responds with the events of `reader`, in a revision in which "resumable SSE streams via `Last-Event-ID`
/// are not supported". `whole` is dropped with the stream.
pub(super) fn once(
    reader: Reader,
    beat: Duration,
    until: Option<Until>,
    whole: Box<dyn Any>,
) -> HttpResponse {
    let ready = VecDeque::from([Bytes::from_static(b": open\n\n")]);
    respond(Events { reader, ready, large: None, beats: beats(beat), until, whole: Some(whole) })
}

/// Responds with a stream without events. It has no event id, so a client cannot resume it.
pub(super) fn empty() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
        .body(": cancelled\n\n")
}

fn beats(beat: Duration) -> Interval {
    interval_at(Instant::now() + beat, beat)
}

fn respond(events: Events) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"))
        .body(events)
}

struct Events {
    reader: Reader,
    ready: VecDeque<Bytes>,
    /// The remainder of an event that is sent in chunks.
    large: Option<Payload>,
    beats: Interval,
    /// The time at which the stream has to end, even if messages are pending.
    until: Option<Until>,
    /// A guard that is dropped with a stream that cannot be resumed.
    whole: Option<Box<dyn Any>>,
}

impl Events {
    fn take(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.ready.pop_front() {
            return Some(bytes);
        }
        let large = self.large.as_mut()?;
        let piece = next_piece(large);
        if piece.is_none() {
            self.large = None;
            return Some(Bytes::from_static(b"\n\n"));
        }
        piece
    }

    fn put(&mut self, seq: u64, payload: Payload) {
        let head = match self.reader.name().filter(|_| self.whole.is_none()) {
            Some(name) => format!("id: {name}-{seq}\nevent: message\ndata: "),
            None => "event: message\ndata: ".to_owned(),
        };
        if payload.len() < SMALL {
            let data = payload.to_bytes();
            self.ready.push_back(Bytes::from([head.as_bytes(), &data, b"\n\n"].concat()));
        } else {
            self.ready.push_back(head.into());
            self.large = Some(payload);
        }
    }
}

impl MessageBody for Events {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.until.as_mut().is_some_and(|until| until.poll(cx).is_ready()) {
            return Poll::Ready(None);
        }
        if let Some(bytes) = self.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        match self.reader.poll_next(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some((seq, payload))) => {
                self.put(seq, payload);
                return Poll::Ready(self.take().map(Ok));
            }
            Poll::Pending => {}
        }
        // A failed write also reveals that the client has disconnected.
        self.beats.poll_tick(cx).map(|_| Some(Ok(Bytes::from_static(b": keep-alive\n\n"))))
    }
}

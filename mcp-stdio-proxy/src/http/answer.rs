//! Responses with a single JSON document. A large one is sent in chunks to avoid a second copy in memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

use crate::messages::payload::Payload;

/// The maximum size of a chunk.
pub(super) const PIECE: usize = 64 << 10;

/// Returns the response with `payload`.
pub(super) fn json(payload: Payload) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type("application/json");
    if payload.len() <= PIECE {
        return response.body(payload.to_bytes());
    }
    response.body(Pieces { length: payload.len(), rest: payload })
}

/// A body of known length, sent in chunks.
struct Pieces {
    length: usize,
    rest: Payload,
}

/// Removes the next chunk from a payload.
pub(super) fn next_piece(payload: &mut Payload) -> Option<Bytes> {
    let part = payload.0.iter_mut().find(|part| !part.is_empty())?;
    Some(part.split_to(PIECE.min(part.len())))
}

impl MessageBody for Pieces {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(next_piece(&mut self.rest).map(Ok))
    }
}
